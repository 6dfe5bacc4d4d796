// Softmax over blocks of keys in four tasks that hand everything over in GM.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/norm.h"
#include "kernels/p374/scopes.h"

namespace kernels::p374 {
namespace {

using isa::DType;

const double kSoftmaxScale = 1.0 / std::sqrt(static_cast<double>(kHead));

/// Some tokens x one head tile: the work of the four tasks.
struct Pair {
  const SparseAttnConfig& c;
  int64_t t0, head;

  int64_t end() const { return std::min(t0 + c.pair_t_tile, c.tokens()); }
  /// Row of the token's first head among all heads, and in the pair's scratch.
  int64_t row(int64_t t) const { return t * c.heads + head; }
  int64_t local_row(int64_t t) const { return (t - t0) * c.head_tile; }
  int64_t block_row(int64_t t, int64_t block) const { return (t - t0) * c.blocks() + block; }
};

/// What the tasks of a pair exchange; n tokens of it, NB blocks.
struct Scratch {
  Tensor p;                     ///< [n * head_tile, topk] BF16: exp(s - mi) of every block
  Tensor blk_mi, blk_li;        ///< [n * NB, head_tile] FP32
  Tensor blk_oi;                ///< [n * NB * head_tile, 512] FP32, not normalised
  Tensor merged_mi, merged_li;  ///< [n, head_tile] FP32
  Tensor merged_oi;             ///< [n * head_tile, 512] FP32
};

/// Belongs to the runtime scope of the pair: all pairs at once would not fit the ring heap.
Scratch make_scratch(const Pair& pair) {
  const SparseAttnConfig& c = pair.c;
  const int64_t tokens = pair.end() - pair.t0, rows = tokens * c.head_tile;
  Scratch s;
  s.p = pl::create_tensor("sparse_exp", {rows, c.topk}, DType::BF16);
  s.blk_mi = pl::create_tensor("sparse_blk_mi", {tokens * c.blocks(), c.head_tile}, DType::F32);
  s.blk_li = pl::create_tensor("sparse_blk_li", {tokens * c.blocks(), c.head_tile}, DType::F32);
  s.blk_oi = pl::create_tensor("sparse_blk_oi", {rows * c.blocks(), kHead}, DType::F32);
  s.merged_mi = pl::create_tensor("sparse_mi", {tokens, c.head_tile}, DType::F32);
  s.merged_li = pl::create_tensor("sparse_li", {tokens, c.head_tile}, DType::F32);
  s.merged_oi = pl::create_tensor("sparse_oi", {rows, kHead}, DType::F32);
  return s;
}

/// Scores of a block with the lowest FP32 value outside the first `valid` columns.
Tile masked(const Tile& scores, int64_t valid) {
  if (valid >= scores.cols()) return scores;
  if (valid <= 0)
    return pl::full(scores.rows(), scores.cols(), DType::F32,
                    static_cast<double>(std::numeric_limits<float>::lowest()));
  return pl::fillpad(pl::set_validshape(scores, scores.rows(), valid), pl::PadValue::Min);
}

/// exp is rounded to BF16 and the sum is taken over the rounded values.
void qk_softmax_tile(const Pair& p, const Tensor& q, const Tensor& seqused_kv,
                     const Tensor& sparse_kv, const Scratch& s) {
  const SparseAttnConfig& c = p.c;
  pl::at({"cfa_proj_sparse_attn_qk_softmax_tile"}, [&] {
    for (int64_t t : pl::range(p.t0, p.end())) {
      const int64_t used = std::min(pl::read_int(seqused_kv, {t / c.seq}), c.topk);
      const Tile q_heads = pl::load(q, {p.row(t), 0}, {c.head_tile, kHead});
      for (int64_t block : pl::range(c.blocks())) {
        const int64_t key = block * c.k_block;
        const Tile k = pl::load(sparse_kv, {t * c.topk + key, 0}, {c.k_block, kHead});
        const Tile product = pl::matmul(q_heads, k, {/*b_trans=*/true});
        const Tile scores = masked(pl::mul(product, kSoftmaxScale), used - key);
        const Tile mi = pl::row_max(scores);
        const Tile rounded = to_bf16(pl::exp(pl::row_expand_sub(scores, mi)));
        const Tile li = pl::row_sum(pl::cast(rounded, DType::F32));
        pl::store(rounded, {p.local_row(t), key}, s.p);
        pl::store(as_row(mi), {p.block_row(t, block), 0}, s.blk_mi);
        pl::store(as_row(li), {p.block_row(t, block), 0}, s.blk_li);
      }
    }
  });
}

void pv_tile(const Pair& p, const Tensor& sparse_kv, const Scratch& s) {
  const SparseAttnConfig& c = p.c;
  pl::at({"cfa_proj_sparse_attn_pv_tile"}, [&] {
    for (int64_t t : pl::range(p.t0, p.end()))
      for (int64_t block : pl::range(c.blocks())) {
        const int64_t key = block * c.k_block;
        const Tile weights = pl::load(s.p, {p.local_row(t), key}, {c.head_tile, c.k_block});
        const Tile v = pl::load(sparse_kv, {t * c.topk + key, 0}, {c.k_block, kHead});
        pl::store(pl::matmul(weights, v), {p.block_row(t, block) * c.head_tile, 0}, s.blk_oi);
      }
  });
}

/// A softmax in progress: per head max and sum [1, heads], output [heads, 512].
struct Running {
  Tile m, l, o;
};

Running load_block(const Pair& p, int64_t t, int64_t block, const Scratch& s) {
  const int64_t row = p.block_row(t, block), n = p.c.head_tile;
  const Tile m = pl::load(s.blk_mi, {row, 0}, {1, n});
  const Tile l = pl::load(s.blk_li, {row, 0}, {1, n});
  const Tile o = pl::load(s.blk_oi, {row * n, 0}, {n, kHead});
  return {m, l, o};
}

Running merge(const Running& a, const Running& b) {
  const Tile m = pl::maximum(a.m, b.m);
  const Tile alpha = pl::exp(pl::sub(a.m, m));
  const Tile beta = pl::exp(pl::sub(b.m, m));
  const Tile l_a = pl::mul(a.l, alpha);
  const Tile l = pl::add(l_a, pl::mul(b.l, beta));
  const Tile o_a = scale_rows(a.o, alpha);
  return {m, l, pl::add(o_a, scale_rows(b.o, beta))};
}

void merge_tile(const Pair& p, const Scratch& s) {
  pl::at({"cfa_proj_sparse_attn_merge_tile"}, [&] {
    for (int64_t t : pl::range(p.t0, p.end())) {
      Running sum = load_block(p, t, 0, s);
      for (int64_t block : pl::range(1, p.c.blocks())) sum = merge(sum, load_block(p, t, block, s));
      pl::store(sum.m, {t - p.t0, 0}, s.merged_mi);
      pl::store(sum.l, {t - p.t0, 0}, s.merged_li);
      pl::store(sum.o, {p.local_row(t), 0}, s.merged_oi);
    }
  });
}

/// The sink joins the denominator only.
void norm_tile(const Pair& p, const Tensor& attn_sink, const Scratch& s, const Tensor& attn_stage) {
  const int64_t n = p.c.head_tile;
  pl::at({"cfa_proj_sparse_attn_norm_tile"}, [&] {
    const Tile sink = pl::load(attn_sink, {0, p.head}, {1, n});
    for (int64_t t : pl::range(p.t0, p.end())) {
      const Tile m = pl::load(s.merged_mi, {t - p.t0, 0}, {1, n});
      const Tile l = pl::load(s.merged_li, {t - p.t0, 0}, {1, n});
      const Tile o = pl::load(s.merged_oi, {p.local_row(t), 0}, {n, kHead});
      const Tile sum = pl::add(l, pl::exp(pl::sub(sink, m)));
      pl::store(to_bf16(pl::row_expand_div(o, as_column(sum))), {p.row(t), 0}, attn_stage);
    }
  });
}

}  // namespace

void attention(const SparseAttnConfig& c, const SparseAttnArgs& a, const Tensor& sparse_kv,
               const Tensor& attn_stage) {
  const Tensor q = a.q.reshape({c.tokens() * c.heads, kHead});
  const Tensor sink = a.attn_sink.reshape({1, c.heads});
  for (int64_t t0 : pl::parallel(0, c.tokens(), c.pair_t_tile))
    for (int64_t head : pl::parallel(0, c.heads, c.head_tile)) {
      const Pair p{c, t0, head};
      const Scratch s = make_scratch(p);
      qk_softmax_tile(p, q, a.seqused_kv, sparse_kv, s);
      pv_tile(p, sparse_kv, s);
      merge_tile(p, s);
      norm_tile(p, sink, s, attn_stage);
    }
}

}  // namespace kernels::p374
