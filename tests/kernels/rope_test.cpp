// The rotations on tiles, against plain loops over lanes.
#include "kernels/rope.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "kernels/fixtures.h"

using namespace kernels;
using isa::DType;
using pl::Tensor;
using pl::Tile;

namespace {

constexpr int64_t kRows = 24;

struct Data {
  HostTensor x = make_tensor("x", DType::F32, {kRows, 64}, Role::Input);
  HostTensor cos = make_tensor("cos", DType::BF16, {kRows, 64}, Role::Input);
  HostTensor sin = make_tensor("sin", DType::BF16, {kRows, 64}, Role::Input);
  std::vector<float> c, s;
  Data() {
    fill(x, 1, normal(3));
    fill(cos, 1, uniform(-1, 1));
    fill(sin, 1, uniform(-1, 1));
    c = to_f32(cos);
    s = to_f32(sin);
  }
  float lane(int64_t r, int64_t j) const { return x.as<float>()[r * 64 + j]; }
  /// Rotated pair i of row r, in FP32 without contraction: {first', second'}.
  std::pair<float, float> pair(int64_t r, int64_t i, int64_t first, int64_t second) const {
    const volatile float a = lane(r, first), b = lane(r, second);
    const volatile float ci = c[static_cast<size_t>(r * 64 + i)],
                         si = s[static_cast<size_t>(r * 64 + i)];
    const volatile float ac = a * ci, bs = b * si, as = a * si, bc = b * ci;
    return {ac - bs, as + bc};
  }
};

using Body = std::function<Tile(const Tile& x, const Tensor& cos, const Tensor& sin)>;

/// Runs `body` in one vector scope over all rows; its [24, 64] FP32 result.
std::vector<float> on_tiles(const Data& d, const Body& body) {
  pl::Session session("rope");
  const Tensor x = session.input("x", DType::F32, {kRows, 64}, d.x.bytes);
  const Tensor cos = session.input("cos", DType::BF16, {kRows, 64}, d.cos.bytes);
  const Tensor sin = session.input("sin", DType::BF16, {kRows, 64}, d.sin.bytes);
  const Tensor y = session.output("y", DType::F32, {kRows, 64});
  pl::at({"rope"}, [&] { pl::store(body(pl::load(x), cos, sin), {0, 0}, y); });
  std::vector<float> out(kRows * 64);
  std::memcpy(out.data(), session.data(y), out.size() * sizeof(float));
  return out;
}

void check_interleaved(const Data& d, const std::vector<float>& y) {
  for (int64_t r = 0; r < kRows; ++r) {
    for (int64_t i = 0; i < 32; ++i) {
      const auto [even, odd] = d.pair(r, i, 2 * i, 2 * i + 1);
      REQUIRE(y[static_cast<size_t>(r * 64 + 2 * i)] == even);
      REQUIRE(y[static_cast<size_t>(r * 64 + 2 * i + 1)] == odd);
    }
  }
}

}  // namespace

TEST_CASE("index tiles: j >> 1, j ^ 1 and the sign, in 16 operations") {
  pl::Session session("index");
  const Tensor dup = session.output("dup", DType::I32, {8, 64});
  const Tensor swap = session.output("swap", DType::I32, {8, 64});
  const Tensor sign = session.output("sign", DType::F32, {8, 64});
  pl::at({"index"}, [&] {
    const rope::SwapIndex index = rope::make_swap_index(8);
    pl::store(index.dup, {0, 0}, dup);
    pl::store(index.swap, {0, 0}, swap);
    pl::store(index.sign, {0, 0}, sign);
  });
  const auto* d = reinterpret_cast<const int32_t*>(session.data(dup));
  const auto* w = reinterpret_cast<const int32_t*>(session.data(swap));
  const auto* s = reinterpret_cast<const float*>(session.data(sign));
  for (int i = 0; i < 8 * 64; ++i) {
    const int j = i % 64;
    REQUIRE(d[i] == j >> 1);
    REQUIRE(w[i] == (j ^ 1));
    REQUIRE(s[i] == (j % 2 == 0 ? -1.0f : 1.0f));
  }
  const pl::RecordedProgram record = session.finish();
  int64_t instructions = 0;
  for (const pl::Op& op : record.scopes.at(0).blocks.at(0).ops)
    instructions += op.kind == pl::Op::Kind::Instr;
  CHECK(instructions == 16 + 3);  // and the stores
}

TEST_CASE("swap form equals the pair form bit for bit") {
  const Data d;
  check_interleaved(d, on_tiles(d, [](const Tile& x, const Tensor& cos, const Tensor& sin) {
                      const rope::SwapIndex index = rope::make_swap_index(kRows);
                      const rope::Tables t = rope::load_duplicated(cos, sin, 0, kRows, index);
                      return rope::rotate_by_swap(x, t, index);
                    }));
}

TEST_CASE("swap form works on a short tile with the index of a longer one") {
  const Data d;
  const std::vector<float> y = on_tiles(d, [](const Tile& x, const Tensor& cos, const Tensor& sin) {
    const rope::SwapIndex index = rope::make_swap_index(32).first_rows(kRows);
    const rope::Tables t = rope::load_duplicated(cos, sin, 0, kRows, index);
    return rope::rotate_by_swap(x, t, index);
  });
  check_interleaved(d, y);
}

TEST_CASE("mask gather and scatter form equals the pair form bit for bit") {
  const Data d;
  check_interleaved(d, on_tiles(d, [](const Tile& x, const Tensor& cos, const Tensor& sin) {
                      const rope::Tables t = rope::load_half(cos, sin, 0, kRows);
                      return rope::interleave_by_scatter(rope::rotate(rope::split_lanes(x), t));
                    }));
}

TEST_CASE("split halves rotate lanes i and 32 + i") {
  const Data d;
  const std::vector<float> y = on_tiles(d, [](const Tile& x, const Tensor& cos, const Tensor& sin) {
    const rope::Tables t = rope::load_half(cos, sin, 0, kRows);
    const rope::Pairs halves{pl::slice(x, 0, 0, kRows, 32), pl::slice(x, 0, 32, kRows, 32)};
    const rope::Pairs out = rope::rotate(halves, t);
    return pl::concat(out.first, out.second);
  });
  for (int64_t r = 0; r < kRows; ++r) {
    for (int64_t i = 0; i < 32; ++i) {
      const auto [lo, hi] = d.pair(r, i, i, 32 + i);
      REQUIRE(y[static_cast<size_t>(r * 64 + i)] == lo);
      REQUIRE(y[static_cast<size_t>(r * 64 + 32 + i)] == hi);
    }
  }
}

TEST_CASE("one-hot selectors interleave BF16 pairs exactly") {
  const HostTensor even = make_tensor("even", DType::BF16, {16, 32}, Role::Input);
  const HostTensor odd = make_tensor("odd", DType::BF16, {16, 32}, Role::Input);
  const HostTensor se = make_tensor("se", DType::BF16, {32, 64}, Role::Input);
  const HostTensor so = make_tensor("so", DType::BF16, {32, 64}, Role::Input);
  fill(even, 2, normal(5));
  fill(odd, 2, normal(5));
  for (int64_t i = 0; i < 32; ++i) {
    se.as<uint16_t>()[i * 64 + 2 * i] = 0x3f80;
    so.as<uint16_t>()[i * 64 + 2 * i + 1] = 0x3f80;
  }
  pl::Session session("select");
  const auto input = [&](const HostTensor& t) {
    return session.input(t.name, t.dtype, {t.shape[0], t.shape[1]}, t.bytes);
  };
  const Tensor e = input(even), o = input(odd), es = input(se), os = input(so);
  const Tensor y = session.output("y", DType::F32, {16, 64});
  pl::at({"select"}, [&] {
    const rope::Pairs pairs{pl::load(e), pl::load(o)};
    const Tile even_select = pl::load(es), odd_select = pl::load(os);
    pl::assemble(y, rope::interleave_by_selector(pairs, even_select, odd_select), {0, 0});
  });
  const std::vector<float> ev = to_f32(even), od = to_f32(odd);
  const auto* out = reinterpret_cast<const float*>(session.data(y));
  for (size_t i = 0; i < ev.size(); ++i) {
    REQUIRE(out[2 * i] == ev[i]);
    REQUIRE(out[2 * i + 1] == od[i]);
  }
}
