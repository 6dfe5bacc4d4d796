// A block of a x bᵀ accumulated over K, as the output projections of P253 and P374 do it.
#pragma once

#include <cstdint>

#include "lang/pl.h"

namespace kernels {

/// Rows [a_row, a_row + rows) of a [M, K] times rows [b_row, b_row + n) of b [N, K], transposed.
struct TransposedProduct {
  pl::Tensor a, b;
  int64_t a_row, b_row;
  int64_t rows;  ///< padded to the cube's 16 in the tile
  int64_t n, k_tile;
  int k_stage;  ///< pipeline stages of the K loop behind the peeled first tile, 1 = range
};
pl::Tile accumulate(const TransposedProduct& p);

}  // namespace kernels
