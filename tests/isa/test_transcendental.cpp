// exp and log over a dense sample of all fp32 patterns, against long double.
#include "support.h"

using namespace isa_test;

namespace {

constexpr int kCols = 4096;

/// Every `step`-th fp32 pattern, NaN patterns included, in rows of kCols.
Tile sample(uint32_t step) {
  const uint64_t n = (uint64_t{1} << 32) / step;
  Tile t(DType::F32, static_cast<int>(n / kCols), kCols, -1, -1, 0);
  uint32_t bits = 0;
  for (int r = 0; r < t.view.rows; ++r)
    for (int c = 0; c < kCols; ++c, bits += step) t.at<uint32_t>(r, c) = bits;
  return t;
}

/// |got - want| in units of the last place of want as fp32.
long double ulps(float got, long double want) {
  const float nearest = static_cast<float>(want);
  const int exponent = std::max(std::ilogb(nearest == 0 ? 1e-45f : nearest), -126);
  return std::fabs(static_cast<long double>(got) - want) / std::ldexp(1.0L, exponent - 23);
}

}  // namespace

TEST_CASE("exp is within one unit of the last place, with the same bits everywhere") {
  const Tile x = sample(2003);
  Tile first(DType::F32, x.view.rows, kCols, -1, -1, 0);
  run(Opcode::TEXP, first, {&x});
  Mismatches m;
  long double worst = 0;
  for (int r = 0; r < x.view.rows; ++r)
    for (int c = 0; c < kCols; ++c) {
      const float in = x.at<float>(r, c), out = first.at<float>(r, c);
      if (std::isnan(in)) {
        m.expect(std::isnan(out), "exp of NaN", r, c);
        continue;
      }
      const long double want = std::exp(static_cast<long double>(in));
      if (want >= std::ldexp(1.0L - std::ldexp(1.0L, -25), 128)) {
        m.expect(std::isinf(out) && out > 0, "exp overflows at", in);
        continue;
      }
      const long double error = ulps(out, want);
      worst = std::max(worst, error);
      m.expect(error <= 1, "exp of", in, "is", out);
    }
  INFO("worst " << static_cast<double>(worst));
  REQUIRE_NO_MISMATCH(m);
  on_every_host([&] {
    Tile y(DType::F32, x.view.rows, kCols, -1, -1, 0);
    run(Opcode::TEXP, y, {&x});
    CHECK(y.bytes == first.bytes);
  });
}

TEST_CASE("exp at its landmarks") {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<std::pair<float, float>> rows = {{0, 1},
                                                     {-0.0f, 1},
                                                     {-inf, 0},
                                                     {inf, inf},
                                                     {89, inf},
                                                     {-104, 0},
                                                     {-1000, 0},
                                                     {1e30f, inf},
                                                     {88.72283f, 3.4027985e38f},
                                                     {-103.27893f, 1e-45f}};
  on_every_host([&] {
    Tile x(DType::F32, 1, 10), y(DType::F32, 1, 10);
    for (int c = 0; c < 10; ++c) x.at<float>(0, c) = rows[c].first;
    run(Opcode::TEXP, y, {&x});
    for (int c = 0; c < 10; ++c) {
      CAPTURE(rows[c].first, y.at<float>(0, c));
      if (c == 8)
        CHECK(y.at<float>(0, c) == Approx(rows[c].second).epsilon(1e-6));
      else
        CHECK(float_bits(y.at<float>(0, c)) == float_bits(rows[c].second));
    }
  });
}

TEST_CASE("log is correctly rounded, with the same bits everywhere") {
  const Tile x = sample(2003);
  Tile first(DType::F32, x.view.rows, kCols, -1, -1, 0);
  run(Opcode::TLOG, first, {&x});
  Mismatches m;
  for (int r = 0; r < x.view.rows; ++r)
    for (int c = 0; c < kCols; ++c) {
      const float in = x.at<float>(r, c), out = first.at<float>(r, c);
      if (std::isnan(in) || in < 0)
        m.expect(std::isnan(out), "log of", in);
      else
        m.expect(out == static_cast<float>(std::log(static_cast<long double>(in))), "log of", in,
                 "is", out);
    }
  REQUIRE_NO_MISMATCH(m);
  on_every_host([&] {
    Tile y(DType::F32, x.view.rows, kCols, -1, -1, 0);
    run(Opcode::TLOG, y, {&x});
    CHECK(y.bytes == first.bytes);
  });
}

TEST_CASE("exp and log in fp16 are those of fp32, rounded once") {
  Tile x(DType::F16, 256, 256, -1, -1, 0), e(DType::F16, 256, 256, -1, -1, 0),
      l(DType::F16, 256, 256, -1, -1, 0);
  for (int i = 0; i < 65536; ++i) x.at<uint16_t>(i / 256, i % 256) = static_cast<uint16_t>(i);
  on_every_host([&] {
    run(Opcode::TEXP, e, {&x});
    run(Opcode::TLOG, l, {&x});
    Mismatches m;
    for (int i = 0; i < 65536; ++i) {
      const int r = i / 256, c = i % 256;
      const double v = x.value(r, c);
      // at most one fp16 neighbour off: exp itself has an error of 1 ulp of fp32
      const uint64_t want_e = std::isnan(v) ? 0x7e00 : f16().encode(std::exp(v), RoundMode::Rint);
      const uint64_t want_l =
          std::isnan(v) || v < 0 ? 0x7e00 : f16().encode(std::log(v), RoundMode::Rint);
      const auto close = [](uint64_t a, uint64_t b) {
        return same(DType::F16, a, b) || a + 1 == b || b + 1 == a;
      };
      m.expect(close(e.bits(r, c), want_e), "exp of", v);
      m.expect(close(l.bits(r, c), want_l), "log of", v);
    }
    REQUIRE_NO_MISMATCH(m);
  });
}
