// Rotary position embedding on [r, 64] tiles, one function per layout (kernels.md §3.2).
//   interleaved lanes: pairs (2i, 2i+1)      split-half lanes: pairs (i, 32+i)
// In all forms: first' = first * c - second * s, second' = first * s + second * c.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/program.h"
#include "lang/pl.h"

namespace kernels::rope {

inline constexpr int64_t kLanes = 64;
inline constexpr int64_t kHalf = kLanes / 2;

/// The forms (a) to (f) of kernels.md §3.1, as the `layout` knob names them.
enum class Layout : uint8_t {
  SelectorMatmul,   ///< (a) selector_matmul: one-hot matmuls
  MaskScatter,      ///< (b) mask_scatter: mask gather and mask scatter
  SwapGather,       ///< (c) swap_gather: index gather by j ^ 1
  SplitHalf,        ///< (d) split_half: contiguous halves, permuted weights
  FusedSwapGather,  ///< (e) fused_swap_gather: (c) in the scope of the norm
  Hoisted,          ///< (f) hoisted: (c) with tables and index made once per layer
  IndexScatter      ///< (b) index_scatter: mask gather and index scatter, before PR432
};
std::string to_string(Layout layout);
/// Error "knob.value" for a text that names none.
Layout parse_layout(const std::string& text);
/// The `layout` knob of a kernel that has these forms; the first is the default.
Knob layout_knob(const std::vector<Layout>& forms);
/// "" or why `program` in this layout cannot run on `chip`: a5 has no mask form of scatter.
std::string refused_on_chip(const std::string& program, Layout layout, const std::string& chip);

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
/// Columns 0..31 of the BF16 or FP32 tables [T, 64] or [T, 32]: [rows, 32].
Tables load_half(const pl::Tensor& cos, const pl::Tensor& sin, int64_t token, int64_t rows);
/// Each frequency twice, by an index gather over the whole row of the same tables: [rows, 64].
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
/// By the opposite angle: first' = first * c + second * s, second' = second * c - first * s.
Pairs rotate_inverse(const Pairs& x, const Tables& half);
/// Back to interleaved lanes by mask scatters into a zeroed tile.
pl::Tile interleave_by_scatter(const Pairs& x);
/// The same by index scatters; `even` and `odd` are the lane numbers 0, 2, .. and 1, 3, ..,
/// [1, 32] INT32.
pl::Tile interleave_by_index(const Pairs& x, const pl::Tile& even, const pl::Tile& odd);

/// x * cos + (swapped x * sign) * sin: the pair form's bits, since sign flips are exact.
pl::Tile rotate_by_swap(const pl::Tile& x, const Tables& duplicated, const SwapIndex& index);

/// The same with the sign folded into the table: x * cos + swapped * signed_sin.
pl::Tile rotate_by_signed_swap(const pl::Tile& x, const pl::Tile& swap, const pl::Tile& cos,
                               const pl::Tile& signed_sin);

/// Back to interleaved lanes on the cube: even x even_select + odd x odd_select, where the one-hot
/// selectors are BF16 [32, 64] and the pairs BF16 [rows, 32]. Exact; FP32 result.
pl::Tile interleave_by_selector(const Pairs& x, const pl::Tile& even_select,
                                const pl::Tile& odd_select);

}  // namespace kernels::rope
