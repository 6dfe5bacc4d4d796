// Hand-made task graphs and a chip with round runtime costs, so that expected times can be added up
// in the head.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "chips/chip.h"
#include "isa/graph.h"
#include "sim/machine.h"
#include "traces/timeline.h"

namespace rt {

using isa::TaskId;
using isa::TaskKind;

/// A chip of `clusters` clusters and `threads` schedulers. All costs in ns: submit 1000, poll 100,
/// post 10, loop 100, propagate 100, head 200, visible 500, switch 50, resolve 400 + 100 per
/// consumer, dispatch 300, complete 200, read 500, dummy 300, alloc 100, bodies 1000.
inline chips::Chip chip(int clusters, int threads, std::vector<std::string> more = {}) {
  std::vector<std::string> o = {"soc.aic=" + std::to_string(clusters),
                                "soc.aiv=" + std::to_string(2 * clusters),
                                "soc.aicpu_schedulers=" + std::to_string(threads),
                                "runtime.submit=1000",
                                "runtime.submit_user=0",
                                "runtime.lookup_per_arg=0",
                                "runtime.alloc=100",
                                "runtime.poll_core=100",
                                "runtime.post_core=10",
                                "runtime.idle_loop=100",
                                "runtime.propagate=100",
                                "runtime.head_warm=200",
                                "runtime.head_cold=200",
                                "runtime.head_cold_spread=0",
                                "runtime.fin_visible=500",
                                "runtime.task_switch=50",
                                "runtime.resolve_base=400",
                                "runtime.resolve_per_consumer=100",
                                "runtime.dispatch_task=300",
                                "runtime.complete_task=200",
                                "runtime.orchestration_read=500",
                                "runtime.dummy=300",
                                "runtime.startup=0",
                                "task.body_aiv_ns=1000",
                                "task.body_aic_ns=1000"};
  o.insert(o.end(), more.begin(), more.end());
  return chips::load_chip("a2a3", "", o);
}

/// Builds a graph statement by statement, like an orchestration function.
class Program {
 public:
  isa::TaskGraph graph;

  Program() {
    graph.program = "test";
    graph.func_names = {"cube", "vector"};
    graph.func_kinds = {isa::CoreKind::AIC, isa::CoreKind::AIV};
  }

  TaskId aic(int blocks = 1, std::vector<TaskId> after = {}) {
    return add(TaskKind::AIC, blocks, after);
  }
  TaskId aiv(int blocks = 1, std::vector<TaskId> after = {}) {
    return add(TaskKind::AIV, blocks, after);
  }
  TaskId mix(int blocks = 1, std::vector<TaskId> after = {}) {
    return add(TaskKind::MIX, blocks, after);
  }
  TaskId dummy(std::vector<TaskId> after = {}) { return add(TaskKind::Dummy, 1, after); }

  isa::Task& task(TaskId id) { return graph.tasks[id.value]; }
  void depend(TaskId pred, TaskId succ, isa::EdgeSource source = isa::EdgeSource::TensorMap) {
    isa::TaskEdge edge;
    edge.pred = pred;
    edge.succ = succ;
    edge.source = source;
    graph.edges.push_back(edge);
  }

  void scope_begin() { step(isa::OrchStep::Kind::ScopeBegin); }
  void scope_end() { step(isa::OrchStep::Kind::ScopeEnd); }
  isa::BufferId alloc(int64_t bytes) {
    isa::OrchStep& s = step(isa::OrchStep::Kind::Alloc);
    s.heap_bytes = bytes;
    s.buffer = isa::BufferId(static_cast<uint32_t>(graph.buffers.size()));
    isa::GmBuffer buffer;
    buffer.name = "temp";
    buffer.bytes = bytes;
    graph.buffers.push_back(buffer);
    return graph.orchestration.back().buffer;
  }
  void read(std::vector<TaskId> producers) { step(isa::OrchStep::Kind::Read).waits = producers; }

 private:
  isa::OrchStep& step(isa::OrchStep::Kind kind) {
    graph.orchestration.emplace_back();
    graph.orchestration.back().kind = kind;
    return graph.orchestration.back();
  }

  TaskId add(TaskKind kind, int blocks, const std::vector<TaskId>& after) {
    const TaskId id(static_cast<uint32_t>(graph.tasks.size()));
    isa::Task t;
    t.name = "task" + std::to_string(id.value);
    t.kind = kind;
    t.block_num = blocks;
    if (kind == TaskKind::AIC || kind == TaskKind::MIX) t.func[0] = isa::FuncId(0);
    if (kind == TaskKind::AIV || kind == TaskKind::MIX) t.func[1] = isa::FuncId(1);
    if (kind == TaskKind::MIX) t.func[2] = isa::FuncId(1);
    if (kind != TaskKind::Dummy) t.blocks.resize(static_cast<size_t>(blocks));
    graph.tasks.push_back(t);
    for (const TaskId p : after) depend(p, id);
    step(isa::OrchStep::Kind::Submit).task = id;
    return id;
  }
};

/// Rows of one task, ordered by (block, lane).
inline std::vector<traces::LaneRow> rows_of(const traces::Timeline& t, TaskId id) {
  std::vector<traces::LaneRow> rows;
  for (const traces::LaneRow& r : t.lanes)
    if (r.task == id) rows.push_back(r);
  std::sort(rows.begin(), rows.end(), [](const traces::LaneRow& a, const traces::LaneRow& b) {
    return a.block != b.block ? a.block < b.block : a.lane < b.lane;
  });
  return rows;
}
inline traces::LaneRow row_of(const traces::Timeline& t, TaskId id) { return rows_of(t, id).at(0); }

/// Nanoseconds of a time.
inline double ns(traces::Picoseconds t) { return static_cast<double>(t.value) / 1000; }

}  // namespace rt
