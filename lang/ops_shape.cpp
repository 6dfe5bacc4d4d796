// Operations that make tiles or look at them in another shape.
#include <algorithm>

#include "lang/op_common.h"
#include "lang/session_impl.h"

namespace pl {
namespace {

/// True when element (r, c) of the window is element r * cols + c from its start.
bool is_contiguous(const TileRef& ref) { return ref.rows == 1 || ref.stride == ref.cols; }

std::string shape_text(int64_t rows, int64_t cols) {
  return "[" + std::to_string(rows) + "x" + std::to_string(cols) + "]";
}

/// Copies a window into a value of its own (TMOV).
Tile copy_of(Block& b, const Tile& t, Site site) {
  Tile copy = make_like(b, t, t.dtype(), site);
  b.execute(isa::Opcode::TMOV, {}, copy, {&t}, site);
  return copy;
}

}  // namespace

TileRef with_valid(TileRef ref, int64_t valid_rows, int64_t valid_cols) {
  ref.valid_rows = static_cast<uint16_t>(valid_rows);
  ref.valid_cols = static_cast<uint16_t>(valid_cols);
  return ref;
}

Tile create_tile(int64_t rows, int64_t cols, DType dtype, TileSpace space, Site site) {
  Block& b = require_block("create_tile", site);
  Tile t = b.make(dtype, rows, cols, rows, cols, site, space);
  t.data()->undefine(b.run().session.options.poison);
  t.data()->undefined = true;
  return t;
}

Tile create_l1(int64_t rows, int64_t cols, DType dtype, Site site) {
  return create_tile(rows, cols, dtype, TileSpace::Mat, site);
}

Tile full(int64_t rows, int64_t cols, DType dtype, double value, Site site) {
  Block& b = require_block("full", site);
  Tile t = b.make(dtype, rows, cols, site);
  b.execute(isa::Opcode::TEXPANDS, immediate(value), t, {}, site);
  return t;
}

Tile arange(int64_t start, int64_t cols, DType dtype, Site site) {
  Block& b = require_block("arange", site);
  Tile t = b.make(dtype, 1, cols, site);
  require_dtype(t, one_of(DType::I32) | one_of(DType::U32), "arange", site);
  b.execute(isa::Opcode::TCI, immediate(static_cast<double>(start)), t, {}, site);
  return t;
}

Tile reshape(const Tile& tile, int64_t rows, int64_t cols, Site site) {
  Block& b = require_block("reshape", site);
  Tile t = b.use(tile, site);
  if (rows == t.rows() && cols == t.cols()) return t;
  if (rows <= 0 || cols <= 0 || rows * cols != t.rows() * t.cols())
    fail("lang.tile-reshape", site,
         "a tile " + describe(t) + " does not have as many elements as " + shape_text(rows, cols));
  if (rows > 65535 || cols > 65535)
    fail("lang.tile-size", site,
         "a tile " + shape_text(rows, cols) + " has more than 65535 rows or columns");
  // Only whole rows, or a single row or column, keep a valid area that is a rectangle.
  const bool all_valid = t.valid_rows() == t.rows() && t.valid_cols() == t.cols();
  const bool vector_to_vector = (t.rows() == 1 || t.cols() == 1) && (rows == 1 || cols == 1);
  if (!all_valid && !vector_to_vector)
    fail("lang.tile-reshape", site,
         "a tile " + describe(t) + " with valid shape " +
             shape_text(t.valid_rows(), t.valid_cols()) + " cannot change its shape");
  if (!is_contiguous(t.ref())) t = copy_of(b, t, site);
  const int64_t row_bytes = cols * static_cast<int64_t>(isa::size_of(t.dtype()));
  if (!is_contiguous(t.ref()) || (rows > 1 && cols > 1 && row_bytes % 32 != 0))
    fail("lang.tile-reshape", site,
         "tile " + describe(t) + " as " + shape_text(rows, cols) + ": rows are padded to 32 B");
  TileRef ref = t.ref();
  const int64_t valid = t.valid_rows() * t.valid_cols();
  ref.rows = static_cast<uint16_t>(rows);
  ref.cols = static_cast<uint16_t>(cols);
  ref.stride = static_cast<uint16_t>(cols);
  if (all_valid) return {t.data(), with_valid(ref, rows, cols)};
  const bool empty = valid == 0;
  return {t.data(), rows == 1 ? with_valid(ref, empty ? 0 : 1, valid)
                              : with_valid(ref, valid, empty ? 0 : 1)};
}

Tile set_validshape(const Tile& tile, int64_t valid_rows, int64_t valid_cols, Site site) {
  Block& b = require_block("set_validshape", site);
  const Tile& t = b.use(tile, site);
  if (valid_rows < 0 || valid_cols < 0 || valid_rows > t.rows() || valid_cols > t.cols())
    fail("lang.valid-shape", site,
         "valid shape " + shape_text(valid_rows, valid_cols) + " of a tile " + describe(t));
  return {t.data(), with_valid(t.ref(), valid_rows, valid_cols)};
}

Tile slice(const Tile& tile, int64_t row, int64_t col, int64_t rows, int64_t cols, Site site) {
  Block& b = require_block("slice", site);
  // A window of a tile that lies in GM is one load of that window (kernel-language.md §2.4, §3.2).
  if (b.in_gm(tile, site)) return b.load_window(tile, row, col, rows, cols, site);
  const Tile& t = b.use(tile, site);
  if (row < 0 || col < 0 || rows <= 0 || cols <= 0 || row + rows > t.rows() ||
      col + cols > t.cols())
    fail("lang.tile-window", site,
         "slice " + shape_text(rows, cols) + " at (" + std::to_string(row) + ", " +
             std::to_string(col) + ") of a tile " + describe(t));
  TileRef ref = t.ref();
  ref.offset += static_cast<uint32_t>(row * ref.stride + col);
  ref.rows = static_cast<uint16_t>(rows);
  ref.cols = static_cast<uint16_t>(cols);
  ref = with_valid(ref, std::clamp<int64_t>(t.valid_rows() - row, 0, rows),
                   std::clamp<int64_t>(t.valid_cols() - col, 0, cols));
  const Tile window(t.data(), ref);
  const bool addressable = ref.offset * isa::size_of(ref.dtype) % 32 == 0;
  return addressable ? window : copy_of(b, window, site);
}

Tile assemble(const Tile& target, const Tile& tile, int64_t row, int64_t col, Site site) {
  Block& b = require_block("assemble", site);
  const Tile& dst = vector_operand(b, target, "assemble", site);
  const Tile& src = vector_operand(b, tile, "assemble", site);
  require_same_dtype(dst, src, "assemble", site);
  if (row < 0 || col < 0 || row + src.rows() > dst.rows() || col + src.cols() > dst.cols())
    fail("lang.tile-window", site,
         "tile " + describe(src) + " at (" + std::to_string(row) + ", " + std::to_string(col) +
             ") does not fit into " + describe(dst));
  TileRef ref = dst.ref();
  ref.offset += static_cast<uint32_t>(row * ref.stride + col);
  ref.rows = src.ref().rows;
  ref.cols = src.ref().cols;
  ref = with_valid(ref, src.valid_rows(), src.valid_cols());
  b.execute(isa::Opcode::TMOV, {}, Tile(dst.data(), ref), {&src}, site);
  return dst;
}

Tile fillpad(const Tile& a, PadValue pad, Site site) {
  Block& b = require_block("fillpad", site);
  const Tile& src = vector_operand(b, a, "fillpad", site);
  Tile dst = b.make(src.dtype(), src.rows(), src.cols(), site);
  isa::Attr attr;
  attr.pad = pad;
  b.execute(isa::Opcode::TFILLPAD, attr, dst, {&src}, site);
  return dst;
}

Tile aiv_shard(const Tile& a, int64_t lane, SplitMode mode, Site site) {
  Block& b = require_block("aiv_shard", site);
  const Tile& t = b.use(a, site);
  const bool rows = mode == SplitMode::UpDown;
  if (lane < 0 || lane > 1 || mode == SplitMode::None || (rows ? t.rows() : t.cols()) % 2 != 0)
    fail("lang.aiv-shard", site,
         "lane " + std::to_string(lane) + " of a tile " + describe(t) +
             ": the split axis must be even and the lane 0 or 1");
  return rows ? slice(t, lane * (t.rows() / 2), 0, t.rows() / 2, t.cols(), site)
              : slice(t, 0, lane * (t.cols() / 2), t.rows(), t.cols() / 2, site);
}

Tile transpose_view(const Tile& a, Site site) {
  Block& b = require_block("transpose_view", site);
  return b.use_operand(a, site).transposed_view();
}

}  // namespace pl
