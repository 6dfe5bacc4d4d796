// Early dispatch, sync_start, dummies, and what the runtime does not order.
#include <catch2/catch.hpp>
#include <string>

#include "isa/error.h"
#include "runtime/builder.h"

using isa::TaskId;
using rt::ns;
using rt::Program;
using rt::row_of;
using rt::rows_of;

TEST_CASE("early dispatch hides dispatch and head behind the producer") {
  double gap[2] = {};
  for (const bool early : {false, true}) {
    Program p;
    const TaskId a = p.aiv(), b = p.aiv(1, {a});
    p.task(a).allow_early_resolve = early;
    const chips::Chip chip = rt::chip(
        2, 1, {"task.body_aiv_ns=20000", "runtime.head_warm=3000", "runtime.head_cold=3000"});
    const traces::Timeline t = sim::replay(p.graph, chip);
    const traces::LaneRow ra = row_of(t, a), rb = row_of(t, b);
    CHECK(rb.start > ra.finish);  // never before the producer is known to be done
    CHECK((rb.dispatch < ra.end) == early);
    gap[early] = ns(rb.start) - ns(ra.finish);
  }
  // without: complete 200, resolve 500, dispatch 310, propagate 100, head 3000
  CHECK(gap[0] == 4110);
  // with: complete 200, resolve 500, doorbell 10 and its way to the core
  CHECK(gap[1] >= 710);
  CHECK(gap[1] <= 710 + 100 + 50);
}

TEST_CASE("a staged job may sit in the pending slot behind its producer") {
  Program p;
  const TaskId a = p.aic(), b = p.aic(1, {a});
  p.task(a).allow_early_resolve = true;
  const traces::Timeline t = sim::replay(p.graph, rt::chip(1, 1, {"task.body_aic_ns=20000"}));
  CHECK(row_of(t, b).dispatch < row_of(t, a).end);
  CHECK(row_of(t, b).start > row_of(t, a).finish);
}

TEST_CASE("a mixed consumer is staged and released as a whole") {
  Program p;
  const TaskId a = p.aiv(), m = p.mix(2, {a}), z = p.aiv(1, {m});
  p.task(a).allow_early_resolve = true;
  const traces::Timeline t = sim::replay(p.graph, rt::chip(4, 2, {"task.body_aiv_ns=20000"}));
  for (const traces::LaneRow& r : rows_of(t, m)) {
    CHECK(r.dispatch < row_of(t, a).end);
    CHECK(r.start > row_of(t, a).finish);
    CHECK(row_of(t, z).dispatch > r.finish);
  }
}

TEST_CASE("work that is ready goes before early dispatch") {
  // 4 AIV: a (flagged, 1 block), its consumer b, and enough independent work.
  Program p;
  const TaskId a = p.aiv(), b = p.aiv(1, {a});
  p.task(a).allow_early_resolve = true;
  const TaskId c = p.aiv(8);
  const traces::Timeline t = sim::replay(p.graph, rt::chip(2, 1, {"task.body_aiv_ns=50000"}));
  CHECK(rows_of(t, c).size() == 8);
  CHECK(row_of(t, b).start > row_of(t, a).finish);
}

TEST_CASE("a dummy task joins its producers without a core") {
  Program p;
  const TaskId a = p.aiv(), b = p.aic(), c = p.aiv();
  const TaskId join = p.dummy({a, b, c});
  const TaskId d = p.aiv(1, {join});
  const traces::Timeline t = sim::replay(p.graph, rt::chip(2, 1, {"task.body_aiv_ns=20000"}));
  CHECK(rows_of(t, join).empty());
  double last = 0;
  for (const TaskId x : {a, b, c}) last = std::max(last, ns(row_of(t, x).finish));
  // complete 200, resolve 500, dummy 300, its own resolve 500, dispatch 310
  CHECK(ns(row_of(t, d).dispatch) == last + 200 + 500 + 300 + 500 + 310);
  int markers = 0;
  for (const traces::PhaseRow& r : t.phases)
    if (r.kind == "dummy_task") {
      ++markers;
      CHECK(r.task == join);
    }
  CHECK(markers == 1);
}

TEST_CASE("a graph of dummies alone ends") {
  Program p;
  const TaskId a = p.dummy();
  p.dummy({a});
  const traces::Timeline t = sim::replay(p.graph, rt::chip(1, 1));
  CHECK(t.lanes.empty());
  CHECK(t.submits.size() == 2);
}

TEST_CASE("an early-resolving dummy does not hold back staging of its consumers for ever") {
  Program p;
  const TaskId a = p.aiv();
  const TaskId j = p.dummy({a});
  const TaskId b = p.aiv(1, {j});
  p.task(a).allow_early_resolve = p.task(j).allow_early_resolve = true;
  const traces::Timeline t = sim::replay(p.graph, rt::chip(1, 1));
  CHECK(row_of(t, b).start > row_of(t, a).finish);
}

TEST_CASE("a write after a read is not ordered") {
  // No edge from the reader: the writer starts while the reader runs (runtime.md §1.5).
  Program p;
  const TaskId reader = p.aiv(), writer = p.aiv();
  const traces::Timeline t = sim::replay(p.graph, rt::chip(2, 1, {"task.body_aiv_ns=20000"}));
  CHECK(row_of(t, writer).start < row_of(t, reader).end);
}

TEST_CASE("sync_start blocks run at the same time") {
  SECTION("one thread owns enough cores") {
    Program p;
    const TaskId a = p.aiv(8);
    p.task(a).sync_start = true;
    const traces::Timeline t = sim::replay(p.graph, rt::chip(4, 1));
    CHECK(rows_of(t, a).size() == 8);
    for (const traces::PhaseRow& r : t.phases) CHECK(r.kind != "drain");
  }
  SECTION("the chip has to drain") {
    Program p;
    const TaskId before = p.aiv(5), a = p.aiv(12), after = p.aiv(3);
    p.task(a).sync_start = true;
    const traces::Timeline t = sim::replay(p.graph, rt::chip(6, 3, {"task.body_aiv_ns=20000"}));
    double first_end = 1e18, last_start = 0;
    for (const traces::LaneRow& r : rows_of(t, a)) {
      first_end = std::min(first_end, ns(r.end));
      last_start = std::max(last_start, ns(r.start));
      CHECK(r.core.value >= 6);
    }
    CHECK(rows_of(t, a).size() == 12);
    CHECK(last_start < first_end);
    for (const traces::LaneRow& r : rows_of(t, before)) CHECK(ns(r.finish) < last_start);
    CHECK(rows_of(t, after).size() == 3);
    int drains = 0;
    for (const traces::PhaseRow& r : t.phases) drains += r.kind == "drain";
    CHECK(drains == 1);
  }
  SECTION("mixed blocks") {
    Program p;
    p.aiv();
    const TaskId a = p.mix(4);
    p.task(a).sync_start = true;
    const traces::Timeline t = sim::replay(p.graph, rt::chip(4, 2, {"task.body_aic_ns=20000"}));
    CHECK(rows_of(t, a).size() == 12);
  }
}

TEST_CASE("sync_start with more blocks than cores is refused") {
  Program p;
  p.task(p.aiv(9)).sync_start = true;
  try {
    sim::replay(p.graph, rt::chip(4, 1));
    FAIL("no error");
  } catch (const isa::Error& e) {
    CHECK(e.id() == "sim.sync-start");
    CHECK(std::string(e.what()).find("9 blocks") != std::string::npos);
    CHECK(std::string(e.what()).find("8") != std::string::npos);
  }
}

TEST_CASE("a task without a kernel is refused") {
  Program p;
  p.task(p.aic()).func[0] = isa::FuncId();
  CHECK_THROWS_AS(sim::replay(p.graph, rt::chip(1, 1)), isa::Error);
}
