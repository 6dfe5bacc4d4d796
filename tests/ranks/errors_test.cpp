// What a program of several ranks can get wrong.
#include <catch2/catch.hpp>

#include "tests/ranks/support.h"

using namespace ranks_test;
using Catch::Matchers::Contains;

namespace {

isa::Error in_scope(const std::function<void(const pl::Tensor& w, const pl::Tensor& flags,
                                             const pl::Tensor& plain)>& body) {
  pl::World world(2);
  const pl::WindowId data = world.alloc_window(256), flag = world.alloc_window(8);
  return error_of([&] {
    record(world, [&](pl::Session& session, int) {
      const pl::Tensor plain = session.output("plain", DType::F32, {1, 64});
      const pl::Tensor w = pl::window(data, DType::F32, {1, 64}, "w");
      const pl::Tensor f = pl::window(flag, DType::I32, {2, 1}, "flags");
      pl::at({"talk"}, [&] { body(w, f, plain); });
    });
  });
}

}  // namespace

TEST_CASE("errors of operations between ranks") {
  isa::Error e = in_scope([](auto& w, auto&, auto&) { pl::remote_load(w, 2, {0, 0}, {1, 64}); });
  CHECK(e.id() == "lang.peer");
  CHECK_THAT(e.what(), Contains("scope talk, errors_test.cpp:") &&
                           Contains("remote_load with rank 2, the world has ranks 0..1"));
  e = in_scope([](auto&, auto&, auto& plain) { pl::remote_load(plain, 1, {0, 0}, {1, 64}); });
  CHECK(e.id() == "lang.no-window");
  CHECK_THAT(e.what(), Contains("remote_load of tensor 'plain', which is no window"));
  e = in_scope([](auto& w, auto&, auto&) { pl::notify(w, 1, {0, 0}, 1, pl::NotifyOp::Set); });
  CHECK(e.id() == "lang.flag");
  CHECK_THAT(e.what(), Contains("notify of a window of FP32; flags are INT32"));
  e = in_scope([](auto&, auto& f, auto&) { pl::wait(f, {2, 0}, 1, pl::WaitCmp::Ge); });
  CHECK(e.id() == "lang.flag");
  CHECK_THAT(e.what(), Contains("wait of flag [2, 0] of a window of shape [2, 1]"));
  e = in_scope([](auto& w, auto&, auto& plain) { pl::put(w, 1, plain, {0, 32}, {0, 0}, {1, 64}); });
  CHECK(e.id() == "lang.copy-window");
  CHECK_THAT(e.what(), Contains("[1, 64] at [0, 32] of [1, 64]"));
  e = in_scope([](auto& w, auto&, auto& plain) {
    pl::CopyOptions options;
    options.pipeline = true;
    pl::put(w, 1, plain, {}, {}, {}, options);
  });
  CHECK(e.id() == "lang.copy-chunk");
  e = in_scope([](auto& w, auto&, auto&) {
    pl::remote_store(pl::full(1, 64, DType::I32, 0), w, 1, {0, 0});
  });
  CHECK(e.id() == "lang.dtype");
}

TEST_CASE("windows need a world, and room") {
  pl::Session session("alone");
  CHECK(error_of([] { pl::my_rank(); }).id() == "lang.no-world");
  CHECK(error_of([] { pl::window(pl::WindowId(0), DType::F32, {1}); }).id() == "lang.no-world");
  CHECK(error_of([] { pl::World world(0); }).id() == "lang.world-size");
  pl::World world(1);
  CHECK(error_of([&] { world.alloc_window(0); }).id() == "lang.window-bytes");
  const pl::WindowId w = world.alloc_window(16);
  CHECK(error_of([&] { world.window_bytes(w, 1); }).id() == "lang.peer");
  const isa::Error e = error_of([&] {
    world.run([&](int) {
      pl::Session own("own");
      pl::window(w, DType::F32, {8});
    });
  });
  CHECK(e.id() == "lang.window-bytes");
  CHECK_THAT(e.what(), Contains("shape [8] of FP32 needs 32 bytes, the window has 16"));
}

TEST_CASE("a deadlock names every rank, its scope, line, flag, value and expectation") {
  pl::World world(3);
  const pl::WindowId flag = world.alloc_window(64);
  const isa::Error e = error_of([&] {
    record(world, [&](pl::Session&, int rank) {
      const pl::Tensor f = pl::window(flag, DType::I32, {3, 1}, "ready");
      pl::at({"exchange"}, [&] {
        if (rank == 2) return;
        pl::notify(f, 1 - rank, {rank, 0}, 1, pl::NotifyOp::AtomicAdd);
        pl::wait(f, {1 - rank, 0}, 2, pl::WaitCmp::Ge);
      });
    });
  });
  CHECK(e.id() == "lang.rank-deadlock");
  CHECK_THAT(e.what(), Contains("rank 0 in scope exchange, errors_test.cpp:") &&
                           Contains("for flag ready[1, 0] = 1 to be at least 2") &&
                           Contains("rank 1 in scope exchange") &&
                           Contains("for flag ready[0, 0] = 1 to be at least 2") &&
                           Contains("already ended: rank 2"));
}

TEST_CASE("the first failure of a rank ends the others") {
  pl::World world(2);
  const pl::WindowId flag = world.alloc_window(64);
  for (int bad : {0, 1}) {
    const isa::Error e = error_of([&] {
      record(world, [&](pl::Session&, int rank) {
        const pl::Tensor f = pl::window(flag, DType::I32, {2, 1}, "ready");
        pl::at({"s"}, [&] {
          if (rank == bad) throw isa::Error("test.bad", "rank " + std::to_string(rank));
          pl::wait(f, {0, 0}, 1, pl::WaitCmp::Ge);
        });
      });
    });
    CHECK(e.id() == "test.bad");
  }
  // The world is usable afterwards.
  CHECK(record(world, [](pl::Session&, int) {}).size() == 2);
}
