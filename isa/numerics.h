// bf16 / fp16 bit conversions, scalar form (reference) and bulk form (fast, same bits).
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "isa/types.h"

namespace isa {

inline float bits_to_float(uint32_t bits) {
  float f;
  std::memcpy(&f, &bits, 4);
  return f;
}
inline uint32_t float_to_bits(float f) {
  uint32_t bits;
  std::memcpy(&bits, &f, 4);
  return bits;
}

inline float bf16_to_f32(uint16_t h) { return bits_to_float(static_cast<uint32_t>(h) << 16); }
/// Round to nearest even; NaN stays NaN.
inline uint16_t f32_to_bf16(float f) {
  uint32_t b = float_to_bits(f);
  if ((b & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((b >> 16) | 0x40u);
  return static_cast<uint16_t>((b + 0x7fffu + ((b >> 16) & 1u)) >> 16);
}
/// Any rounding mode of kernel-language.md §1.3 (None = Rint).
uint16_t f32_to_bf16(float f, RoundMode mode);

float f16_to_f32(uint16_t h);
uint16_t f32_to_f16(float f);  ///< round to nearest even
uint16_t f32_to_f16(float f, RoundMode mode);

/// float -> integral value of the mode, still as double (None truncates).
double round_to_integral(double x, RoundMode mode);

/// Two's complement bits of an integral value modulo 2^64: how a conversion to an integer type
/// wraps (saturation is off, kernel-language.md §1.3). Fractions are cut off; NaN and infinity give
/// 0.
uint64_t low_bits(double integral);

}  // namespace isa
