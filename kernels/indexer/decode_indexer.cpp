// The scopes of the lightning indexer (kernels.md §2.6), one function each.
#include "kernels/indexer/decode_indexer.h"

#include <algorithm>
#include <cfloat>
#include <cmath>

#include "kernels/launch.h"
#include "kernels/norm.h"
#include "kernels/quant.h"

namespace kernels {
namespace {

using isa::DType;
using pl::Tensor;
using pl::Tile;
using Config = DecodeIndexerConfig;
using Args = DecodeIndexerArgs;

/// qr_proj [T * H, 128] FP32: one row per token and head.
void qr_proj(const Config& c, const Args& a, const Tensor& qr_proj_fp32) {
  const int64_t tokens = c.tokens(), steps = c.q_lora / c.q_k_tile;
  const Tensor out = qr_proj_fp32.reshape({tokens, c.width()});
  launch("qr_proj", c.width() / c.q_n_tile, [&](int64_t block) {
    const int64_t n0 = block * c.q_n_tile;
    for (int64_t m0 : pl::range(0, tokens, c.q_m_tile)) {
      const int64_t rows = std::min(c.q_m_tile, tokens - m0);
      Tile acc;
      for (int64_t i : loop(steps, c.q_stage)) {
        const Tile ai = pl::load(a.qr, {m0, i * c.q_k_tile}, {rows, c.q_k_tile});
        const Tile bi = pl::load(a.idx_wq_b, {i * c.q_k_tile, n0}, {c.q_k_tile, c.q_n_tile});
        acc = i == 0 ? pl::matmul(ai, bi) : pl::matmul_acc(acc, ai, bi);
      }
      const Tile column = pl::load(a.idx_wq_b_scale, {0, n0}, {1, c.q_n_tile});
      for (int64_t r : pl::range(0, rows, c.q_dequant_rows)) {
        const Tile row = pl::load(a.qr_scale, {0, m0 + r}, {1, c.q_dequant_rows});
        const Tile part = pl::slice(acc, r, 0, c.q_dequant_rows, c.q_n_tile);
        pl::store(dequantise(part, as_column(row), column), {m0 + r, n0}, out);
      }
    }
  });
}

/// One request of one block: its rows of qr_proj, rope lanes in, BF16 lanes out.
struct RopeRequest {
  const Config& c;
  const Tensor& qr_proj_fp32;
  const Tensor& q_rope;
  int64_t index = 0;

  /// Applies `rotate` to every sub-tile of the rope lanes; it yields BF16 or FP32 lanes.
  template <class Rotate>
  void each_tile(Rotate rotate) const {
    const int64_t first = index * c.seq * c.heads;
    for (int64_t r : pl::range(first, first + c.seq * c.heads, c.rope_rows)) {
      const Tile x = pl::load(qr_proj_fp32, {r, kIdxNope}, {c.rope_rows, kRope});
      pl::store(to_bf16(rotate(x)), {r, 0}, q_rope);
    }
  }
};

/// (c): index tiles and the request's duplicated tables once per block.
void rotate_by_swap(const Args& a, const RopeRequest& request) {
  const int64_t rows = request.c.rope_rows;
  const rope::SwapIndex index = rope::make_swap_index(rows);
  const Tile shape = pl::full(rows, kHalf, DType::F32, 0.0);
  const auto table = [&](const Tensor& t) {
    const Tile half = pl::load(t, {request.index, 0}, {1, kHalf});
    return pl::gather(pl::col_expand(shape, half), index.dup);
  };
  rope::Tables tables;
  tables.cos = table(a.cos);
  tables.sin = table(a.sin);
  request.each_tile([&](const Tile& x) { return rope::rotate_by_swap(x, tables, index); });
}

/// (f): the index comes from its own scope, the tables are duplicated and signed already.
void rotate_hoisted(const Args& a, const Tensor& swap_idx, const RopeRequest& request) {
  const Tile swap = pl::load(swap_idx, {0, 0}, {request.c.rope_rows, kRope});
  const Tile cos = pl::load(a.cos, {request.index, 0}, {1, kRope});
  const Tile sin = pl::load(a.sin, {request.index, 0}, {1, kRope});
  request.each_tile([&](const Tile& x) {
    const Tile swapped = pl::gather(x, swap);
    const Tile along = pl::col_expand_mul(x, cos);
    return pl::add(along, pl::col_expand_mul(swapped, sin));
  });
}

/// (a): one-hot matmuls split the lanes into pairs and join them again.
void rotate_by_selectors(const Args& a, const RopeRequest& request) {
  const Tile even = pl::load(a.even_select, {0, 0}, {kRope, kHalf});
  const Tile odd = pl::load(a.odd_select, {0, 0}, {kRope, kHalf});
  const Tile cos = pl::load(a.cos, {request.index, 0}, {1, kHalf});
  const Tile sin = pl::load(a.sin, {request.index, 0}, {1, kHalf});
  request.each_tile([&](const Tile& x) {
    const Tile lanes = to_bf16(x);
    const Tile first = pl::matmul(lanes, even);
    const Tile second = pl::matmul(lanes, odd);
    const Tile first_cos = pl::col_expand_mul(first, cos);
    const Tile second_sin = pl::col_expand_mul(second, sin);
    const Tile y_first = to_bf16(pl::sub(first_cos, second_sin));
    const Tile first_sin = pl::col_expand_mul(first, sin);
    const Tile second_cos = pl::col_expand_mul(second, cos);
    const Tile y_second = to_bf16(pl::add(first_sin, second_cos));
    pl::MatmulOptions transposed;
    transposed.b_trans = true;
    const Tile joined = pl::matmul(y_first, even, transposed);
    return pl::matmul_acc(joined, y_second, odd, transposed);
  });
}

/// (f) only: j ^ 1 in every row of [rope_rows, 64].
void qr_rope_swap_idx(const Config& c, const Tensor& swap_idx) {
  launch("qr_rope_swap_idx", 1, [&](int64_t) {
    pl::store(rope::make_swap_index(c.rope_rows).swap, {0, 0}, swap_idx);
  });
}

void qr_rope(const Config& c, const Args& a, const Tensor& qr_proj_fp32, const Tensor& swap_idx,
             const Tensor& q_rope) {
  launch("qr_rope", c.batch, [&](int64_t block) {
    const RopeRequest request{c, qr_proj_fp32, q_rope, block};
    if (c.layout == rope::Layout::Hoisted)
      rotate_hoisted(a, swap_idx, request);
    else if (c.layout == rope::Layout::SelectorMatmul)
      rotate_by_selectors(a, request);
    else
      rotate_by_swap(a, request);
  });
}

/// Rows of Q times the Hadamard matrix (its upper half meets the plain lanes, its lower half the
/// rotated ones), quantised: q_i8 [T * H, 128] INT8, q_scale [1, T * H].
void qr_hadamard_quant(const Config& c, const Args& a, const Tensor& qr_proj_fp32,
                       const Tensor& q_rope, const Tensor& q_i8, const Tensor& q_scale) {
  const int64_t rows = c.hadamard_rows, block_rows = rows * c.hadamard_tiles;
  launch("qr_hadamard_quant", c.tokens() * c.heads / block_rows, [&](int64_t block) {
    const Tile upper = pl::load(a.hadamard, {0, 0}, {kIdxNope, kIdxHead});
    const Tile lower = pl::load(a.hadamard, {kIdxNope, 0}, {kRope, kIdxHead});
    for (int64_t r : pl::range(block * block_rows, (block + 1) * block_rows, rows)) {
      const Tile nope = to_bf16(pl::load(qr_proj_fp32, {r, 0}, {rows, kIdxNope}));
      const Tile rotated = pl::load(q_rope, {r, 0}, {rows, kRope});
      Tile q = pl::matmul(nope, upper);
      q = pl::matmul_acc(q, rotated, lower);
      const auto chunk = [&](int64_t j) { return pl::slice(q, 0, j, rows, c.hadamard_chunk); };
      Tile amax = pl::full(1, rows, DType::F32, kAmaxFloor);
      for (int64_t j : pl::range(0, kIdxHead, c.hadamard_chunk))
        amax = raise_row_amax(amax, chunk(j));
      const RowScale scale = row_scale(amax);
      pl::store(scale.stored, {0, r}, q_scale);
      for (int64_t j : pl::range(0, kIdxHead, c.hadamard_chunk))
        pl::store(to_int8(scale_rows(chunk(j), scale.multiplier)), {r, j}, q_i8);
    }
  });
}

/// weights [T, H] FP32: how much each head counts.
void weights_proj(const Config& c, const Args& a, const Tensor& weights) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(kIdxHead * c.heads));
  launch("weights_proj", c.tokens() / c.weights_t_tile, [&](int64_t block) {
    const int64_t t0 = block * c.weights_t_tile;
    Tile acc;
    for (int64_t i : loop(c.hidden / c.weights_k_tile, c.weights_stage)) {
      const int64_t k0 = i * c.weights_k_tile;
      const Tile xi = pl::load(a.x, {t0, k0}, {c.weights_t_tile, c.weights_k_tile});
      const Tile wi = pl::load(a.weights_proj, {k0, 0}, {c.weights_k_tile, c.heads});
      acc = i == 0 ? pl::matmul(xi, wi) : pl::matmul_acc(acc, xi, wi);
    }
    pl::store(pl::mul(acc, scale), {t0, 0}, weights);
  });
}

void score_init(const Config& c, const Tensor& score) {
  launch("score_init", 1, [&](int64_t) {
    for (int64_t t0 : pl::range(0, c.tokens(), c.init_rows)) {
      const int64_t rows = std::min(c.init_rows, c.tokens() - t0);
      pl::store(pl::full(rows, c.keys, DType::F32, -FLT_MAX), {t0, 0}, score);
    }
  });
}

/// Index keys of this step's tokens, into the cache.
void inner_compressor(const Config& c, const Args& a) {
  compressor::Args inner = a.inner;
  inner.x = a.x;
  inner.hadamard = a.hadamard;
  inner.cache = a.idx_kv_cache;
  inner.kv = pl::create_tensor("idx_kv", {c.batch, c.seq, kIdxHead}, DType::F32);
  compressor::decode_indexer_compressor(c.inner, inner);
}

/// A tile of cached keys, quantised on the fly.
struct Keys {
  Tile values;  ///< [n, 128] INT8
  Tile scale;   ///< [1, n]
};
Keys load_keys(const Config& c, const Args& a, int64_t request, int64_t first) {
  const int64_t page = pl::read_int(a.idx_block_table, {request, first / kPage});
  const Tensor rows = a.idx_kv_cache.reshape({a.idx_kv_cache.dim(0) * kPage, kIdxHead});
  const Tile k = pl::load(rows, {page * kPage + first % kPage, 0}, {c.score_key_tile, kIdxHead});
  const Tile values = pl::cast(k, DType::F32);
  const Tile floor = pl::full(1, c.score_key_tile, DType::F32, kAmaxFloor);
  const RowScale scale = row_scale(raise_row_amax(floor, values));
  return {to_int8(scale_rows(values, scale.multiplier)), scale.stored};
}

/// The scores of one token against a tile of keys, [1, n].
Tile score_keys(const Config& c, const Keys& keys, int64_t token, const Tensor& q_i8,
                const Tensor& q_scale, const Tensor& weights) {
  const Tile q = pl::load(q_i8, {token * c.heads, 0}, {c.heads, kIdxHead});
  pl::MatmulOptions transposed;
  transposed.b_trans = true;
  const Tile product = pl::matmul(keys.values, q, transposed);
  const Tile head_scale = pl::load(q_scale, {0, token * c.heads}, {1, c.heads});
  const Tile similarity = dequantise(product, as_column(keys.scale), head_scale);
  const Tile relu = pl::maximum(similarity, pl::mul(similarity, 0.0));  // keeps a NaN
  const Tile weight = pl::load(weights, {token, 0}, {1, c.heads});
  return as_row(pl::row_sum(pl::col_expand_mul(relu, weight)));
}

void score_keys_of_requests(const Config& c, const Args& a, const Tensor& q_i8,
                            const Tensor& q_scale, const Tensor& weights) {
  launch("score", c.batch / c.score_requests, [&](int64_t block) {
    const int64_t first = block * c.score_requests;
    for (int64_t b : pl::range(first, first + c.score_requests)) {
      const int64_t n_keys = pl::read_int(a.kv_seq_lens, {b}) / kIdxRatio;
      for (int64_t i : pl::range(ceil_div(n_keys, c.score_key_tile))) {
        const int64_t key0 = i * c.score_key_tile;
        const Keys keys = load_keys(c, a, b, key0);
        for (int64_t s : pl::range(c.seq)) {
          const int64_t token = b * c.seq + s;
          const Tile scores = score_keys(c, keys, token, q_i8, q_scale, weights);
          const Tile valid =
              pl::set_validshape(scores, 1, std::min(c.score_key_tile, n_keys - key0));
          pl::store(pl::fillpad(valid, isa::PadValue::Min), {token, key0}, a.score);
        }
      }
    }
  });
}

/// The ids of a row of scores [1, keys], best first: [1, topk] INT32.
Tile sorted_ids(const Config& c, const Tile& scores) {
  constexpr int64_t kSortedRun = 2 * 32;  // sort32 leaves runs of 32 (score, id) pairs
  Tile pairs = pl::sort32(scores, pl::arange(0, c.keys, DType::U32));
  for (int64_t run = kSortedRun; run < pairs.cols(); run *= 4) pairs = pl::mrgsort(pairs, run);
  const Tile best = pl::slice(pairs, 0, 0, 1, 2 * c.topk);
  return pl::gather_mask(best, isa::MaskPattern::P1010, DType::I32);
}

void topk(const Config& c, const Args& a) {
  pl::ScopeOptions options;
  options.name = "topk";
  options.scalars = 1;  // the offset
  launch(options, c.tokens() / c.topk_tokens, [&](int64_t block) {
    const int64_t first = block * c.topk_tokens;
    for (int64_t t : pl::range(first, first + c.topk_tokens)) {
      pl::store(pl::full(1, c.keys, DType::I32, -1), {t, 0}, a.topk_idxs);
      const int64_t n_keys = pl::read_int(a.kv_seq_lens, {t / c.seq}) / kIdxRatio;
      const Tile ids = sorted_ids(c, pl::load(a.score, {t, 0}, {1, c.keys}));
      const Tile shifted = pl::add(ids, static_cast<double>(a.offset));
      if (n_keys > 0)
        pl::store(pl::set_validshape(shifted, 1, std::min(c.topk, n_keys)), {t, 0}, a.topk_idxs);
    }
  });
}

}  // namespace

void decode_indexer(const Config& c, const Args& a) {
  const int64_t rows = c.tokens() * c.heads;
  const Tensor qr_proj_fp32 = pl::create_tensor("idx_qr_proj", {rows, kIdxHead}, DType::F32);
  qr_proj(c, a, qr_proj_fp32);

  Tensor swap_idx;
  if (c.layout == rope::Layout::Hoisted) {
    swap_idx = pl::create_tensor("idx_swap_idx", {c.rope_rows, kRope}, DType::I32);
    qr_rope_swap_idx(c, swap_idx);
  }
  const Tensor q_rope = pl::create_tensor("idx_q_rope", {rows, kRope}, DType::BF16);
  qr_rope(c, a, qr_proj_fp32, swap_idx, q_rope);

  const Tensor q_i8 = pl::create_tensor("idx_q_i8", {rows, kIdxHead}, DType::I8);
  const Tensor q_scale = pl::create_tensor("idx_q_scale", {1, rows}, DType::F32);
  qr_hadamard_quant(c, a, qr_proj_fp32, q_rope, q_i8, q_scale);

  const Tensor weights = pl::create_tensor("idx_weights", {c.tokens(), c.heads}, DType::F32);
  weights_proj(c, a, weights);
  inner_compressor(c, a);

  score_init(c, a.score);
  score_keys_of_requests(c, a, q_i8, q_scale, weights);
  topk(c, a);
}

}  // namespace kernels
