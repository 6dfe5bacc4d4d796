// Inner loops that depend on the host's vector instructions. Every source of this folder is
// compiled three times (x86-64-v2, -v3, -v4) into a namespace of its own; dispatch picks one table
// once.
//
// Sources in this folder use no inline function or template with external linkage: the linker would
// keep one copy of it, perhaps the one with instructions the host does not have.
#pragma once

#include <cstdint>

#include "isa/types.h"

namespace isa::host {

/// rows x cols elements, rows `stride` elements apart.
struct In {
  const void* data;
  int64_t stride;
};
struct Out {
  void* data;
  int64_t stride;
};
struct Extent {
  int64_t rows, cols;
};

/// Types with arithmetic on the vector unit.
enum Arith : uint8_t { kF32, kF16, kI32, kI16, kArithTypes };
enum Binary : uint8_t { kAdd, kSub, kMul, kDiv, kMax, kMin, kExpDif, kBinaryOps };
enum Unary : uint8_t { kExp, kLog, kSqrt, kRsqrt, kRecip, kAbs, kNeg, kUnaryOps };
enum Reduce : uint8_t { kSum, kMaxOf, kMinOf, kReduceOps };
/// Conversions with a vector loop; the rest go element by element.
enum Cast : uint8_t {
  kBf16ToF32,
  kF16ToF32,
  kF32ToBf16,
  kF32ToF16,
  kF32ToI32,
  kI32ToF32,
  kI32ToF16,
  kF16ToI8,
  kCasts
};

using BinaryFn = void (*)(Out d, In a, In b, Extent e);
using UnaryFn = void (*)(Out d, In a, Extent e);
using ReduceFn = void (*)(void* d, In a, Extent e);
using CastFn = void (*)(Out d, In a, Extent e, RoundMode mode);

struct Gemm {
  Out d;
  In a, b;
  int64_t m, n, k;
  DType input;      ///< BF16, F16, F32 or I8
  bool trans_b;     ///< b is [n, k]
  bool accumulate;  ///< start from d, else from zero
  float* scratch;   ///< gemm_scratch(m) floats, 64 B aligned
};

struct Kernels {
  const char* name;
  BinaryFn tile[kArithTypes][kBinaryOps];    ///< b is a tile; b.stride 0 repeats one row
  BinaryFn column[kArithTypes][kBinaryOps];  ///< b is one element a row; b.stride 0 repeats one
  UnaryFn unary[kArithTypes][kUnaryOps];
  ReduceFn rows[kArithTypes][kReduceOps];  ///< d: one element a row, contiguous
  ReduceFn cols[kArithTypes][kReduceOps];  ///< d: one element a column, contiguous
  CastFn cast[kCasts];
  void (*gemm)(const Gemm& g);
};

/// Blocking of a product: K of a block, so that a packed panel of B stays in the L1 cache, and the
/// pitch of packed rows, off a power of two for the cache's sets.
constexpr int64_t kBlockK = 256;
constexpr int64_t kPackedPitch = kBlockK + 16;
constexpr int64_t kWidestPanel = 32;

/// Floats of scratch a product with `m` rows needs on any path: packed A, a panel and its rows.
constexpr int64_t gemm_scratch(int64_t m) {
  return m * kPackedPitch + kBlockK * kWidestPanel + kWidestPanel * kPackedPitch;
}

// Only called on a host that has the instructions.
namespace v2 {
void fill(Kernels& k);
}
namespace v3 {
void fill(Kernels& k);
}
namespace v4 {
void fill(Kernels& k);
}

/// The table in use: the best the host supports, or the forced one.
const Kernels& kernels();

}  // namespace isa::host
