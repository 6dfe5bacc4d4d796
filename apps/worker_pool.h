// Runs independent jobs in child processes: a crash of one point of a sweep is one failed row.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace app {

/// What a job left: the text it returned, or why it did not (`error`).
struct JobOutcome {
  bool ok = false;
  std::string text;
  std::string error;
};

/// Runs `jobs[i]()` in forked processes, at most `processes` at a time, and returns the outcomes in
/// job order. An isa::Error or std::exception becomes `error` (its one line), a signal
/// "crashed (signal 11)". Call while the process has a single thread. `finished(n)` is called after
/// each completed job. Once `stop()` is true, jobs that run get SIGTERM and no other starts; theirs
/// are outcomes with an error.
std::vector<JobOutcome> run_in_processes(const std::vector<std::function<std::string()>>& jobs,
                                         int processes,
                                         const std::function<void(int)>& finished = nullptr,
                                         const std::function<bool()>& stop = nullptr);

}  // namespace app
