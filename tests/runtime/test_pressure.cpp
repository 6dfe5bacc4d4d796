// Back pressure from task window, heap and dependency pool; structural deadlocks; stuck programs.
#include <catch2/catch.hpp>
#include <string>

#include "isa/error.h"
#include "runtime/builder.h"

using isa::TaskId;
using rt::ns;
using rt::Program;
using rt::row_of;

namespace {

isa::Error error_of(const Program& p, const chips::Chip& chip) {
  try {
    sim::replay(p.graph, chip);
  } catch (const isa::Error& e) {
    CHECK(std::string(e.what()).find('\n') == std::string::npos);
    return e;
  }
  FAIL("no error");
  throw;
}

bool mentions(const isa::Error& e, const std::string& text) {
  return std::string(e.what()).find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("a full task window stalls the orchestrator until the oldest task retires") {
  Program p;
  std::vector<TaskId> tasks;
  for (int i = 0; i < 5; ++i) {
    p.scope_begin();
    tasks.push_back(p.aic());
    p.scope_end();
  }
  const chips::Chip chip = rt::chip(8, 1, {"runtime.task_window=4", "task.body_aic_ns=20000"});
  const traces::Timeline t = sim::replay(p.graph, chip);
  CHECK(ns(t.submits[2].end) == 3000);
  CHECK(ns(t.submits[3].start) == 3000);
  // the window of four holds three; the fourth submit goes on when the first task completes
  CHECK(ns(t.submits[3].end) == ns(row_of(t, tasks[0]).finish) + 200 + 1000);
  const chips::Chip wide = rt::chip(8, 1, {"runtime.task_window=8", "task.body_aic_ns=20000"});
  CHECK(ns(sim::replay(p.graph, wide).submits[3].end) == 4000);
}

TEST_CASE("reclaim is in order: a long first task holds the window") {
  Program p;
  std::vector<TaskId> tasks;
  for (int i = 0; i < 4; ++i) {
    p.scope_begin();
    tasks.push_back(i == 0 ? p.aic() : p.aiv());
    p.scope_end();
  }
  const traces::Timeline t =
      sim::replay(p.graph, rt::chip(8, 1, {"runtime.task_window=4", "task.body_aic_ns=90000"}));
  CHECK(row_of(t, tasks[1]).finish < row_of(t, tasks[0]).finish);
  CHECK(ns(t.submits[3].end) == ns(row_of(t, tasks[0]).finish) + 200 + 1000);
}

TEST_CASE("inner scopes use their own ring") {
  Program p;
  for (int i = 0; i < 3; ++i) p.aic();
  p.scope_begin();
  p.scope_begin();
  p.task(p.aic()).scope_depth = 2;
  p.scope_end();
  p.scope_end();
  const traces::Timeline t =
      sim::replay(p.graph, rt::chip(8, 1, {"runtime.task_window=4", "task.body_aic_ns=20000"}));
  CHECK(ns(t.submits[3].end) == 4000);
}

TEST_CASE("a full heap stalls an allocation until its scope's users are done") {
  Program p;
  p.scope_begin();
  const isa::BufferId buffer = p.alloc(3000);
  const TaskId a = p.aic();
  isa::TensorArg arg;
  arg.buffer = buffer;
  p.task(a).args.push_back(arg);
  p.scope_end();
  p.scope_begin();
  p.alloc(1097);
  const TaskId b = p.aic();
  p.scope_end();
  const auto run = [&](int heap) {
    return sim::replay(
        p.graph,
        rt::chip(2, 1, {"runtime.heap_bytes=" + std::to_string(heap), "task.body_aic_ns=20000"}));
  };
  CHECK(ns(run(4097).submits[1].end) == 100 + 1000 + 100 + 1000);
  const traces::Timeline t = run(4096);
  // released in the idle iteration after the task completed
  CHECK(t.submits[1].start > row_of(t, a).finish);
  CHECK(ns(t.submits[1].start) < ns(row_of(t, a).finish) + 200 + 1000);
  CHECK(row_of(t, b).start > row_of(t, a).finish);
}

TEST_CASE("a full dependency pool stalls a submit") {
  Program p;
  std::vector<TaskId> producers;
  for (int i = 0; i < 4; ++i) {
    p.scope_begin();
    producers.push_back(p.aic());
    p.scope_end();
  }
  p.scope_begin();
  p.aiv(1, {producers[0], producers[1], producers[2], producers[3]});
  p.scope_end();
  p.scope_begin();
  p.aiv(1, {producers[0]});
  p.scope_end();
  const auto run = [&](const char* pool) {
    return sim::replay(p.graph, rt::chip(8, 1, {pool, "task.body_aic_ns=20000"}));
  };
  CHECK(ns(run("runtime.dep_pool=5").submits[5].end) == 6000);
  CHECK(run("runtime.dep_pool=4").submits[5].end >
        row_of(run("runtime.dep_pool=4"), producers[0]).finish);
}

TEST_CASE("more tasks in an open scope than the window holds") {
  Program p;
  p.scope_begin();
  for (int i = 0; i < 4; ++i) p.aic();
  p.scope_end();
  const isa::Error e = error_of(p, rt::chip(8, 1, {"runtime.task_window=4"}));
  CHECK(e.id() == "sim.flow-control-deadlock");
  CHECK(mentions(e, "task3"));
  CHECK(mentions(e, "ring 1: 3 of 3 tasks"));
  CHECK(sim::replay(p.graph, rt::chip(8, 1, {"runtime.task_window=8"})).submits.size() == 4);
}

TEST_CASE("heap and dependency pool of an open scope") {
  Program heap;
  heap.scope_begin();
  heap.alloc(3000);
  heap.alloc(2000);
  heap.aic();
  heap.scope_end();
  isa::Error e = error_of(heap, rt::chip(1, 1, {"runtime.heap_bytes=4096"}));
  CHECK(e.id() == "sim.heap-ring-deadlock");
  CHECK(mentions(e, "2000"));

  Program large;
  large.alloc(5000);
  CHECK(error_of(large, rt::chip(1, 1, {"runtime.heap_bytes=4096"})).id() ==
        "sim.heap-ring-deadlock");

  Program deps;
  std::vector<TaskId> producers;
  for (int i = 0; i < 5; ++i) producers.push_back(deps.aic());
  deps.aiv(1, producers);
  const chips::Chip chip = rt::chip(8, 1, {"runtime.dep_pool=4", "task.body_aic_ns=20000"});
  CHECK(error_of(deps, chip).id() == "sim.dep-pool-overflow");
}

TEST_CASE("a kernel that waits for a flag nobody raises ends with a report") {
  Program p;
  const TaskId a = p.aiv(), b = p.aiv(1, {a});
  isa::Instr pop;
  pop.op = isa::Opcode::TPOP;
  pop.pipe = isa::Pipe::MTE2;
  pop.wait_event = 0;
  p.task(a).blocks[0].events = 1;
  p.task(a).blocks[0].aiv[0].instrs.push_back(pop);
  const isa::Error e = error_of(p, rt::chip(1, 1));
  CHECK(e.id() == "sim.deadlock");
  CHECK(mentions(e, "0 of 2 tasks complete"));
  CHECK(mentions(e, "AIV_1"));
  CHECK(mentions(e, "event 0"));
  CHECK(mentions(e, "task1 (task 1) waits for task0 (task 0)"));
  (void)b;
}

TEST_CASE("tasks that wait for each other end with a report") {
  Program p;
  const TaskId a = p.aiv(), b = p.aiv(1, {a});
  p.depend(b, a);
  const isa::Error e = error_of(p, rt::chip(1, 1));
  CHECK(e.id() == "sim.deadlock");
  CHECK(mentions(e, "task0 (task 0) waits for task1 (task 1)"));
}

TEST_CASE("a graph with tasks nobody submits ends with a report") {
  Program p;
  p.aiv();
  p.aiv();
  p.graph.orchestration.pop_back();
  const isa::Error e = error_of(p, rt::chip(1, 1));
  CHECK(e.id() == "sim.deadlock");
  CHECK(mentions(e, "1 of 2 tasks complete: 1 tasks are not submitted"));
}

TEST_CASE("a read of a task that is never submitted is reported, not waited for") {
  Program p;
  const TaskId a = p.aiv();
  p.read({a});
  std::swap(p.graph.orchestration[0], p.graph.orchestration[1]);
  const isa::Error e = error_of(p, rt::chip(1, 1));
  CHECK(e.id() == "sim.deadlock");
  CHECK(mentions(e, "the orchestrator, step 1 of 2, waits to read a result of task0"));
}

TEST_CASE("an error leaves the next simulation intact") {
  Program bad, good;
  bad.alloc(1 << 20);
  const TaskId a = good.aiv();
  CHECK_THROWS_AS(sim::replay(bad.graph, rt::chip(1, 1, {"runtime.heap_bytes=4096"})), isa::Error);
  CHECK(ns(row_of(sim::replay(good.graph, rt::chip(1, 1)), a).dispatch) == 1310);
}
