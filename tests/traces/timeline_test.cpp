#include <catch2/catch.hpp>
#include <set>

#include "traces/naming.h"
#include "traces/sample.h"

using namespace traces;

TEST_CASE("every wait reason has its own name") {
  std::set<std::string_view> names;
  for (int i = 0; i < kWaitReasons; ++i) names.insert(name(static_cast<WaitReason>(i)));
  CHECK(names.size() == kWaitReasons);
  CHECK(name(WaitReason::CrossCore) == "cross_core");
}

TEST_CASE("traffic adds up field by field") {
  GmTraffic a{1, 2, 3, 4, 5, 6, 7, 8, 9};
  a += GmTraffic{10, 20, 30, 40, 50, 60, 70, 80, 90};
  CHECK(a.asked_bytes == 11);
  CHECK(a.moved_bytes == 22);
  CHECK(a.read_bytes == 33);
  CHECK(a.write_bytes == 44);
  CHECK(a.dmas == 55);
  CHECK(a.rows == 66);
  CHECK(a.lines == 77);
  CHECK(a.line_misses == 88);
  CHECK(a.hbm_bytes == 99);
}

TEST_CASE("the makespan runs from the first dispatch to the last finish") {
  CHECK(sample::timeline().makespan() == sample::ns(6000));
  CHECK(Timeline{}.makespan() == Picoseconds(0));
}

TEST_CASE("task names carry the ring; deep scopes share the last ring") {
  const isa::TaskGraph g = sample::graph();
  CHECK(task_label(g, isa::TaskId(1)) == "r1t1");
  CHECK(task_label(g, isa::TaskId(2)) == "r3t2");
  CHECK(task_token(g, isa::TaskId(1)) == 4294967297u);
  CHECK(task_token(g, isa::TaskId(2)) == 3 * 4294967296u + 2);
}

TEST_CASE("a timeline that does not fit its graph is refused") {
  const isa::TaskGraph g = sample::graph();
  std::string message;
  auto check = [&](auto spoil) {
    Timeline t = sample::timeline();
    spoil(t.lanes[3]);
    return sample::error_id([&] { check_timeline(t, g); }, &message);
  };
  CHECK(check([](LaneRow&) {}) == "");
  CHECK(check([](LaneRow& r) { r.task = isa::TaskId(4); }) == "traces.timeline");
  CHECK(message == "lane row 3: task 4 does not exist, the program has 4 [traces.timeline]");
  CHECK(check([](LaneRow& r) { r.core = isa::CoreId(6); }) == "traces.timeline");
  CHECK(check([](LaneRow& r) { r.receive = sample::ns(2999); }) == "traces.timeline");
  CHECK(check([](LaneRow& r) { r.end = sample::ns(3299); }) == "traces.timeline");
  CHECK(check([](LaneRow& r) { r.finish = sample::ns(5799); }) == "traces.timeline");
  CHECK(check([](LaneRow& r) { r.dispatch = Picoseconds(-1); }) == "traces.timeline");
}

TEST_CASE("time zero is the first submit, or the first dispatch without submits") {
  Timeline t = sample::timeline();
  CHECK(time_zero(t) == sample::ns(100));
  t.submits.clear();
  CHECK(time_zero(t) == sample::ns(1000));
}
