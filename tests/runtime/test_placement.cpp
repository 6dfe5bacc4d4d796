// Which core a block goes to, and when a scheduler may use a pending slot.
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "runtime/builder.h"

using isa::TaskId;
using rt::ns;
using rt::Program;
using rt::row_of;
using rt::rows_of;

namespace {
std::vector<int> cores_of(const traces::Timeline& t, TaskId id) {
  std::vector<int> list;
  for (const traces::LaneRow& r : rows_of(t, id)) list.push_back(r.core.value);
  return list;
}
using Ids = std::vector<int>;
}  // namespace

TEST_CASE("the lowest idle core is taken first") {
  Program p;
  const TaskId a = p.aiv(3), b = p.aic(2);
  const traces::Timeline t = sim::replay(p.graph, rt::chip(4, 1, {"task.body_aiv_ns=9000"}));
  CHECK(cores_of(t, a) == Ids{4, 5, 6});
  CHECK(cores_of(t, b) == Ids{0, 1});
}

TEST_CASE("48 blocks fill the chip, the 49th is queued behind one of them") {
  Program p;
  const TaskId a = p.aiv(49);
  const traces::Timeline t = sim::replay(p.graph, rt::chip(24, 3, {"task.body_aiv_ns=50000"}));
  const auto rows = rows_of(t, a);
  REQUIRE(rows.size() == 49);
  std::map<int, int> per_core;
  for (const traces::LaneRow& r : rows) ++per_core[r.core.value];
  CHECK(per_core.size() == 48);
  int waves = 0;
  for (const traces::LaneRow& r : rows) waves += ns(r.start) > 50000;
  CHECK(waves == 1);
  // it was posted while its predecessor still ran
  for (const traces::LaneRow& r : rows)
    if (ns(r.start) > 50000) CHECK(ns(r.dispatch) < 50000);
}

TEST_CASE("blocks beyond two per core make waves") {
  Program p;
  const TaskId a = p.aic(5);
  const traces::Timeline t = sim::replay(p.graph, rt::chip(1, 1, {"task.body_aic_ns=10000"}));
  const auto rows = rows_of(t, a);
  for (size_t i = 1; i < rows.size(); ++i) {
    CHECK(rows[i].start >= rows[i - 1].end);
    if (i >= 2) CHECK(rows[i].dispatch >= rows[i - 2].finish);
  }
}

TEST_CASE("several schedulers share one task's blocks") {
  Program p;
  const TaskId a = p.aiv(12);
  const traces::Timeline t = sim::replay(p.graph, rt::chip(6, 3));
  std::set<int> threads;
  for (const traces::LaneRow& r : rows_of(t, a))
    threads.insert(t.meta.core_to_thread[r.core.value]);
  CHECK(threads.size() == 3);
}

TEST_CASE("a mixed task takes an idle cluster, not one with a busy vector core") {
  Program p;
  const TaskId a = p.aiv(), b = p.mix();
  const traces::Timeline t = sim::replay(p.graph, rt::chip(2, 1, {"task.body_aiv_ns=30000"}));
  CHECK(cores_of(t, a) == Ids{2});
  CHECK(cores_of(t, b) == Ids{1, 4, 5});
}

TEST_CASE("a mixed task queues behind a busy cluster when no cluster is idle") {
  Program p;
  const TaskId a = p.aiv(), b = p.mix();
  const traces::Timeline t = sim::replay(p.graph, rt::chip(1, 1, {"task.body_aiv_ns=30000"}));
  const auto rows = rows_of(t, b);
  REQUIRE(rows.size() == 3);
  CHECK(rows[1].core == row_of(t, a).core);
  CHECK(rows[1].start > row_of(t, a).end);
}

TEST_CASE("the idle lane of a mixed task occupies its core") {
  Program p;
  const TaskId m = p.mix(), v = p.aiv(2);
  p.task(m).func[2] = isa::FuncId();  // no kernel for AIV1
  const traces::Timeline t =
      sim::replay(p.graph, rt::chip(1, 1, {"task.body_aic_ns=30000", "task.body_aiv_ns=30000"}));
  CHECK(rows_of(t, m).size() == 2);
  // AIV1 has no job of the mixed task, yet the vector task cannot start on it before the block
  // ends.
  for (const traces::LaneRow& r : rows_of(t, v))
    CHECK(r.start >= std::min(rows_of(t, m)[0].end, rows_of(t, m)[1].end));
}

TEST_CASE("a mixed task without a cube lane still reserves the cluster") {
  Program p;
  const TaskId m = p.mix(), c = p.aic();
  p.task(m).func[0] = isa::FuncId();
  const traces::Timeline t = sim::replay(p.graph, rt::chip(1, 1, {"task.body_aiv_ns=30000"}));
  CHECK(cores_of(t, m) == Ids{1, 2});
  CHECK(row_of(t, c).dispatch < row_of(t, c).start);
}

TEST_CASE("single tasks wait behind a mixed task that found no room") {
  // One cluster: two mixed blocks fill both slots, the third is left over; the AIC task submitted
  // after it must not overtake it.
  Program p;
  const TaskId m = p.mix(3), c = p.aic();
  const traces::Timeline t =
      sim::replay(p.graph, rt::chip(1, 1, {"task.body_aic_ns=30000", "task.body_aiv_ns=30000"}));
  CHECK(row_of(t, c).dispatch > rows_of(t, m)[6].dispatch);
}

TEST_CASE("even threads dispatch cube work first, odd threads vector work") {
  Program p;
  const TaskId root = p.aiv();
  const TaskId cube = p.aic(2, {root}), vector = p.aiv(4, {root});
  const traces::Timeline t = sim::replay(p.graph, rt::chip(2, 2, {"task.body_aiv_ns=20000"}));
  std::map<int, double> first_cube, first_vector;
  for (const traces::LaneRow& r : rows_of(t, cube))
    first_cube.emplace(t.meta.core_to_thread[r.core.value], ns(r.dispatch));
  for (const traces::LaneRow& r : rows_of(t, vector))
    first_vector.emplace(t.meta.core_to_thread[r.core.value], ns(r.dispatch));
  REQUIRE(first_cube.size() == 2);
  REQUIRE(first_vector.size() == 2);
  CHECK(first_cube[0] < first_vector[0]);
  CHECK(first_vector[1] < first_cube[1]);
}

TEST_CASE("a pending slot is used only when no thread has an idle core of that kind") {
  // Two AIC, one thread each; both tasks are ready together: each thread gets one, none queues.
  Program p;
  const TaskId root = p.aiv();
  const TaskId a = p.aic(1, {root}), b = p.aic(1, {root});
  const traces::Timeline t =
      sim::replay(p.graph, rt::chip(2, 2, {"task.body_aiv_ns=20000", "task.body_aic_ns=20000"}));
  CHECK(row_of(t, a).core != row_of(t, b).core);
}

TEST_CASE("core tables of the timeline") {
  Program p;
  p.aiv();
  const traces::Timeline t = sim::replay(p.graph, rt::chip(4, 3));
  CHECK(t.meta.chip == "a2a3");
  CHECK(t.meta.aic == 4);
  CHECK(t.meta.aiv == 8);
  CHECK(t.meta.scheduler_threads == 3);
  CHECK(t.meta.core_to_thread == std::vector<int32_t>{0, 1, 2, 0, 0, 0, 1, 1, 2, 2, 0, 0});
  CHECK(t.meta.core_kinds[3] == isa::CoreKind::AIC);
  CHECK(t.meta.core_kinds[4] == isa::CoreKind::AIV);
}
