// Dependency counting, claims and early-dispatch candidates, without time.
#include <catch2/catch.hpp>

#include "isa/error.h"
#include "runtime/builder.h"
#include "sim/dispatch_board.h"

using isa::TaskId;
using rt::Program;
using sim::DispatchBoard;
using sim::Shape;

namespace {

void submit_all(DispatchBoard& board, const isa::TaskGraph& graph) {
  for (uint32_t i = 0; i < graph.tasks.size(); ++i)
    board.submit(TaskId(i), board.rings.allocate(sim::Rings::Need()));
}

void run_to_end(DispatchBoard& board, TaskId task) { board.resolve(task, board.complete(task)); }

}  // namespace

TEST_CASE("a task with two edges from one producer has one dependency") {
  Program p;
  const TaskId a = p.aiv(), b = p.aiv();
  p.depend(a, b);
  p.depend(a, b);
  const chips::Chip chip = rt::chip(1, 1);
  DispatchBoard board(p.graph, chip);
  CHECK(board.unfinished_producers(b) == 1);
  submit_all(board, p.graph);
  CHECK(board.ready.size(Shape::AIV) == 1);
  CHECK(board.complete(a) == 1);
  board.resolve(a, 1);
  CHECK(board.ready.size(Shape::AIV) == 2);
  CHECK(board.unfinished_producers(b) == 0);
}

TEST_CASE("a consumer submitted during the fan-out walk is not visited and not lost") {
  Program p;
  const TaskId a = p.aiv(), b = p.aiv(1, {a}), c = p.aiv(1, {a});
  const chips::Chip chip = rt::chip(1, 1);
  DispatchBoard board(p.graph, chip);
  board.submit(a, board.rings.allocate({}));
  board.submit(b, board.rings.allocate({}));
  const int32_t visited = board.complete(a);
  CHECK(visited == 1);
  CHECK(board.submit(c, board.rings.allocate({})));  // ready at once
  board.resolve(a, visited);
  CHECK(board.ready.size(Shape::AIV) == 3);  // a itself was never claimed here
}

TEST_CASE("blocks are claimed in ranges, the rest goes to the end of the queue") {
  Program p;
  const TaskId a = p.aiv(10), b = p.aiv(2);
  const chips::Chip chip = rt::chip(4, 1);
  DispatchBoard board(p.graph, chip);
  submit_all(board, p.graph);
  sim::Claim c = board.claim(board.ready, Shape::AIV, 8);
  CHECK(c.task == a);
  CHECK(c.first == 0);
  CHECK(c.count == 8);
  c = board.claim(board.ready, Shape::AIV, 8);
  CHECK(c.task == b);
  CHECK(c.count == 2);
  c = board.claim(board.ready, Shape::AIV, 8);
  CHECK(c.task == a);
  CHECK(c.first == 8);
  CHECK(c.count == 2);
  CHECK(board.ready.empty());
}

TEST_CASE("early dispatch needs every producer flagged and published") {
  Program p;
  const TaskId a = p.aiv(2), b = p.aiv(), c = p.aiv(1, {a, b});
  p.task(a).allow_early_resolve = true;
  const chips::Chip chip = rt::chip(4, 1);
  SECTION("one producer without the flag") {
    DispatchBoard board(p.graph, chip);
    submit_all(board, p.graph);
    board.block_posted(b);
    board.publish(b);
    board.block_posted(a);
    CHECK(board.block_posted(a));
    CHECK_FALSE(board.publish(a));
    CHECK(board.early.empty());
  }
  SECTION("all flagged") {
    p.task(b).allow_early_resolve = true;
    DispatchBoard board(p.graph, chip);
    submit_all(board, p.graph);
    CHECK(board.block_posted(b));
    CHECK_FALSE(board.publish(b));
    CHECK_FALSE(board.block_posted(a));  // one of two blocks
    CHECK(board.block_posted(a));
    CHECK(board.publish(a));
    CHECK(board.early.front(Shape::AIV) == c);
  }
}

TEST_CASE("doorbells are due when the last producer is resolved") {
  Program p;
  const TaskId a = p.aiv(), b = p.aiv(), c = p.aiv(1, {a, b});
  p.task(a).allow_early_resolve = p.task(b).allow_early_resolve = true;
  const chips::Chip chip = rt::chip(4, 1);
  DispatchBoard board(p.graph, chip);
  submit_all(board, p.graph);
  for (const TaskId t : {a, b}) {
    board.claim(board.ready, Shape::AIV, 1);
    board.block_posted(t);
    board.publish(t);
  }
  board.claim(board.early, Shape::AIV, 1);
  board.stage(c, {isa::CoreId(9), 4});
  CHECK(board.resolve(a, board.complete(a)).empty());
  const std::vector<sim::StagedLane> bells = board.resolve(b, board.complete(b));
  REQUIRE(bells.size() == 1);
  CHECK(bells[0].core == isa::CoreId(9));
  CHECK(bells[0].reg_task_id == 4);
  CHECK(board.ready.empty());  // its only block is on a core already
}

TEST_CASE("a producer's memory is held by creator and explicit edges, not by tensor-map edges") {
  for (const auto source :
       {isa::EdgeSource::Creator, isa::EdgeSource::Explicit, isa::EdgeSource::TensorMap}) {
    Program p;
    const TaskId a = p.aiv(), b = p.aiv();
    p.depend(a, b, source);
    const chips::Chip chip = rt::chip(1, 1);
    DispatchBoard board(p.graph, chip);
    board.rings.begin_scope();
    const sim::RingEntry ea = board.rings.allocate({}), eb = board.rings.allocate({});
    board.submit(a, ea);
    board.submit(b, eb);
    board.rings.end_scope();
    run_to_end(board, a);
    CHECK(board.rings.reclaimed(ea) == (source == isa::EdgeSource::TensorMap));
    run_to_end(board, b);
    board.release_producers(b);
    CHECK(board.rings.reclaimed(ea));
    CHECK(board.rings.reclaimed(eb));
  }
}

TEST_CASE("tasks that fit no core") {
  const chips::Chip chip = rt::chip(2, 1);
  const auto id_of = [&](Program& p) -> std::string {
    DispatchBoard board(p.graph, chip);
    try {
      submit_all(board, p.graph);
    } catch (const isa::Error& e) {
      CHECK(std::string(e.what()).find("task0") != std::string::npos);
      return e.id();
    }
    return "";
  };
  Program no_kernel;
  no_kernel.task(no_kernel.aic()).func[0] = isa::FuncId();
  CHECK(id_of(no_kernel) == "sim.no-core");
  Program no_code;
  no_code.task(no_code.aic(3)).blocks.resize(2);
  CHECK(id_of(no_code) == "sim.no-core");
  for (const bool too_many : {false, true}) {
    Program aic, aiv, mix;
    aic.task(aic.aic(too_many ? 3 : 2)).sync_start = true;
    aiv.task(aiv.aiv(too_many ? 5 : 4)).sync_start = true;
    mix.task(mix.mix(too_many ? 3 : 2)).sync_start = true;
    for (Program* p : {&aic, &aiv, &mix}) CHECK(id_of(*p) == (too_many ? "sim.sync-start" : ""));
  }
}

TEST_CASE("graphs whose ids do not fit together") {
  const chips::Chip chip = rt::chip(1, 1);
  const auto id_of = [&](const isa::TaskGraph& graph) -> std::string {
    try {
      DispatchBoard board(graph, chip);
      for (const isa::OrchStep& step : graph.orchestration)
        if (step.kind == isa::OrchStep::Kind::Submit)
          board.submit(step.task, board.rings.allocate({}));
    } catch (const isa::Error& e) {
      return e.id();
    }
    return "";
  };
  Program p;
  const TaskId a = p.aiv(), b = p.aiv();
  CHECK(id_of(p.graph).empty());
  Program edge = p, read = p, order = p, twice = p;
  edge.depend(a, TaskId(2));
  CHECK(id_of(edge.graph) == "sim.bad-graph");
  read.read({TaskId(7)});
  CHECK(id_of(read.graph) == "sim.bad-graph");
  std::swap(order.graph.orchestration[0], order.graph.orchestration[1]);
  CHECK(id_of(order.graph) == "sim.bad-graph");
  twice.graph.orchestration[1].task = a;
  CHECK(id_of(twice.graph) == "sim.bad-graph");
  (void)b;
}
