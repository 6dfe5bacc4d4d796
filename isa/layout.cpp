#include "isa/layout.h"

#include "isa/error.h"

namespace isa {
namespace {

constexpr int32_t kFractalRows = 16;  // hardware.md §2.2

}  // namespace

int64_t element_index(Layout layout, MemSpace space, DType t, int32_t tile_rows, int32_t tile_cols,
                      int32_t r, int32_t c) {
  const int64_t f = c0(t, space);
  switch (layout) {
    case Layout::ND:
      return static_cast<int64_t>(r) * tile_cols + c;
    case Layout::NZ: {  // strips of c0 columns, each `padded rows` fractal rows long
      const int64_t rows = round_up(tile_rows, kFractalRows);
      return (c / f) * rows * f + r * f + c % f;
    }
    case Layout::ZN: {  // NZ of the transposed tile: strips of c0 rows
      const int64_t cols = round_up(tile_cols, kFractalRows);
      return (r / f) * cols * f + c * f + r % f;
    }
    case Layout::ZZ: {  // 16-row bands; inside a band whole fractals, left to right
      const int64_t cols = round_up(tile_cols, static_cast<int32_t>(f));
      return (r / kFractalRows) * kFractalRows * cols + (c / f) * kFractalRows * f +
             (r % kFractalRows) * f + c % f;
    }
  }
  throw Error("isa.operand", "unknown layout");
}

int64_t tile_bytes(Layout layout, MemSpace space, DType t, int32_t tile_rows, int32_t tile_cols) {
  int64_t rows = tile_rows, cols = tile_cols;
  if (layout == Layout::NZ || layout == Layout::ZZ) {
    rows = round_up(tile_rows, kFractalRows);
    cols = round_up(tile_cols, c0(t, space));
  } else if (layout == Layout::ZN) {
    rows = round_up(tile_rows, c0(t, space));
    cols = round_up(tile_cols, kFractalRows);
  }
  return rows * cols * static_cast<int64_t>(size_of(t));
}

}  // namespace isa
