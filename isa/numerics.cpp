#include "isa/numerics.h"

#include <algorithm>

namespace isa {
namespace {

/// Decides whether a truncated magnitude `q` (with `rem` of `2 * half` cut off) moves away from
/// zero.
bool rounds_up(RoundMode mode, bool negative, uint64_t q, uint64_t rem, uint64_t half) {
  switch (mode) {
    case RoundMode::None:
    case RoundMode::Rint:
      return rem > half || (rem == half && (q & 1) != 0);
    case RoundMode::Round:
      return rem >= half;
    case RoundMode::Floor:
      return negative && rem != 0;
    case RoundMode::Ceil:
      return !negative && rem != 0;
    case RoundMode::Trunc:
      return false;
    case RoundMode::Odd:
      return rem != 0 && (q & 1) == 0;
  }
  return false;
}

constexpr uint32_t kF16Inf = 0x7c00u;

/// What a magnitude beyond the largest fp16 becomes: infinity, or the largest finite value in the
/// modes that round towards it.
uint32_t f16_overflow(RoundMode mode, bool negative) {
  const bool to_inf = mode == RoundMode::None || mode == RoundMode::Rint ||
                      mode == RoundMode::Round || (mode == RoundMode::Floor && negative) ||
                      (mode == RoundMode::Ceil && !negative);
  return to_inf ? kF16Inf : kF16Inf - 1;
}

}  // namespace

uint16_t f32_to_bf16(float f, RoundMode mode) {
  const uint32_t b = float_to_bits(f);
  if ((b & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((b >> 16) | 0x40u);
  const uint32_t q = b >> 16;
  // A carry out of the mantissa moves to the next binade, out of the largest value to infinity.
  return static_cast<uint16_t>(q +
                               (rounds_up(mode, (b >> 31) != 0, q, b & 0xffffu, 0x8000u) ? 1 : 0));
}

float f16_to_f32(uint16_t h) {
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000u) << 16;
  const uint32_t exponent = (h >> 10) & 0x1fu;
  const uint32_t mantissa = h & 0x3ffu;
  if (exponent == 0) {  // zero or subnormal: mantissa * 2^-24, exact in fp32
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return bits_to_float(float_to_bits(magnitude) | sign);
  }
  if (exponent == 31) {  // infinity, or a NaN made quiet as the conversion instruction does
    const uint32_t quiet = mantissa != 0 ? 0x400000u : 0u;
    return bits_to_float(sign | 0x7f800000u | (mantissa << 13) | quiet);
  }
  return bits_to_float(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

uint16_t f32_to_f16(float f) { return f32_to_f16(f, RoundMode::Rint); }

uint16_t f32_to_f16(float f, RoundMode mode) {
  const uint32_t b = float_to_bits(f);
  const bool negative = (b >> 31) != 0;
  const uint32_t sign = negative ? 0x8000u : 0u;
  const uint32_t magnitude = b & 0x7fffffffu;
  if (magnitude > 0x7f800000u)
    return static_cast<uint16_t>(sign | kF16Inf | 0x200u | ((magnitude >> 13) & 0x3ffu));
  if (magnitude == 0x7f800000u) return static_cast<uint16_t>(sign | kF16Inf);

  const int biased = static_cast<int>(magnitude >> 23);
  const int exponent = biased == 0 ? -126 : biased - 127;
  const uint64_t significand = (magnitude & 0x7fffffu) | (biased == 0 ? 0u : 0x800000u);
  if (exponent > 15) return static_cast<uint16_t>(sign | f16_overflow(mode, negative));
  // Normal results keep 11 bits; subnormal ones lose one more for each power below 2^-14.
  const bool normal = exponent >= -14;
  const int shift = normal ? 13 : std::min(13 + (-14 - exponent), 40);
  const uint64_t q = significand >> shift;
  const uint64_t rem = significand & ((uint64_t{1} << shift) - 1);
  const bool up = rounds_up(mode, negative, q, rem, uint64_t{1} << (shift - 1));
  const uint32_t base = normal ? static_cast<uint32_t>(exponent + 14) << 10 : 0u;
  return static_cast<uint16_t>(sign | (base + static_cast<uint32_t>(q) + (up ? 1u : 0u)));
}

double round_to_integral(double x, RoundMode mode) {
  switch (mode) {
    case RoundMode::Rint:
      return std::nearbyint(x);
    case RoundMode::Round:
      return std::round(x);
    case RoundMode::Floor:
      return std::floor(x);
    case RoundMode::Ceil:
      return std::ceil(x);
    case RoundMode::None:
    case RoundMode::Trunc:
      return std::trunc(x);
    case RoundMode::Odd: {
      const double t = std::trunc(x);
      const bool even = std::fmod(t, 2.0) == 0.0;
      return t != x && even && std::isfinite(x) ? t + std::copysign(1.0, x) : t;
    }
  }
  return x;
}

uint64_t low_bits(double integral) {
  constexpr double kTwo64 = 18446744073709551616.0;
  if (!std::isfinite(integral)) return 0;
  const double low = std::fmod(std::fabs(integral), kTwo64);  // exact
  const uint64_t magnitude = static_cast<uint64_t>(low);
  return integral < 0 ? uint64_t{0} - magnitude : magnitude;
}

}  // namespace isa
