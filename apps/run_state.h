// One execution of a Python program file at one commit, and what it leaves.
#pragma once

#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include "traces/summary.h"

namespace app {

/// What to run.
struct RunState {
  std::string commit;
  std::string file;               ///< path inside the checkout
  std::vector<std::string> args;  ///< of the file

  friend bool operator<(const RunState& a, const RunState& b) {
    return std::tie(a.commit, a.file, a.args) < std::tie(b.commit, b.file, b.args);
  }
  friend bool operator==(const RunState& a, const RunState& b) { return !(a < b) && !(b < a); }
};

/// One program that ran on one chip.
struct Execution {
  std::string program;
  int rank = 0, ranks = 1;
  traces::Summary summary;
};

/// What a state left. With executions and an error, the file failed after they ran (its golden).
struct RunOutcome {
  std::vector<Execution> executions;  ///< in order of their ends
  std::string error;                  ///< first error line of the file, "" = it ended well
};

/// Runs states; outcomes in the order of `states`. Tests put their own here.
using Runner = std::function<std::vector<RunOutcome>(const std::vector<RunState>& states)>;

/// The files of a checkout.
class SourceTree {
 public:
  virtual ~SourceTree() = default;
  virtual bool has_commit(const std::string& commit) const = 0;
  /// The file's text; false if the commit has no such file.
  virtual bool read(const std::string& commit, const std::string& file,
                    std::string& text) const = 0;
};

}  // namespace app
