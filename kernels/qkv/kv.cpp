// RMS norm of kv, its nope lanes and the rotation of its rope lanes, in vector scopes.
#include <algorithm>

#include "kernels/norm.h"
#include "kernels/qkv/scopes.h"

namespace kernels::qkv {
namespace {

using isa::DType;

/// A row tile of kv.
struct KvTile {
  const Config& c;
  const Tensor& kv_fp32;
  Tensor gamma_ckv;
  int64_t t0, rows;

  Tile lanes(int64_t column, int64_t width) const {
    return pl::load(kv_fp32, {t0, column}, {rows, width});
  }
  Tile gamma(int64_t column, int64_t width) const {
    return pl::cast(pl::load(gamma_ckv, {0, column}, {1, width}), DType::F32);
  }
  /// 1 / rms over all 512 lanes, [1, rows].
  Tile inverse_rms_of_rows() const {
    const int64_t step = c.kv_norm_chunk;
    Tile sum = pl::full(1, rows, DType::F32, 0.0);
    for (int64_t j : loop(0, kHead / step, c.kv_norm_stage))
      sum = add_row_squares(sum, lanes(j * step, step));
    return inverse_rms(c, sum, kHead);
  }
  /// Lanes times 1 / rms and gamma: gamma must travel with its lane, so it comes before a swap.
  Tile normalised(int64_t column, int64_t width, const Tile& inv) const {
    const Tile x = lanes(column, width), g = gamma(column, width);
    return scale_columns(scale_rows(x, inv), g);
  }
  void store_nope(const Tile& inv, const Tensor& kv) const {
    const int64_t step = c.kv_norm_chunk;
    for (int64_t j : loop(0, kNope / step, c.kv_norm_stage))
      pl::store(to_bf16(normalised(j * step, step, inv)), {t0, j * step}, kv);
  }
};

KvTile tile_at(const Config& c, const Tensor& kv_fp32, const Tensor& gamma_ckv, int64_t index,
               int64_t tile) {
  const int64_t t0 = index * tile;
  return {c, kv_fp32, gamma_ckv, t0, std::min(tile, kv_fp32.dim(0) - t0)};
}

/// `x` are the tile's normalised rope lanes.
void rotate_by_swap(const KvTile& tile, const Tile& x, const RopeTensors& rope,
                    const rope::SwapIndex& index, const Tensor& kv) {
  const rope::Tables tables = rope::load_duplicated(rope.cos, rope.sin, tile.t0, tile.rows, index);
  pl::store(to_bf16(rope::rotate_by_swap(x, tables, index)), {tile.t0, kNope}, kv);
}

/// The whole rotation of a fused block: the gamma row is loaded ahead of the lanes.
void normalise_and_swap(const KvTile& tile, const Tile& inv, const RopeTensors& rope,
                        const Tensor& kv) {
  const Tile gamma = tile.gamma(kNope, kRope);
  const Tile x = scale_columns(scale_rows(tile.lanes(kNope, kRope), inv), gamma);
  rotate_by_swap(tile, x, rope, rope::make_swap_index(tile.rows), kv);
}

/// The same with the tables and the index of q_rope_prepare.
void rotate_hoisted(const KvTile& tile, const Tile& inv, const RopeTensors& rope,
                    const Tensor& kv) {
  const Tile x = tile.normalised(kNope, kRope, inv);
  const HoistedTables tables = load_hoisted(rope, tile.t0, tile.rows);
  pl::store(to_bf16(tables.rotate(x)), {tile.t0, kNope}, kv);
}

void rotate_halves(const KvTile& tile, const Tile& inv, const RopeTensors& rope, const Tensor& kv) {
  const Tile lo = tile.normalised(kNope, rope::kHalf, inv);
  const Tile hi = tile.normalised(kNope + rope::kHalf, rope::kHalf, inv);
  const rope::Tables tables = rope::load_half(rope.cos, rope.sin, tile.t0, tile.rows);
  const rope::Pairs y = rope::rotate({lo, hi}, tables);
  pl::store(to_bf16(y.first), {tile.t0, kNope}, kv);
  pl::store(to_bf16(y.second), {tile.t0, kNope + rope::kHalf}, kv);
}

void rotate_by_masks(const KvTile& tile, const Tile& inv, const RopeTensors& rope,
                     const Tensor& kv) {
  const rope::Pairs lanes = rope::split_lanes(tile.normalised(kNope, kRope, inv));
  const rope::Tables tables = rope::load_half(rope.cos, rope.sin, tile.t0, tile.rows);
  const Tile y = rope::interleave_by_scatter(rope::rotate(lanes, tables));
  pl::store(to_bf16(y), {tile.t0, kNope}, kv);
}

}  // namespace

void kv_rms_norm_rope(const Config& c, const Tensor& kv_fp32, const Tensor& gamma_ckv,
                      const RopeTensors& rope, const Tensor& kv) {
  launch(c, "kv_rms_norm_rope", ceil_div(kv.dim(0), c.kv_norm_t_tile), [&](int64_t block) {
    const KvTile tile = tile_at(c, kv_fp32, gamma_ckv, block, c.kv_norm_t_tile);
    const Tile inv = tile.inverse_rms_of_rows();
    tile.store_nope(inv, kv);
    if (c.hoisted() && c.kv_hoisted)
      rotate_hoisted(tile, inv, rope, kv);
    else
      normalise_and_swap(tile, inv, rope, kv);
  });
}

void kv_rms_norm(const Config& c, const Tensor& kv_fp32, const Tensor& gamma_ckv, const Tensor& kv,
                 const Tensor& kv_inv_rms) {
  launch(c, "kv_rms_norm", ceil_div(kv.dim(0), c.kv_norm_t_tile), [&](int64_t block) {
    const KvTile tile = tile_at(c, kv_fp32, gamma_ckv, block, c.kv_norm_t_tile);
    const Tile inv = tile.inverse_rms_of_rows();
    tile.store_nope(inv, kv);
    pl::store(inv, {0, tile.t0}, kv_inv_rms);
  });
}

void kv_rope_fused(const Config& c, const Tensor& kv_fp32, const Tensor& gamma_ckv,
                   const Tensor& kv_inv_rms, const RopeTensors& rope, const Tensor& kv) {
  const int64_t tiles = ceil_div(kv.dim(0), c.kv_rope_t_tile);
  launch(c, "kv_rope_fused", ceil_div(tiles, c.kv_rope_tiles_per_block), [&](int64_t block) {
    const int64_t first = block * c.kv_rope_tiles_per_block;
    rope::SwapIndex index;
    if (c.layout == rope::Layout::SwapGather)
      index = rope::make_swap_index(std::min(c.kv_rope_t_tile, kv.dim(0)));
    for (int64_t i : pl::range(first, std::min(first + c.kv_rope_tiles_per_block, tiles))) {
      const KvTile tile = tile_at(c, kv_fp32, gamma_ckv, i, c.kv_rope_t_tile);
      const Tile inv = pl::load(kv_inv_rms, {0, tile.t0}, {1, tile.rows});
      if (c.layout == rope::Layout::SwapGather)
        rotate_by_swap(tile, tile.normalised(kNope, kRope, inv), rope,
                       index.first_rows(tile.rows), kv);
      else if (c.layout == rope::Layout::SplitHalf)
        rotate_halves(tile, inv, rope, kv);
      else
        rotate_by_masks(tile, inv, rope, kv);
    }
  });
}

void kv_rms(const Config& c, const Tensor& kv_fp32, const Tensor& kv_inv_rms) {
  launch(c, "kv_rms", 1, [&](int64_t) {
    for (int64_t i : pl::range(ceil_div(kv_fp32.dim(0), c.kv_norm_t_tile))) {
      const KvTile tile = tile_at(c, kv_fp32, Tensor(), i, c.kv_norm_t_tile);
      pl::store(tile.inverse_rms_of_rows(), {0, tile.t0}, kv_inv_rms);
    }
  });
}

void kv_norm_nope(const Config& c, const Tensor& kv_fp32, const Tensor& gamma_ckv,
                  const Tensor& kv_inv_rms, const Tensor& kv) {
  const int64_t step = c.kv_norm_chunk;
  launch(c, "kv_norm_nope", kNope / step, [&](int64_t chunk) {
    for (int64_t i : pl::range(ceil_div(kv.dim(0), c.kv_norm_t_tile))) {
      const KvTile tile = tile_at(c, kv_fp32, gamma_ckv, i, c.kv_norm_t_tile);
      const Tile inv = pl::load(kv_inv_rms, {0, tile.t0}, {1, tile.rows});
      const Tile n = tile.normalised(chunk * step, step, inv);
      pl::store(to_bf16(n), {tile.t0, chunk * step}, kv);
    }
  });
}

}  // namespace kernels::qkv
