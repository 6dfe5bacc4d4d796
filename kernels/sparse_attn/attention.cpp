// Softmax attention of every token over its gathered rows: block by block, then merged.
#include "kernels/norm.h"
#include "kernels/sparse_attn/scopes.h"

namespace kernels::sparse {
namespace {

using isa::DType;

/// Row of the block results of (token, first head, block).
int64_t partial_row(const Config& c, int64_t token, int64_t head, int64_t block) {
  const int64_t tiles = c.heads / c.merge_head_tile;
  return ((token * tiles + head / c.merge_head_tile) * c.blocks() + block) * c.merge_head_tile;
}

/// A launch whose blocks look at the token count in prefill.
pl::ScopeOptions counting(const Config& c, const char* name) {
  pl::ScopeOptions options;
  options.name = name;
  options.scalars = c.kind == Kind::Prefill ? 1 : 0;
  return options;
}

/// Scores [heads, rows] plus the bias row, added in one broadcast; HCA and SWA broadcast it into a
/// zero tile first.
Tile add_bias(const Config& c, const Tile& scores, const Tile& bias) {
  if (c.kind == Kind::Csa || c.kind == Kind::Prefill) return pl::col_expand_add(scores, bias);
  const Tile zero = pl::full(scores.rows(), scores.cols(), DType::F32, 0.0);
  return pl::add(scores, pl::col_expand(zero, bias));
}

/// One product pair of a head batch with a KV block, stored in merge_head_tile rows.
void attend(const Config& c, const Tensor& q, const Tile& k, const Tile& v, const Tile& bias,
            int64_t token, int64_t head, int64_t block, const BlockSoftmax& partial) {
  const Tile q_heads = pl::load(q, {token * c.heads + head, 0}, {c.qk_head_tile, kHead});
  const Tile product = pl::matmul(q_heads, k, {/*b_trans=*/true});
  const Tile scores = add_bias(c, pl::mul(product, kSoftmaxScale), bias);
  const Tile mi = pl::row_max(scores);
  const Tile p = pl::exp(pl::row_expand_sub(scores, mi));
  const Tile li = pl::row_sum(p);  // of the unrounded probabilities
  const Tile oi = pl::matmul(to_bf16(p), v);
  for (int64_t h = 0; h < c.qk_head_tile; h += c.merge_head_tile) {
    const int64_t row = partial_row(c, token, head + h, block), n = c.merge_head_tile;
    pl::store(pl::slice(mi, h, 0, n, 1), {row, 0}, partial.mi);
    pl::store(pl::slice(li, h, 0, n, 1), {row, 0}, partial.li);
    pl::store(pl::slice(oi, h, 0, n, kHead), {row, 0}, partial.oi);
  }
}

/// A running softmax over blocks: per-head max and sum [heads, 1], output [heads, 512].
struct Running {
  Tile m, l, o;
};

Running load_block(const Config& c, const BlockSoftmax& partial, int64_t row) {
  const int64_t n = c.merge_head_tile;
  const Tile m = pl::load(partial.mi, {row, 0}, {n, 1});
  const Tile l = pl::load(partial.li, {row, 0}, {n, 1});
  const Tile o = pl::load(partial.oi, {row, 0}, {n, kHead});
  return {m, l, o};
}

Running merge(const Running& a, const Running& b) {
  const Tile m = pl::maximum(a.m, b.m);
  const Tile alpha = pl::exp(pl::sub(a.m, m));
  const Tile beta = pl::exp(pl::sub(b.m, m));
  const Tile l_a = pl::mul(a.l, alpha);
  const Tile l = pl::add(l_a, pl::mul(b.l, beta));
  const Tile o_a = pl::row_expand_mul(a.o, alpha);
  return {m, l, pl::add(o_a, pl::row_expand_mul(b.o, beta))};
}

/// The normalised output [heads, 512] of a head tile of a token. The sink only adds to the sum.
Tile merged_output(const Config& c, const BlockSoftmax& partial, const Tensor& attn_sink,
                   int64_t token, int64_t head) {
  Running x = load_block(c, partial, partial_row(c, token, head, 0));
  for (int64_t block : pl::range(1, c.blocks()))
    x = merge(x, load_block(c, partial, partial_row(c, token, head, block)));
  const Tile sink = as_column(pl::load(attn_sink, {0, head}, {1, c.merge_head_tile}));
  const Tile sinks = pl::add(pl::sub(x.m, x.m), sink);
  const Tile sum = pl::add(x.l, pl::exp(pl::sub(sinks, x.m)));
  return pl::row_expand_div(x.o, sum);
}

/// The lanes [lane, lane + width) of consecutive heads go to their places in o_packed.
void store_heads(const Tile& x, int64_t token, int64_t head, int64_t lane, const Tensor& o_packed) {
  for (int64_t i : pl::range(x.rows())) {
    const int64_t h = head + i;
    pl::store(pl::slice(x, i, 0, 1, x.cols()),
              {h / kHeadsPerGroup, token, h % kHeadsPerGroup * kHead + lane}, o_packed);
  }
}

/// A padding token's head tile.
void clear_heads(const Config& c, int64_t token, int64_t head, const Tensor& attn_rope_stage,
                 const Tensor& o_packed) {
  const int64_t n = c.merge_head_tile;
  pl::store(pl::full(n, kRope, attn_rope_stage.dtype(), 0.0), {token * c.heads + head, 0},
            attn_rope_stage);
  store_heads(pl::full(n, kNope, DType::BF16, 0.0), token, head, 0, o_packed);
}

/// hoisted: the rope lanes of one head tile with one token's tables.
Tile rotate_heads(const Config& c, const Tile& x, const RopeTables& tables, int64_t token) {
  const Tile swap = pl::load(tables.swap_index, {0, 0}, {c.merge_head_tile, kRope});
  const Tile cos = pl::load(tables.cos_il, {token, 0}, {1, kRope});
  const Tile sin = pl::load(tables.sin_signed, {token, 0}, {1, kRope});
  const Tile along = pl::col_expand_mul(x, cos);
  return pl::add(along, pl::col_expand_mul(pl::gather(x, swap), sin));
}

}  // namespace

void qk_pv(const Config& c, const Tensor& q, const Tensor& sparse_kv, const Tensor& bias,
           const BlockSoftmax& partial) {
  launch(counting(c, "qk_pv"), bias.dim(0), [&](int64_t token) {
    if (token >= c.active_tokens()) return;
    for (int64_t block : pl::range(0, c.blocks())) {
      const int64_t row = token * c.padded() + block * c.kv_block;
      const Tile k = pl::load(sparse_kv, {row, 0}, {c.kv_block, kHead});
      const Tile v = pl::load(sparse_kv, {row, 0}, {c.kv_block, kHead});
      const Tile bias_row = pl::load(bias, {token, block * c.kv_block}, {1, c.kv_block});
      for (int64_t batch : loop(c.heads / c.qk_head_tile, c.qk_stage))
        attend(c, q, k, v, bias_row, token, batch * c.qk_head_tile, block, partial);
    }
  });
}

void merge_norm(const Config& c, const BlockSoftmax& partial, const Tensor& attn_sink,
                const RopeTables& tables, const Tensor& attn_rope_stage, const Tensor& o_packed) {
  const int64_t n = c.merge_head_tile, tiles = c.heads / n, tokens = o_packed.dim(1);
  const auto head_tile = [&](int64_t token, int64_t head) {
    if (token >= c.active_tokens()) return clear_heads(c, token, head, attn_rope_stage, o_packed);
    const Tile o = merged_output(c, partial, attn_sink, token, head), o_bf16 = to_bf16(o);
    const Tile rope_lanes = pl::slice(o, 0, kNope, n, kRope);
    if (c.layout == rope::Layout::Hoisted) {
      store_heads(to_bf16(rotate_heads(c, rope_lanes, tables, token)), token, head, kNope,
                  o_packed);
    } else {
      pl::store(c.rounds_before_rope() ? pl::slice(o_bf16, 0, kNope, n, kRope) : rope_lanes,
                {token * c.heads + head, 0}, attn_rope_stage);
    }
    store_heads(pl::slice(o_bf16, 0, 0, n, kNope), token, head, 0, o_packed);
  };
  if (c.layout == rope::Layout::Hoisted)
    return launch("merge_norm", tokens * tiles,
                  [&](int64_t block) { head_tile(block / tiles, block % tiles * n); });
  launch(counting(c, "merge_norm"), tokens, [&](int64_t token) {
    for (int64_t tile : pl::range(tiles)) head_tile(token, tile * n);
  });
}

}  // namespace kernels::sparse
