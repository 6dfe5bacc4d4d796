// Counter-based random numbers: element i of a stream depends on (seed, stream name, i) only, so
// tensors can be filled in any order, in parallel and with SIMD, with the same bits everywhere.
#pragma once

#include <cstdint>
#include <string>

namespace kernels {

/// The 64-bit key of a named stream.
struct RngKey {
  uint32_t a = 0, b = 0;
};
RngKey rng_key(uint64_t seed, const std::string& stream);

/// 32 random bits of element `index`: two rounds of a full-avalanche 32-bit mix, keyed in between.
inline uint32_t random_bits(RngKey key, uint32_t index) {
  uint32_t x = index * 0x9e3779b9u + key.a;
  x ^= x >> 16;
  x *= 0x7feb352du;
  x ^= x >> 15;
  x *= 0x846ca68bu;
  x ^= x >> 16;
  x += key.b;
  x ^= x >> 16;
  x *= 0x21f0aaadu;
  x ^= x >> 15;
  x *= 0x735a2d97u;
  x ^= x >> 15;
  return x;
}

/// Uniform in [0, 1), 24 bits.
inline float random_unit(RngKey key, uint32_t index) {
  return static_cast<float>(static_cast<int32_t>(random_bits(key, index) >> 8)) * 0x1p-24f;
}

/// out[i] = element first + i, uniform in [lo, hi).
void fill_uniform(RngKey key, uint32_t first, int64_t n, float lo, float hi, float* out);
/// Standard normal * scale + shift (inverse distribution function; |z| < 4.6).
void fill_normal(RngKey key, uint32_t first, int64_t n, float scale, float shift, float* out);

}  // namespace kernels
