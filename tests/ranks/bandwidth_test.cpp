// How ranks share the ports between their chips.
#include <catch2/catch.hpp>

#include <algorithm>

#include "tests/ranks/support.h"

using namespace ranks_test;

namespace {

constexpr int64_t kRows = 64, kCols = 256;  // 64 KB a store
constexpr int64_t kStores = 16;             // 1 MB a block
constexpr int64_t kBlockBytes = kStores * kRows * kCols * 4;

/// Every rank of `to` >= 0 sends `blocks` MB to rank to[r], one block each. Returns, for each rank,
/// the time from its first store's start to its last store's end in us.
std::vector<double> send(const std::vector<int>& to, int64_t blocks, const chips::Chip& c) {
  pl::World world(static_cast<int>(to.size()));
  const pl::WindowId data = world.alloc_window(blocks * kBlockBytes);
  const auto programs = record(world, [&](pl::Session&, int rank) {
    const pl::Tensor w = pl::window(data, DType::F32, {blocks * kStores * kRows, kCols}, "w");
    const int peer = to[static_cast<size_t>(rank)];
    if (peer < 0) return;
    pl::spmd(blocks, {"send"}, [&](int64_t b) {
      const pl::Tile t = pl::full(kRows, kCols, DType::F32, 1);
      for (int64_t i : pl::range(kStores))
        pl::remote_store(t, w, peer, {(b * kStores + i) * kRows, 0});
    });
  });
  const auto t = replay(lower(programs, c), c);
  std::vector<double> us;
  for (const traces::Timeline& line : t) {
    int64_t first = INT64_MAX, last = 0;
    for (const traces::InstrRow& r : rows(line, isa::Opcode::TSTORE)) {
      first = std::min(first, r.start.value);
      last = std::max(last, r.end.value);
    }
    us.push_back(last == 0 ? 0 : static_cast<double>(last - first) / 1e6);
  }
  return us;
}

}  // namespace

TEST_CASE("cores of a chip share its port") {
  const chips::Chip c = chip({"bandwidth=20"});
  for (const int64_t blocks : {2, 8}) {
    const double us = send({1, -1}, blocks, c)[0];
    const double gb_per_s = static_cast<double>(blocks * kBlockBytes) / us / 1e3;
    CHECK(gb_per_s <= 20.0);
    CHECK(gb_per_s > 19.0);
  }
}

TEST_CASE("one core cannot fill a fast port") {
  const double slow = send({1, -1}, 1, chip({"bandwidth=1000"}))[0];
  const double fast = send({1, -1}, 1, chip({"bandwidth=2000"}))[0];
  CHECK(fast == Approx(slow).epsilon(0.01));
}

TEST_CASE("directions do not share, receivers and senders do") {
  const chips::Chip c = chip({"bandwidth=20"});
  const double alone = send({1, -1, -1}, 4, c)[0];
  const auto both = send({1, 0, -1}, 4, c);
  CHECK(both[0] == Approx(alone).epsilon(0.03));
  CHECK(both[1] == Approx(alone).epsilon(0.03));
  const auto apart = send({1, 0, 3, 2}, 4, c);
  CHECK(apart[2] == Approx(alone).epsilon(0.03));
  const auto onto_one = send({2, 2, -1}, 4, c);
  CHECK(std::max(onto_one[0], onto_one[1]) == Approx(2 * alone).epsilon(0.05));
}

TEST_CASE("twice the bandwidth, half the time") {
  const double us20 = send({1, -1}, 8, chip({"bandwidth=20"}))[0];
  const double us40 = send({1, -1}, 8, chip({"bandwidth=40"}))[0];
  CHECK(us20 / us40 == Approx(2).epsilon(0.05));
}
