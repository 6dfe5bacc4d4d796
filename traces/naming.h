// How tasks, cores and functions are called in every file we write.
#pragma once

#include <string>
#include <vector>

#include "isa/graph.h"
#include "traces/timeline.h"

namespace traces {

/// Ring of a task: one per scope depth, the deepest shared (runtime.md §1.4).
int ring_of(const isa::Task& task);

/// Upstream's 64-bit task id: ring in the upper word, a number unique in the run in the lower.
/// We count over all rings (upstream: per ring), so ids are unique even without the ring.
uint64_t task_token(const isa::TaskGraph& graph, isa::TaskId task);

/// "r1t5": short name of a task in labels.
std::string task_label(const isa::TaskGraph& graph, isa::TaskId task);

/// "AIC_3", "AIV_24" (number = core id).
std::string core_label(isa::CoreKind kind, isa::CoreId core);

/// Name of a function, the scope's name if the graph has none for it.
const std::string& function_name(const isa::TaskGraph& graph, const LaneRow& row);

/// A lane whose stream holds instructions. The second AIV lane of a mixed block that has nothing to
/// do is dispatched too, but it is not work.
inline bool has_work(const LaneRow& row) { return row.instructions > 0; }

/// Scopes in order of first submission and the scope of each task (-1: a dummy task).
struct ScopeIndex {
  std::vector<std::string> names;
  std::vector<int> of_task;

  explicit ScopeIndex(const isa::TaskGraph& graph);
};

/// Start of the picture: the first submit or dispatch, whichever is earlier.
Picoseconds time_zero(const Timeline& timeline);

/// Refuses rows whose task or core does not exist or whose times run backwards
/// (dispatch <= receive <= start <= end <= finish). Error "traces.timeline".
void check_timeline(const Timeline& timeline, const isa::TaskGraph& graph);

}  // namespace traces
