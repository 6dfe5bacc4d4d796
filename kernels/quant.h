// INT8 quantisation per row on tiles (kernels.md §1.4).
#pragma once

#include <cstdint>

#include "lang/pl.h"

namespace kernels {

/// The floor of a row's amax; it also keeps |x * scale| within 127, so no clamp is needed.
inline constexpr double kAmaxFloor = 1e-4;

/// amax [1, M] raised to the largest |x| of each row.
pl::Tile raise_row_amax(const pl::Tile& amax, const pl::Tile& x);

/// What a row is multiplied by, 127 / amax, and the stored scale, its reciprocal; both [1, M].
struct RowScale {
  pl::Tile multiplier;
  pl::Tile stored;
};
RowScale row_scale(const pl::Tile& amax);

/// FP32 -> INT32 -> FP16 (round) -> INT8 (trunc): the only INT8 path of the hardware. `mode` is
/// that of the first step; P253 rounds half away from zero (Round).
pl::Tile to_int8(const pl::Tile& x, pl::RoundMode mode = pl::RoundMode::Rint);

/// INT32 product -> FP32: times the row's scale [M, 1], then the column's [1, N].
pl::Tile dequantise(const pl::Tile& product, const pl::Tile& row, const pl::Tile& column);

}  // namespace kernels
