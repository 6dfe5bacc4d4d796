#include "isa/lanes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "isa/checks.h"
#include "isa/numerics.h"

namespace isa {
namespace {

/// Calls f with a value of the unsigned type of `bytes` bytes.
template <class F>
void with_word(size_t bytes, F f) {
  switch (bytes) {
    case 1:
      return f(uint8_t{});
    case 2:
      return f(uint16_t{});
    case 4:
      return f(uint32_t{});
    default:
      return f(uint64_t{});
  }
}

/// The bits of `value` in type t, in the low bytes.
uint64_t element_bits(DType t, double value) {
  uint64_t bits = 0;
  TileView one{reinterpret_cast<uint8_t*>(&bits), t, 1, 1, 1, 1, 1};
  set_scalar(one, 0, 0, value);
  return bits;
}

/// Lowest or highest finite value.
uint64_t pad_bits(DType t, PadValue pad) {
  if (pad == PadValue::Zero) return 0;
  const bool min = pad == PadValue::Min;
  switch (t) {
    case DType::F32:
      return min ? 0xff7fffffu : 0x7f7fffffu;
    case DType::BF16:
      return min ? 0xff7fu : 0x7f7fu;
    case DType::F16:
      return min ? 0xfbffu : 0x7bffu;
    case DType::I8:
      return min ? 0x80u : 0x7fu;
    case DType::I16:
      return min ? 0x8000u : 0x7fffu;
    case DType::I32:
      return min ? 0x80000000u : 0x7fffffffu;
    case DType::I64:
      return min ? uint64_t{1} << 63 : ~(uint64_t{1} << 63);
    case DType::U8:
    case DType::U16:
    case DType::U32:
      return min ? 0 : ~uint64_t{0};
  }
  return 0;
}

template <class W>
void fill_words(const TileView& dst, int64_t rows, int64_t col0, int64_t cols, W word) {
  for (int64_t r = 0; r < rows; ++r) std::fill_n(dst.row<W>(r) + col0, cols, word);
}

int64_t masked_lane(MaskPattern mask, int64_t k) {
  return mask == MaskPattern::P0101 ? 2 * k : 2 * k + 1;
}
void require_mask(Opcode op, const Attr& attr) {
  if (attr.mask == MaskPattern::None) reject_shape(op, "needs a mask pattern");
}

/// Index types: negative INT32 values become large and so are out of range.
void require_index(Opcode op, const TileView& index) {
  if (index.dtype != DType::I32 && index.dtype != DType::U32) reject_dtype(op, index);
}

}  // namespace

void move_tile(Opcode op, const TileView& dst, const TileView& src) {
  require_same_dtype(op, dst, src);
  const Area area = valid_area(src);
  require_area(op, "dst", dst, area);
  const size_t bytes = static_cast<size_t>(area.cols) * size_of(src.dtype);
  with_word(size_of(src.dtype), [&](auto word) {
    using W = decltype(word);
    for (int64_t r = 0; r < area.rows; ++r) std::memmove(dst.row<W>(r), src.row<W>(r), bytes);
  });
}

void fill(const TileView& dst, int64_t rows, int64_t cols, double value) {
  const uint64_t bits = element_bits(dst.dtype, value);
  with_word(size_of(dst.dtype), [&](auto word) {
    using W = decltype(word);
    fill_words<W>(dst, rows, 0, cols, static_cast<W>(bits));
  });
}

void expand_column(Opcode op, const TileView& dst, const TileView& column, int64_t rows,
                   int64_t cols) {
  require_same_dtype(op, dst, column);
  require_column(op, "column", column, rows);
  with_word(size_of(dst.dtype), [&](auto word) {
    using W = decltype(word);
    for (int64_t r = 0; r < rows; ++r) std::fill_n(dst.row<W>(r), cols, *column.row<W>(r));
  });
}

void expand_row(Opcode op, const TileView& dst, const TileView& row, int64_t rows, int64_t cols) {
  require_same_dtype(op, dst, row);
  require_area(op, "row", row, {1, cols});
  const size_t bytes = static_cast<size_t>(cols) * size_of(dst.dtype);
  with_word(size_of(dst.dtype), [&](auto word) {
    using W = decltype(word);
    for (int64_t r = 0; r < rows; ++r) std::memmove(dst.row<W>(r), row.row<W>(0), bytes);
  });
}

void fillpad(const Attr& attr, const TileView& dst, const TileView& src) {
  if (dst.data != src.data || dst.stride != src.stride || dst.dtype != src.dtype)
    move_tile(Opcode::TFILLPAD, dst, src);
  const Area area = valid_area(src);
  require_area(Opcode::TFILLPAD, "dst", dst, area);
  const uint64_t bits = pad_bits(dst.dtype, attr.pad);
  with_word(size_of(dst.dtype), [&](auto word) {
    using W = decltype(word);
    const W pad = static_cast<W>(bits);
    fill_words<W>(dst, area.rows, area.cols, dst.cols - area.cols, pad);
    for (int64_t r = area.rows; r < dst.rows; ++r) std::fill_n(dst.row<W>(r), dst.cols, pad);
  });
}

void ramp(const Attr& attr, const TileView& dst) {
  const Area area = valid_area(dst);
  require_area(Opcode::TCI, "dst", dst, area);
  if (dst.dtype == DType::F32 || dst.dtype == DType::F16 || dst.dtype == DType::BF16)
    reject_dtype(Opcode::TCI, dst);
  const uint64_t step = attr.descending ? ~uint64_t{0} : 1;
  const uint64_t start = low_bits(attr.imm);
  with_word(size_of(dst.dtype), [&](auto word) {
    using W = decltype(word);
    for (int64_t r = 0; r < area.rows; ++r)
      for (int64_t c = 0; c < area.cols; ++c)
        dst.row<W>(r)[c] = static_cast<W>(start + static_cast<uint64_t>(c) * step);
  });
}

void select(const TileView& dst, const TileView& mask, const TileView& a, const TileView& b) {
  const Area area = valid_area(mask);
  require_same_dtype(Opcode::TSEL, a, b);
  require_same_dtype(Opcode::TSEL, dst, a);
  require_area(Opcode::TSEL, "source 1", a, area);
  require_area(Opcode::TSEL, "source 2", b, area);
  require_area(Opcode::TSEL, "dst", dst, area);
  const bool is_float =
      mask.dtype == DType::F32 || mask.dtype == DType::F16 || mask.dtype == DType::BF16;
  with_word(size_of(mask.dtype), [&](auto mask_word) {
    using M = decltype(mask_word);
    const M sign = is_float ? static_cast<M>(M{1} << (sizeof(M) * 8 - 1)) : M{0};  // -0 is zero
    with_word(size_of(dst.dtype), [&](auto word) {
      using W = decltype(word);
      for (int64_t r = 0; r < area.rows; ++r)
        for (int64_t c = 0; c < area.cols; ++c) {
          const bool on = static_cast<M>(mask.row<M>(r)[c] & static_cast<M>(~sign)) != 0;
          dst.row<W>(r)[c] = on ? a.row<W>(r)[c] : b.row<W>(r)[c];
        }
    });
  });
}

void gather(const TileView& dst, const TileView& src, const TileView& index) {
  const Area area = valid_area(index);
  require_index(Opcode::TGATHER, index);
  require_same_size(Opcode::TGATHER, dst, src);
  require_area(Opcode::TGATHER, "dst", dst, area);
  if (src.rows < area.rows)
    reject_shape(Opcode::TGATHER, fmt::format("source {} has fewer rows than index {}",
                                              describe(src), describe(index)));
  const uint32_t limit = static_cast<uint32_t>(src.cols);
  with_word(size_of(src.dtype), [&](auto word) {
    using W = decltype(word);
    for (int64_t r = 0; r < area.rows; ++r) {
      W* d = dst.row<W>(r);
      const W* s = src.row<W>(r);
      const uint32_t* at = index.row<uint32_t>(r);
      for (int64_t c = 0; c < area.cols; ++c) d[c] = at[c] < limit ? s[at[c]] : W{0};
    }
  });
}

void scatter(const TileView& dst, const TileView& src, const TileView& index) {
  const Area area = valid_area(src);
  require_index(Opcode::TSCATTER, index);
  require_same_size(Opcode::TSCATTER, dst, src);
  require_area(Opcode::TSCATTER, "index", index, area);
  require_area(Opcode::TSCATTER, "dst", dst, {area.rows, 0});
  const uint32_t limit = static_cast<uint32_t>(dst.cols);
  with_word(size_of(src.dtype), [&](auto word) {
    using W = decltype(word);
    for (int64_t r = 0; r < area.rows; ++r) {
      W* d = dst.row<W>(r);
      const W* s = src.row<W>(r);
      const uint32_t* at = index.row<uint32_t>(r);
      for (int64_t c = 0; c < area.cols; ++c)
        if (at[c] < limit) d[at[c]] = s[c];
    }
  });
}

void gather_mask(const Attr& attr, const TileView& dst, const TileView& src) {
  require_mask(Opcode::TGATHERM, attr);
  require_same_size(Opcode::TGATHERM, dst, src);
  const Area area = valid_area(src);
  const int64_t lanes = (area.cols + (attr.mask == MaskPattern::P0101 ? 1 : 0)) / 2;
  require_area(Opcode::TGATHERM, "dst", dst, {area.rows, lanes});
  with_word(size_of(src.dtype), [&](auto word) {
    using W = decltype(word);
    for (int64_t r = 0; r < area.rows; ++r)
      for (int64_t k = 0; k < lanes; ++k)
        dst.row<W>(r)[k] = src.row<W>(r)[masked_lane(attr.mask, k)];
  });
}

void scatter_mask(const Attr& attr, const TileView& dst, const TileView& src) {
  require_mask(Opcode::TSCATTERM, attr);
  require_same_size(Opcode::TSCATTERM, dst, src);
  const Area area = valid_area(src);
  const int64_t width = area.cols == 0 ? 0 : masked_lane(attr.mask, area.cols - 1) + 1;
  require_area(Opcode::TSCATTERM, "dst", dst, {area.rows, width});
  with_word(size_of(src.dtype), [&](auto word) {
    using W = decltype(word);
    for (int64_t r = 0; r < area.rows; ++r)
      for (int64_t k = 0; k < area.cols; ++k)
        dst.row<W>(r)[masked_lane(attr.mask, k)] = src.row<W>(r)[k];
  });
}

void transpose(const TileView& dst, const TileView& src) {
  require_same_dtype(Opcode::TTRANS, dst, src);
  const Area area = valid_area(src);
  require_area(Opcode::TTRANS, "dst", dst, {area.cols, area.rows});
  with_word(size_of(src.dtype), [&](auto word) {
    using W = decltype(word);
    for (int64_t c = 0; c < area.cols; ++c)
      for (int64_t r = 0; r < area.rows; ++r) dst.row<W>(c)[r] = src.row<W>(r)[c];
  });
}

void concat(const TileView& dst, const TileView& a, const TileView& b) {
  if (a.valid_rows != b.valid_rows)
    reject_shape(Opcode::TCONCAT,
                 fmt::format("{} and {} differ in rows", describe(a), describe(b)));
  require_area(Opcode::TCONCAT, "dst", dst, {a.valid_rows, int64_t{a.valid_cols} + b.valid_cols});
  move_tile(Opcode::TCONCAT, dst, a);
  TileView right = dst;
  right.data += static_cast<size_t>(a.valid_cols) * size_of(dst.dtype);
  right.cols -= a.valid_cols;
  move_tile(Opcode::TCONCAT, right, b);
}

}  // namespace isa
