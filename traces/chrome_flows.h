// The arrows of the Chrome trace.
#pragma once

#include <vector>

#include "isa/graph.h"
#include "traces/chrome_events.h"
#include "traces/timeline.h"

namespace traces {

/// Where the rows of a timeline ended up; indices are those of the timeline's tables.
struct ChromeSlices {
  std::vector<ChromeSlice> worker, scheduler;  ///< by lane row
  std::vector<ChromeSlice> phases, submits;
};

struct TaskNeighbours {
  std::vector<isa::TaskId> preds, succs;
};

/// Writes, in this order: dependency (or hb_violation) in both core views, complete, dispatch to
/// both views, submit->dispatch (runtime.md §3.7).
void write_flows(const Timeline& timeline, const isa::TaskGraph& graph, const ChromeSlices& slices,
                 const std::vector<TaskNeighbours>& neighbours, ChromeEvents& events);

}  // namespace traces
