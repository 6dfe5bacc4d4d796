// What the operations between ranks do to memory.
#include <catch2/catch.hpp>

#include "tests/ranks/support.h"

using namespace ranks_test;

namespace {

/// Two ranks, one 1 x 64 window of FP32 and flags; `body` runs in one scope of each rank.
std::vector<pl::RecordedProgram> two_ranks(
    const std::function<void(const pl::Tensor& x, const pl::Tensor& w, const pl::Tensor& flags,
                             const pl::Tensor& y)>& body,
    int ranks = 2) {
  pl::World world(ranks);
  const pl::WindowId data = world.alloc_window(64 * 4), flag = world.alloc_window(64);
  return record(world, [&](pl::Session& session, int rank) {
    const pl::Tensor x = session.input("x", DType::F32, {1, 64}, ramp(64, 100.0f * (rank + 1)));
    const pl::Tensor y = session.output("y", DType::F32, {1, 64});
    const pl::Tensor w = pl::window(data, DType::F32, {1, 64}, "w");
    const pl::Tensor f = pl::window(flag, DType::I32, {ranks, 1}, "flags");
    pl::at({"s"}, [&] { body(x, w, f, y); });
  });
}

}  // namespace

TEST_CASE("a remote store lands in the peer's copy only") {
  const auto p = two_ranks([](auto& x, auto& w, auto& flags, auto& y) {
    const pl::Tile t = pl::load(x);
    pl::remote_store(t, w, 1 - pl::my_rank(), {0, 0});
    barrier(flags);
    pl::store(pl::load(w), {0, 0}, y);
  });
  for (int64_t i : {0, 63}) {
    CHECK(f32(p[0], "y", i) == 200 + static_cast<float>(i));
    CHECK(f32(p[1], "y", i) == 100 + static_cast<float>(i));
  }
}

TEST_CASE("an atomic remote store adds") {
  const auto p = two_ranks(
      [](auto& x, auto& w, auto& flags, auto& y) {
        const pl::Tile t = pl::load(x);
        for (int64_t peer : pl::range(3)) pl::remote_store(t, w, peer, {0, 0}, true);
        barrier(flags);
        pl::store(pl::load(w), {0, 0}, y);
      },
      3);
  for (const auto& program : p) CHECK(f32(program, "y", 5) == 100 + 200 + 300 + 3 * 5);
}

TEST_CASE("a remote load reads the peer's copy, clipped like a load") {
  const auto p = two_ranks([](auto& x, auto& w, auto& flags, auto& y) {
    pl::store(pl::load(x), {0, 0}, w);
    barrier(flags);
    const pl::Tile t = pl::remote_load(w, 1 - pl::my_rank(), {0, 48}, {1, 32});
    CHECK(t.valid_cols() == 16);
    const pl::Tile narrow = pl::remote_load(w, 1 - pl::my_rank(), {0, 0}, {1, 32}, {1, 8});
    CHECK(narrow.valid_cols() == 8);
    pl::store(pl::full(1, 64, DType::F32, 0), {0, 0}, y);
    pl::store(t, {0, 0}, y);
  });
  CHECK(f32(p[0], "y", 0) == 248);
  CHECK(f32(p[0], "y", 15) == 263);
  CHECK(f32(p[0], "y", 16) == 0);
  CHECK(f32(p[1], "y", 0) == 148);
}

TEST_CASE("put copies a part of any tensor to the peer's window, in chunks or at once") {
  for (const bool chunked : {false, true}) {
    pl::World world(2);
    const pl::WindowId data = world.alloc_window(16 * 32 * 4), flag = world.alloc_window(64);
    const auto p = record(world, [&](pl::Session& session, int rank) {
      const pl::Tensor x =
          session.input("x", DType::F32, {8, 32}, ramp(8 * 32, 1000.0f * (rank + 1)));
      const pl::Tensor w = pl::window(data, DType::F32, {16, 32}, "w");
      const pl::Tensor f = pl::window(flag, DType::I32, {2, 1}, "flags");
      pl::at({"s"}, [&] {
        pl::CopyOptions options;
        if (chunked) {
          options.chunk_rows = 2;
          options.chunk_cols = 16;
          options.pipeline = true;
        }
        pl::put(w, 1 - rank, x, {4, 0}, {1, 0}, {5, 32}, options);
        barrier(f);
      });
    });
    CHECK(f32(p[0], "w", 3 * 32) == 0);
    CHECK(f32(p[0], "w", 4 * 32) == 2000 + 32);
    CHECK(f32(p[0], "w", 9 * 32 - 1) == 2000 + 6 * 32 - 1);
    CHECK(f32(p[0], "w", 9 * 32) == 0);
    CHECK(f32(p[1], "w", 8 * 32 + 7) == 1000 + 5 * 32 + 7);
  }
}

TEST_CASE("get copies from the peer's window to any tensor") {
  const auto p = two_ranks([](auto& x, auto& w, auto& flags, auto& y) {
    pl::store(pl::load(x), {0, 0}, w);
    barrier(flags);
    pl::get(y, 1 - pl::my_rank(), w);
  });
  CHECK(f32(p[0], "y", 1) == 201);
  CHECK(f32(p[1], "y", 1) == 101);
}

TEST_CASE("a peer that is the own rank is a local access") {
  const auto p = two_ranks([](auto& x, auto& w, auto& flags, auto& y) {
    const int64_t me = pl::my_rank();
    pl::put(w, me, x);
    pl::notify(flags, me, {me, 0}, 3, pl::NotifyOp::Set);
    pl::wait(flags, {me, 0}, 3, pl::WaitCmp::Eq);
    pl::store(pl::remote_load(w, me, {0, 0}, {1, 64}), {0, 0}, y);
  });
  CHECK(f32(p[1], "y", 2) == 202);
  for (const pl::Op& op : p[1].scopes[0].blocks[0].ops) CHECK_FALSE(op.gm.remote());
}

TEST_CASE("notify adds or sets, wait is content with more or needs the very value") {
  const auto p = two_ranks([](auto&, auto&, auto& flags, auto&) {
    if (pl::my_rank() == 0) {
      pl::notify(flags, 1, {0, 0}, 5, pl::NotifyOp::AtomicAdd);
      pl::notify(flags, 1, {0, 0}, 2, pl::NotifyOp::AtomicAdd);
      pl::notify(flags, 1, {1, 0}, -4, pl::NotifyOp::Set);
      pl::wait(flags, {0, 0}, 9, pl::WaitCmp::Eq);
    } else {
      pl::wait(flags, {0, 0}, 6, pl::WaitCmp::Ge);
      pl::wait(flags, {1, 0}, -4, pl::WaitCmp::Eq);
      pl::notify(flags, 0, {0, 0}, 9, pl::NotifyOp::Set);
    }
  });
  CHECK(i32(p[1], "flags", 0) == 7);
  CHECK(i32(p[1], "flags", 1) == -4);
  CHECK(i32(p[0], "flags", 0) == 9);
}

TEST_CASE("windows start at zero, keep their contents over scopes and belong to one world") {
  pl::World world(2);
  const pl::WindowId data = world.alloc_window(32);
  const auto p = record(world, [&](pl::Session& session, int rank) {
    const pl::Tensor w = pl::window(data, DType::I32, {8}, "w");
    const pl::Tensor again = pl::window(data, DType::I32, {2, 4}, "other");
    CHECK(again.buffer() == w.buffer());
    pl::at({"a"}, [&] {
      CHECK(pl::read_int(w, {7}) == 0);
      pl::write_int(w, {rank}, 10 + rank);
    });
    pl::at({"b"}, [&] { CHECK(pl::read_int(again, {0, rank}) == 10 + rank); });
    CHECK(session.data(w) == world.window_bytes(data, rank));
  });
  CHECK(i32(p[0], "w", 0) == 10);
  CHECK(i32(p[0], "w", 1) == 0);
  CHECK(i32(p[1], "w", 1) == 11);
  CHECK(p[1].rank == 1);
  CHECK(p[1].ranks == 2);
  CHECK(p[1].buffers[0].window == 0);
}

TEST_CASE("ranks take turns in one order whatever their programs do") {
  const auto order = [] {
    std::vector<int> turns;
    pl::World world(3);
    const pl::WindowId flag = world.alloc_window(64);
    record(world, [&](pl::Session&, int rank) {
      const pl::Tensor f = pl::window(flag, DType::I32, {3, 1}, "flags");
      pl::at({"s"}, [&] {
        for (int64_t round = 1; round <= 3; ++round) {
          turns.push_back(rank);
          barrier(f, round);
        }
      });
    });
    return turns;
  };
  const std::vector<int> first = order();
  CHECK(first == std::vector<int>{0, 1, 2, 2, 0, 1, 1, 2, 0});
  for (int i = 0; i < 20; ++i) CHECK(order() == first);
}

TEST_CASE("a rank waits inside a block of a spmd scope and inside a lockstep scope") {
  for (const bool together : {false, true}) {
    pl::World world(2);
    const pl::WindowId flag = world.alloc_window(64);
    const auto p = record(world, [&](pl::Session&, int rank) {
      const pl::Tensor f = pl::window(flag, DType::I32, {2, 4}, "flags");
      pl::ScopeOptions options;
      options.name = "s";
      options.sync_start = together;
      pl::spmd(4, options, [&](int64_t b) {
        pl::notify(f, 1 - rank, {rank, b}, 1, pl::NotifyOp::AtomicAdd);
        pl::wait(f, {1 - rank, b}, 1, pl::WaitCmp::Ge);
        if (together) pl::syncall();
      });
    });
    for (int64_t b = 0; b < 4; ++b) CHECK(i32(p[0], "flags", 4 + b) == 1);
  }
}
