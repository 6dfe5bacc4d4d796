// What a run leaves behind: the output folder and the text on the terminal.
#pragma once

#include <string>

#include "apps/run.h"
#include "traces/folder.h"
#include "traces/run_files.h"

namespace app {

struct OutputOptions {
  std::string records_format = "2026-08";
  bool gzip = false;
  bool swimlane = true, deps = true, pmu = true;  ///< groups of files
};

/// Writes every file of `result` into `folder` (not committed).
void write_result(traces::OutputFolder& folder, const RunResult& result, const RunRequest& request,
                  const OutputOptions& options);

/// "golden PASS (seed 1)" with a line per output, diagnostics and hazards.
std::string verdict_text(const RunResult& result, const RunRequest& request);

}  // namespace app
