#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <mutex>

#include "error_id.h"
#include "isa/numerics.h"
#include "kernels/fixtures.h"

using namespace kernels;
using isa::DType;

TEST_CASE("weights are quantised per output channel, half to even") {
  // Column 0: amax 127 -> scale 1. Column 1: amax 254 -> scale 2. Column 2: below the floor of
  // 1e-4.
  const float w[] = {127,   254,  1e-5f,   //
                     0.5f,  1,    -5e-5f,  //
                     1.5f,  3,    0,       //
                     -2.5f, -127, 2e-5f};
  int8_t q[12];
  float scale[3];
  quantise_columns(w, 4, 3, q, scale);
  CHECK(scale[0] == 1.0f);
  CHECK(scale[1] == 2.0f);
  CHECK(scale[2] == Approx(1e-4 / 127));
  const int expected[] = {127, 127, 13, 0, 0, -64, 2, 2, 0, -2, -64, 25};
  // 1e-5 * 127e4 = 12.7 -> 13; -5e-5 * 127e4 = -63.5 -> -64; 0.5 -> 0, 1.5 -> 2, -2.5 -> -2;
  // column 1 halves: 1/2 = 0.5 -> 0, 3/2 -> 2, -127/2 = -63.5 -> -64; 2e-5 * 127e4 = 25.4 -> 25
  for (int i = 0; i < 12; ++i) CHECK(static_cast<int>(q[i]) == expected[i]);
}

TEST_CASE("a drawn quantised weight equals drawing the matrix and quantising its columns") {
  constexpr int64_t kK = 37, kN = 2500;  // more than two column panels, not a multiple
  const HostTensor q = make_tensor("w", DType::I8, {kK, kN}, Role::Input);
  const HostTensor scale = make_tensor("s", DType::F32, {kN}, Role::Input);
  fill_quantised_weight(q, scale, 9, uniform(-0.1f, 0.1f));

  std::vector<float> w(kK * kN);
  fill_uniform(rng_key(9, "w"), 0, kK * kN, -0.1f, 0.1f, w.data());
  for (int64_t j = 0; j < kN; ++j) {
    float amax = 1e-4f;
    for (int64_t k = 0; k < kK; ++k)
      amax = std::max(amax, std::fabs(w[static_cast<size_t>(k * kN + j)]));
    const float sq = 127.0f / amax;
    REQUIRE(scale.as<float>()[j] == 1.0f / sq);
    for (int64_t k = 0; k < kK; ++k) {
      const float v = std::nearbyint(w[static_cast<size_t>(k * kN + j)] * sq);
      REQUIRE(q.as<int8_t>()[k * kN + j] == static_cast<int8_t>(std::clamp(v, -127.0f, 127.0f)));
    }
  }
}

TEST_CASE("fill rounds BF16 tensors to nearest even and names its stream after the tensor") {
  const HostTensor f = make_tensor("x", DType::F32, {5000}, Role::Input);
  const HostTensor h = make_tensor("x", DType::BF16, {5000}, Role::Input);
  fill(f, 3, normal(1));
  fill(h, 3, normal(1));
  for (int64_t i = 0; i < 5000; ++i)
    REQUIRE(h.as<uint16_t>()[i] == isa::f32_to_bf16(f.as<float>()[i]));
  fill(f, 3, constant(2.5f));
  CHECK(f.as<float>()[4999] == 2.5f);
  CHECK(kernels_test::error_id([] {
          fill(make_tensor("i", DType::I8, {1}, Role::Input), 1, constant(0));
        }) == "kernel.fixture");
}

TEST_CASE("to_f32 reads FP32 and BF16 tensors only") {
  const HostTensor h = make_tensor("h", DType::BF16, {2}, Role::Input);
  h.as<uint16_t>()[0] = 0x3fc0;  // 1.5
  h.as<uint16_t>()[1] = 0xc000;  // -2
  CHECK(to_f32(h) == std::vector<float>{1.5f, -2.0f});
  CHECK(kernels_test::error_id([] { to_f32(make_tensor("i", DType::I32, {1}, Role::Input)); }) ==
        "kernel.fixture");
}

TEST_CASE("parallel pieces cover everything once, cut at multiples of the grain") {
  for (int64_t n : {1, 7, 64, 65, 1000}) {
    std::vector<int> hits(static_cast<size_t>(n));
    std::mutex mutex;
    parallel_pieces(n, 64, [&](int64_t begin, int64_t end) {
      const std::lock_guard<std::mutex> lock(mutex);
      CHECK(begin % 64 == 0);
      for (int64_t i = begin; i < end; ++i) ++hits[static_cast<size_t>(i)];
    });
    CHECK(std::count(hits.begin(), hits.end(), 1) == n);
  }
}
