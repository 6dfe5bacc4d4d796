#include "kernels/norm.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "isa/numerics.h"
#include "kernels/fixtures.h"

using namespace kernels;
using isa::DType;
using pl::Tensor;
using pl::Tile;

TEST_CASE("the inverse RMS of rows of known squares") {
  const HostTensor x = make_tensor("x", DType::F32, {8, 32}, Role::Input);
  for (int64_t t = 0; t < 8; ++t)
    for (int64_t j = 0; j < 32; ++j)
      x.as<float>()[t * 32 + j] = static_cast<float>(t) * (j % 2 ? -2 : 2);
  pl::Session session("norm");
  const Tensor in = session.input("x", DType::F32, {8, 32}, x.bytes);
  const Tensor inv = session.output("inv", DType::F32, {1, 8});
  pl::at({"norm"}, [&] {
    Tile sum = pl::full(1, 8, DType::F32, 0.0);
    for (int64_t j : pl::range(2)) sum = add_row_squares(sum, pl::load(in, {0, j * 16}, {8, 16}));
    pl::store(inverse_rms(sum, 32), {0, 0}, inv);
  });
  const auto* out = reinterpret_cast<const float*>(session.data(inv));
  CHECK(out[0] == Approx(1000));  // only eps: 1 / sqrt(1e-6)
  for (int64_t t = 1; t < 8; ++t)
    CHECK(out[t] == Approx(1 / std::sqrt(4.0 * static_cast<double>(t * t) + 1e-6)).epsilon(1e-6));
}

TEST_CASE("columns scale by BF16 and FP32 gammas, rows by a [1, M] row") {
  const HostTensor x = make_tensor("x", DType::F32, {8, 32}, Role::Input);
  const HostTensor g = make_tensor("g", DType::BF16, {1, 32}, Role::Input);
  const HostTensor r = make_tensor("r", DType::F32, {1, 8}, Role::Input);
  fill(x, 1, normal(1));
  fill(g, 1, uniform(-1, 1));
  fill(r, 1, uniform(1, 2));
  pl::Session session("scale");
  const Tensor tx = session.input("x", DType::F32, {8, 32}, x.bytes);
  const Tensor tg = session.input("g", DType::BF16, {1, 32}, g.bytes);
  const Tensor tr = session.input("r", DType::F32, {1, 8}, r.bytes);
  const Tensor y = session.output("y", DType::BF16, {8, 32});
  const Tensor z = session.output("z", DType::F32, {8, 32});
  pl::at({"scale"}, [&] {
    const Tile rows = scale_rows(pl::load(tx), pl::load(tr));
    const Tile gamma = pl::load(tg);
    pl::store(to_bf16(scale_columns(rows, gamma)), {0, 0}, y);
    pl::store(through_bf16(scale_columns(rows, pl::cast(gamma, DType::F32))), {0, 0}, z);
  });
  const std::vector<float> gf = to_f32(g);
  for (int64_t i = 0; i < x.numel(); ++i) {
    const volatile float scaled = x.as<float>()[i] * r.as<float>()[i / 32];
    const uint16_t expected = isa::f32_to_bf16(scaled * gf[static_cast<size_t>(i % 32)]);
    REQUIRE(reinterpret_cast<const uint16_t*>(session.data(y))[i] == expected);
    REQUIRE(reinterpret_cast<const float*>(session.data(z))[i] == isa::bf16_to_f32(expected));
  }
}
