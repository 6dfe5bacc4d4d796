// RMS normalisation on tiles. Per-row statistics are kept as [1, M] rows: a row reduction's [M, 1]
// result is the same bytes, and element-wise work on it is one short instruction.
#pragma once

#include <cstdint>
#include <string>

#include "lang/pl.h"

namespace kernels {

inline constexpr double kRmsEpsilon = 1e-6;

/// [1, M] or [M, 1] read the other way round; no instruction.
pl::Tile as_row(const pl::Tile& column);
pl::Tile as_column(const pl::Tile& row);

/// sum [1, M] + the row sums of x * x, x FP32 [M, N].
pl::Tile add_row_squares(const pl::Tile& sum, const pl::Tile& x);

/// 1 / sqrt(sum / n + eps), [1, M]: reciprocal of the root, not rsqrt (kernels.md §1.4).
pl::Tile inverse_rms(const pl::Tile& sum, int64_t n);
/// The same by the high-precision rsqrt: hc_pre, and every kernel from 83f7f68d on.
pl::Tile inverse_rms_rsqrt(const pl::Tile& sum, int64_t n);

/// x * inv per row; inv is [1, M].
pl::Tile scale_rows(const pl::Tile& x, const pl::Tile& inv);

/// x * gamma per column; gamma is a BF16 or FP32 row [1, N].
pl::Tile scale_columns(const pl::Tile& x, const pl::Tile& gamma);

/// FP32 values rounded to BF16 (nearest even), and back as FP32.
pl::Tile to_bf16(const pl::Tile& x);
pl::Tile through_bf16(const pl::Tile& x);

/// Tiles of `rms_norm`.
struct RmsNormTiles {
  int64_t t_tile = 8;
  int64_t chunk = 128;
  int stage = 2;
};
/// The scope of kernels.md §2.1: y = bf16(x / rms(x) * w), x, y [T, D] BF16, w [1, D] BF16.
void rms_norm(const RmsNormTiles& tiles, const pl::Tensor& x, const pl::Tensor& w,
              const pl::Tensor& y);
/// Error "knob.conflict": chunks that do not divide `hidden`, or a tile that does not fit into UB.
void check_rms_norm(const RmsNormTiles& tiles, const std::string& program, int64_t hidden);

}  // namespace kernels
