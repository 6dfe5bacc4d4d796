// Atomic stores: deterministic order, and what may not be mixed with them.
#include "lang/support.h"

using namespace test;
using pl::Tensor;
using pl::Tile;

namespace {

/// Floats whose sum depends on the order of addition.
double addend(int64_t b) { return (b % 4 == 0 ? 1e6 : 1.0) / static_cast<double>(b + 3); }

float sum_in_order(int64_t blocks) {
  float sum = 0.5f;
  for (int64_t b = 0; b < blocks; ++b) sum += static_cast<float>(addend(b));
  return sum;
}

}  // namespace

TEST_CASE("adds of several blocks happen in block order") {
  const int64_t blocks = 31;
  float reversed = 0.5f;
  for (int64_t b = blocks - 1; b >= 0; --b) reversed += static_cast<float>(addend(b));
  REQUIRE(reversed != sum_in_order(blocks));  // the order is visible
  for (int threads : {1, 4}) {
    pl::SessionOptions o;
    o.threads = threads;
    pl::Session s("test", o);
    const Tensor y =
        s.inout("y", DType::F32, {2, 8}, host(DType::F32, std::vector<double>(16, 0.5)));
    pl::spmd(blocks, {"adds"}, [&](int64_t b) {
      Tile t = pl::full(1, 8, DType::F32, addend(b));
      pl::store(t, {1, 0}, y, true);
      pl::assemble(t, pl::full(1, 8, DType::F32, 1e30), 0, 0);  // must not change the pending add
    });
    CHECK(pl::read(y, {1, 3}) == sum_in_order(blocks));
    CHECK(pl::read(y, {0, 3}) == 0.5);
    const pl::RecordedProgram p = s.finish();
    CHECK(p.scopes[0].blocks[7].ops[1].attr.atomic);
    CHECK(p.diagnostics.empty());
  }
}

TEST_CASE("in a scope of one block an add happens at once") {
  pl::Session s("test");
  const Tensor y = s.inout("y", DType::I32, {8}, host(DType::I32, std::vector<double>(8, 3)));
  pl::at({"s"}, [&] {
    pl::store(pl::full(1, 8, DType::I32, 4), {0}, y, true);
    CHECK(grid(pl::load(y))[0][5] == 7);
    pl::assemble(y, pl::full(1, 8, DType::I32, 1), {0}, true);
    CHECK(grid(pl::load(y))[0][5] == 8);
  });
}

TEST_CASE("adds to memory nobody wrote are reported") {
  for (int64_t blocks : {1, 2}) {
    pl::Session s("test");
    const Tensor y = pl::create_tensor("acc", {8}, DType::F32);
    pl::spmd(blocks, {"adds"},
             [&](int64_t) { pl::store(pl::full(1, 8, DType::F32, 1), {0}, y, true); });
    const pl::RecordedProgram p = s.finish();
    REQUIRE(p.diagnostics.size() == 1);
    CHECK(p.diagnostics[0].id == "lang.uninitialised-read");
    CHECK(p.diagnostics[0].message == "adds to [0] of tensor 'acc', which nobody has written");
  }
}

TEST_CASE("a block may not read or overwrite what it has yet to add") {
  pl::Session s("test");
  const Tensor y = s.inout("y", DType::F32, {8, 8}, host(DType::F32, std::vector<double>(64, 0)));
  const auto scope = [&](const std::function<void()>& then) {
    return [&, then] {
      pl::spmd(2, {"adds"}, [&](int64_t b) {
        pl::store(pl::full(2, 4, DType::F32, 1), {2 * b, 2}, y, true);
        if (b == 0) then();
      });
    };
  };
  CHECK(error_of(scope([&] { pl::load(y, {1, 5}, {1, 1}); })).id() == "lang.atomic-read-back");
  CHECK(error_of(scope([&] { pl::read(y, {0, 2}); })).id() == "lang.atomic-read-back");
  CHECK(error_of(scope([&] {
          pl::store(pl::full(8, 1, DType::F32, 0), {0, 3}, y);
        })).id() == "lang.atomic-overwrite");
  CHECK(error_of(scope([&] { pl::write(y, {1, 2}, 0); })).id() == "lang.atomic-overwrite");
  // beside the window is fine
  scope([&] {
    pl::load(y, {0, 0}, {8, 2});
    pl::load(y, {0, 6}, {8, 2});
    pl::load(y, {2, 0}, {1, 8});
    pl::read(y, {1, 6});
    pl::store(pl::full(1, 8, DType::F32, 0), {7, 0}, y);
    pl::store(pl::full(2, 4, DType::F32, 1), {0, 2}, y, true);
  })();
  CHECK(pl::read(y, {1, 5}) == 2);
  CHECK(pl::read(y, {3, 5}) == 1);
}
