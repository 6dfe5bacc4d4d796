// Records and results do not depend on host threads or on the run.
#include "lang/support.h"

using namespace test;
using pl::Tensor;
using pl::Tile;

namespace {

/// A program that uses everything the blocks merge: sites met first by different blocks, atomics,
/// diagnostics, tiles of earlier scopes, scalar-dependent control flow, temporaries.
std::string program(int threads) {
  pl::SessionOptions o;
  o.threads = threads;
  pl::Session s("mixed", o);
  const Tensor x =
      s.input("x", DType::F32, {64, 32}, host(DType::F32, sequence(64 * 32, [](int64_t i) {
                                                return static_cast<double>(i % 97) * 0.37;
                                              })));
  const Tensor y = s.output("y", DType::F32, {64, 32});
  const Tensor sum = pl::create_tensor("sum", {1, 32}, DType::F32, {false, 0.25});
  const Tensor holes = pl::create_tensor("holes", {64, 32}, DType::F32);
  Tile a, b;
  pl::at({"first"}, [&] {
    a = pl::full(1, 32, DType::F32, 1.1);
    b = pl::full(1, 32, DType::F32, 2.2);
  });
  for (int64_t round : pl::range(3)) {
    pl::spmd(32, {"work"}, [&](int64_t blk) {
      Tile t = pl::load(x, {blk * 2, 0}, {2, 32});
      if (blk % 3 == 0) t = pl::exp(pl::mul(t, 0.01));
      if (blk % 5 == 1) t = pl::col_expand_mul(t, b);
      if (blk % 7 == 2) t = pl::col_expand_add(t, a);
      for (int64_t i : pl::pipeline(blk % 4, 2)) t = pl::add(t, static_cast<double>(i + round));
      if (blk % 6 == 5) {
        pl::load(holes, {blk * 2, 0}, {1, 32});
        pl::read(x, {0, 40 + blk});
      } else {
        pl::store(t, {blk * 2, 0}, holes);
      }
      pl::store(t, {blk * 2, 0}, y);
      pl::store(pl::col_sum(t), {0, 0}, sum, true);
    });
  }
  return dump(s.finish());
}

}  // namespace

TEST_CASE("records and results are the same with 1 and 4 threads, run after run") {
  const std::string one = program(1);
  CHECK(one.find("diagnostic lang.uninitialised-read") != std::string::npos);
  CHECK(one.find("diagnostic lang.scalar-out-of-bounds") != std::string::npos);
  CHECK(one.find("first_tile") != std::string::npos);
  for (int repeat = 0; repeat < 10; ++repeat) CHECK((program(4) == one));
  CHECK((program(2) == one));
}

TEST_CASE("temporaries of tiles are created in block order") {
  // Block 0 needs b, block 1 needs a: b's temporary comes first whoever runs first.
  for (int threads : {1, 4}) {
    pl::SessionOptions o;
    o.threads = threads;
    pl::Session s("test", o);
    Tile a, b;
    pl::at({"maker"}, [&] {
      a = pl::full(1, 8, DType::F32, 1);
      b = pl::full(1, 16, DType::F32, 2);
    });
    pl::spmd(8, {"users"}, [&](int64_t blk) { pl::add(blk == 0 ? b : a, 1); });
    const pl::RecordedProgram p = s.finish();
    REQUIRE(p.buffers.size() == 2);
    CHECK(p.buffers[0].shape == std::vector<int64_t>{1, 16});
    CHECK(p.scopes[1].blocks[0].ops[0].gm.buffer.value == 0);
    CHECK(p.scopes[1].blocks[5].ops[0].gm.buffer.value == 1);
  }
}

TEST_CASE("sites are numbered in order of first use") {
  const auto p = run([](pl::Session&) {},
                     [] {
                       for (int i = 0; i < 3; ++i) {
                         pl::full(1, 8, DType::F32, 0);
                         pl::full(1, 8, DType::F32, 0);
                       }
                     });
  const auto& ops = p.scopes[0].blocks[0].ops;
  REQUIRE(ops.size() == 6);
  CHECK(ops[0].site == ops[2].site);
  CHECK(ops[1].site == ops[5].site);
  CHECK(ops[0].site.value + 1 == ops[1].site.value);
  CHECK(p.sites.size() == 3);  // the scope and two lines
}
