#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "kernels/rng.h"

using namespace kernels;

namespace {

std::vector<float> uniforms(RngKey key, uint32_t first, int64_t n, float lo = 0, float hi = 1) {
  std::vector<float> v(static_cast<size_t>(n));
  fill_uniform(key, first, n, lo, hi, v.data());
  return v;
}

struct Moments {
  double mean = 0, variance = 0;
};
Moments moments(const std::vector<float>& v) {
  Moments m;
  for (float x : v) m.mean += x;
  m.mean /= static_cast<double>(v.size());
  for (float x : v) m.variance += (x - m.mean) * (x - m.mean);
  m.variance /= static_cast<double>(v.size());
  return m;
}

}  // namespace

TEST_CASE("an element depends on seed, stream and index only") {
  const RngKey key = rng_key(7, "wq_b");
  const std::vector<float> whole = uniforms(key, 0, 1000);
  std::vector<float> pieces = uniforms(key, 0, 137);
  const std::vector<float> rest = uniforms(key, 137, 863);
  pieces.insert(pieces.end(), rest.begin(), rest.end());
  CHECK(whole == pieces);
  for (uint32_t i : {0u, 1u, 999u}) CHECK(whole[i] == random_unit(key, i));
}

TEST_CASE("seeds and streams give different numbers") {
  const std::vector<float> a = uniforms(rng_key(1, "x"), 0, 64);
  CHECK(a == uniforms(rng_key(1, "x"), 0, 64));
  for (const RngKey& other : {rng_key(2, "x"), rng_key(1, "y"), rng_key(1, "xx"), rng_key(1, "")}) {
    const std::vector<float> b = uniforms(other, 0, 64);
    int equal = 0;
    for (size_t i = 0; i < a.size(); ++i) equal += a[i] == b[i];
    CHECK(equal < 3);
  }
}

TEST_CASE("uniforms fill their interval evenly") {
  constexpr int64_t kN = 1 << 20;
  const std::vector<float> v = uniforms(rng_key(3, "u"), 0, kN, -1, 1);
  const Moments m = moments(v);
  CHECK(std::fabs(m.mean) < 4 / std::sqrt(3.0 * kN));  // 4 sigma
  CHECK(m.variance == Approx(1.0 / 3).epsilon(0.01));
  std::vector<int> bins(64);
  for (float x : v) {
    REQUIRE(x >= -1);
    REQUIRE(x < 1);
    ++bins[static_cast<size_t>((x + 1) * 32)];
  }
  double chi2 = 0;
  const double expected = static_cast<double>(kN) / 64;
  for (int b : bins) chi2 += (b - expected) * (b - expected) / expected;
  CHECK(chi2 < 120);  // 63 degrees of freedom: P(> 120) < 1e-4
}

TEST_CASE("neighbouring elements and rows are uncorrelated") {
  const std::vector<float> v = uniforms(rng_key(4, "u"), 0, 1 << 18, -1, 1);
  for (size_t lag : {size_t{1}, size_t{2}, size_t{1024}, size_t{32768}}) {
    double sum = 0;
    for (size_t i = 0; i + lag < v.size(); ++i) sum += v[i] * v[i + lag];
    CHECK(std::fabs(sum / static_cast<double>(v.size())) < 5 / (3 * 512.0));  // 5 sigma
  }
}

TEST_CASE("one flipped index bit flips half of the output bits") {
  const RngKey key = rng_key(5, "a");
  for (int bit = 0; bit < 32; ++bit) {
    int flipped = 0;
    for (uint32_t i = 0; i < 1024; ++i)
      flipped += __builtin_popcount(random_bits(key, i) ^ random_bits(key, i ^ (1u << bit)));
    CHECK(flipped / 1024.0 == Approx(16).margin(0.5));
  }
}

TEST_CASE("normals follow the normal distribution") {
  std::vector<float> z(1 << 20);
  fill_normal(rng_key(6, "n"), 0, static_cast<int64_t>(z.size()), 1, 0, z.data());
  const Moments m = moments(z);
  CHECK(std::fabs(m.mean) < 0.005);
  CHECK(m.variance == Approx(1).epsilon(0.01));
  const auto share_below = [&](double x) {
    int64_t n = 0;
    for (float v : z) n += v < x;
    return static_cast<double>(n) / static_cast<double>(z.size());
  };
  for (double x : {-3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0})
    CHECK(share_below(x) == Approx(0.5 * std::erfc(-x / std::sqrt(2.0))).margin(0.003));
  for (float v : z) REQUIRE(std::fabs(v) < 4.6f);
}

TEST_CASE("normals scale first and shift after") {
  std::vector<float> z(256), y(256);
  fill_normal(rng_key(6, "n"), 10, 256, 1, 0, z.data());
  fill_normal(rng_key(6, "n"), 10, 256, 0.1f, 1, y.data());
  for (size_t i = 0; i < z.size(); ++i) CHECK(y[i] == Approx(1 + 0.1 * z[i]));
}
