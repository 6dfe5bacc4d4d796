// Core numbering, ownership and the two slots per core.
#include <catch2/catch.hpp>

#include "sim/dispatch_cores.h"

using isa::CoreId;
using isa::TaskId;
using sim::CoreSlots;
using sim::Shape;
using sim::SlotKind;

namespace {
std::vector<int> ids(const std::vector<CoreId>& cores) {
  std::vector<int> list;
  for (const CoreId c : cores) list.push_back(c.value);
  return list;
}
using Ids = std::vector<int>;
}  // namespace

TEST_CASE("cores are numbered AIC first, then the AIV pairs; clusters go round the threads") {
  const CoreSlots s(24, 3);
  CHECK(s.cores() == 72);
  CHECK(s.core(5, 0).value == 5);
  CHECK(s.core(5, 1).value == 34);
  CHECK(s.core(5, 2).value == 35);
  CHECK(s.cluster_of(CoreId(35)) == 5);
  CHECK(s.kind(CoreId(23)) == isa::CoreKind::AIC);
  CHECK(s.kind(CoreId(24)) == isa::CoreKind::AIV);
  CHECK(s.thread_of(CoreId(5)) == 2);
  CHECK(s.thread_of(CoreId(34)) == 2);
  CHECK(s.thread_of(CoreId(71)) == 23 % 3);
}

TEST_CASE("free places of a thread, lowest core first") {
  CoreSlots s(4, 2);
  CHECK(ids(s.free(Shape::AIC, SlotKind::Idle, 0)) == Ids{0, 2});
  CHECK(ids(s.free(Shape::AIV, SlotKind::Idle, 1)) == Ids{6, 7, 10, 11});
  CHECK(ids(s.free(Shape::MIX, SlotKind::Idle, 1)) == Ids{1, 3});
  CHECK(s.count_free(Shape::AIV, SlotKind::Idle, -1) == 8);
  CHECK(s.free(Shape::AIV, SlotKind::Pending, 0).empty());
}

TEST_CASE("a core takes one running and one pending block") {
  CoreSlots s(1, 1);
  const CoreId core(0);
  s.take(Shape::AIC, core, TaskId(1), 0, {0});
  CHECK_FALSE(s.running(core));
  s.posted(core);
  CHECK(s.running(core));
  CHECK(s.free(Shape::AIC, SlotKind::Idle, 0).empty());
  CHECK(ids(s.free(Shape::AIC, SlotKind::Pending, 0)) == Ids{0});
  s.take(Shape::AIC, core, TaskId(2), 0, {0});
  s.posted(core);
  CHECK(s.free(Shape::AIC, SlotKind::Pending, 0).empty());
  s.lane_done(core, TaskId(1), 0);
  CHECK(ids(s.free(Shape::AIC, SlotKind::Pending, 0)) == Ids{0});
  s.lane_done(core, TaskId(2), 0);
  CHECK(ids(s.free(Shape::AIC, SlotKind::Idle, 0)) == Ids{0});
}

TEST_CASE("nothing queues behind a gated job, and it is not polled") {
  CoreSlots s(1, 1);
  const CoreId core(1);
  s.take(Shape::AIV, core, TaskId(1), 0, {1});
  s.posted(core);
  s.gate(core);
  CHECK_FALSE(s.running(core));
  CHECK(s.free(Shape::AIV, SlotKind::Pending, 0).empty());
  s.ungate(core);
  CHECK(s.running(core));
  CHECK(ids(s.free(Shape::AIV, SlotKind::Pending, 0)) == Ids{1});
}

TEST_CASE("a mixed block needs its whole cluster") {
  CoreSlots s(2, 1);
  s.take(Shape::AIV, CoreId(2), TaskId(1), 0, {1});  // cluster 0, AIV0
  s.posted(CoreId(2));
  CHECK(ids(s.free(Shape::MIX, SlotKind::Idle, 0)) == Ids{1});
  CHECK(ids(s.free(Shape::MIX, SlotKind::Pending, 0)) == Ids{0});  // behind the AIV job
}

TEST_CASE("an unused lane of a mixed block stays reserved until the block is done") {
  CoreSlots s(1, 1);
  s.take(Shape::MIX, CoreId(0), TaskId(7), 3, {0, 1});
  s.posted(CoreId(0));
  s.posted(CoreId(1));
  CHECK(s.free(Shape::AIV, SlotKind::Idle, 0).empty());
  s.lane_done(CoreId(0), TaskId(7), 3);
  CHECK(ids(s.free(Shape::AIC, SlotKind::Idle, 0)) == Ids{0});
  CHECK(s.free(Shape::AIV, SlotKind::Idle, 0).empty());
  s.lane_done(CoreId(1), TaskId(7), 3);
  CHECK(ids(s.free(Shape::AIV, SlotKind::Idle, 0)) == Ids{1, 2});
}

TEST_CASE("free places elsewhere") {
  CoreSlots s(2, 2);
  CHECK(s.any_free_elsewhere(Shape::AIC, SlotKind::Idle, 0));
  s.take(Shape::AIC, CoreId(1), TaskId(1), 0, {0});
  CHECK_FALSE(s.any_free_elsewhere(Shape::AIC, SlotKind::Idle, 0));
  CHECK(s.any_free_elsewhere(Shape::AIC, SlotKind::Idle, 1));
}
