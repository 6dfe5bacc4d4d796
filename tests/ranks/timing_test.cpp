// When things happen between chips: flags, remote accesses, one clock.
#include <catch2/catch.hpp>

#include <algorithm>
#include <numeric>

#include "sim/cost.h"
#include "tests/ranks/support.h"

using namespace ranks_test;
using isa::Opcode;
using traces::Picoseconds;

namespace {

int64_t ps(double ns) { return sim::nanoseconds(ns).value; }

/// Rank 0 works for a while and then raises a flag rank 1 waits for.
std::vector<isa::TaskGraph> one_flag(const chips::Chip& c, int64_t work, bool waits = true) {
  pl::World world(2);
  const pl::WindowId flag = world.alloc_window(8);
  const auto programs = record(world, [&](pl::Session& session, int rank) {
    const pl::Tensor x = session.input("x", DType::F32, {64, 64}, ramp(64 * 64, 0));
    const pl::Tensor y = session.output("y", DType::F32, {64, 64});
    const pl::Tensor f = pl::window(flag, DType::I32, {2, 1}, "flags");
    pl::at({"s"}, [&] {
      if (rank == 0) {
        for (int64_t i : pl::range(work)) {
          (void)i;
          pl::store(pl::load(x), {0, 0}, y);
        }
        pl::notify(f, 1, {0, 0}, 1, pl::NotifyOp::AtomicAdd);
      } else if (waits) {
        pl::wait(f, {0, 0}, 1, pl::WaitCmp::Ge);
      }
    });
  });
  return lower(programs, c);
}

struct FlagTimes {
  int64_t notify_start, notify_end, wait_start, wait_end;
};

FlagTimes flag_times(const chips::Chip& c, int64_t work) {
  const auto t = replay(one_flag(c, work), c);
  const auto notify = rows(t[0], Opcode::TNOTIFY), wait = rows(t[1], Opcode::TWAIT);
  REQUIRE(notify.size() == 1);
  REQUIRE(wait.size() == 1);
  return {notify[0].start.value, notify[0].end.value, wait[0].start.value, wait[0].end.value};
}

}  // namespace

TEST_CASE("a wait ends with the first poll at which the flag has arrived") {
  for (const double latency : {350.0, 351.0, 999.0, 2000.0}) {
    const chips::Chip c =
        chip({"latency_ns=" + std::to_string(latency), "notify_ns=200", "poll_ns=130"});
    const FlagTimes t = flag_times(c, 4);
    const int64_t arrival = t.notify_start + ps(200) + ps(latency), poll = ps(130);
    REQUIRE(arrival > t.wait_start);
    CHECK(t.wait_end >= arrival + poll);     // not before the flag is there and has been read
    CHECK(t.wait_end < arrival + 2 * poll);  // but with the next poll
    CHECK((t.wait_end - t.wait_start) % poll == 0);
    CHECK(t.notify_end == t.notify_start + ps(200) + 2 * ps(latency));
  }
}

TEST_CASE("with fine polls a wait follows its notify to the nanosecond") {
  const auto wait_end = [](double latency) {
    return flag_times(chip({"latency_ns=" + std::to_string(latency), "poll_ns=1"}), 4);
  };
  const FlagTimes a = wait_end(500), b = wait_end(501);
  CHECK(a.notify_start == b.notify_start);
  CHECK(b.wait_end - a.wait_end == ps(1));
}

TEST_CASE("a flag that is there already costs one poll") {
  const chips::Chip c = chip({"poll_ns=130"});
  pl::World world(2);
  const pl::WindowId flag = world.alloc_window(8);
  const auto programs = record(world, [&](pl::Session& session, int rank) {
    const pl::Tensor x = session.input("x", DType::F32, {64, 64}, ramp(64 * 64, 0));
    const pl::Tensor y = session.output("y", DType::F32, {64, 64});
    const pl::Tensor f = pl::window(flag, DType::I32, {2, 1}, "flags");
    pl::at({"s"}, [&] {
      if (rank == 0) pl::notify(f, 1, {0, 0}, 1, pl::NotifyOp::AtomicAdd);
      if (rank == 1) {
        for (int i = 0; i < 64; ++i) pl::store(pl::load(x), {0, 0}, y);
        pl::notify(f, 0, {1, 0}, 1, pl::NotifyOp::AtomicAdd);  // waits for the stores
        pl::wait(f, {0, 0}, 1, pl::WaitCmp::Ge);
      }
    });
  });
  const auto t = replay(lower(programs, c), c);
  const auto wait = rows(t[1], Opcode::TWAIT);
  REQUIRE(wait.size() == 1);
  CHECK((wait[0].end - wait[0].start).value == ps(130));
}

TEST_CASE("the time a lane stands at a flag is a wait for a peer") {
  const chips::Chip c = chip();
  const auto t = replay(one_flag(c, 64), c);
  const auto wait = rows(t[1], Opcode::TWAIT)[0];
  const traces::LaneRow& lane = t[1].lanes[wait.lane_row];
  const Picoseconds stood = lane.waits[static_cast<size_t>(traces::WaitReason::Peer)];
  CHECK(stood.value == (wait.end - wait.start).value - ps(c.link.poll_ns));
  CHECK(stood.value > 0);
  for (const traces::LaneRow& other : t[0].lanes)
    CHECK(other.waits[static_cast<size_t>(traces::WaitReason::Peer)].value == 0);
}

TEST_CASE("a rank that meets nobody has the timeline it has alone") {
  const chips::Chip c = chip();
  auto graphs = one_flag(c, 8, false);
  const auto together = replay(graphs, c);
  graphs[1].rank = 0;
  graphs[1].ranks = 1;
  const auto alone = replay({graphs[1]}, c);
  REQUIRE(alone[0].lanes.size() == together[1].lanes.size());
  for (size_t i = 0; i < alone[0].lanes.size(); ++i) {
    CHECK(alone[0].lanes[i].start == together[1].lanes[i].start);
    CHECK(alone[0].lanes[i].finish == together[1].lanes[i].finish);
  }
  CHECK(alone[0].makespan() == together[1].makespan());
}

TEST_CASE("replays of ranks are the same every time") {
  const chips::Chip c = chip();
  const auto graphs = one_flag(c, 16);
  const auto a = replay(graphs, c), b = replay(graphs, c);
  for (size_t r = 0; r < 2; ++r) {
    REQUIRE(a[r].instrs.size() == b[r].instrs.size());
    for (size_t i = 0; i < a[r].instrs.size(); ++i) CHECK(a[r].instrs[i].end == b[r].instrs[i].end);
  }
}

TEST_CASE("a remote access takes a round trip longer than a local one") {
  const auto durations = [](int peer_of_0, double latency) {
    const chips::Chip c = chip({"latency_ns=" + std::to_string(latency)});
    pl::World world(2);
    const pl::WindowId data = world.alloc_window(4096);
    const auto programs = record(world, [&](pl::Session& session, int rank) {
      const pl::Tensor y = session.output("y", DType::F32, {1, 64});
      const pl::Tensor w = pl::window(data, DType::F32, {1, 1024}, "w");
      pl::at({"s"}, [&] {
        if (rank == 1) return;
        const pl::Tile t = pl::remote_load(w, peer_of_0, {0, 0}, {1, 64});
        pl::remote_store(t, w, peer_of_0, {0, 512});
        pl::store(t, {0, 0}, y);
      });
    });
    const auto t = replay(lower(programs, c), c);
    const auto load = rows(t[0], Opcode::TLOAD)[0], store = rows(t[0], Opcode::TSTORE)[0];
    return std::pair((load.end - load.start).value, (store.end - store.start).value);
  };
  const auto local = durations(0, 350), near = durations(1, 350), far = durations(1, 1350);
  CHECK(near.first >= local.first + 2 * ps(350));
  CHECK(near.first < local.first + 2 * ps(350) + ps(100));
  CHECK(near.second >= local.second + 2 * ps(350));
  CHECK(far.first - near.first == 2 * ps(1000));
  CHECK(far.second - near.second == 2 * ps(1000));
}

TEST_CASE("a flag cleared by its own rank is waited for anew") {
  const chips::Chip c = chip();
  pl::World world(2);
  const pl::WindowId flag = world.alloc_window(8), done = world.alloc_window(8);
  const auto programs = record(world, [&](pl::Session&, int rank) {
    const pl::Tensor f = pl::window(flag, DType::I32, {2, 1}, "flags");
    const pl::Tensor cleared = pl::window(done, DType::I32, {2, 1}, "cleared");
    pl::at({"s"}, [&] {
      for (int64_t round = 1; round <= 3; ++round) {
        pl::notify(f, 1 - rank, {rank, 0}, 1, pl::NotifyOp::AtomicAdd);
        pl::wait(f, {1 - rank, 0}, 1, pl::WaitCmp::Eq);  // not two
        pl::write_int(f, {1 - rank, 0}, 0);
        barrier(cleared, round);
      }
    });
  });
  const auto t = replay(lower_and_verify(programs, c), c);
  CHECK(rows(t[0], Opcode::TWAIT).size() == 6);
}

TEST_CASE("flags may start with what an earlier program left") {
  const chips::Chip c = chip();
  auto graphs = one_flag(c, 64);
  std::vector<const isa::TaskGraph*> pointers = {&graphs[0], &graphs[1]};
  const auto wait_us = [&](const std::vector<std::vector<sim::FlagStart>>& flags) {
    sim::Options options;
    options.instructions = true;
    const auto t = sim::replay_ranks(pointers, c, options, flags);
    const auto wait = rows(t[1], Opcode::TWAIT)[0];
    return (wait.end - wait.start).us();
  };
  CHECK(wait_us({{}, {{0, 0, 1}}}) == Approx(c.link.poll_ns / 1000));
  CHECK(wait_us({}) > 10 * c.link.poll_ns / 1000);
}

TEST_CASE("a simulation that waits for a flag nobody raises names ranks, cores and flags") {
  const chips::Chip c = chip();
  auto graphs = one_flag(c, 1);
  for (isa::Instr& in : graphs[0].tasks[0].blocks[0].aiv[0].instrs)
    if (in.op == Opcode::TNOTIFY) in.attr.imm = 0;
  const isa::Error e = error_of([&] { replay(graphs, c); });
  CHECK(e.id() == "sim.deadlock");
  CHECK_THAT(e.what(),
             Catch::Matchers::Contains("rank 1: nothing can happen after") &&
                 Catch::Matchers::Contains("s block 0, S instr") &&
                 Catch::Matchers::Contains("(TWAIT) waits for at least 1 of flags, which is 0"));
}

TEST_CASE("graphs are replayed as the ranks they are") {
  const chips::Chip c = chip();
  const auto graphs = one_flag(c, 1);
  const isa::Error e = error_of([&] { sim::replay(graphs[1], c); });
  CHECK(e.id() == "sim.bad-graph");
  CHECK_THAT(e.what(), Catch::Matchers::Contains("is rank 1 of 2, replayed as rank 0 of 1"));
}
