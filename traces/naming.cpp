#include "traces/naming.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "isa/error.h"

namespace traces {

int ring_of(const isa::Task& task) { return std::min(task.scope_depth, 3); }

uint64_t task_token(const isa::TaskGraph& graph, isa::TaskId task) {
  return static_cast<uint64_t>(ring_of(graph.task(task))) << 32 | task.value;
}

std::string task_label(const isa::TaskGraph& graph, isa::TaskId task) {
  return fmt::format("r{}t{}", ring_of(graph.task(task)), task.value);
}

std::string core_label(isa::CoreKind kind, isa::CoreId core) {
  return fmt::format("{}_{}", isa::name(kind), core.value);
}

const std::string& function_name(const isa::TaskGraph& graph, const LaneRow& row) {
  if (row.func.valid() && row.func.value < graph.func_names.size())
    return graph.func_names[row.func.value];
  return graph.task(row.task).name;
}

ScopeIndex::ScopeIndex(const isa::TaskGraph& graph) {
  std::map<std::string, int> index_of;
  for (const isa::Task& task : graph.tasks) {
    if (task.kind == isa::TaskKind::Dummy) {
      of_task.push_back(-1);
      continue;
    }
    const auto [it, is_new] = index_of.try_emplace(task.name, static_cast<int>(names.size()));
    if (is_new) names.push_back(task.name);
    of_task.push_back(it->second);
  }
}

Picoseconds time_zero(const Timeline& timeline) {
  std::optional<Picoseconds> first;
  for (const LaneRow& row : timeline.lanes)
    first = first ? std::min(*first, row.dispatch) : row.dispatch;
  for (const SubmitRow& row : timeline.submits)
    first = first ? std::min(*first, row.start) : row.start;
  return first.value_or(Picoseconds(0));
}

void check_timeline(const Timeline& timeline, const isa::TaskGraph& graph) {
  const size_t cores = timeline.meta.core_kinds.size();
  for (size_t i = 0; i < timeline.lanes.size(); ++i) {
    const LaneRow& row = timeline.lanes[i];
    auto fail = [&](const std::string& what) {
      throw isa::Error("traces.timeline", fmt::format("lane row {}", i), what);
    };
    if (!row.task.valid() || row.task.value >= graph.tasks.size())
      fail(fmt::format("task {} does not exist, the program has {}", row.task.value,
                       graph.tasks.size()));
    if (!row.core.valid() || row.core.value >= cores)
      fail(fmt::format("core {} does not exist, the chip has {}", row.core.value, cores));
    if (row.dispatch.value < 0)
      fail(fmt::format("dispatched at {} ps, before the start of time", row.dispatch.value));
    if (row.receive < row.dispatch || row.start < row.receive || row.end < row.start ||
        row.finish < row.end)
      fail(fmt::format("times run backwards: dispatch {} receive {} start {} end {} finish {} ps",
                       row.dispatch.value, row.receive.value, row.start.value, row.end.value,
                       row.finish.value));
  }
}

}  // namespace traces
