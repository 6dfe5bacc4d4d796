#include "kernels/quant.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>

#include "kernels/fixtures.h"
#include "kernels/norm.h"

using namespace kernels;
using isa::DType;
using pl::Tensor;
using pl::Tile;

namespace {

constexpr int64_t kRows = 8, kCols = 64;

struct Quantised {
  std::vector<int8_t> q;
  std::vector<float> multiplier, stored;
};

Quantised quantise(const HostTensor& x) {
  pl::Session session("quant");
  const Tensor in = session.input("x", DType::F32, {kRows, kCols}, x.bytes);
  const Tensor q = session.output("q", DType::I8, {kRows, kCols});
  const Tensor multiplier = session.output("multiplier", DType::F32, {1, kRows});
  const Tensor stored = session.output("stored", DType::F32, {1, kRows});
  pl::at({"quant"}, [&] {
    const Tile tile = pl::load(in);
    const Tile amax = raise_row_amax(pl::full(1, kRows, DType::F32, kAmaxFloor), tile);
    const RowScale scale = row_scale(amax);
    pl::store(to_int8(scale_rows(tile, scale.multiplier)), {0, 0}, q);
    pl::store(scale.multiplier, {0, 0}, multiplier);
    pl::store(scale.stored, {0, 0}, stored);
  });
  Quantised r;
  const auto* bytes = reinterpret_cast<const int8_t*>(session.data(q));
  r.q.assign(bytes, bytes + kRows * kCols);
  const auto* m = reinterpret_cast<const float*>(session.data(multiplier));
  r.multiplier.assign(m, m + kRows);
  const auto* s = reinterpret_cast<const float*>(session.data(stored));
  r.stored.assign(s, s + kRows);
  return r;
}

}  // namespace

TEST_CASE("rows are quantised with their own scale, half to even, without saturation") {
  const HostTensor x = make_tensor("x", DType::F32, {kRows, kCols}, Role::Input);
  fill(x, 4, normal(2));
  // Row 0: amax 127 makes the multiplier 1 and halves visible.
  for (int64_t j = 0; j < kCols; ++j) x.as<float>()[j] = static_cast<float>(j) - 31.5f;
  x.as<float>()[0] = -127;
  // Row 1: all tiny, the floor decides. Row 2: all zero.
  for (int64_t j = 0; j < kCols; ++j) {
    x.as<float>()[kCols + j] = 1e-6f;
    x.as<float>()[2 * kCols + j] = 0;
  }
  const Quantised r = quantise(x);
  for (int64_t t = 0; t < kRows; ++t) {
    const float* row = x.as<float>() + t * kCols;
    float amax = 1e-4f;
    for (int64_t j = 0; j < kCols; ++j) amax = std::max(amax, std::fabs(row[j]));
    const float multiplier = 127.0f / amax;
    CHECK(r.multiplier[static_cast<size_t>(t)] == multiplier);
    CHECK(r.stored[static_cast<size_t>(t)] == 1.0f / multiplier);
    for (int64_t j = 0; j < kCols; ++j)
      REQUIRE(r.q[static_cast<size_t>(t * kCols + j)] ==
              static_cast<int8_t>(std::nearbyint(row[j] * multiplier)));
  }
  CHECK(static_cast<int>(r.q[0]) == -127);
  CHECK(static_cast<int>(r.q[1]) == -30);    // -30.5 -> even
  CHECK(static_cast<int>(r.q[33]) == 2);     // 1.5 -> even
  CHECK(static_cast<int>(r.q[kCols]) == 1);  // 1e-6 * 1.27e6
}

TEST_CASE("dequantisation multiplies by the row's scale first, then by the column's") {
  const HostTensor p = make_tensor("p", DType::I32, {kRows, kCols}, Role::Input);
  const HostTensor row = make_tensor("row", DType::F32, {1, kRows}, Role::Input);
  const HostTensor column = make_tensor("column", DType::F32, {1, kCols}, Role::Input);
  for (int64_t i = 0; i < p.numel(); ++i)
    p.as<int32_t>()[i] =
        static_cast<int32_t>(random_bits(rng_key(1, "p"), static_cast<uint32_t>(i))) / 16;
  fill(row, 1, uniform(0.001f, 0.1f));
  fill(column, 1, uniform(0.001f, 0.1f));
  pl::Session session("dequant");
  const Tensor tp = session.input("p", DType::I32, {kRows, kCols}, p.bytes);
  const Tensor tr = session.input("row", DType::F32, {1, kRows}, row.bytes);
  const Tensor tc = session.input("column", DType::F32, {1, kCols}, column.bytes);
  const Tensor y = session.output("y", DType::F32, {kRows, kCols});
  pl::at({"dequant"}, [&] {
    const Tile product = pl::load(tp), r = as_column(pl::load(tr)), c = pl::load(tc);
    pl::store(dequantise(product, r, c), {0, 0}, y);
  });
  const auto* out = reinterpret_cast<const float*>(session.data(y));
  for (int64_t i = 0; i < p.numel(); ++i) {
    const volatile float scaled =
        static_cast<float>(p.as<int32_t>()[i]) * row.as<float>()[i / kCols];
    REQUIRE(out[i] == scaled * column.as<float>()[i % kCols]);
  }
}
