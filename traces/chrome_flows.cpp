#include "traces/chrome_flows.h"

#include <algorithm>
#include <map>
#include <optional>

#include "traces/naming.h"

namespace traces {
namespace {

/// Rows of a task that arrows attach to, and when it ran as a whole.
struct TaskRows {
  std::vector<size_t> anchors;  ///< earliest row of each function
  std::optional<size_t> first_dispatched;
  Picoseconds first_start, last_end;
};

std::vector<TaskRows> collect(const Timeline& tl, const isa::TaskGraph& graph) {
  std::vector<TaskRows> tasks(graph.tasks.size());
  for (size_t i = 0; i < tl.lanes.size(); ++i) {  // sorted by start
    const LaneRow& row = tl.lanes[i];
    if (!has_work(row)) continue;
    TaskRows& task = tasks[row.task.value];
    const bool known = std::any_of(task.anchors.begin(), task.anchors.end(),
                                   [&](size_t a) { return tl.lanes[a].func == row.func; });
    if (!task.first_dispatched) task.first_start = row.start;
    if (!known) task.anchors.push_back(i);
    if (!task.first_dispatched || row.dispatch < tl.lanes[*task.first_dispatched].dispatch)
      task.first_dispatched = i;
    task.last_end = std::max(task.last_end, row.end);
  }
  return tasks;
}

/// Finds the phase of some kinds that covers a time on a scheduler thread.
class PhaseIndex {
 public:
  PhaseIndex(const Timeline& tl, std::vector<std::string> kinds) : tl_(tl) {
    for (size_t i = 0; i < tl.phases.size(); ++i)
      if (std::find(kinds.begin(), kinds.end(), tl.phases[i].kind) != kinds.end())
        by_thread_[tl.phases[i].thread].push_back(i);  // sorted by (thread, start)
  }

  std::optional<size_t> covering(int thread, Picoseconds t) const {
    const auto list = by_thread_.find(thread);
    if (list == by_thread_.end()) return std::nullopt;
    const auto after = std::upper_bound(
        list->second.begin(), list->second.end(), t,
        [&](Picoseconds time, size_t phase) { return time < tl_.phases[phase].start; });
    if (after == list->second.begin()) return std::nullopt;
    const size_t candidate = *(after - 1);
    if (tl_.phases[candidate].end < t) return std::nullopt;
    return candidate;
  }

 private:
  const Timeline& tl_;
  std::map<int, std::vector<size_t>> by_thread_;
};

int thread_of(const Timeline& tl, isa::CoreId core) {
  const std::vector<int32_t>& table = tl.meta.core_to_thread;
  return core.value < table.size() ? table[core.value] : -1;
}

}  // namespace

void write_flows(const Timeline& tl, const isa::TaskGraph& graph, const ChromeSlices& slices,
                 const std::vector<TaskNeighbours>& neighbours, ChromeEvents& events) {
  const std::vector<TaskRows> tasks = collect(tl, graph);
  const PhaseIndex completes(tl, {"complete"});
  const PhaseIndex dispatches(tl, {"dispatch", "early_dispatch", "drain"});

  for (size_t succ = 0; succ < neighbours.size(); ++succ)
    for (isa::TaskId pred : neighbours[succ].preds) {
      const TaskRows &from = tasks[pred.value], &to = tasks[succ];
      const char* arrow = from.last_end > to.first_start ? "hb_violation" : "dependency";
      const std::string args =
          fmt::format("\"input_task_count\":{},\"output_task_count\":{}",
                      neighbours[succ].preds.size(), neighbours[pred.value].succs.size());
      for (size_t a : from.anchors)
        for (size_t b : to.anchors) {
          const LaneRow &p = tl.lanes[a], &s = tl.lanes[b];
          events.arrow(arrow, slices.worker[a], whole_ns(p.end), slices.worker[b],
                       whole_ns(s.start), args);
          events.arrow(arrow, slices.scheduler[a], whole_ns(p.finish), slices.scheduler[b],
                       whole_ns(s.dispatch), args);
        }
    }

  for (size_t i = 0; i < tl.lanes.size(); ++i) {
    const LaneRow& row = tl.lanes[i];
    const int thread = thread_of(tl, row.core);
    if (const auto bar = completes.covering(thread, row.finish))
      events.arrow("complete", slices.worker[i], whole_ns(row.end), slices.phases[*bar],
                   whole_ns(row.finish));
    if (const auto bar = dispatches.covering(thread, row.dispatch)) {
      events.arrow("dispatch", slices.phases[*bar], whole_ns(row.dispatch), slices.worker[i],
                   whole_ns(row.receive));
      events.arrow("dispatch", slices.phases[*bar], whole_ns(row.dispatch), slices.scheduler[i],
                   whole_ns(row.dispatch));
    }
  }

  for (size_t i = 0; i < tl.submits.size(); ++i) {
    const TaskRows& task = tasks[tl.submits[i].task.value];
    if (!task.first_dispatched) continue;
    const LaneRow& row = tl.lanes[*task.first_dispatched];
    if (const auto bar = dispatches.covering(thread_of(tl, row.core), row.dispatch))
      events.arrow("submit->dispatch", slices.submits[i], whole_ns(tl.submits[i].end),
                   slices.phases[*bar], whole_ns(row.dispatch));
  }
}

}  // namespace traces
