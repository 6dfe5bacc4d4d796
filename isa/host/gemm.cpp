// The cube's product: a register-tiled kernel that adds k = 0, 1, 2, ... in order, so that every
// host and every split of K gives the same bits (feasibility.md §2). Inputs expand to fp32 while
// they are packed; int8 products are exact in fp32 because a block of K stays far below 2^24 /
// 127^2 = 1040.
#include "isa/host/parts.h"

namespace isa::host::ISA_NS {
namespace {

#if defined(__AVX512F__)
constexpr int kMr = 12;
#elif defined(__AVX2__)
constexpr int kMr = 6;
#else
constexpr int kMr = 4;
#endif
constexpr int kNr = 2 * kLanes;  ///< columns of a panel
constexpr int64_t kKc = kBlockK;
constexpr int64_t kLdA = kPackedPitch;
static_assert(kNr <= kWidestPanel, "scratch is sized for kWidestPanel");

// --- multiply-add -------------------------------------------------------------------------------

/// One rounding. The products of bf16, fp16 and int8 values are exact, so a separate multiplication
/// rounds alike; fp32 inputs and extreme bf16 exponents need the real thing on every host.
struct Fused {
  static Vec madd(Vec a, Vec b, Vec c) {
#if defined(__AVX512F__)
    return reinterpret_cast<Vec>(_mm512_fmadd_ps(a, b, c));
#elif defined(__FMA__)
    return reinterpret_cast<Vec>(_mm256_fmadd_ps(a, b, c));
#else
    for (int i = 0; i < kLanes; ++i) c[i] = __builtin_fmaf(a[i], b[i], c[i]);
    return c;
#endif
  }
};
#if defined(__FMA__)
using ExactProduct = Fused;
#else
struct ExactProduct {
  static Vec madd(Vec a, Vec b, Vec c) { return a * b + c; }
};
#endif

/// c[R][kNr] (+)= a[R][k] x panel[k][kNr].
template <class Arith, int R>
void micro(const float* a, const float* panel, int64_t k, float* c, int64_t ldc, bool from_zero) {
  Vec acc[R][2];
  for (int i = 0; i < R; ++i)
    for (int j = 0; j < 2; ++j) acc[i][j] = from_zero ? Vec{} : vload(c + i * ldc + j * kLanes);
  for (int64_t p = 0; p < k; ++p, panel += kNr) {
    const Vec b0 = vload(panel), b1 = vload(panel + kLanes);
    for (int i = 0; i < R; ++i) {
      const Vec x = splat(a[i * kLdA + p]);
      acc[i][0] = Arith::madd(x, b0, acc[i][0]);
      acc[i][1] = Arith::madd(x, b1, acc[i][1]);
    }
  }
  for (int i = 0; i < R; ++i)
    for (int j = 0; j < 2; ++j) vstore(c + i * ldc + j * kLanes, acc[i][j]);
}

using Micro = void (*)(const float*, const float*, int64_t, float*, int64_t, bool);

template <class Arith>
Micro micro_of(int64_t rows) {
  switch (rows) {
    case 1:
      return micro<Arith, 1>;
    case 2:
      return micro<Arith, 2>;
    case 3:
      return micro<Arith, 3>;
    case 4:
      return micro<Arith, 4>;
#if defined(__AVX2__)
    case 5:
      return micro<Arith, 5>;
    case 6:
      return micro<Arith, 6>;
#endif
#if defined(__AVX512F__)
    case 7:
      return micro<Arith, 7>;
    case 8:
      return micro<Arith, 8>;
    case 9:
      return micro<Arith, 9>;
    case 10:
      return micro<Arith, 10>;
    case 11:
      return micro<Arith, 11>;
    case 12:
      return micro<Arith, 12>;
#endif
    default:
      return nullptr;
  }
}

// --- packing ------------------------------------------------------------------------------------

struct Bf16 {
  uint16_t bits;
};
struct F16 {
  uint16_t bits;
};

void expand(const Bf16* s, float* d, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) d[i] = from_bits(static_cast<uint32_t>(s[i].bits) << 16);
}
void expand(const F16* s, float* d, int64_t n) {
  half_to_float(reinterpret_cast<const uint16_t*>(s), d, n);
}
void expand(const float* s, float* d, int64_t n) {
  __builtin_memcpy(d, s, static_cast<size_t>(n) * 4);
}
void expand(const int8_t* s, float* d, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) d[i] = static_cast<float>(s[i]);
}

/// Rows of `src` into rows of pitch kLdA.
template <class T>
void pack_rows(const T* src, int64_t stride, int64_t rows, int64_t k, float* d) {
  for (int64_t r = 0; r < rows; ++r) expand(src + r * stride, d + r * kLdA, k);
}

/// k rows of `width` <= kNr columns into a panel; missing columns become zero.
template <class T>
void pack_panel(const T* src, int64_t stride, int64_t k, int64_t width, float* panel) {
  if (width == kNr) {
    for (int64_t p = 0; p < k; ++p) expand(src + p * stride, panel + p * kNr, kNr);
    return;
  }
  for (int64_t p = 0; p < k; ++p) {
    expand(src + p * stride, panel + p * kNr, width);
    for (int64_t j = width; j < kNr; ++j) panel[p * kNr + j] = 0;
  }
}

#if defined(__AVX2__)
constexpr int kSquare = 8;
void transpose_square(const float* s, int64_t lds, float* d, int64_t ldd) {
  __m256 r[8], t[8];
  for (int i = 0; i < 8; ++i) r[i] = _mm256_loadu_ps(s + i * lds);
  for (int i = 0; i < 4; ++i) {
    t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
  }
  for (int i = 0; i < 2; ++i) {
    r[4 * i] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0x44);
    r[4 * i + 1] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0xee);
    r[4 * i + 2] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0x44);
    r[4 * i + 3] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0xee);
  }
  for (int i = 0; i < 4; ++i) {
    _mm256_storeu_ps(d + i * ldd, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
    _mm256_storeu_ps(d + (i + 4) * ldd, _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
  }
}
#else
constexpr int kSquare = 4;
void transpose_square(const float* s, int64_t lds, float* d, int64_t ldd) {
  __m128 r0 = _mm_loadu_ps(s), r1 = _mm_loadu_ps(s + lds), r2 = _mm_loadu_ps(s + 2 * lds),
         r3 = _mm_loadu_ps(s + 3 * lds);
  _MM_TRANSPOSE4_PS(r0, r1, r2, r3);
  _mm_storeu_ps(d, r0);
  _mm_storeu_ps(d + ldd, r1);
  _mm_storeu_ps(d + 2 * ldd, r2);
  _mm_storeu_ps(d + 3 * ldd, r3);
}
#endif

/// The same panel from a source stored [width, k]; `rows` holds kNr rows of pitch kLdA.
template <class T>
void pack_panel_transposed(const T* src, int64_t stride, int64_t k, int64_t width, float* rows,
                           float* panel) {
  const int64_t k_padded = (k + kSquare - 1) / kSquare * kSquare;
  for (int64_t j = 0; j < kNr; ++j) {
    float* row = rows + j * kLdA;
    if (j < width) expand(src + j * stride, row, k);
    for (int64_t p = j < width ? k : 0; p < k_padded; ++p) row[p] = 0;
  }
  for (int64_t p = 0; p < k_padded; p += kSquare)
    for (int64_t j = 0; j < kNr; j += kSquare)
      transpose_square(rows + j * kLdA + p, kLdA, panel + p * kNr + j, kNr);
}

// --- blocking -----------------------------------------------------------------------------------

int64_t smaller(int64_t x, int64_t y) { return x < y ? x : y; }

/// One panel of a block into fp32 C in place; a narrow panel goes through `edge`.
template <class Arith>
void panel_f32(const float* a, const float* panel, int64_t m, int64_t width, int64_t k, float* c,
               int64_t ldc, bool from_zero, float* edge) {
  const int64_t slices = (m + kMr - 1) / kMr;
  for (int64_t s = 0, i = 0; s < slices; ++s) {
    const int64_t rows = (m - i + slices - s - 1) / (slices - s);  // even slices
    float* ci = c + i * ldc;
    if (width == kNr) {
      micro_of<Arith>(rows)(a + i * kLdA, panel, k, ci, ldc, from_zero);
    } else {
      for (int64_t r = 0; r < rows && !from_zero; ++r)
        for (int64_t j = 0; j < width; ++j) edge[r * kNr + j] = ci[r * ldc + j];
      micro_of<Arith>(rows)(a + i * kLdA, panel, k, edge, kNr, from_zero);
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t j = 0; j < width; ++j) ci[r * ldc + j] = edge[r * kNr + j];
    }
    i += rows;
  }
}

/// One panel of a block, exact in fp32, added to int32 C (which wraps).
void panel_i32(const float* a, const float* panel, int64_t m, int64_t width, int64_t k, int32_t* c,
               int64_t ldc, bool from_zero, float* edge) {
  const int64_t slices = (m + kMr - 1) / kMr;
  for (int64_t s = 0, i = 0; s < slices; ++s) {
    const int64_t rows = (m - i + slices - s - 1) / (slices - s);
    micro_of<ExactProduct>(rows)(a + i * kLdA, panel, k, edge, kNr, true);
    for (int64_t r = 0; r < rows; ++r) {
      uint32_t* cr = reinterpret_cast<uint32_t*>(c + (i + r) * ldc);
      const float* er = edge + r * kNr;
      if (from_zero)
        for (int64_t j = 0; j < width; ++j)
          cr[j] = static_cast<uint32_t>(static_cast<int32_t>(er[j]));
      else
        for (int64_t j = 0; j < width; ++j)
          cr[j] += static_cast<uint32_t>(static_cast<int32_t>(er[j]));
    }
    i += rows;
  }
}

/// Packs block by block and calls panel(a, panel, width, k, first column, first block).
template <class T, class Panel>
void blocks(const Gemm& g, Panel run) {
  float* a = g.scratch;
  float* panel = a + g.m * kLdA;
  float* rows = panel + kKc * kNr;
  const T* ga = static_cast<const T*>(g.a.data);
  const T* gb = static_cast<const T*>(g.b.data);
  for (int64_t p = 0; p < g.k; p += kKc) {
    const int64_t k = smaller(kKc, g.k - p);
    pack_rows(ga + p, g.a.stride, g.m, k, a);
    for (int64_t j = 0; j < g.n; j += kNr) {
      const int64_t width = smaller(kNr, g.n - j);
      if (g.trans_b)
        pack_panel_transposed(gb + j * g.b.stride + p, g.b.stride, k, width, rows, panel);
      else
        pack_panel(gb + p * g.b.stride + j, g.b.stride, k, width, panel);
      run(a, panel, width, k, j, p == 0);
    }
  }
}

template <class T, class Arith>
void product_f32(const Gemm& g) {
  alignas(64) float edge[kMr * kNr];
  float* c = static_cast<float*>(g.d.data);
  blocks<T>(
      g, [&](const float* a, const float* panel, int64_t width, int64_t k, int64_t j, bool first) {
        panel_f32<Arith>(a, panel, g.m, width, k, c + j, g.d.stride, first && !g.accumulate, edge);
      });
}

void product_i32(const Gemm& g) {
  alignas(64) float edge[kMr * kNr];
  int32_t* c = static_cast<int32_t*>(g.d.data);
  blocks<int8_t>(
      g, [&](const float* a, const float* panel, int64_t width, int64_t k, int64_t j, bool first) {
        panel_i32(a, panel, g.m, width, k, c + j, g.d.stride, first && !g.accumulate, edge);
      });
}

#if !defined(__FMA__)
struct Exponents {
  int low = 255, high = 0;
};
/// Range of the biased exponents of the non-zero values.
Exponents exponents(In v, int64_t rows, int64_t cols) {
  Exponents x;
  for (int64_t r = 0; r < rows; ++r) {
    const uint16_t* p = static_cast<const uint16_t*>(v.data) + r * v.stride;
    int16_t low = 255, high = 0;
    for (int64_t c = 0; c < cols; ++c) {
      const int16_t e = static_cast<int16_t>((p[c] >> 7) & 0xff);
      const int16_t least = (p[c] & 0x7fff) == 0 ? int16_t{255} : e;
      low = least < low ? least : low;
      high = e > high ? e : high;
    }
    x.low = low < x.low ? low : x.low;
    x.high = high > x.high ? high : x.high;
  }
  return x;
}
/// True when every product of two bf16 values is exact in fp32: its lowest bit, at most 14 below
/// the exponents' sum, is not below 2^-149 and it does not overflow.
bool products_exact(const Gemm& g) {
  const Exponents a = exponents(g.a, g.m, g.k);
  const Exponents b = g.trans_b ? exponents(g.b, g.n, g.k) : exponents(g.b, g.k, g.n);
  return a.low + b.low - 254 - 14 >= -149 && a.high + b.high - 254 <= 125;
}
#endif

}  // namespace

void gemm(const Gemm& g) {
  switch (g.input) {
    case DType::BF16:
#if !defined(__FMA__)
      if (!products_exact(g)) return product_f32<Bf16, Fused>(g);
#endif
      return product_f32<Bf16, ExactProduct>(g);
    case DType::F16:
      return product_f32<F16, ExactProduct>(g);
    case DType::F32:
      return product_f32<float, Fused>(g);
    default:
      return product_i32(g);
  }
}

}  // namespace isa::host::ISA_NS
