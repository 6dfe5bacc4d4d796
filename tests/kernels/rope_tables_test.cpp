#include <catch2/catch.hpp>
#include <cmath>

#include "isa/numerics.h"
#include "kernels/rope_tables.h"

using namespace kernels;

TEST_CASE("the base profile has 32 frequencies 1e4^(-2i/64)") {
  const std::vector<double> f = rope_frequencies(RopeProfile::Base);
  REQUIRE(f.size() == 32);
  CHECK(f[0] == 1);
  CHECK(f[16] == Approx(0.01));  // 1e4^-0.5
  CHECK(f[8] == Approx(0.1));    // 1e4^-0.25
  CHECK(f[31] == Approx(std::exp(-62.0 / 64 * std::log(1e4))));
}

TEST_CASE("YaRN leaves lanes up to 15 alone, divides those from 25 on by 16 and blends between") {
  const std::vector<double> f = rope_frequencies(RopeProfile::Compressed);
  for (size_t i = 0; i < f.size(); ++i) {
    const double plain = std::pow(1.6e5, -2.0 * static_cast<double>(i) / 64);
    if (i <= 15) CHECK(f[i] == Approx(plain));
    if (i >= 25) CHECK(f[i] == Approx(plain / 16));
  }
  // lane 20 is half way: (1 + 1/16) / 2
  CHECK(f[20] == Approx(std::pow(1.6e5, -40.0 / 64) * 0.53125));
}

TEST_CASE("table rows are positions, columns 32..63 repeat 0..31, values are BF16") {
  const HostTensor cos = make_tensor("c", isa::DType::BF16, {300, 64}, Role::Input);
  const HostTensor sin = make_tensor("s", isa::DType::BF16, {300, 64}, Role::Input);
  fill_rope_tables(RopeProfile::Base, cos, sin);
  const auto at = [](const HostTensor& t, int64_t p, int64_t j) {
    return isa::bf16_to_f32(t.as<uint16_t>()[p * 64 + j]);
  };
  for (int64_t j = 0; j < 64; ++j) {
    CHECK(at(cos, 0, j) == 1);
    CHECK(at(sin, 0, j) == 0);
    CHECK(at(cos, 299, j) == at(cos, 299, j % 32));
    CHECK(at(sin, 299, j) == at(sin, 299, j % 32));
  }
  CHECK(at(cos, 2, 0) == Approx(std::cos(2.0)).margin(1.0 / 256));
  CHECK(at(sin, 250, 16) == Approx(std::sin(2.5)).margin(1.0 / 256));
}

TEST_CASE("arange tables count through both halves") {
  const HostTensor cos = make_tensor("c", isa::DType::BF16, {4, 64}, Role::Input);
  const HostTensor sin = make_tensor("s", isa::DType::BF16, {4, 64}, Role::Input);
  fill_arange_tables(cos, sin);
  CHECK(isa::bf16_to_f32(sin.as<uint16_t>()[3 * 64 + 40]) == Approx(std::sin(0.232)).margin(1e-3));
  CHECK(isa::bf16_to_f32(cos.as<uint16_t>()[3 * 64 + 40]) == Approx(std::cos(0.232)).margin(4e-3));
}
