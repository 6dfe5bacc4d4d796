// Layout (f): tables and gather index are made once per layer, and a q head is dequantised, normed
// and rotated in one scope (kernels.md §3.2 (f), §4.2 from PR767 on).
#include <algorithm>

#include "kernels/norm.h"
#include "kernels/qkv/scopes.h"
#include "kernels/quant.h"

namespace kernels::qkv {
namespace {

using isa::DType;

/// What all heads of a token tile share.
struct TokenTile {
  int64_t t0, rows;
  Tile qr_scale;  ///< [rows, 1]
  HoistedTables tables;
};

TokenTile load_token_tile(const Tensor& qr_scale, const RopeTensors& rope, int64_t t0,
                          int64_t rows) {
  const Tile scale = pl::load(qr_scale, {0, t0}, {1, rows});
  return {t0, rows, as_column(scale), load_hoisted(rope, t0, rows)};
}

void one_head(const Config& c, const TokenTile& tokens, int64_t head, const Tensor& q_proj_i32,
              const Tensor& wq_b_scale, const Tensor& q) {
  const int64_t column = head * kHead, t0 = tokens.t0, rows = tokens.rows;
  const Tile product = pl::load(q_proj_i32, {t0, column}, {rows, kHead});
  const Tile column_scale = pl::load(wq_b_scale, {0, column}, {1, kHead});
  const Tile x = dequantise(product, tokens.qr_scale, column_scale);
  const Tile sum = as_row(pl::row_sum(pl::mul(x, x)));
  const Tile inv = inverse_rms(c, sum, kHead);
  const Tile nope = scale_rows(pl::slice(x, 0, 0, rows, kNope), inv);
  pl::store(to_bf16(nope), {t0, column}, q);
  const Tile lanes = pl::slice(x, 0, kNope, rows, kRope);
  const Tile y = c.normalise_first ? tokens.tables.rotate(scale_rows(lanes, inv))
                                   : scale_rows(tokens.tables.rotate(lanes), inv);
  pl::store(to_bf16(y), {t0, column + kNope}, q);
}

}  // namespace

HoistedTables load_hoisted(const RopeTensors& rope, int64_t t0, int64_t rows) {
  const Tile cos = pl::load(rope.cos_il, {t0, 0}, {rows, kRope});
  const Tile sin = pl::load(rope.sin_signed, {t0, 0}, {rows, kRope});
  const Tile swap = pl::load(rope.swap_idx, {t0, 0}, {rows, kRope});
  return {cos, sin, swap};
}

void q_rope_prepare(const Config& c, const RopeTensors& rope) {
  const int64_t tokens = rope.cos.dim(0);
  launch(c, "q_rope_prepare", ceil_div(tokens, c.prepare_t_tile), [&](int64_t block) {
    const int64_t t0 = block * c.prepare_t_tile, rows = std::min(c.prepare_t_tile, tokens - t0);
    const rope::SwapIndex index = rope::make_swap_index(rows);
    const rope::Tables tables = rope::load_duplicated(rope.cos, rope.sin, t0, rows, index);
    pl::store(tables.cos, {t0, 0}, rope.cos_il);
    pl::store(pl::mul(tables.sin, index.sign), {t0, 0}, rope.sin_signed);
    pl::store(index.swap, {t0, 0}, rope.swap_idx);
  });
}

void qproj_dequant_rms_nope_rope(const Config& c, const Tensor& q_proj_i32, const Tensor& qr_scale,
                                 const Tensor& wq_b_scale, const RopeTensors& rope,
                                 const Tensor& q) {
  const int64_t tokens = q.dim(0);
  launch(c, "qproj_dequant_rms_nope_rope", c.heads / c.q_heads_per_block, [&](int64_t block) {
    const int64_t first = block * c.q_heads_per_block;
    for (int64_t t0 : pl::range(0, tokens, c.q_head_t_tile)) {
      const int64_t rows = std::min(c.q_head_t_tile, tokens - t0);
      const TokenTile tile = load_token_tile(qr_scale, rope, t0, rows);
      for (int64_t head : loop(first, first + c.q_heads_per_block, c.q_head_stage))
        one_head(c, tile, head, q_proj_i32, wq_b_scale, q);
    }
  });
}

}  // namespace kernels::qkv
