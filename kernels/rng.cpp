#include "kernels/rng.h"

#include <cmath>
#include <vector>

#include "kernels/multiversion.h"

namespace kernels {
namespace {

constexpr int kKnotBits = 12;
constexpr int kKnots = 1 << kKnotBits;

/// z with P(Z < z) = p, by bisection on erfc: exact enough for float on every libm.
double normal_quantile(double p) {
  double lo = -10, hi = 10;
  for (int i = 0; i < 60; ++i) {
    const double mid = 0.5 * (lo + hi);
    (0.5 * std::erfc(-mid / std::sqrt(2.0)) < p ? lo : hi) = mid;
  }
  return 0.5 * (lo + hi);
}

/// Quantiles at k / kKnots; the two open ends are closed at a quarter-million-th.
const std::vector<float>& normal_knots() {
  static const std::vector<float> knots = [] {
    std::vector<float> z(kKnots + 1);
    for (int k = 0; k <= kKnots; ++k) {
      const double p = k == 0        ? 1.0 / (1 << 18)
                       : k == kKnots ? 1 - 1.0 / (1 << 18)
                                     : static_cast<double>(k) / kKnots;
      z[static_cast<size_t>(k)] = static_cast<float>(normal_quantile(p));
    }
    return z;
  }();
  return knots;
}

}  // namespace

RngKey rng_key(uint64_t seed, const std::string& stream) {
  uint64_t h = 0xcbf29ce484222325u ^ seed;
  const auto mix = [&h] {
    h ^= h >> 30;
    h *= 0xbf58476d1ce4e5b9u;
    h ^= h >> 27;
    h *= 0x94d049bb133111ebu;
    h ^= h >> 31;
  };
  mix();
  for (char c : stream) {
    h ^= static_cast<uint8_t>(c);
    mix();
  }
  return RngKey{static_cast<uint32_t>(h), static_cast<uint32_t>(h >> 32)};
}

A2A3SIM_MULTIVERSION
void fill_uniform(RngKey key, uint32_t first, int64_t n, float lo, float hi, float* out) {
  const float width = hi - lo;
  for (int64_t i = 0; i < n; ++i)
    out[i] = lo + width * random_unit(key, first + static_cast<uint32_t>(i));
}

void fill_normal(RngKey key, uint32_t first, int64_t n, float scale, float shift, float* out) {
  const float* knots = normal_knots().data();
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t bits = random_bits(key, first + static_cast<uint32_t>(i));
    const uint32_t k = bits >> (32 - kKnotBits);
    const uint32_t rest = (bits << kKnotBits) >> 8;
    const float t = static_cast<float>(static_cast<int32_t>(rest)) * 0x1p-24f;
    out[i] = shift + scale * (knots[k] + t * (knots[k + 1] - knots[k]));
  }
}

}  // namespace kernels
