#include "isa/numerics.h"

#include "support.h"

using namespace isa_test;

namespace {

/// Every value of the format, the midpoints between neighbours and the fp32 numbers beside both.
std::vector<float> interesting(const Format& format) {
  std::vector<float> list;
  const float inf = std::numeric_limits<float>::infinity();
  const auto add = [&](double x) {
    const float f = static_cast<float>(x);
    for (float y : {f, std::nextafter(f, inf), std::nextafter(f, -inf)}) {
      list.push_back(y);
      list.push_back(-y);
    }
  };
  for (int bits = 0; bits < format.infinity(); ++bits) {
    add(format.values[bits]);
    add((format.values[bits] + format.values[bits + 1]) / 2);
  }
  add(format.values.back());
  add(format.values.back() * 1.5);
  list.insert(list.end(), {inf, -inf, std::numeric_limits<float>::max(), 1e-45f, -1e-45f});
  return list;
}

}  // namespace

TEST_CASE("every fp16 and bf16 value widens exactly") {
  Mismatches m;
  for (int bits = 0; bits < 65536; ++bits) {
    const uint16_t h = static_cast<uint16_t>(bits);
    const double x = f16().decode(h), y = bf16().decode(h);
    const float a = isa::f16_to_f32(h), b = isa::bf16_to_f32(h);
    m.expect(std::isnan(x) ? std::isnan(a) : float_bits(static_cast<float>(x)) == float_bits(a),
             "fp16", bits);
    m.expect(std::isnan(y) ? std::isnan(b) : float_bits(static_cast<float>(y)) == float_bits(b),
             "bf16", bits);
    m.expect(std::signbit(a) == (bits >= 32768), "sign of fp16", bits);
    if (!std::isnan(x)) m.expect(isa::f32_to_f16(a) == h, "fp16 and back", bits);
    if (!std::isnan(y)) m.expect(isa::f32_to_bf16(b) == h, "bf16 and back", bits);
  }
  REQUIRE_NO_MISMATCH(m);
}

TEST_CASE("fp32 narrows to fp16 and bf16 in every mode") {
  Mismatches m;
  const std::vector<float> for_f16 = interesting(f16()), for_bf16 = interesting(bf16());
  for (const RoundMode mode : kModes) {
    for (const float x : for_f16)
      m.expect(isa::f32_to_f16(x, mode) == f16().encode(x, mode), "fp16", x, name(mode));
    for (const float x : for_bf16)
      m.expect(isa::f32_to_bf16(x, mode) == bf16().encode(x, mode), "bf16", x, name(mode));
  }
  for (const float x : for_bf16) {
    m.expect(isa::f32_to_bf16(x) == bf16().encode(x, RoundMode::Rint), "bf16, nearest", x);
    m.expect(isa::f32_to_f16(x) == f16().encode(x, RoundMode::Rint), "fp16, nearest", x);
  }
  REQUIRE_NO_MISMATCH(m);
}

TEST_CASE("a NaN stays a NaN of the same sign when it narrows") {
  for (const uint32_t bits : {0x7fc00000u, 0xffc00000u, 0x7f800001u, 0xff800001u, 0x7fffffffu}) {
    const float nan = isa::bits_to_float(bits);
    const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
    for (const RoundMode mode : kModes) {
      CAPTURE(bits, name(mode));
      CHECK(is_nan(DType::F16, isa::f32_to_f16(nan, mode)));
      CHECK(is_nan(DType::BF16, isa::f32_to_bf16(nan, mode)));
      CHECK((isa::f32_to_f16(nan, mode) & 0x8000) == sign);
      CHECK((isa::f32_to_bf16(nan, mode) & 0x8000) == sign);
    }
    CHECK(is_nan(DType::BF16, isa::f32_to_bf16(nan)));
  }
}

TEST_CASE("rounding to an integral value, by hand") {
  struct Row {
    double x, none, rint, round, floor, ceil, trunc, odd;
  };
  const Row rows[] = {{2.5, 2, 2, 3, 2, 3, 2, 3},
                      {3.5, 3, 4, 4, 3, 4, 3, 3},
                      {-2.5, -2, -2, -3, -3, -2, -2, -3},
                      {-3.5, -3, -4, -4, -4, -3, -3, -3},
                      {0.5, 0, 0, 1, 0, 1, 0, 1},
                      {-0.5, 0, 0, -1, -1, 0, 0, -1},
                      {2.4, 2, 2, 2, 2, 3, 2, 3},
                      {-2.6, -2, -3, -3, -3, -2, -2, -3},
                      {4, 4, 4, 4, 4, 4, 4, 4},
                      {0.49999999999999994, 0, 0, 0, 0, 1, 0, 1},
                      {1e300, 1e300, 1e300, 1e300, 1e300, 1e300, 1e300, 1e300}};
  for (const Row& r : rows) {
    CAPTURE(r.x);
    CHECK(isa::round_to_integral(r.x, RoundMode::None) == r.none);
    CHECK(isa::round_to_integral(r.x, RoundMode::Rint) == r.rint);
    CHECK(isa::round_to_integral(r.x, RoundMode::Round) == r.round);
    CHECK(isa::round_to_integral(r.x, RoundMode::Floor) == r.floor);
    CHECK(isa::round_to_integral(r.x, RoundMode::Ceil) == r.ceil);
    CHECK(isa::round_to_integral(r.x, RoundMode::Trunc) == r.trunc);
    CHECK(isa::round_to_integral(r.x, RoundMode::Odd) == r.odd);
  }
  for (const RoundMode mode : kModes) {
    CHECK(std::isnan(isa::round_to_integral(std::nan(""), mode)));
    CHECK(std::isinf(isa::round_to_integral(HUGE_VAL, mode)));
  }
}

TEST_CASE("integral values wrap modulo 2^64") {
  CHECK(isa::low_bits(0) == 0);
  CHECK(isa::low_bits(-1) == ~uint64_t{0});
  CHECK(isa::low_bits(300) == 300);
  CHECK(isa::low_bits(-2147483649.0) == uint64_t{0} - 2147483649u);
  CHECK(isa::low_bits(std::ldexp(1, 63)) == uint64_t{1} << 63);
  CHECK(isa::low_bits(std::ldexp(3, 63)) == uint64_t{1} << 63);
  CHECK(isa::low_bits(std::ldexp(1, 64)) == 0);
  CHECK(isa::low_bits(-std::ldexp(1, 300)) == 0);
  CHECK(isa::low_bits(7.9) == 7);
  CHECK(isa::low_bits(HUGE_VAL) == 0);
  CHECK(isa::low_bits(std::nan("")) == 0);
}
