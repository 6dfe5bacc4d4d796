// Element-wise operations and broadcasts.
#include "lang/op_common.h"

namespace pl {
namespace {

using isa::Opcode;

/// How one binary operation appears in the instruction set. `expand` is the form
/// a [M,1] second operand selects (kernel-language.md §1.3).
struct BinaryForms {
  const char* name;
  Opcode tile, scalar;
  bool has_expand;
  Opcode expand;
  DTypes dtypes;
};

constexpr BinaryForms kAdd{"add", Opcode::TADD,          Opcode::TADDS,
                           true,  Opcode::TROWEXPANDADD, kArithmetic};
constexpr BinaryForms kSub{"sub", Opcode::TSUB,          Opcode::TSUBS,
                           true,  Opcode::TROWEXPANDSUB, kArithmetic};
constexpr BinaryForms kMul{"mul", Opcode::TMUL,          Opcode::TMULS,
                           true,  Opcode::TROWEXPANDMUL, kArithmetic};
constexpr BinaryForms kDiv{"div", Opcode::TDIV,          Opcode::TDIVS,
                           true,  Opcode::TROWEXPANDDIV, kArithmetic};
constexpr BinaryForms kMax{"maximum", Opcode::TMAX, Opcode::TMAXS,
                           false,     Opcode::TMAX, kArithmetic};
constexpr BinaryForms kMin{"minimum", Opcode::TMIN, Opcode::TMINS,
                           false,     Opcode::TMIN, kArithmetic};

Tile binary(const BinaryForms& f, const Tile& a, const Tile& b, Site site) {
  Block& block = require_block(f.name, site);
  const Tile& x = vector_operand(block, a, f.name, site);
  const Tile& y = vector_operand(block, b, f.name, site);
  require_dtype(x, f.dtypes, f.name, site);
  require_same_dtype(x, y, f.name, site);
  const bool same = x.rows() == y.rows() && x.cols() == y.cols();
  const bool column = f.has_expand && y.cols() == 1 && y.rows() == x.rows();
  require_shape(same || column, x, y, f.name, site,
                "; shapes must be equal, or the second one a column [M,1]");
  Tile out = make_like(block, x, x.dtype(), site);
  block.execute(same ? f.tile : f.expand, {}, out, {&x, &y}, site);
  return out;
}

Tile unary(Opcode opcode, const char* name, DTypes dtypes, const Tile& a, const isa::Attr& attr,
           Site site) {
  Block& block = require_block(name, site);
  const Tile& x = vector_operand(block, a, name, site);
  require_dtype(x, dtypes, name, site);
  Tile out = make_like(block, x, x.dtype(), site);
  block.execute(opcode, attr, out, {&x}, site);
  return out;
}

Tile with_scalar(const BinaryForms& f, const Tile& a, double s, Site site) {
  return unary(f.scalar, f.name, f.dtypes, a, immediate(s), site);
}

/// [M,N] op [M,1].
Tile row_form(Opcode opcode, const char* name, const Tile& a, const Tile& col, Site site) {
  Block& block = require_block(name, site);
  const Tile& x = vector_operand(block, a, name, site);
  const Tile& y = vector_operand(block, col, name, site);
  require_dtype(x, kFloats, name, site);
  require_same_dtype(x, y, name, site);
  require_shape(y.cols() == 1 && y.rows() == x.rows(), x, y, name, site,
                "; the second one must be a column [M,1]");
  Tile out = make_like(block, x, x.dtype(), site);
  block.execute(opcode, {}, out, {&x, &y}, site);
  return out;
}

/// [M,N] op [1,N].
Tile col_form(Opcode opcode, const char* name, DTypes dtypes, const Tile& a, const Tile& row,
              Site site) {
  Block& block = require_block(name, site);
  const Tile& x = vector_operand(block, a, name, site);
  const Tile& y = vector_operand(block, row, name, site);
  require_dtype(x, dtypes, name, site);
  require_same_dtype(x, y, name, site);
  require_shape(y.rows() == 1 && y.cols() == x.cols(), x, y, name, site,
                "; the second one must be a row [1,N]");
  Tile out = make_like(block, x, x.dtype(), site);
  block.execute(opcode, {}, out, {&x, &y}, site);
  return out;
}

Tile compare(Opcode opcode, const Tile& a, const Tile* b, double s, CmpOp op, Site site) {
  Block& block = require_block("cmp", site);
  const Tile& x = vector_operand(block, a, "cmp", site);
  require_dtype(x, kArithmetic, "cmp", site);
  isa::Attr attr = immediate(s);
  attr.cmp = op;
  Tile out = make_like(block, x, DType::U8, site);
  if (b == nullptr) {
    block.execute(opcode, attr, out, {&x}, site);
    return out;
  }
  const Tile& y = vector_operand(block, *b, "cmp", site);
  require_same_dtype(x, y, "cmp", site);
  require_shape(x.rows() == y.rows() && x.cols() == y.cols(), x, y, "cmp", site);
  block.execute(opcode, attr, out, {&x, &y}, site);
  return out;
}

}  // namespace

Tile add(const Tile& a, const Tile& b, Site site) { return binary(kAdd, a, b, site); }
Tile sub(const Tile& a, const Tile& b, Site site) { return binary(kSub, a, b, site); }
Tile mul(const Tile& a, const Tile& b, Site site) { return binary(kMul, a, b, site); }
Tile div(const Tile& a, const Tile& b, Site site) { return binary(kDiv, a, b, site); }
Tile maximum(const Tile& a, const Tile& b, Site site) { return binary(kMax, a, b, site); }
Tile minimum(const Tile& a, const Tile& b, Site site) { return binary(kMin, a, b, site); }
Tile add(const Tile& a, double s, Site site) { return with_scalar(kAdd, a, s, site); }
Tile sub(const Tile& a, double s, Site site) { return with_scalar(kSub, a, s, site); }
Tile mul(const Tile& a, double s, Site site) { return with_scalar(kMul, a, s, site); }
Tile div(const Tile& a, double s, Site site) { return with_scalar(kDiv, a, s, site); }
Tile maximum(const Tile& a, double s, Site site) { return with_scalar(kMax, a, s, site); }
Tile minimum(const Tile& a, double s, Site site) { return with_scalar(kMin, a, s, site); }

Tile exp(const Tile& a, Site site) { return unary(Opcode::TEXP, "exp", kFloats, a, {}, site); }
Tile log(const Tile& a, Site site) { return unary(Opcode::TLOG, "log", kFloats, a, {}, site); }
Tile sqrt(const Tile& a, Site site) { return unary(Opcode::TSQRT, "sqrt", kFloats, a, {}, site); }
Tile rsqrt(const Tile& a, bool high_precision, Site site) {
  isa::Attr attr;
  attr.high_precision = high_precision;
  return unary(Opcode::TRSQRT, "rsqrt", kFloats, a, attr, site);
}
Tile recip(const Tile& a, Site site) {
  return unary(Opcode::TRECIP, "recip", kFloats, a, {}, site);
}
Tile abs(const Tile& a, Site site) { return unary(Opcode::TABS, "abs", kArithmetic, a, {}, site); }
Tile neg(const Tile& a, Site site) {
  return unary(Opcode::TMULS, "neg", kArithmetic, a, immediate(-1), site);  // as the compiler does
}

Tile cmp(const Tile& a, const Tile& b, CmpOp op, Site site) {
  return compare(Opcode::TCMP, a, &b, 0, op, site);
}
Tile cmp(const Tile& a, double s, CmpOp op, Site site) {
  return compare(Opcode::TCMPS, a, nullptr, s, op, site);
}

Tile sel(const Tile& mask, const Tile& a, const Tile& b, Site site) {
  Block& block = require_block("sel", site);
  const Tile& m = vector_operand(block, mask, "sel", site);
  const Tile& x = vector_operand(block, a, "sel", site);
  const Tile& y = vector_operand(block, b, "sel", site);
  require_dtype(m, one_of(DType::U8), "sel (mask)", site);
  require_dtype(x, kArithmetic, "sel", site);
  require_same_dtype(x, y, "sel", site);
  require_shape(m.rows() == x.rows() && m.cols() == x.cols(), m, x, "sel", site);
  require_shape(x.rows() == y.rows() && x.cols() == y.cols(), x, y, "sel", site);
  Tile out = make_like(block, x, x.dtype(), site);
  block.execute(Opcode::TSEL, {}, out, {&m, &x, &y}, site);
  return out;
}

Tile row_expand_add(const Tile& a, const Tile& col, Site site) {
  return row_form(Opcode::TROWEXPANDADD, "row_expand_add", a, col, site);
}
Tile row_expand_sub(const Tile& a, const Tile& col, Site site) {
  return row_form(Opcode::TROWEXPANDSUB, "row_expand_sub", a, col, site);
}
Tile row_expand_mul(const Tile& a, const Tile& col, Site site) {
  return row_form(Opcode::TROWEXPANDMUL, "row_expand_mul", a, col, site);
}
Tile row_expand_div(const Tile& a, const Tile& col, Site site) {
  return row_form(Opcode::TROWEXPANDDIV, "row_expand_div", a, col, site);
}
Tile col_expand_add(const Tile& a, const Tile& row, Site site) {
  return col_form(Opcode::TCOLEXPANDADD, "col_expand_add", kFloats, a, row, site);
}
Tile col_expand_sub(const Tile& a, const Tile& row, Site site) {
  return col_form(Opcode::TCOLEXPANDSUB, "col_expand_sub", kFloats, a, row, site);
}
Tile col_expand_mul(const Tile& a, const Tile& row, Site site) {
  return col_form(Opcode::TCOLEXPANDMUL, "col_expand_mul", kFloats, a, row, site);
}
Tile col_expand_div(const Tile& a, const Tile& row, Site site) {
  return col_form(Opcode::TCOLEXPANDDIV, "col_expand_div", kFloats, a, row, site);
}
Tile col_expand_expdif(const Tile& a, const Tile& row, Site site) {
  return col_form(Opcode::TCOLEXPANDEXPDIF, "col_expand_expdif", kFloats, a, row, site);
}

Tile row_expand(const Tile& shape_like, const Tile& col, Site site) {
  Block& block = require_block("row_expand", site);
  const Tile& like = block.use(shape_like, site);
  const Tile& y = vector_operand(block, col, "row_expand", site);
  require_shape(y.cols() == 1 && y.rows() == like.rows(), like, y, "row_expand", site);
  Tile out = make_like(block, like, y.dtype(), site);
  block.execute(Opcode::TROWEXPAND, {}, out, {&y}, site);
  return out;
}
Tile col_expand(const Tile& shape_like, const Tile& row, Site site) {
  Block& block = require_block("col_expand", site);
  const Tile& like = block.use(shape_like, site);
  const Tile& y = vector_operand(block, row, "col_expand", site);
  require_shape(y.rows() == 1 && y.cols() == like.cols(), like, y, "col_expand", site);
  Tile out = make_like(block, like, y.dtype(), site);
  block.execute(Opcode::TCOLEXPAND, {}, out, {&y}, site);
  return out;
}

}  // namespace pl
