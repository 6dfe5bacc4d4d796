// What the timeline holds: order, levels, phase counts, and that it is the same every time.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <tuple>

#include "runtime/builder.h"

using isa::TaskId;
using rt::ns;
using rt::Program;

namespace {

/// A graph with every kind of task and a fixed pseudo-random shape.
Program mixed_program(int tasks) {
  Program p;
  uint32_t seed = 12345;
  const auto next = [&](uint32_t n) {
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
  };
  std::vector<TaskId> all;
  for (int i = 0; i < tasks; ++i) {
    if (i % 50 == 0) {
      if (i > 0) p.scope_end();
      p.scope_begin();
    }
    std::vector<TaskId> after;
    for (uint32_t k = next(4); k > 0 && !all.empty(); --k)
      after.push_back(
          all[all.size() - 1 - next(static_cast<uint32_t>(std::min<size_t>(all.size(), 30)))]);
    const int blocks = 1 + static_cast<int>(next(20));
    TaskId id;
    switch (next(7)) {
      case 0:
      case 1:
        id = p.aic(blocks, after);
        break;
      case 2:
      case 3:
        id = p.mix(blocks, after);
        break;
      case 4:
        id = p.dummy(after);
        break;
      default:
        id = p.aiv(blocks, after);
    }
    p.task(id).allow_early_resolve = next(3) != 0;
    p.task(id).sync_start = next(25) == 0;
    all.push_back(id);
  }
  p.scope_end();
  return p;
}

std::string text_of(const traces::Timeline& t) {
  std::string s;
  for (const traces::LaneRow& r : t.lanes)
    s += fmt::format("L {} {} {} {} {} {} {} {} {} {}\n", r.core.value, r.task.value, r.block,
                     r.lane, r.reg_task_id, r.dispatch.value, r.receive.value, r.start.value,
                     r.end.value, r.finish.value);
  for (const traces::PhaseRow& r : t.phases)
    s += fmt::format("P {} {} {} {} {} {} {} {}\n", r.thread, r.kind, r.start.value, r.end.value,
                     r.loop_iter, r.tasks_processed, r.pop_hit, r.pop_miss);
  for (const traces::SubmitRow& r : t.submits)
    s += fmt::format("S {} {} {} {}\n", r.index, r.task.value, r.start.value, r.end.value);
  return s;
}

}  // namespace

TEST_CASE("two runs are byte equal, on one chip after another") {
  const Program p = mixed_program(400);
  const std::string first = text_of(sim::replay(p.graph, chips::load_chip("a2a3")));
  const std::string other = text_of(sim::replay(p.graph, chips::load_chip("a5")));
  CHECK(first == text_of(sim::replay(p.graph, chips::load_chip("a2a3"))));
  CHECK(other == text_of(sim::replay(p.graph, chips::load_chip("a5"))));
  CHECK(first != other);
}

TEST_CASE("sleeping through idle polls gives the times of polling") {
  // The submit cost is off the 5 ns grid of the other costs: no submit coincides with a poll.
  const chips::Chip chip = chips::load_chip("a2a3", "", {"runtime.submit=1237.001"});
  sim::Options polling;
  polling.simulate_idle_polls = true;
  for (const int tasks : {40, 150}) {
    const Program p = mixed_program(tasks);
    CHECK(text_of(sim::replay(p.graph, chip)) == text_of(sim::replay(p.graph, chip, polling)));
  }
}

TEST_CASE("every lane runs once, after its producers, and never two at a time on a core") {
  const Program p = mixed_program(600);
  const chips::Chip chip = chips::load_chip("a2a3");
  const traces::Timeline t = sim::replay(p.graph, chip);
  size_t lanes = 0;
  for (const isa::Task& task : p.graph.tasks) {
    const size_t per_block = task.kind == isa::TaskKind::Dummy ? 0
                             : task.kind == isa::TaskKind::MIX ? 3
                                                               : 1;
    lanes += per_block * static_cast<size_t>(task.block_num);
  }
  CHECK(t.lanes.size() == lanes);

  std::vector<traces::Picoseconds> done(p.graph.tasks.size());
  for (const traces::LaneRow& r : t.lanes)
    done[r.task.value] =
        std::max(done[r.task.value], r.finish, [](auto a, auto b) { return a < b; });
  std::vector<std::vector<TaskId>> producers(p.graph.tasks.size());
  for (const isa::TaskEdge& e : p.graph.edges) producers[e.succ.value].push_back(e.pred);
  std::vector<traces::Picoseconds> core_free(72);
  std::set<std::tuple<uint32_t, int32_t, int32_t>> seen;
  std::set<std::pair<int, uint32_t>> keys;
  for (const traces::LaneRow& r : t.lanes) {  // sorted by start
    CHECK(seen.insert({r.task.value, r.block, r.lane}).second);
    CHECK(keys.insert({r.core.value, r.reg_task_id}).second);
    CHECK(r.start >= core_free[r.core.value]);
    core_free[r.core.value] = r.end;
    CHECK(r.dispatch < r.receive);
    CHECK(r.receive <= r.start);
    CHECK(r.start < r.end);
    CHECK(r.end < r.finish);
    for (const TaskId producer : producers[r.task.value]) CHECK(r.start >= done[producer.value]);
    CHECK(r.kind == t.meta.core_kinds[r.core.value]);
    CHECK((r.lane == 0) == (r.kind == isa::CoreKind::AIC));
  }
}

TEST_CASE("phase records add up to the lanes and do not run backwards") {
  Program p = mixed_program(300);
  const traces::Timeline t = sim::replay(p.graph, chips::load_chip("a2a3"));
  int64_t completed = 0;
  int64_t last_start = -1, last_thread = -1;
  for (const traces::PhaseRow& r : t.phases) {
    CHECK(r.start <= r.end);
    CHECK(r.thread >= last_thread);
    if (r.thread == last_thread) CHECK(r.start.value >= last_start);
    last_thread = r.thread;
    last_start = r.start.value;
    if (r.kind == "complete") completed += r.tasks_processed;
    if (r.kind == "resolve") CHECK(ns(r.end - r.start) >= 1000);
  }
  CHECK(completed == static_cast<int64_t>(t.lanes.size()));
  for (isa::Task& task : p.graph.tasks) task.allow_early_resolve = task.sync_start = false;
  const traces::Timeline plain = sim::replay(p.graph, chips::load_chip("a2a3"));
  int64_t dispatched = 0;
  for (const traces::PhaseRow& r : plain.phases)
    if (r.kind == "dispatch") {
      CHECK(r.pop_hit > 0);
      dispatched += r.tasks_processed;
    } else {
      CHECK(r.pop_hit + r.pop_miss == 0);
      CHECK(r.kind != "early_dispatch");
    }
  CHECK(dispatched == static_cast<int64_t>(plain.lanes.size()));
}

TEST_CASE("the level filters what is recorded, not what happens") {
  const Program p = mixed_program(60);
  const chips::Chip chip = chips::load_chip("a2a3");
  sim::Options options;
  const traces::Timeline full = sim::replay(p.graph, chip, options);
  CHECK_FALSE(full.phases.empty());
  CHECK(full.submits.size() == 60);
  options.level = 3;
  const traces::Timeline three = sim::replay(p.graph, chip, options);
  CHECK(three.submits.empty());
  CHECK(three.phases.size() == full.phases.size());
  options.level = 2;
  const traces::Timeline two = sim::replay(p.graph, chip, options);
  CHECK(two.phases.empty());
  REQUIRE(two.lanes.size() == full.lanes.size());
  for (size_t i = 0; i < two.lanes.size(); ++i) CHECK(two.lanes[i].finish == full.lanes[i].finish);
}

TEST_CASE("the observer effect makes tasks longer apart") {
  Program p;
  const TaskId a = p.aic(2);
  sim::Options options;
  const auto gap = [&](bool observer) {
    options.observer_effect = observer;
    const traces::Timeline t =
        sim::replay(p.graph, rt::chip(1, 1, {"runtime.observer=500"}), options);
    const auto rows = rt::rows_of(t, a);
    return ns(rows[1].end) - ns(rows[0].start);
  };
  CHECK(gap(true) >= gap(false) + 500);
}

TEST_CASE("tens of thousands of tasks") {
  Program p;
  for (int i = 0; i < 20000; ++i) {
    if (i % 1000 == 0) {
      if (i > 0) p.scope_end();
      p.scope_begin();
    }
    std::vector<TaskId> after;
    if (i >= 40)
      after = {TaskId(static_cast<uint32_t>(i - 40)), TaskId(static_cast<uint32_t>(i - 13))};
    i % 3 == 0 ? p.aic(1, after) : p.aiv(1, after);
  }
  p.scope_end();
  const traces::Timeline t = sim::replay(p.graph, chips::load_chip("a2a3"));
  CHECK(t.lanes.size() == 20000);
  // 874 + 380 ns per submit is the bottleneck
  CHECK(t.submits.back().end.us() == Approx(20000 * 1.254));
}

TEST_CASE("an empty program") {
  Program p;
  const traces::Timeline t = sim::replay(p.graph, rt::chip(1, 1));
  CHECK(t.lanes.empty());
  CHECK(t.meta.core_kinds.size() == 3);
}
