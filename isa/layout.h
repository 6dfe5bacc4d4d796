// Where element (r, c) of a tile sits in its memory (hardware.md §2.2: 32 B fractal rows, 16 rows a
// fractal, 512 B; L0C fractals are 16 x 16 elements of 4 B).
#pragma once

#include <cstdint>

#include "isa/types.h"

namespace isa {

/// Elements of one fractal row: 32 B, or 16 for an L0C accumulator.
constexpr int32_t c0(DType t, MemSpace space) {
  return space == MemSpace::L0C ? 16 : static_cast<int32_t>(32 / size_of(t));
}
constexpr int32_t round_up(int32_t x, int32_t to) { return (x + to - 1) / to * to; }

/// Element index of (r, c) in a tile of tile_rows x tile_cols.
///  ND row major; NZ columns of fractals, row major inside (L1, L0C, a5 L0A);
///  ZN rows of fractals, column major inside (L0B, transposed L1); ZZ rows of fractals, row major
///  inside (a2a3 L0A).
int64_t element_index(Layout layout, MemSpace space, DType t, int32_t tile_rows, int32_t tile_cols,
                      int32_t r, int32_t c);

/// Bytes a tile occupies, padded to whole fractals for fractal layouts.
int64_t tile_bytes(Layout layout, MemSpace space, DType t, int32_t tile_rows, int32_t tile_cols);

}  // namespace isa
