// Every file of a run's output folder (design.md §6), in one call.
#pragma once

#include <string>
#include <vector>

#include "isa/graph.h"
#include "traces/chrome.h"
#include "traces/folder.h"
#include "traces/report.h"
#include "traces/summary.h"
#include "traces/swimlane.h"
#include "traces/timeline.h"

namespace traces {

struct RunFilesOptions {
  RecordsOptions records;
  bool gzip_trace = false;  ///< merged_swimlane_*.json.gz instead of .json
  bool pictures = true;     ///< swimlane.svg and viewer.html
  bool swimlane = true;     ///< records, name map, merged trace, report and pictures
  bool deps = true;         ///< deps.json
  bool pmu = true;          ///< pmu.csv
  double clock_mhz = 0;     ///< core clock, for pmu.csv
  /// Folders, with a slash at their end: of records and traces, and of everything else ("" = top).
  std::string dfx = "dfx_outputs/", rest = "";
};

/// Writes dfx_outputs/{chip_swimlane_records.json, deps.json, name_map_<program>.json,
/// merged_swimlane_<program>.json, pmu.csv}, report/{memory_after_AllocateMemoryAddr.txt,
/// perf_hints.log, swimlane_report.txt}, summary.json and the pictures. Does not commit.
void write_run_files(OutputFolder& folder, const Timeline& timeline, const isa::TaskGraph& graph,
                     const Summary& summary, const std::vector<MemoryLine>& memory,
                     const std::vector<HintLine>& hints, const RunFilesOptions& options);

}  // namespace traces
