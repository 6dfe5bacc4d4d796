// Text for people: the scope table of `run`, upstream's text report, memory and hint reports.
#pragma once

#include <string>
#include <vector>

#include "isa/graph.h"
#include "traces/summary.h"
#include "traces/timeline.h"

namespace traces {

/// One row per scope and a total: kind, tasks, blocks, busy, exec mean and max, span, head, main
/// pipe and its share of busy, GM moved, over-fetch, L2 hit rate, main wait.
std::string scope_table(const Summary& summary);

/// Below the table: one line per group of scopes that ran, then module wall, module busy, cores
/// busy on average and whether the cost of profiling is included.
std::string totals_text(const Summary& summary);

/// Upstream's text report (runtime.md §3.8), one row per function. Level 1 has no scheduler
/// columns. Here head = start - dispatch, whatever ran before (the converter's definition).
std::string swimlane_report(const Timeline& timeline, const isa::TaskGraph& graph, int level = 4);

/// Use of one memory by one scope.
struct MemoryLine {
  struct Tile {
    std::string site, shape;
    int64_t addr = 0, bytes = 0;
  };
  std::string scope, core, space;
  int64_t peak_bytes = 0, limit_bytes = 0;
  std::vector<Tile> live_at_peak;
};
/// report/memory_after_AllocateMemoryAddr.txt.
std::string memory_report(const std::vector<MemoryLine>& lines);

struct HintLine {
  std::string id, scope, site, message;
};
/// report/perf_hints.log: one line per hint, "[PH001] scope (site): message".
std::string hint_log(const std::vector<HintLine>& hints);

}  // namespace traces
