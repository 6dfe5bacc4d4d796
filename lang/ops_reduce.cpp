// Reductions, conversions and operations that move lanes.
#include <algorithm>

#include "lang/op_common.h"
#include "lang/session_impl.h"

namespace pl {
namespace {

using isa::Opcode;

/// [M,N] -> [M,1] over the valid columns.
Tile row_reduce(Opcode opcode, const char* name, const Tile& a, DType out_dtype, Site site,
                DTypes allowed = kFloats) {
  Block& block = require_block(name, site);
  const Tile& x = vector_operand(block, a, name, site);
  require_dtype(x, allowed, name, site);
  Tile out = block.make(out_dtype, x.rows(), 1, x.valid_rows(), 1, site);
  block.execute(opcode, {}, out, {&x}, site);
  return out;
}

/// [M,N] -> [1,N] over the valid rows.
Tile col_reduce(Opcode opcode, const char* name, const Tile& a, Site site) {
  Block& block = require_block(name, site);
  const Tile& x = vector_operand(block, a, name, site);
  require_dtype(x, kFloats, name, site);
  Tile out = block.make(x.dtype(), 1, x.cols(), 1, x.valid_cols(), site);
  block.execute(opcode, {}, out, {&x}, site);
  return out;
}

Tile masked_gather(const Tile& src, MaskPattern pattern, const DType* as, Site site) {
  Block& block = require_block("gather_mask", site);
  const Tile& x = vector_operand(block, src, "gather_mask", site);
  require_dtype(x, kLanes, "gather_mask", site);
  if (pattern == MaskPattern::None || x.cols() % 2 != 0)
    fail("lang.shape", site,
         "gather_mask of " + describe(x) + " needs an even width and the pattern P0101 or P1010");
  const DType out_dtype = as != nullptr ? *as : x.dtype();
  if (isa::size_of(out_dtype) != isa::size_of(x.dtype()))
    fail("lang.dtype", site,
         "gather_mask reads lanes of " + std::string(isa::name(x.dtype())) + " as " +
             std::string(isa::name(out_dtype)) + ", which has another size");
  // P1010 takes lanes 1, 3, ...: of an odd number of valid lanes one fewer than P0101.
  const int64_t odd_lanes = pattern == MaskPattern::P1010 ? 0 : 1;
  Tile out = block.make(out_dtype, x.rows(), x.cols() / 2, x.valid_rows(),
                        (x.valid_cols() + odd_lanes) / 2, site);
  isa::Attr attr;
  attr.mask = pattern;
  TileRef lanes = out.ref();
  lanes.dtype = x.dtype();  // the lanes move as they are; `as` only names them anew
  block.execute(Opcode::TGATHERM, attr, Tile(out.data(), lanes), {&x}, site);
  return out;
}

Tile merge_two(Block& block, const Tile& a, const Tile& b, Site site) {
  Tile out =
      block.make(a.dtype(), 1, a.cols() + b.cols(), 1, a.valid_cols() + b.valid_cols(), site);
  block.execute(Opcode::TMRGSORT, {}, out, {&a, &b}, site);
  return out;
}

bool convertible(DType from, DType to, bool a5) {
  return isa::cast_supported(from, to, a5) || isa::cast_by_detour(from, to, a5);
}

/// What a type can be converted to: "FP32 or INT32".
std::string targets(DType from, bool a5) {
  std::string names;
  for (const DType to : {DType::F32, DType::BF16, DType::F16, DType::I64, DType::I32, DType::I16,
                         DType::I8, DType::U8})
    if (to != from && convertible(from, to, a5))
      names += (names.empty() ? "" : " or ") + std::string(isa::name(to));
  return names;
}

}  // namespace

Tile row_sum(const Tile& a, Site site) {
  return row_reduce(Opcode::TROWSUM, "row_sum", a, a.dtype(), site);
}
Tile row_max(const Tile& a, Site site) {
  return row_reduce(Opcode::TROWMAX, "row_max", a, a.dtype(), site, kArithmetic);
}
Tile row_min(const Tile& a, Site site) {
  return row_reduce(Opcode::TROWMIN, "row_min", a, a.dtype(), site, kArithmetic);
}
Tile row_argmax(const Tile& a, Site site) {
  return row_reduce(Opcode::TROWARGMAX, "row_argmax", a, DType::I32, site);
}
Tile col_sum(const Tile& a, Site site) { return col_reduce(Opcode::TCOLSUM, "col_sum", a, site); }
Tile col_max(const Tile& a, Site site) { return col_reduce(Opcode::TCOLMAX, "col_max", a, site); }

Tile cast(const Tile& a, DType to, RoundMode mode, Site site) {
  Block& block = require_block("cast", site);
  const Tile& x = vector_operand(block, a, "cast", site);
  if (x.dtype() == to) return x;
  const bool a5 = block.run().session.options.a5_casts;
  if (!convertible(x.dtype(), to, a5))
    fail("lang.cast", site,
         "no native conversion from " + std::string(isa::name(x.dtype())) + " to " +
             std::string(isa::name(to)) + " on this chip; cast to " + targets(x.dtype(), a5) +
             " first");
  isa::Attr attr;
  attr.round = mode;
  Tile out = make_like(block, x, to, site);
  block.execute(Opcode::TCVT, attr, out, {&x}, site);
  return out;
}

Tile gather(const Tile& src, const Tile& index, Site site) {
  Block& block = require_block("gather", site);
  const Tile& x = vector_operand(block, src, "gather", site);
  const Tile& i = vector_operand(block, index, "gather", site);
  require_dtype(x, one_of(DType::F32) | one_of(DType::I32) | one_of(DType::U32), "gather", site);
  require_dtype(i, one_of(DType::I32), "gather (index)", site);
  require_shape(x.rows() == i.rows(), x, i, "gather", site);
  Tile out = make_like(block, i, x.dtype(), site);
  block.execute(Opcode::TGATHER, {}, out, {&x, &i}, site);
  return out;
}

Tile gather_mask(const Tile& src, MaskPattern pattern, Site site) {
  return masked_gather(src, pattern, nullptr, site);
}
Tile gather_mask(const Tile& src, MaskPattern pattern, DType as, Site site) {
  return masked_gather(src, pattern, &as, site);
}

Tile scatter_mask(const Tile& dst, const Tile& src, MaskPattern pattern, Site site) {
  Block& block = require_block("scatter_mask", site);
  if (!block.run().session.options.mask_scatter)
    fail("lang.mask-scatter", site, "this chip has no mask form of scatter");
  const Tile& y = vector_operand(block, dst, "scatter_mask", site);
  const Tile& x = vector_operand(block, src, "scatter_mask", site);
  require_dtype(x, kLanes, "scatter_mask", site);
  require_same_dtype(y, x, "scatter_mask", site);
  require_shape(pattern != MaskPattern::None && y.rows() == x.rows() && y.cols() == 2 * x.cols(), y,
                x, "scatter_mask", site);
  isa::Attr attr;
  attr.mask = pattern;
  block.execute(Opcode::TSCATTERM, attr, y, {&x}, site);
  return y;
}

Tile scatter(const Tile& dst, const Tile& index, const Tile& src, Site site) {
  Block& block = require_block("scatter", site);
  const Tile& y = vector_operand(block, dst, "scatter", site);
  const Tile& i = vector_operand(block, index, "scatter", site);
  const Tile& x = vector_operand(block, src, "scatter", site);
  require_dtype(x, kLanes | one_of(DType::BF16), "scatter", site);
  require_same_dtype(y, x, "scatter", site);
  require_dtype(i, one_of(DType::I32), "scatter (index)", site);
  require_shape(x.rows() == i.rows() && x.cols() == i.cols(), x, i, "scatter", site);
  require_shape(y.rows() == x.rows(), y, x, "scatter", site);
  block.execute(Opcode::TSCATTER, {}, y, {&x, &i}, site);
  return y;
}

Tile concat(const Tile& a, const Tile& b, Site site) {
  Block& block = require_block("concat", site);
  const Tile& x = vector_operand(block, a, "concat", site);
  const Tile& y = vector_operand(block, b, "concat", site);
  require_same_dtype(x, y, "concat", site);
  require_shape(x.rows() == y.rows(), x, y, "concat", site);
  if (x.valid_cols() != x.cols() || x.valid_rows() != y.valid_rows())
    fail("lang.valid-shape", site,
         "concat of " + describe(x) + " and " + describe(y) +
             ": the first must be valid to its last column and both in the same rows");
  Tile out = block.make(x.dtype(), x.rows(), x.cols() + y.cols(), x.valid_rows(),
                        x.cols() + y.valid_cols(), site);
  block.execute(Opcode::TCONCAT, {}, out, {&x, &y}, site);
  return out;
}

Tile transpose(const Tile& a, Site site) {
  Block& block = require_block("transpose", site);
  const Tile& x = vector_operand(block, a, "transpose", site);
  Tile out = block.make(x.dtype(), x.cols(), x.rows(), x.valid_cols(), x.valid_rows(), site);
  block.execute(Opcode::TTRANS, {}, out, {&x}, site);
  return out;
}

Tile sort32(const Tile& scores, const Tile& ids, Site site) {
  Block& block = require_block("sort32", site);
  const Tile& x = vector_operand(block, scores, "sort32", site);
  const Tile& i = vector_operand(block, ids, "sort32", site);
  require_dtype(x, one_of(DType::F32), "sort32", site);
  require_dtype(i, one_of(DType::U32) | one_of(DType::I32), "sort32 (ids)", site);
  require_shape(x.cols() == i.cols() && x.rows() == i.rows() && x.cols() % 32 == 0, x, i, "sort32",
                site);
  Tile out =
      block.make(x.dtype(), x.rows(), 2 * x.cols(), x.valid_rows(), 2 * x.valid_cols(), site);
  block.execute(Opcode::TSORT32, {}, out, {&x, &i}, site);
  return out;
}

Tile mrgsort(const Tile& runs, int64_t block_len, Site site) {
  Block& block = require_block("mrgsort", site);
  const Tile& x = vector_operand(block, runs, "mrgsort", site);
  require_dtype(x, one_of(DType::F32), "mrgsort", site);
  if (block_len <= 0 || block_len % 2 != 0 || block_len > x.cols())
    fail("lang.shape", site,
         "mrgsort of " + describe(x) + " with runs of " + std::to_string(block_len) + " words");
  isa::Attr attr;
  attr.block_len = static_cast<int32_t>(block_len);
  Tile out = make_like(block, x, x.dtype(), site);
  block.execute(Opcode::TMRGSORT, attr, out, {&x}, site);
  return out;
}

// Three or four lists merge in two steps, pairwise: an instruction record has three sources, and
// merging is stable, so the order of equal scores is that of one four-way merge.
Tile mrgsort(const std::vector<Tile>& lists, Site site) {
  Block& block = require_block("mrgsort", site);
  if (lists.size() < 2 || lists.size() > 4)
    fail("lang.shape", site, "mrgsort of " + std::to_string(lists.size()) + " lists; 2 to 4 merge");
  std::vector<Tile> level;
  for (const Tile& t : lists) {
    level.push_back(vector_operand(block, t, "mrgsort", site));
    require_dtype(level.back(), one_of(DType::F32), "mrgsort", site);
    require_shape(level.back().rows() == 1, level.front(), level.back(), "mrgsort", site);
  }
  while (level.size() > 1) {
    std::vector<Tile> next;
    for (size_t i = 0; i + 1 < level.size(); i += 2)
      next.push_back(merge_two(block, level[i], level[i + 1], site));
    if (level.size() % 2 != 0) next.push_back(level.back());
    level = std::move(next);
  }
  return level.front();
}

}  // namespace pl
