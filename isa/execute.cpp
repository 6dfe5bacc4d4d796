// Dispatches a vector instruction: checks its operands, then runs the host's loop for it.
#include <fmt/format.h>

#include <cmath>

#include "isa/checks.h"
#include "isa/host/kernels.h"
#include "isa/lanes.h"
#include "isa/numerics.h"

namespace isa {
namespace {

using host::kernels;

host::In in(const TileView& t) { return {t.data, t.stride}; }
host::Out out(const TileView& t) { return {t.data, t.stride}; }
host::Extent extent(Area a) { return {a.rows, a.cols}; }

host::Arith arith(Opcode op, const TileView& t) {
  switch (t.dtype) {
    case DType::F32:
      return host::kF32;
    case DType::F16:
      return host::kF16;
    case DType::I32:
      return host::kI32;
    case DType::I16:
      return host::kI16;
    default:
      reject_dtype(op, t);
  }
}

void require_sources(Opcode op, const TileView* src, int n_src, int needed) {
  if (n_src < needed) reject_shape(op, fmt::format("needs {} source(s), got {}", needed, n_src));
  for (int i = 0; i < needed; ++i)
    if (!src[i].present()) reject_shape(op, fmt::format("source {} is missing", i));
}

// --- arithmetic ---------------------------------------------------------------------------------

void binary(Opcode op, host::Binary f, const TileView& dst, const TileView& a, const TileView& b) {
  const Area area = valid_area(a);
  const host::BinaryFn run = kernels().tile[arith(op, a)][f];
  if (run == nullptr) reject_dtype(op, a);
  require_same_dtype(op, a, b);
  require_same_dtype(op, dst, a);
  require_area(op, "source 1", b, area);
  require_area(op, "dst", dst, area);
  run(out(dst), in(a), in(b), extent(area));
}

/// a op one value: attr.imm in the type of the tile.
void with_scalar(Opcode op, host::Binary f, const Attr& attr, const TileView& dst,
                 const TileView& a) {
  const Area area = valid_area(a);
  const host::BinaryFn run = kernels().column[arith(op, a)][f];
  if (run == nullptr) reject_dtype(op, a);
  require_same_dtype(op, dst, a);
  require_area(op, "dst", dst, area);
  uint64_t word = 0;
  const TileView scalar{reinterpret_cast<uint8_t*>(&word), a.dtype, 1, 1, 1, 1, 0};
  set_scalar(scalar, 0, 0, attr.imm);
  run(out(dst), in(a), in(scalar), extent(area));
}

void with_column(Opcode op, host::Binary f, const TileView& dst, const TileView& a,
                 const TileView& column) {
  const Area area = valid_area(a);
  const host::BinaryFn run = kernels().column[arith(op, a)][f];
  if (run == nullptr) reject_dtype(op, a);
  require_same_dtype(op, a, column);
  require_same_dtype(op, dst, a);
  require_area(op, "dst", dst, area);
  require_column(op, "column", column, area.rows);
  run(out(dst), in(a), {column.data, 1}, extent(area));
}

void with_row(Opcode op, host::Binary f, const TileView& dst, const TileView& a,
              const TileView& row) {
  const Area area = valid_area(a);
  const host::BinaryFn run = kernels().tile[arith(op, a)][f];
  if (run == nullptr) reject_dtype(op, a);
  require_same_dtype(op, a, row);
  require_same_dtype(op, dst, a);
  require_area(op, "row", row, {1, area.cols});
  require_area(op, "dst", dst, area);
  run(out(dst), in(a), {row.data, 0}, extent(area));
}

void unary(Opcode op, host::Unary f, const TileView& dst, const TileView& a) {
  const Area area = valid_area(a);
  const host::UnaryFn run = kernels().unary[arith(op, a)][f];
  if (run == nullptr) reject_dtype(op, a);
  require_same_dtype(op, dst, a);
  require_area(op, "dst", dst, area);
  run(out(dst), in(a), extent(area));
}

// --- reductions ---------------------------------------------------------------------------------

void reduce_rows(Opcode op, host::Reduce f, const TileView& dst, const TileView& a) {
  const host::ReduceFn run = kernels().rows[arith(op, a)][f];
  require_same_dtype(op, dst, a);
  require_column(op, "dst", dst, a.valid_rows);
  run(dst.data, in(a), extent(valid_area(a)));
}

void reduce_cols(Opcode op, host::Reduce f, const TileView& dst, const TileView& a) {
  const host::ReduceFn run = kernels().cols[arith(op, a)][f];
  require_same_dtype(op, dst, a);
  require_area(op, "dst", dst, {1, a.valid_cols});
  run(dst.data, in(a), extent(valid_area(a)));
}

/// The first of the largest; the first NaN if there is one.
void row_argmax(const TileView& dst, const TileView& a) {
  arith(Opcode::TROWARGMAX, a);
  if (dst.dtype != DType::I32 && dst.dtype != DType::U32) reject_dtype(Opcode::TROWARGMAX, dst);
  require_column(Opcode::TROWARGMAX, "dst", dst, a.valid_rows);
  for (int64_t r = 0; r < a.valid_rows; ++r) {
    int64_t best = 0;
    double value = a.valid_cols > 0 ? get_scalar(a, r, 0) : 0;
    for (int64_t c = 1; c < a.valid_cols && !std::isnan(value); ++c) {
      const double x = get_scalar(a, r, c);
      if (x > value || std::isnan(x)) {
        value = x;
        best = c;
      }
    }
    dst.row<int32_t>(r)[0] = static_cast<int32_t>(best);
  }
}

// --- comparison ---------------------------------------------------------------------------------

bool holds(CmpOp cmp, double x, double y) {
  switch (cmp) {
    case CmpOp::Eq:
      return x == y;
    case CmpOp::Ne:
      return x != y;
    case CmpOp::Lt:
      return x < y;
    case CmpOp::Le:
      return x <= y;
    case CmpOp::Gt:
      return x > y;
    case CmpOp::Ge:
      return x >= y;
  }
  return false;
}

/// Compares with b, or with attr.imm in a's type when there is no b.
void compare(Opcode op, const Attr& attr, const TileView& dst, const TileView& a,
             const TileView* b) {
  const Area area = valid_area(a);
  arith(op, a);
  require_area(op, "dst", dst, area);
  uint64_t word = 0;
  const TileView scalar{reinterpret_cast<uint8_t*>(&word), a.dtype, 1, 1, 1, 1, 0};
  if (b == nullptr) {
    set_scalar(scalar, 0, 0, attr.imm);
  } else {
    require_same_dtype(op, a, *b);
    require_area(op, "source 1", *b, area);
  }
  for (int64_t r = 0; r < area.rows; ++r)
    for (int64_t c = 0; c < area.cols; ++c) {
      const double y = b != nullptr ? get_scalar(*b, r, c) : get_scalar(scalar, 0, 0);
      set_scalar(dst, r, c, holds(attr.cmp, get_scalar(a, r, c), y) ? 1 : 0);
    }
}

// --- expansions of one operand ------------------------------------------------------------------

/// TROWEXPAND / TCOLEXPAND: the area is the first source's when it gives the shape, else dst's.
Area expansion_area(Opcode op, const TileView& dst, const TileView* src, int n_src) {
  const Area area = valid_area(n_src > 1 ? src[0] : dst);
  require_area(op, "dst", dst, area);
  return area;
}

void reject_alias(Opcode op, const TileView& dst, const TileView* src, int n_src) {
  for (int i = 0; i < n_src; ++i)
    if (src[i].data == dst.data)
      throw Error("isa.alias", fmt::format("{} cannot write in place", name(op)));
}

bool forbids_alias(Opcode op) {
  switch (op) {
    case Opcode::TRECIP:
    case Opcode::TGATHER:
    case Opcode::TSORT32:
    case Opcode::TMRGSORT:
    case Opcode::TTRANS:
    case Opcode::TCONCAT:
      return true;
    default:
      return false;
  }
}

int sources_of(Opcode op) {
  switch (op) {
    case Opcode::TEXPANDS:
    case Opcode::TCI:
      return 0;
    case Opcode::TADD:
    case Opcode::TSUB:
    case Opcode::TMUL:
    case Opcode::TDIV:
    case Opcode::TMAX:
    case Opcode::TMIN:
    case Opcode::TROWEXPANDADD:
    case Opcode::TROWEXPANDSUB:
    case Opcode::TROWEXPANDMUL:
    case Opcode::TROWEXPANDDIV:
    case Opcode::TCOLEXPANDADD:
    case Opcode::TCOLEXPANDSUB:
    case Opcode::TCOLEXPANDMUL:
    case Opcode::TCOLEXPANDDIV:
    case Opcode::TCOLEXPANDEXPDIF:
    case Opcode::TCMP:
    case Opcode::TGATHER:
    case Opcode::TSCATTER:
    case Opcode::TSORT32:
    case Opcode::TCONCAT:
      return 2;
    case Opcode::TSEL:
      return 3;
    default:
      return 1;
  }
}

}  // namespace

void execute(Opcode op, const Attr& attr, const TileView& dst, const TileView* src, int n_src) {
  require_area(op, "dst", dst, {0, 0});
  require_sources(op, src, n_src, sources_of(op));
  if (forbids_alias(op)) reject_alias(op, dst, src, n_src);
  switch (op) {
    case Opcode::TMOV:
      return move_tile(op, dst, src[0]);
    case Opcode::TADD:
      return binary(op, host::kAdd, dst, src[0], src[1]);
    case Opcode::TSUB:
      return binary(op, host::kSub, dst, src[0], src[1]);
    case Opcode::TMUL:
      return binary(op, host::kMul, dst, src[0], src[1]);
    case Opcode::TDIV:
      return binary(op, host::kDiv, dst, src[0], src[1]);
    case Opcode::TMAX:
      return binary(op, host::kMax, dst, src[0], src[1]);
    case Opcode::TMIN:
      return binary(op, host::kMin, dst, src[0], src[1]);
    case Opcode::TADDS:
      return with_scalar(op, host::kAdd, attr, dst, src[0]);
    case Opcode::TSUBS:
      return with_scalar(op, host::kSub, attr, dst, src[0]);
    case Opcode::TMULS:
      return with_scalar(op, host::kMul, attr, dst, src[0]);
    case Opcode::TDIVS:
      return with_scalar(op, host::kDiv, attr, dst, src[0]);
    case Opcode::TMAXS:
      return with_scalar(op, host::kMax, attr, dst, src[0]);
    case Opcode::TMINS:
      return with_scalar(op, host::kMin, attr, dst, src[0]);
    case Opcode::TEXP:
      return unary(op, host::kExp, dst, src[0]);
    case Opcode::TLOG:
      return unary(op, host::kLog, dst, src[0]);
    case Opcode::TSQRT:
      return unary(op, host::kSqrt, dst, src[0]);
    case Opcode::TRSQRT:  // both precisions give 1/sqrt rounded twice (kernel-language.md §1.3)
      return unary(op, host::kRsqrt, dst, src[0]);
    case Opcode::TRECIP:
      return unary(op, host::kRecip, dst, src[0]);
    case Opcode::TABS:
      return unary(op, host::kAbs, dst, src[0]);
    case Opcode::TNEG:
      return unary(op, host::kNeg, dst, src[0]);
    case Opcode::TCVT:
      return convert(attr, dst, src[0]);
    case Opcode::TROWSUM:
      return reduce_rows(op, host::kSum, dst, src[0]);
    case Opcode::TROWMAX:
      return reduce_rows(op, host::kMaxOf, dst, src[0]);
    case Opcode::TROWMIN:
      return reduce_rows(op, host::kMinOf, dst, src[0]);
    case Opcode::TROWARGMAX:
      return row_argmax(dst, src[0]);
    case Opcode::TCOLSUM:
      return reduce_cols(op, host::kSum, dst, src[0]);
    case Opcode::TCOLMAX:
      return reduce_cols(op, host::kMaxOf, dst, src[0]);
    case Opcode::TROWEXPAND: {
      const Area area = expansion_area(op, dst, src, n_src);
      return expand_column(op, dst, src[n_src > 1 ? 1 : 0], area.rows, area.cols);
    }
    case Opcode::TROWEXPANDADD:
      return with_column(op, host::kAdd, dst, src[0], src[1]);
    case Opcode::TROWEXPANDSUB:
      return with_column(op, host::kSub, dst, src[0], src[1]);
    case Opcode::TROWEXPANDMUL:
      return with_column(op, host::kMul, dst, src[0], src[1]);
    case Opcode::TROWEXPANDDIV:
      return with_column(op, host::kDiv, dst, src[0], src[1]);
    case Opcode::TCOLEXPAND: {
      const Area area = expansion_area(op, dst, src, n_src);
      return expand_row(op, dst, src[n_src > 1 ? 1 : 0], area.rows, area.cols);
    }
    case Opcode::TCOLEXPANDADD:
      return with_row(op, host::kAdd, dst, src[0], src[1]);
    case Opcode::TCOLEXPANDSUB:
      return with_row(op, host::kSub, dst, src[0], src[1]);
    case Opcode::TCOLEXPANDMUL:
      return with_row(op, host::kMul, dst, src[0], src[1]);
    case Opcode::TCOLEXPANDDIV:
      return with_row(op, host::kDiv, dst, src[0], src[1]);
    case Opcode::TCOLEXPANDEXPDIF:
      return with_row(op, host::kExpDif, dst, src[0], src[1]);
    case Opcode::TEXPANDS: {
      require_area(op, "dst", dst, valid_area(dst));
      return fill(dst, dst.valid_rows, dst.valid_cols, attr.imm);
    }
    case Opcode::TFILLPAD:
      return fillpad(attr, dst, src[0]);
    case Opcode::TCI:
      return ramp(attr, dst);
    case Opcode::TCMP:
      return compare(op, attr, dst, src[0], &src[1]);
    case Opcode::TCMPS:
      return compare(op, attr, dst, src[0], nullptr);
    case Opcode::TSEL:
      return select(dst, src[0], src[1], src[2]);
    case Opcode::TGATHER:
      return gather(dst, src[0], src[1]);
    case Opcode::TGATHERM:
      return gather_mask(attr, dst, src[0]);
    case Opcode::TSCATTER:
      return scatter(dst, src[0], src[1]);
    case Opcode::TSCATTERM:
      return scatter_mask(attr, dst, src[0]);
    case Opcode::TSORT32:
      return sort32(dst, src[0], src[1]);
    case Opcode::TMRGSORT:
      return merge_sort(attr, dst, src, n_src);
    case Opcode::TTRANS:
      return transpose(dst, src[0]);
    case Opcode::TCONCAT:
      return concat(dst, src[0], src[1]);
    default:
      throw Error("isa.opcode", fmt::format("{} is not a vector instruction", name(op)));
  }
}

}  // namespace isa
