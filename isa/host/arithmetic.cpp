// Element-wise operations. Plain loops: the compiler vectorises them (feasibility.md §3). Nothing
// is contracted into fma, so all builds round alike.
#include "isa/host/parts.h"

namespace isa::host::ISA_NS {
namespace {

// --- transcendental functions -------------------------------------------------------------------

/// e^x, at most 1 ulp: Cody-Waite reduction to |r| <= ln2/2 and a polynomial of degree 6.
inline float exp_of(float x) {
  x = x > 89.0f ? 89.0f : x;  // NaN passes both
  x = x < -104.0f ? -104.0f : x;
  constexpr float kMagic =
      12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer in the low bits
  const float shifted = x * 1.44269504088896341f + kMagic;
  const float n = shifted - kMagic;
  const float r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
  float p = 0x1.6a23d0p-10f;  // minimax for (e^r - 1 - r) / r^2: 3.1e-9 of e^r
  p = p * r + 0x1.123a20p-7f;
  p = p * r + 0x1.5558f2p-5f;
  p = p * r + 0x1.555492p-3f;
  p = p * r + 0x1.fffffcp-2f;
  p = (p * r) * r + r;
  p = p + 1.0f;
  // Two factors, so that a result below 2^-126 is rounded once and 2^128 overflows to infinity.
  const int32_t k = static_cast<int32_t>(to_bits(shifted) - to_bits(kMagic));
  const int32_t k1 = k >> 1;
  const uint32_t half1 = static_cast<uint32_t>(k1 + 127) << 23;
  const uint32_t half2 = static_cast<uint32_t>(k - k1 + 127) << 23;
  return p * from_bits(half1) * from_bits(half2);
}

/// ln x in double, then rounded: 2 artanh((m-1)/(m+1)) with m in [sqrt(1/2), sqrt(2)).
inline float log_of(float x) {
  const float scaled = x < 0x1p-126f ? x * 0x1p24f : x;  // subnormals
  const uint32_t b = to_bits(scaled);
  const uint32_t shifted = b - 0x3f3504f3u;  // sqrt(1/2)
  const int32_t e = static_cast<int32_t>(shifted) >> 23;
  const double m = from_bits((shifted & 0x7fffffu) + 0x3f3504f3u);
  const double s = (m - 1.0) / (m + 1.0);
  const double z = s * s;
  double p = 1.0 / 21;
  p = p * z + 1.0 / 19;
  p = p * z + 1.0 / 17;
  p = p * z + 1.0 / 15;
  p = p * z + 1.0 / 13;
  p = p * z + 1.0 / 11;
  p = p * z + 1.0 / 9;
  p = p * z + 1.0 / 7;
  p = p * z + 1.0 / 5;
  p = p * z + 1.0 / 3;
  const double exponent = e - (x < 0x1p-126f ? 24 : 0);
  float r = static_cast<float>(exponent * 0.693147180559945309 + (2.0 * s + 2.0 * s * (z * p)));
  r = x == 0.0f ? -__builtin_inff() : r;
  r = x == __builtin_inff() ? x : r;
  r = x < 0.0f || x != x ? __builtin_nanf("") : r;
  return r;
}

// --- operations on fp32 and on integers ---------------------------------------------------------

struct Add {
  static float f(float x, float y) { return x + y; }
  template <class U>
  static U wrap(U x, U y) {
    return x + y;
  }
};
struct Sub {
  static float f(float x, float y) { return x - y; }
  template <class U>
  static U wrap(U x, U y) {
    return x - y;
  }
};
struct Mul {
  static float f(float x, float y) { return x * y; }
  template <class U>
  static U wrap(U x, U y) {
    return x * y;
  }
};
struct Div {
  static float f(float x, float y) { return x / y; }
};
// A NaN operand gives NaN: a maximum used as relu must not hide one (kernels.md §2.6).
struct Max {
  static float f(float x, float y) { return (x > y || x != x) ? x : y; }
};
struct Min {
  static float f(float x, float y) { return (x < y || x != x) ? x : y; }
};
struct ExpDif {
  static float f(float x, float y) { return exp_of(x - y); }
};

/// T op T for the element types; fp16 is computed in fp32 and rounded once, integers wrap.
template <class Op>
struct OnFloat {
  using T = float;
  static T f(T x, T y) { return Op::f(x, y); }
};
template <class Op>
struct OnInt32 {
  using T = int32_t;
  static T f(T x, T y) {
    return static_cast<T>(Op::wrap(static_cast<uint32_t>(x), static_cast<uint32_t>(y)));
  }
};
template <class Op>
struct OnInt16 {
  using T = int16_t;
  static T f(T x, T y) {
    return static_cast<T>(Op::wrap(static_cast<uint32_t>(x), static_cast<uint32_t>(y)));
  }
};
template <class I>
struct IntDiv {
  using T = I;
  static T f(T x, T y) {  // x / 0 = 0 by our convention; the most negative value / -1 wraps
    if (y == 0) return 0;
    return static_cast<T>(static_cast<int64_t>(x) / y);
  }
};
template <class I>
struct IntMax {
  using T = I;
  static T f(T x, T y) { return x > y ? x : y; }
};
template <class I>
struct IntMin {
  using T = I;
  static T f(T x, T y) { return x < y ? x : y; }
};

// --- loops --------------------------------------------------------------------------------------

template <class T>
const T* row(In v, int64_t r) {
  return static_cast<const T*>(v.data) + r * v.stride;
}
template <class T>
T* row(Out v, int64_t r) {
  return static_cast<T*>(v.data) + r * v.stride;
}

template <class F>
void tile_op(Out d, In a, In b, Extent e) {
  using T = typename F::T;
  if (d.stride == e.cols && a.stride == e.cols && b.stride == e.cols) e = {1, e.rows * e.cols};
  for (int64_t r = 0; r < e.rows; ++r) {
    T* dr = row<T>(d, r);
    const T* ar = row<T>(a, r);
    const T* br = row<T>(b, r);
#pragma GCC ivdep
    for (int64_t c = 0; c < e.cols; ++c) dr[c] = F::f(ar[c], br[c]);
  }
}

template <class F>
void column_op(Out d, In a, In b, Extent e) {
  using T = typename F::T;
  if (b.stride == 0 && d.stride == e.cols && a.stride == e.cols) e = {1, e.rows * e.cols};
  if (e.cols == 1 && b.stride == 1) return tile_op<F>(d, a, b, e);
  for (int64_t r = 0; r < e.rows; ++r) {
    T* dr = row<T>(d, r);
    const T* ar = row<T>(a, r);
    const T s = *row<T>(b, r);
#pragma GCC ivdep
    for (int64_t c = 0; c < e.cols; ++c) dr[c] = F::f(ar[c], s);
  }
}

constexpr int64_t kBlock = 256;  ///< fp16 elements expanded at a time
int64_t block(int64_t c, int64_t cols) { return cols - c < kBlock ? cols - c : kBlock; }

template <class Op>
void half_tile_op(Out d, In a, In b, Extent e) {
  if (d.stride == e.cols && a.stride == e.cols && b.stride == e.cols) e = {1, e.rows * e.cols};
  alignas(64) float x[kBlock], y[kBlock];
  for (int64_t r = 0; r < e.rows; ++r)
    for (int64_t c = 0; c < e.cols; c += kBlock) {
      const int64_t n = block(c, e.cols);
      half_to_float(row<uint16_t>(a, r) + c, x, n);
      half_to_float(row<uint16_t>(b, r) + c, y, n);
      for (int64_t i = 0; i < n; ++i) x[i] = Op::f(x[i], y[i]);
      float_to_half(x, row<uint16_t>(d, r) + c, n);
    }
}

template <class Op>
void half_column_op(Out d, In a, In b, Extent e) {
  alignas(64) float x[kBlock];
  for (int64_t r = 0; r < e.rows; ++r) {
    const float s = half_to_float(*row<uint16_t>(b, r));
    for (int64_t c = 0; c < e.cols; c += kBlock) {
      const int64_t n = block(c, e.cols);
      half_to_float(row<uint16_t>(a, r) + c, x, n);
      for (int64_t i = 0; i < n; ++i) x[i] = Op::f(x[i], s);
      float_to_half(x, row<uint16_t>(d, r) + c, n);
    }
  }
}

struct Exp {
  static float f(float x) { return exp_of(x); }
};
struct Log {
  static float f(float x) { return log_of(x); }
};
struct Sqrt {
  static float f(float x) { return __builtin_sqrtf(x); }
};
struct Rsqrt {
  static float f(float x) { return 1.0f / __builtin_sqrtf(x); }
};
struct Recip {
  static float f(float x) { return 1.0f / x; }
};
struct Abs {
  static float f(float x) { return __builtin_fabsf(x); }
};
struct Neg {
  static float f(float x) { return -x; }
};
template <class I>
struct IntAbs {
  using T = I;
  static T f(T x) {
    return static_cast<T>(x < 0 ? 0u - static_cast<uint32_t>(x) : static_cast<uint32_t>(x));
  }
};
template <class I>
struct IntNeg {
  using T = I;
  static T f(T x) { return static_cast<T>(0u - static_cast<uint32_t>(x)); }
};
template <class Op>
struct FloatUnary {
  using T = float;
  static T f(T x) { return Op::f(x); }
};

template <class F>
void unary_op(Out d, In a, Extent e) {
  using T = typename F::T;
  if (d.stride == e.cols && a.stride == e.cols) e = {1, e.rows * e.cols};
  for (int64_t r = 0; r < e.rows; ++r) {
    T* dr = row<T>(d, r);
    const T* ar = row<T>(a, r);
#pragma GCC ivdep
    for (int64_t c = 0; c < e.cols; ++c) dr[c] = F::f(ar[c]);
  }
}

template <class Op>
void half_unary_op(Out d, In a, Extent e) {
  if (d.stride == e.cols && a.stride == e.cols) e = {1, e.rows * e.cols};
  alignas(64) float x[kBlock];
  for (int64_t r = 0; r < e.rows; ++r)
    for (int64_t c = 0; c < e.cols; c += kBlock) {
      const int64_t n = block(c, e.cols);
      half_to_float(row<uint16_t>(a, r) + c, x, n);
      for (int64_t i = 0; i < n; ++i) x[i] = Op::f(x[i]);
      float_to_half(x, row<uint16_t>(d, r) + c, n);
    }
}

// --- table --------------------------------------------------------------------------------------

template <class Op>
void add_float_binary(Kernels& k, Binary op) {
  k.tile[kF32][op] = tile_op<OnFloat<Op>>;
  k.column[kF32][op] = column_op<OnFloat<Op>>;
  k.tile[kF16][op] = half_tile_op<Op>;
  k.column[kF16][op] = half_column_op<Op>;
}
template <class I32, class I16>
void add_int_binary(Kernels& k, Binary op) {
  k.tile[kI32][op] = tile_op<I32>;
  k.column[kI32][op] = column_op<I32>;
  k.tile[kI16][op] = tile_op<I16>;
  k.column[kI16][op] = column_op<I16>;
}
template <class Op>
void add_float_unary(Kernels& k, Unary op) {
  k.unary[kF32][op] = unary_op<FloatUnary<Op>>;
  k.unary[kF16][op] = half_unary_op<Op>;
}

}  // namespace

void fill_arithmetic(Kernels& k) {
  add_float_binary<Add>(k, kAdd);
  add_float_binary<Sub>(k, kSub);
  add_float_binary<Mul>(k, kMul);
  add_float_binary<Div>(k, kDiv);
  add_float_binary<Max>(k, kMax);
  add_float_binary<Min>(k, kMin);
  add_float_binary<ExpDif>(k, kExpDif);
  add_int_binary<OnInt32<Add>, OnInt16<Add>>(k, kAdd);
  add_int_binary<OnInt32<Sub>, OnInt16<Sub>>(k, kSub);
  add_int_binary<OnInt32<Mul>, OnInt16<Mul>>(k, kMul);
  add_int_binary<IntDiv<int32_t>, IntDiv<int16_t>>(k, kDiv);
  add_int_binary<IntMax<int32_t>, IntMax<int16_t>>(k, kMax);
  add_int_binary<IntMin<int32_t>, IntMin<int16_t>>(k, kMin);
  add_float_unary<Exp>(k, kExp);
  add_float_unary<Log>(k, kLog);
  add_float_unary<Sqrt>(k, kSqrt);
  add_float_unary<Rsqrt>(k, kRsqrt);
  add_float_unary<Recip>(k, kRecip);
  add_float_unary<Abs>(k, kAbs);
  add_float_unary<Neg>(k, kNeg);
  k.unary[kI32][kAbs] = unary_op<IntAbs<int32_t>>;
  k.unary[kI16][kAbs] = unary_op<IntAbs<int16_t>>;
  k.unary[kI32][kNeg] = unary_op<IntNeg<int32_t>>;
  k.unary[kI16][kNeg] = unary_op<IntNeg<int16_t>>;
}

}  // namespace isa::host::ISA_NS
