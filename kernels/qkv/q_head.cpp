// Per-head RMS norm of q, its nope lanes and the rotation of its rope lanes, in vector scopes.
#include <algorithm>

#include "kernels/norm.h"
#include "kernels/qkv/scopes.h"

namespace kernels::qkv {
namespace {

using isa::DType;

/// One head of one token tile.
struct HeadTile {
  int64_t t0, rows, head;
  int64_t column() const { return head * kHead; }
  int64_t rope_column() const { return head * kHead + kNope; }
};

template <class Body>
void for_token_tiles(const Config& c, int64_t tokens, Body&& body) {
  for (int64_t t0 : pl::range(0, tokens, c.q_head_t_tile))
    body(t0, std::min(c.q_head_t_tile, tokens - t0));
}

/// The norm of a head and its nope lanes, normalised and stored. Returns 1 / rms as [1, rows] and,
/// if the head was loaded whole, its rope lanes.
struct HeadNorm {
  Tile inv, rope_lanes;
};
HeadNorm norm_and_nope(const Config& c, const HeadTile& h, const Tensor& q_proj_fp32,
                       const Tensor& q) {
  Tile sum = pl::full(1, h.rows, DType::F32, 0.0);
  if (c.whole_head) {
    const Tile x = pl::load(q_proj_fp32, {h.t0, h.column()}, {h.rows, kHead});
    const Tile inv = inverse_rms(c, add_row_squares(sum, x), kHead);
    const Tile nope = pl::slice(x, 0, 0, h.rows, kNope);
    pl::store(to_bf16(scale_rows(nope, inv)), {h.t0, h.column()}, q);
    return {inv, pl::slice(x, 0, kNope, h.rows, kRope)};
  }
  const int64_t step = c.q_head_chunk;
  const auto chunk = [&](int64_t j) {
    return pl::load(q_proj_fp32, {h.t0, h.column() + j * step}, {h.rows, step});
  };
  for (int64_t j : loop(0, kHead / step, c.q_head_stage)) sum = add_row_squares(sum, chunk(j));
  const Tile inv = inverse_rms(c, sum, kHead);
  for (int64_t j : loop(0, kNope / step, c.q_head_stage))
    pl::store(to_bf16(scale_rows(chunk(j), inv)), {h.t0, h.column() + j * step}, q);
  return {inv, Tile()};
}

Tile load_rope_lanes(const HeadTile& h, const Tensor& q_proj_fp32) {
  return pl::load(q_proj_fp32, {h.t0, h.rope_column()}, {h.rows, kRope});
}

Tile load_inverse_rms(const HeadTile& h, const Tensor& q_head_inv_rms_all) {
  return pl::load(q_head_inv_rms_all, {h.head, h.t0}, {1, h.rows});
}

/// (c): tables duplicated once per token tile, index tiles once per block.
void swap_gather_block(const Config& c, int64_t first, const Tensor& q_proj_fp32,
                       const Tensor& inv_rms, const RopeTensors& rope, const Tensor& q) {
  const int64_t tokens = q.dim(0);
  const rope::SwapIndex whole = rope::make_swap_index(std::min(c.q_head_t_tile, tokens));
  for_token_tiles(c, tokens, [&](int64_t t0, int64_t rows) {
    const rope::SwapIndex index = whole.first_rows(rows);
    const rope::Tables tables = rope::load_duplicated(rope.cos, rope.sin, t0, rows, index);
    for (int64_t head : pl::range(first, first + c.q_heads_per_block)) {
      const HeadTile h{t0, rows, head};
      const Tile x = load_rope_lanes(h, q_proj_fp32);
      const Tile inv = load_inverse_rms(h, inv_rms);
      const Tile y = rope::rotate_by_swap(x, tables, index);
      pl::store(to_bf16(scale_rows(y, inv)), {t0, h.rope_column()}, q);
    }
  });
}

/// (d): both halves are contiguous lanes.
void split_half_block(const Config& c, int64_t first, const Tensor& q_proj_fp32,
                      const Tensor& inv_rms, const RopeTensors& rope, const Tensor& q) {
  for_token_tiles(c, q.dim(0), [&](int64_t t0, int64_t rows) {
    const rope::Tables tables = rope::load_half(rope.cos, rope.sin, t0, rows);
    for (int64_t head : pl::range(first, first + c.q_heads_per_block)) {
      const HeadTile h{t0, rows, head};
      const int64_t lo = h.rope_column(), hi = lo + rope::kHalf;
      const Tile x_lo = pl::load(q_proj_fp32, {t0, lo}, {rows, rope::kHalf});
      const Tile x_hi = pl::load(q_proj_fp32, {t0, hi}, {rows, rope::kHalf});
      const Tile inv = load_inverse_rms(h, inv_rms);
      const rope::Pairs y = rope::rotate({x_lo, x_hi}, tables);
      pl::store(to_bf16(scale_rows(y.first, inv)), {t0, lo}, q);
      pl::store(to_bf16(scale_rows(y.second, inv)), {t0, hi}, q);
    }
  });
}

/// (b): normalise, split by mask gather, rotate, join by mask scatter.
void mask_scatter_block(const Config& c, int64_t first, const Tensor& q_proj_fp32,
                        const Tensor& inv_rms, const RopeTensors& rope, const Tensor& q,
                        const Tensor& q_rope_stage) {
  for (int64_t head : pl::range(first, first + c.q_heads_per_block)) {
    for_token_tiles(c, q.dim(0), [&](int64_t t0, int64_t rows) {
      const HeadTile h{t0, rows, head};
      const Tile x = load_rope_lanes(h, q_proj_fp32);
      const Tile inv = load_inverse_rms(h, inv_rms);
      const rope::Pairs lanes = rope::split_lanes(scale_rows(x, inv));
      const rope::Tables tables = rope::load_half(rope.cos, rope.sin, t0, rows);
      const Tile y = rope::interleave_by_scatter(rope::rotate(lanes, tables));
      if (q_rope_stage.present())
        pl::store(y, {head * q.dim(0) + t0, 0}, q_rope_stage);
      else
        pl::store(to_bf16(y), {t0, h.rope_column()}, q);
    });
  }
}

}  // namespace

void q_head_rms_nope_rope(const Config& c, const Tensor& q_proj_fp32, const RopeTensors& rope,
                          const Tensor& q) {
  const int64_t tokens = q.dim(0);
  launch(c, "q_head_rms_nope_rope", c.heads / c.q_heads_per_block, [&](int64_t block) {
    const rope::SwapIndex whole = rope::make_swap_index(std::min(c.q_head_t_tile, tokens));
    for_token_tiles(c, tokens, [&](int64_t t0, int64_t rows) {
      const rope::SwapIndex index = whole.first_rows(rows);
      const rope::Tables tables = rope::load_duplicated(rope.cos, rope.sin, t0, rows, index);
      const int64_t first = block * c.q_heads_per_block;
      for (int64_t head : pl::range(first, first + c.q_heads_per_block)) {
        const HeadTile h{t0, rows, head};
        const HeadNorm norm = norm_and_nope(c, h, q_proj_fp32, q);
        const Tile x = c.whole_head ? norm.rope_lanes : load_rope_lanes(h, q_proj_fp32);
        const Tile y = rope::rotate_by_swap(x, tables, index);
        pl::store(to_bf16(scale_rows(y, norm.inv)), {t0, h.rope_column()}, q);
      }
    });
  });
}

void q_head_rms_nope(const Config& c, const Tensor& q_proj_fp32, const Tensor& q,
                     const Tensor& q_head_inv_rms_all) {
  launch(c, "q_head_rms_nope", c.heads / c.q_heads_per_block, [&](int64_t block) {
    const int64_t first = block * c.q_heads_per_block;
    for (int64_t head : pl::range(first, first + c.q_heads_per_block)) {
      for_token_tiles(c, q.dim(0), [&](int64_t t0, int64_t rows) {
        const HeadNorm norm = norm_and_nope(c, {t0, rows, head}, q_proj_fp32, q);
        pl::store(norm.inv, {head, t0}, q_head_inv_rms_all);
      });
    }
  });
}

void q_head_rope_fused(const Config& c, const Tensor& q_proj_fp32, const Tensor& q_head_inv_rms_all,
                       const RopeTensors& rope, const Tensor& q, const Tensor& q_rope_stage) {
  launch(c, "q_head_rope_fused", c.heads / c.q_heads_per_block, [&](int64_t block) {
    const int64_t first = block * c.q_heads_per_block;
    if (c.layout == rope::Layout::SwapGather)
      swap_gather_block(c, first, q_proj_fp32, q_head_inv_rms_all, rope, q);
    else if (c.layout == rope::Layout::SplitHalf)
      split_half_block(c, first, q_proj_fp32, q_head_inv_rms_all, rope, q);
    else
      mask_scatter_block(c, first, q_proj_fp32, q_head_inv_rms_all, rope, q, q_rope_stage);
  });
}

}  // namespace kernels::qkv
