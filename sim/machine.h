// The machine: replays a task graph in simulated time.
#pragma once

#include <vector>

#include "chips/chip.h"
#include "isa/graph.h"
#include "traces/timeline.h"

namespace sim {

struct Options {
  bool observer_effect = false;  ///< add the cost of swimlane profiling to every task (0.5 us)
  int level = 4;                 ///< 1-4: detail of timing records (runtime.md §3)
  bool instructions = false;     ///< also record every instruction
  bool simulate_idle_polls =
      false;  ///< run idle scheduler iterations one by one: slow, same result
};

/// Replays `graph` on `chip`. Deterministic; one simulation at a time per process.
/// Errors: "sim.deadlock" (who waits for what), "sim.flow-control-deadlock",
/// "sim.heap-ring-deadlock", "sim.dep-pool-overflow", "sim.sync-start" (more blocks than cores),
/// "sim.no-core" (no kernel for the task's kind), "sim.bad-graph" (ids that do not fit together).
traces::Timeline replay(const isa::TaskGraph& graph, const chips::Chip& chip,
                        const Options& options = {});

/// The value a flag (an INT32 of a rank's copy of a symmetric window) starts with.
struct FlagStart {
  int32_t window = isa::GmBuffer::kNoWindow;
  int64_t byte = 0;
  int32_t value = 0;
};

/// The same for the programs of all ranks of a world, `graphs[r]` that of rank r, each on a chip of
/// its own, with one clock. One timeline per rank. Flags start at zero, or with `flags[r]` (by
/// rank). Further errors: "sim.bad-graph" when a graph is not that of its rank; "sim.deadlock"
/// names the ranks.
std::vector<traces::Timeline> replay_ranks(const std::vector<const isa::TaskGraph*>& graphs,
                                           const chips::Chip& chip, const Options& options = {},
                                           const std::vector<std::vector<FlagStart>>& flags = {});

}  // namespace sim
