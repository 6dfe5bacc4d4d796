// What the sources of one instruction set share: native vectors, fp16 blocks and the parts of its
// kernel table.
#pragma once

#include <immintrin.h>

#include "isa/host/kernels.h"

#ifndef ISA_NS
#error "compile with -DISA_NS=v2, v3 or v4"
#endif

namespace isa::host::ISA_NS {

void fill_arithmetic(Kernels& k);
void fill_casts(Kernels& k);
void fill_reductions(Kernels& k);
void gemm(const Gemm& g);

namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif
/// One native register of floats, loadable from any address. Going through memcpy instead keeps
/// accumulators in memory with g++ (feasibility.md §2).
typedef float Vec __attribute__((vector_size(kLanes * 4)));
typedef float VecMem __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));

[[maybe_unused]] inline Vec vload(const float* p) { return *reinterpret_cast<const VecMem*>(p); }
[[maybe_unused]] inline void vstore(float* p, Vec v) { *reinterpret_cast<VecMem*>(p) = v; }

[[maybe_unused]] inline Vec splat(float x) {
#if defined(__AVX512F__)
  return reinterpret_cast<Vec>(_mm512_set1_ps(x));
#elif defined(__AVX2__)
  return reinterpret_cast<Vec>(_mm256_set1_ps(x));
#else
  return reinterpret_cast<Vec>(_mm_set1_ps(x));
#endif
}

[[maybe_unused]] inline uint32_t to_bits(float f) {
  uint32_t b;
  __builtin_memcpy(&b, &f, 4);
  return b;
}
[[maybe_unused]] inline float from_bits(uint32_t b) {
  float f;
  __builtin_memcpy(&f, &b, 4);
  return f;
}

/// fp16 -> fp32 without branches; the same bits as the conversion instruction, NaN made quiet.
[[maybe_unused]] inline float half_to_float(uint16_t h) {
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000u) << 16;
  const uint32_t magnitude = static_cast<uint32_t>(h & 0x7fffu) << 13;
  const uint32_t normal = magnitude + (112u << 23);
  // a subnormal is mantissa * 2^-24: put the mantissa below a one at 2^-14 and take that off again
  const uint32_t subnormal = to_bits(from_bits(magnitude + (113u << 23)) - 0x1p-14f);
  const uint32_t special = magnitude + (224u << 23);
  const uint32_t quiet = magnitude > 0x0f800000u ? 0x400000u : 0u;
  uint32_t r = magnitude < (1u << 23) ? subnormal : normal;
  r = magnitude >= 0x0f800000u ? (special | quiet) : r;
  return from_bits(r | sign);
}

/// fp32 -> fp16, nearest even, without branches; the same bits as the conversion instruction.
[[maybe_unused]] inline uint16_t float_to_half(float f) {
  const uint32_t b = to_bits(f);
  const uint32_t sign = (b >> 16) & 0x8000u;
  const uint32_t m = b & 0x7fffffffu;
  const uint32_t normal = (m - (112u << 23) + 0xfffu + ((m >> 13) & 1u)) >> 13;
  // adding 0.5 leaves the rounded multiple of 2^-24 in the low bits
  const uint32_t subnormal = to_bits(from_bits(m) + 0.5f) - 0x3f000000u;
  const uint32_t nan = 0x7e00u | ((m >> 13) & 0x3ffu);
  uint32_t r = m < (113u << 23) ? subnormal : normal;
  r = m >= 0x477ff000u ? 0x7c00u : r;  // 65520 and more
  r = m > 0x7f800000u ? nan : r;
  return static_cast<uint16_t>(r | sign);
}

[[maybe_unused]] inline void half_to_float(const uint16_t* s, float* d, int64_t n) {
  int64_t i = 0;
#if defined(__F16C__)
  for (; i + 8 <= n; i += 8)
    _mm256_storeu_ps(d + i,
                     _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(s + i))));
#endif
#pragma GCC ivdep
  for (; i < n; ++i) d[i] = half_to_float(s[i]);
}
[[maybe_unused]] inline void float_to_half(const float* s, uint16_t* d, int64_t n) {
  int64_t i = 0;
#if defined(__F16C__)
  for (; i + 8 <= n; i += 8)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(d + i),
                     _mm256_cvtps_ph(_mm256_loadu_ps(s + i), _MM_FROUND_TO_NEAREST_INT));
#endif
#pragma GCC ivdep
  for (; i < n; ++i) d[i] = float_to_half(s[i]);
}

}  // namespace
}  // namespace isa::host::ISA_NS
