// RoPE forms that pass through GM stages: selector matmul (a) and PR425's writeback.
#include <algorithm>

#include "kernels/norm.h"
#include "kernels/qkv/scopes.h"

namespace kernels::qkv {
namespace {

using isa::DType;

constexpr int64_t kCubeRows = 16;  ///< granularity of a matmul's M

/// Calls body(t0, rows) for each token tile.
template <class Body>
void for_token_tiles(int64_t tokens, int64_t tile, Body&& body) {
  for (int64_t t0 : pl::range(0, tokens, tile)) body(t0, std::min(tile, tokens - t0));
}

/// Calls body(head, t0, rows) for the heads of one staged q rope block.
template <class Body>
void for_head_tiles(const Config& c, int64_t block, int64_t tokens, int64_t tile, Body&& body) {
  const int64_t first = block * c.q_rope_heads_per_block;
  for (int64_t head : pl::range(first, first + c.q_rope_heads_per_block))
    for_token_tiles(tokens, tile, [&](int64_t t0, int64_t rows) { body(head, t0, rows); });
}

/// Normalised lanes -> rotated BF16 pairs, stored as even ‖ odd in row `row` of the pair stage.
void rotate_to_pairs(const Tile& lanes, const RopeTensors& rope, int64_t t0, int64_t row,
                     const Tensor& pair_stage) {
  const rope::Pairs x = rope::split_lanes(lanes);
  const rope::Tables tables = rope::load_half(rope.cos, rope.sin, t0, lanes.rows());
  const rope::Pairs y = rope::rotate(x, tables);
  pl::store(to_bf16(y.first), {row, 0}, pair_stage);
  pl::store(to_bf16(y.second), {row, rope::kHalf}, pair_stage);
}

/// Pairs of `rows` rows from `row` on -> interleaved FP32 lanes. A short tile is padded to 16 rows.
void reassemble(const Tensor& pair_stage, const RopeTensors& rope, int64_t row, int64_t rows,
                const Tensor& stage) {
  const int64_t m = ceil_div(rows, kCubeRows) * kCubeRows;
  const Tile even_select = pl::load(rope.even_select), odd_select = pl::load(rope.odd_select);
  const pl::Shape2 valid{rows, rope::kHalf};
  const Tile even = pl::load(pair_stage, {row, 0}, {m, rope::kHalf}, valid);
  const Tile odd = pl::load(pair_stage, {row, rope::kHalf}, {m, rope::kHalf}, valid);
  pl::assemble(stage, rope::interleave_by_selector({even, odd}, even_select, odd_select), {row, 0});
}

/// kv rope lanes of a token tile, times 1 / rms and gamma.
Tile kv_normalised_lanes(const Tensor& kv_fp32, const Tensor& gamma_ckv, const Tensor& kv_inv_rms,
                         int64_t t0, int64_t rows) {
  const Tile x = pl::load(kv_fp32, {t0, kNope}, {rows, kRope});
  const Tile inv = pl::load(kv_inv_rms, {0, t0}, {1, rows});
  const Tile gamma = pl::load(gamma_ckv, {0, kNope}, {1, kRope});
  return scale_columns(scale_rows(x, inv), gamma);
}

}  // namespace

void q_rope_writeback(const Config& c, const Tensor& q_rope_stage, const Tensor& q) {
  const int64_t tokens = q.dim(0);
  launch(c, "q_rope_writeback", c.heads / c.q_rope_heads_per_block, [&](int64_t block) {
    const int64_t first = block * c.q_rope_heads_per_block;
    for (int64_t head : loop(first, first + c.q_rope_heads_per_block, 2)) {
      for_token_tiles(tokens, 128, [&](int64_t t0, int64_t rows) {
        const Tile y = pl::load(q_rope_stage, {head * tokens + t0, 0}, {rows, kRope});
        pl::store(to_bf16(y), {t0, head * kHead + kNope}, q);
      });
    }
  });
}

void q_head_rope(const Config& c, const Tensor& q_proj_fp32, const Tensor& q_head_inv_rms_all,
                 const RopeTensors& rope, const Tensor& q_rope_pair) {
  const int64_t tokens = q_proj_fp32.dim(0);
  launch(c, "q_head_rope", c.heads / c.q_rope_heads_per_block, [&](int64_t block) {
    for_head_tiles(c, block, tokens, c.q_rope_t_tile, [&](int64_t head, int64_t t0, int64_t rows) {
      const Tile x = pl::load(q_proj_fp32, {t0, head * kHead + kNope}, {rows, kRope});
      const Tile inv = pl::load(q_head_inv_rms_all, {head, t0}, {1, rows});
      rotate_to_pairs(scale_rows(x, inv), rope, t0, head * tokens + t0, q_rope_pair);
    });
  });
}

void q_rope_reassemble(const Config& c, const Tensor& q_rope_pair, const RopeTensors& rope,
                       const Tensor& q_rope_stage) {
  const int64_t tokens = q_rope_pair.dim(0) / c.heads;
  launch(c, "q_rope_reassemble", c.heads / c.q_rope_heads_per_block, [&](int64_t block) {
    for_head_tiles(c, block, tokens, c.q_rope_t_tile, [&](int64_t head, int64_t t0, int64_t rows) {
      reassemble(q_rope_pair, rope, head * tokens + t0, rows, q_rope_stage);
    });
  });
}

void q_rope_write(const Config& c, const Tensor& q_rope_stage, const Tensor& q) {
  const int64_t tokens = q.dim(0);
  launch(c, "q_rope_write", c.heads / c.q_rope_heads_per_block, [&](int64_t block) {
    for_head_tiles(c, block, tokens, c.q_rope_t_tile, [&](int64_t head, int64_t t0, int64_t rows) {
      const Tile y = pl::load(q_rope_stage, {head * tokens + t0, 0}, {rows, kRope});
      pl::store(to_bf16(y), {t0, head * kHead + kNope}, q);
    });
  });
}

void kv_rope_apply(const Config& c, const Tensor& kv_fp32, const Tensor& gamma_ckv,
                   const Tensor& kv_inv_rms, const RopeTensors& rope, const Tensor& kv_rope_pair) {
  launch(c, "kv_rope_apply", 1, [&](int64_t) {
    for_token_tiles(kv_fp32.dim(0), c.q_rope_t_tile, [&](int64_t t0, int64_t rows) {
      const Tile lanes = kv_normalised_lanes(kv_fp32, gamma_ckv, kv_inv_rms, t0, rows);
      rotate_to_pairs(lanes, rope, t0, t0, kv_rope_pair);
    });
  });
}

void kv_rope_reassemble(const Config& c, const Tensor& kv_rope_pair, const RopeTensors& rope,
                        const Tensor& kv_rope_stage) {
  launch(c, "kv_rope_reassemble", 1, [&](int64_t) {
    for_token_tiles(kv_rope_pair.dim(0), c.q_rope_t_tile, [&](int64_t t0, int64_t rows) {
      reassemble(kv_rope_pair, rope, t0, rows, kv_rope_stage);
    });
  });
}

void kv_rope_write(const Config& c, const Tensor& kv_rope_stage, const Tensor& kv) {
  launch(c, "kv_rope_write", 1, [&](int64_t) {
    for_token_tiles(kv.dim(0), c.q_rope_t_tile, [&](int64_t t0, int64_t rows) {
      const Tile y = pl::load(kv_rope_stage, {t0, 0}, {rows, kRope});
      pl::store(to_bf16(y), {t0, kNope}, kv);
    });
  });
}

void rope_batch_tile(const Config& c, const Tensor& freqs_cos, const Tensor& freqs_sin,
                     int64_t first, const RopeTensors& rope) {
  launch(c, "rope_batch_tile", 1, [&](int64_t) {
    for_token_tiles(rope.cos.dim(0), 128, [&](int64_t t0, int64_t rows) {
      pl::store(pl::load(freqs_cos, {first + t0, 0}, {rows, kRope}), {t0, 0}, rope.cos);
      pl::store(pl::load(freqs_sin, {first + t0, 0}, {rows, kRope}), {t0, 0}, rope.sin);
    });
  });
}

void rope_chunk_materialize(const Config& c, const RopeTensors& batch, int64_t first,
                            const RopeTensors& chunk) {
  launch(c, "rope_chunk_materialize", 1, [&](int64_t) {
    for_token_tiles(chunk.cos.dim(0), 64, [&](int64_t t0, int64_t rows) {
      pl::store(pl::load(batch.cos, {first + t0, 0}, {rows, kRope}), {t0, 0}, chunk.cos);
      pl::store(pl::load(batch.sin, {first + t0, 0}, {rows, kRope}), {t0, 0}, chunk.sin);
    });
  });
}

}  // namespace kernels::qkv
