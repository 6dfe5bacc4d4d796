// Conversions with a vector loop. Modes and values outside the fast range take a scalar path in the
// same loop, so that a conversion in place stays possible.
#include "isa/host/parts.h"

namespace isa::host::ISA_NS {
namespace {

template <class T>
const T* row(In v, int64_t r) {
  return static_cast<const T*>(v.data) + r * v.stride;
}
template <class T>
T* row(Out v, int64_t r) {
  return static_cast<T*>(v.data) + r * v.stride;
}

constexpr int64_t kBlock = 256;
int64_t block(int64_t c, int64_t cols) { return cols - c < kBlock ? cols - c : kBlock; }

/// Calls loop(dst, src, n) for every row, or once when the rows follow each other.
template <class D, class S, class Loop>
void each_row(Out d, In a, Extent e, Loop loop) {
  if (d.stride == e.cols && a.stride == e.cols) e = {1, e.rows * e.cols};
  for (int64_t r = 0; r < e.rows; ++r) loop(row<D>(d, r), row<S>(a, r), e.cols);
}

// --- rounding -----------------------------------------------------------------------------------

template <RoundMode mode>
float integral(float x) {
  if constexpr (mode == RoundMode::Rint) return __builtin_rintf(x);
  if constexpr (mode == RoundMode::Floor) return __builtin_floorf(x);
  if constexpr (mode == RoundMode::Ceil) return __builtin_ceilf(x);
  const float t = __builtin_truncf(x);
  if constexpr (mode == RoundMode::Round)
    return __builtin_fabsf(x - t) >= 0.5f ? t + __builtin_copysignf(1.0f, x) : t;
  if constexpr (mode == RoundMode::Odd) {
    const float half = t * 0.5f;
    const bool even = __builtin_truncf(half) == half;
    return (t != x && even) ? t + __builtin_copysignf(1.0f, x) : t;
  }
  return t;
}

/// Calls loop<mode>() for the run-time mode.
template <class F>
void with_mode(RoundMode mode, F f) {
  switch (mode) {
    case RoundMode::Rint:
      return f.template operator()<RoundMode::Rint>();
    case RoundMode::Round:
      return f.template operator()<RoundMode::Round>();
    case RoundMode::Floor:
      return f.template operator()<RoundMode::Floor>();
    case RoundMode::Ceil:
      return f.template operator()<RoundMode::Ceil>();
    case RoundMode::Odd:
      return f.template operator()<RoundMode::Odd>();
    case RoundMode::None:
    case RoundMode::Trunc:
      break;
  }
  f.template operator()<RoundMode::Trunc>();
}

template <RoundMode mode>
uint16_t to_bf16(float f) {
  const uint32_t b = to_bits(f);
  uint32_t r = b >> 16;
  if constexpr (mode == RoundMode::Rint) r = (b + 0x7fffu + (r & 1u)) >> 16;
  if constexpr (mode == RoundMode::Round) r = (b + 0x8000u) >> 16;
  if constexpr (mode == RoundMode::Floor) r = (b + ((b >> 31) != 0 ? 0xffffu : 0u)) >> 16;
  if constexpr (mode == RoundMode::Ceil) r = (b + ((b >> 31) != 0 ? 0u : 0xffffu)) >> 16;
  if constexpr (mode == RoundMode::Odd) r |= (b & 0xffffu) != 0 ? 1u : 0u;
  const uint32_t nan = (b >> 16) | 0x40u;
  return static_cast<uint16_t>((b & 0x7fffffffu) > 0x7f800000u ? nan : r);
}

/// An integral value outside int32: its bits modulo 2^32; NaN and infinity give 0.
uint32_t wrap(float x) {
  const uint32_t b = to_bits(x);
  const int32_t shift = static_cast<int32_t>((b >> 23) & 0xffu) - 150;
  const uint32_t significand = (b & 0x7fffffu) | 0x800000u;
  const uint32_t magnitude = shift < 32 && shift >= 0 ? significand << shift : 0u;
  return (b >> 31) != 0 ? 0u - magnitude : magnitude;
}

// --- loops --------------------------------------------------------------------------------------

void bf16_to_f32(Out d, In a, Extent e, RoundMode) {
  each_row<float, uint16_t>(d, a, e, [](float* dst, const uint16_t* src, int64_t n) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) dst[i] = from_bits(static_cast<uint32_t>(src[i]) << 16);
  });
}

void f16_to_f32(Out d, In a, Extent e, RoundMode) {
  each_row<float, uint16_t>(
      d, a, e, [](float* dst, const uint16_t* src, int64_t n) { half_to_float(src, dst, n); });
}

void f32_to_f16(Out d, In a, Extent e, RoundMode) {  // nearest even only
  each_row<uint16_t, float>(
      d, a, e, [](uint16_t* dst, const float* src, int64_t n) { float_to_half(src, dst, n); });
}

struct ToBf16 {
  Out d;
  In a;
  Extent e;
  template <RoundMode mode>
  void operator()() const {
    each_row<uint16_t, float>(d, a, e, [](uint16_t* dst, const float* src, int64_t n) {
#pragma GCC ivdep
      for (int64_t i = 0; i < n; ++i) dst[i] = to_bf16<mode>(src[i]);
    });
  }
};
void f32_to_bf16(Out d, In a, Extent e, RoundMode mode) {
  with_mode(mode == RoundMode::None ? RoundMode::Rint : mode, ToBf16{d, a, e});
}

struct ToInt32 {
  Out d;
  In a;
  Extent e;
  template <RoundMode mode>
  void operator()() const {
    each_row<int32_t, float>(d, a, e, [](int32_t* dst, const float* src, int64_t cols) {
      for (int64_t c = 0; c < cols; c += kBlock, dst += kBlock, src += kBlock) {
        const int64_t n = block(c, cols);
        int outside = 0;
        for (int64_t i = 0; i < n; ++i) outside |= !(__builtin_fabsf(src[i]) < 0x1p31f);
        if (outside != 0) {
          for (int64_t i = 0; i < n; ++i) {
            const float x = src[i];
            const bool fits = __builtin_fabsf(x) < 0x1p31f;
            dst[i] = fits ? static_cast<int32_t>(integral<mode>(x)) : static_cast<int32_t>(wrap(x));
          }
          continue;
        }
#pragma GCC ivdep
        for (int64_t i = 0; i < n; ++i) dst[i] = static_cast<int32_t>(integral<mode>(src[i]));
      }
    });
  }
};
void f32_to_i32(Out d, In a, Extent e, RoundMode mode) { with_mode(mode, ToInt32{d, a, e}); }

void i32_to_f32(Out d, In a, Extent e, RoundMode) {
  each_row<float, int32_t>(d, a, e, [](float* dst, const int32_t* src, int64_t n) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) dst[i] = static_cast<float>(src[i]);
  });
}

void i32_to_f16(Out d, In a, Extent e, RoundMode) {  // nearest even, or exact values in any mode
  each_row<uint16_t, int32_t>(d, a, e, [](uint16_t* dst, const int32_t* src, int64_t cols) {
    alignas(64) float x[kBlock];
    for (int64_t c = 0; c < cols; c += kBlock) {
      const int64_t n = block(c, cols);
      for (int64_t i = 0; i < n; ++i) x[i] = static_cast<float>(src[c + i]);
      float_to_half(x, dst + c, n);
    }
  });
}

struct HalfToInt8 {
  Out d;
  In a;
  Extent e;
  template <RoundMode mode>
  void operator()() const {
    each_row<int8_t, uint16_t>(d, a, e, [](int8_t* dst, const uint16_t* src, int64_t cols) {
      alignas(64) float x[kBlock];
      for (int64_t c = 0; c < cols; c += kBlock) {
        const int64_t n = block(c, cols);
        half_to_float(src + c, x, n);
        for (int64_t i = 0; i < n; ++i) {  // NaN and infinity give 0, the rest wraps
          const float v = __builtin_fabsf(x[i]) < 0x1p17f ? integral<mode>(x[i]) : 0.0f;
          dst[c + i] = static_cast<int8_t>(static_cast<int32_t>(v));
        }
      }
    });
  }
};
void f16_to_i8(Out d, In a, Extent e, RoundMode mode) { with_mode(mode, HalfToInt8{d, a, e}); }

}  // namespace

void fill_casts(Kernels& k) {
  k.cast[kBf16ToF32] = bf16_to_f32;
  k.cast[kF16ToF32] = f16_to_f32;
  k.cast[kF32ToBf16] = f32_to_bf16;
  k.cast[kF32ToF16] = f32_to_f16;
  k.cast[kF32ToI32] = f32_to_i32;
  k.cast[kI32ToF32] = i32_to_f32;
  k.cast[kI32ToF16] = i32_to_f16;
  k.cast[kF16ToI8] = f16_to_i8;
}

}  // namespace isa::host::ISA_NS
