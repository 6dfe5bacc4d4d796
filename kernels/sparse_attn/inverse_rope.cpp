// The inverse rotation of the attention output's rope lanes, one form per layout (kernels.md §3.2).
#include "kernels/norm.h"
#include "kernels/sparse_attn/scopes.h"

namespace kernels::sparse {
namespace {

using isa::DType;
using pl::RoundMode;

/// Column numbers j of a [rows, cols] tile with j >> 1, both FP32.
struct Lanes {
  Tile column, pair;
  /// j & 1
  Tile odd() const { return pl::sub(column, pl::mul(pair, 2.0)); }
};
Lanes lanes(int64_t rows, int64_t cols) {
  const Tile ones = pl::full(rows, cols, DType::F32, 1.0);
  const Tile ramp = pl::cast(pl::arange(0, cols), DType::F32);
  const Tile column = pl::col_expand_mul(ones, ramp);
  const Tile pair =
      pl::cast(pl::cast(pl::mul(column, 0.5), DType::I32, RoundMode::Trunc), DType::F32);
  return {column, pair};
}

/// j ^ 1
Tile swap_index(const Lanes& x) {
  const Tile odd = x.odd(), next = pl::add(x.column, 1.0);
  return pl::cast(pl::sub(next, pl::mul(odd, 2.0)), DType::I32, RoundMode::Rint);
}

/// +1 on even and -1 on odd lanes.
Tile conjugate_sign(const Lanes& x) { return pl::neg(pl::sub(pl::mul(x.odd(), 2.0), 1.0)); }

/// cos_il and sin_signed of some tokens and frequencies.
void duplicate_tables(const RopeTables& tables, int64_t t0, int64_t rows, int64_t frequency,
                      int64_t count) {
  const Lanes x = lanes(rows, 2 * count);
  const Tile dup = pl::cast(x.pair, DType::I32, RoundMode::Rint);
  const Tile sign = conjugate_sign(x);
  const Tile cos = pl::cast(pl::load(tables.cos, {t0, frequency}, {rows, count}), DType::F32);
  const Tile sin = pl::cast(pl::load(tables.sin, {t0, frequency}, {rows, count}), DType::F32);
  pl::store(pl::gather(cos, dup), {t0, 2 * frequency}, tables.cos_il);
  const Tile sin_il = pl::gather(sin, dup);
  pl::store(pl::mul(sin_il, sign), {t0, 2 * frequency}, tables.sin_signed);
}

/// The rope lanes [lane, lane + width) of one head of some tokens, in the stage [T, H, 64].
Tile load_lanes(const Tensor& stage, int64_t t0, int64_t rows, int64_t head, int64_t lane,
                int64_t width) {
  return pl::load(stage, {t0, head, lane}, {rows, 1, width});
}

void store_lanes(const Tile& y, int64_t t0, int64_t head, int64_t lane, const Tensor& o_packed) {
  const int64_t column = head % kHeadsPerGroup * kHead + kNope + lane;
  pl::store(to_bf16(y), {head / kHeadsPerGroup, t0, column}, o_packed);
}

/// What one block of rope works on.
struct RopeBlock {
  int64_t t0, rows, head, heads;
};

/// (c): halves of 32 lanes, tables loaded for each.
void rotate_by_swap(const RopeBlock& b, const RopeTables& tables, const Tensor& stage,
                    const Tensor& o_packed) {
  const Tile swap = swap_index(lanes(b.rows, kHalf));
  for (int64_t head : pl::range(b.head, b.head + b.heads)) {
    for (int64_t lane : pl::range(0, kRope, kHalf)) {
      const Tile x = load_lanes(stage, b.t0, b.rows, head, lane, kHalf);
      const Tile cos = pl::load(tables.cos_il, {b.t0, lane}, {b.rows, kHalf});
      const Tile sin = pl::load(tables.sin_signed, {b.t0, lane}, {b.rows, kHalf});
      store_lanes(rope::rotate_by_signed_swap(x, swap, cos, sin), b.t0, head, lane, o_packed);
    }
  }
}

/// (d): contiguous halves of whole rows, tables hoisted.
void rotate_halves(const RopeBlock& b, const RopeTables& tables, const Tensor& stage,
                   const Tensor& o_packed) {
  const Tile cos = pl::load(tables.cos_half, {b.t0, 0}, {b.rows, kHalf});
  const Tile sin = pl::load(tables.sin_half, {b.t0, 0}, {b.rows, kHalf});
  for (int64_t head : pl::range(b.head, b.head + b.heads)) {
    const Tile x = load_lanes(stage, b.t0, b.rows, head, 0, kRope);
    const Tile lo = pl::slice(x, 0, 0, b.rows, kHalf);
    const Tile hi = pl::slice(x, 0, kHalf, b.rows, kHalf);
    const rope::Pairs y = rope::rotate_inverse({lo, hi}, {cos, sin});
    store_lanes(y.first, b.t0, head, 0, o_packed);
    store_lanes(y.second, b.t0, head, kHalf, o_packed);
  }
}

/// (b): all heads of one token, 16 frequencies; both members take a round trip through BF16.
void rotate_token_by_scatter(const Config& c, const RopeTables& tables, const Tensor& stage,
                             int64_t token, int64_t lane, const Tensor& rope_buf) {
  const int64_t row = token * c.heads;
  const Tile staged = pl::load(stage, {row, lane}, {c.heads, kHalf});
  const rope::Pairs x = rope::split_lanes(pl::cast(staged, DType::F32));
  const Tile cos_bf16 = pl::load(tables.cos, {token, lane / 2}, {1, kHalf / 2});
  const Tile sin_bf16 = pl::load(tables.sin, {token, lane / 2}, {1, kHalf / 2});
  const Tile cos = pl::cast(cos_bf16, DType::F32), sin = pl::cast(sin_bf16, DType::F32);
  const Tile first_cos = pl::col_expand_mul(x.first, cos);
  const Tile second_sin = pl::col_expand_mul(x.second, sin);
  const Tile first = through_bf16(pl::add(first_cos, second_sin));
  const Tile second_cos = pl::col_expand_mul(x.second, cos);
  const Tile first_sin = pl::col_expand_mul(x.first, sin);
  const Tile second = through_bf16(pl::sub(second_cos, first_sin));
  const Tile y = pl::full(c.heads, kHalf, DType::F32, 0.0);
  pl::scatter_mask(y, first, pl::MaskPattern::P0101);
  pl::scatter_mask(y, second, pl::MaskPattern::P1010);
  pl::store(y, {row, lane}, rope_buf);
}

void rope_by_scatter(const Config& c, const RopeTables& tables, const Tensor& stage,
                     const Tensor& rope_buf) {
  const int64_t tokens = stage.dim(0) / c.heads;
  launch("rope", ceil_div(tokens, c.rope_t_tile), [&](int64_t block) {
    const int64_t t0 = block * c.rope_t_tile;
    for (int64_t token : pl::range(t0, std::min(t0 + c.rope_t_tile, tokens)))
      for (int64_t lane : pl::range(0, kRope, kHalf))
        rotate_token_by_scatter(c, tables, stage, token, lane, rope_buf);
  });
}

}  // namespace

void rope_cs(const Config& c, const RopeTables& tables) {
  constexpr int64_t kRows = 128;  // token rows of a tile
  const int64_t tokens = tables.cos.dim(0);
  if (c.layout == rope::Layout::Hoisted)  // one block makes everything, in tiles of half the rows
    return launch("rope_cs", 1, [&](int64_t) {
      pl::store(swap_index(lanes(c.merge_head_tile, kRope)), {0, 0}, tables.swap_index);
      for (int64_t t0 : pl::range(0, tokens, kRows / 2))
        duplicate_tables(tables, t0, std::min(kRows / 2, tokens - t0), 0, kHalf);
    });
  launch("rope_cs", kHalf / c.rope_cs_frequencies, [&](int64_t block) {
    const int64_t frequency = block * c.rope_cs_frequencies;
    if (tokens <= kRows) return duplicate_tables(tables, 0, tokens, frequency, c.rope_cs_frequencies);
    for (int64_t t0 : pl::range(0, tokens, kRows))
      duplicate_tables(tables, t0, std::min(kRows, tokens - t0), frequency, c.rope_cs_frequencies);
  });
}

void rope(const Config& c, const RopeTables& tables, const Tensor& attn_rope_stage,
          const Tensor& o_packed, const Tensor& rope_buf) {
  if (c.layout == rope::Layout::MaskScatter)
    return rope_by_scatter(c, tables, attn_rope_stage, rope_buf);
  const int64_t tokens = o_packed.dim(1), t_tiles = ceil_div(tokens, c.rope_t_tile);
  const Tensor stage = attn_rope_stage.reshape({tokens, c.heads, kRope});
  launch("rope", c.heads / c.rope_heads * t_tiles, [&](int64_t block) {
    const int64_t t0 = block % t_tiles * c.rope_t_tile;
    const RopeBlock b{t0, std::min(c.rope_t_tile, tokens - t0), block / t_tiles * c.rope_heads,
                      c.rope_heads};
    if (c.split_half())
      rotate_halves(b, tables, stage, o_packed);
    else
      rotate_by_swap(b, tables, stage, o_packed);
  });
}

void rope_pack(const Config& c, const Tensor& rope_buf, const Tensor& o_packed) {
  const int64_t tokens = o_packed.dim(1), groups = c.groups();
  launch("rope_pack", ceil_div(tokens, c.rope_pack_t_tile) * groups, [&](int64_t block) {
    const int64_t t0 = block / groups * c.rope_pack_t_tile, group = block % groups;
    for (int64_t token : pl::range(t0, std::min(t0 + c.rope_pack_t_tile, tokens))) {
      const int64_t row = token * c.heads + group * kHeadsPerGroup;
      const Tile y = to_bf16(pl::load(rope_buf, {row, 0}, {kHeadsPerGroup, kRope}));
      for (int64_t i = 0; i < kHeadsPerGroup; ++i)
        pl::store(pl::slice(y, i, 0, 1, kRope), {group, token, i * kHead + kNope}, o_packed);
    }
  });
}

}  // namespace kernels::sparse
