// What a run leaves behind: the output folder and the text on the terminal.
#pragma once

#include <string>
#include <vector>

#include "apps/run.h"
#include "traces/folder.h"
#include "traces/run_files.h"

namespace app {

struct OutputOptions {
  std::string records_format = "2026-08";
  bool gzip = false;
  bool swimlane = true, deps = true, pmu = true;  ///< groups of files
  std::string dfx = "dfx_outputs/", rest = "";    ///< folders, see traces::RunFilesOptions
};

/// Writes every file of `result` into `folder` (not committed).
void write_result(traces::OutputFolder& folder, const RunResult& result, const RunRequest& request,
                  const OutputOptions& options);

/// The files of all ranks of a world: those of rank r in dfx_outputs/rank<r>/d<dispatch>/ (as the
/// runtime does, runtime.md §6.5) and in next_levels/rank<r>/ (of later dispatches _d<dispatch>);
/// the summary of the rank that ends last also on top.
void write_rank_results(traces::OutputFolder& folder, const std::vector<RunResult>& results,
                        const RunRequest& request, const OutputOptions& options, int dispatch = 0);

/// "golden PASS (seed 1)" with a line per output, diagnostics and hazards.
std::string verdict_text(const RunResult& result, const RunRequest& request);

}  // namespace app
