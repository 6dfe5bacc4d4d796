// Files that stand beside the swimlane records: task dependencies, names, counters.
#pragma once

#include <string>

#include "isa/graph.h"
#include "traces/sink.h"
#include "traces/timeline.h"

namespace traces {

/// deps.json (runtime.md §3.5): tasks, tensors and edges; 64-bit values as strings.
void write_deps_json(const isa::TaskGraph& graph, const Sink& sink);
std::string deps_json(const isa::TaskGraph& graph);

/// name_map_<program>.json (runtime.md §3.6).
std::string name_map_json(const isa::TaskGraph& graph);

/// Counters of event group 2, pipe utilisation, under the names of one chip family.
enum class PmuColumns : uint8_t { A2a3, A5 };
PmuColumns pmu_columns(const std::string& chip);

/// pmu.csv (runtime.md §3.10): one row per dispatched lane, busy time of each pipe in core cycles
/// of `clock_mhz` (rounded to the nearest). The instruction cache is not modelled: its columns are
/// 0.
std::string pmu_csv(const Timeline& timeline, const isa::TaskGraph& graph, double clock_mhz,
                    PmuColumns columns);

}  // namespace traces
