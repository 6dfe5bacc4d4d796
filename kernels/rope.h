// Rotary position embedding on [r, 64] tiles, one function per layout (kernels.md §3.2).
//   interleaved lanes: pairs (2i, 2i+1)      split-half lanes: pairs (i, 32+i)
// In all forms: first' = first * c - second * s, second' = first * s + second * c.
#pragma once

#include <cstdint>

#include "lang/pl.h"

namespace kernels::rope {

inline constexpr int64_t kLanes = 64;
inline constexpr int64_t kHalf = kLanes / 2;

/// Index and sign tiles of the swap-gather form, [rows, 64]: dup = j >> 1, swap = j ^ 1 (INT32),
/// sign = -1 on even and +1 on odd lanes (FP32). 16 vector operations.
struct SwapIndex {
  pl::Tile dup, swap, sign;
  /// The same for a shorter tile.
  SwapIndex first_rows(int64_t rows) const;
};
SwapIndex make_swap_index(int64_t rows);

/// FP32 tables of some token rows.
struct Tables {
  pl::Tile cos, sin;
};
/// Columns 0..31 of the BF16 tables [T, 64]: [rows, 32].
Tables load_half(const pl::Tensor& cos, const pl::Tensor& sin, int64_t token, int64_t rows);
/// Each frequency twice, by an index gather over the whole row: [rows, 64].
Tables load_duplicated(const pl::Tensor& cos, const pl::Tensor& sin, int64_t token, int64_t rows,
                       const SwapIndex& index);

/// Both members of every pair, [rows, 32] each.
struct Pairs {
  pl::Tile first, second;
};
/// Even and odd lanes by mask gathers.
Pairs split_lanes(const pl::Tile& x);
/// Four products, a difference and a sum.
Pairs rotate(const Pairs& x, const Tables& half);
/// Back to interleaved lanes by mask scatters into a zeroed tile.
pl::Tile interleave_by_scatter(const Pairs& x);

/// x * cos + (swapped x * sign) * sin: the pair form's bits, since sign flips are exact.
pl::Tile rotate_by_swap(const pl::Tile& x, const Tables& duplicated, const SwapIndex& index);

/// Back to interleaved lanes on the cube: even x even_select + odd x odd_select, where the one-hot
/// selectors are BF16 [32, 64] and the pairs BF16 [rows, 32]. Exact; FP32 result.
pl::Tile interleave_by_selector(const Pairs& x, const pl::Tile& even_select,
                                const pl::Tile& odd_select);

}  // namespace kernels::rope
