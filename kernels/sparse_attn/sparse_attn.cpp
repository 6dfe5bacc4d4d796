#include "kernels/sparse_attn/sparse_attn.h"

#include <cmath>

#include "kernels/declare.h"
#include "kernels/fixtures.h"

namespace kernels::sparse {
namespace {

using isa::DType;

/// A paged cache [pages, 128, 1, 512] as rows.
Tensor rows_of(const Tensor& pages) {
  return pages.present() ? pages.reshape({pages.dim(0) * pages.dim(1), kHead}) : pages;
}

/// Scratch of the attention: what qk_pv hands to merge_norm.
BlockSoftmax make_partial(const Config& c) {
  const int64_t rows = c.tokens() * c.heads * c.blocks();
  BlockSoftmax p;
  p.mi = pl::create_tensor("sparse_blk_mi", {rows, 1}, DType::F32);
  p.li = pl::create_tensor("sparse_blk_li", {rows, 1}, DType::F32);
  p.oi = pl::create_tensor("sparse_blk_oi", {rows, kHead}, DType::F32);
  return p;
}

BlockSoftmax attend(const Config& c, const Args& a) {
  const int64_t tokens = c.tokens();
  const bool prefill = c.kind == Kind::Prefill;
  const KvSources kv{rows_of(a.ori_kv),
                     a.ori_block_table,
                     a.mtp_kv_overlay,
                     rows_of(a.cmp_kv),
                     a.cmp_block_table,
                     a.cmp_sparse_indices,
                     prefill ? a.cmp_sparse_lens.reshape({1, tokens}) : Tensor()};
  const Tensor bias = pl::create_tensor("sparse_bias", {tokens, c.padded()}, DType::F32);
  const Tensor sparse_kv =
      pl::create_tensor("sparse_kv", {tokens * c.padded(), kHead}, DType::BF16);
  if (prefill) {
    gather_kv_groups(c, kv, sparse_kv);
    build_bias(c, kv.indices, kv.lens, bias);
  } else {
    build_valid(c, kv.indices, bias);
    gather_kv(c, kv, sparse_kv);
    if (c.kind == Kind::Csa) gather_kv_cmp(c, kv, sparse_kv);
  }
  const BlockSoftmax partial = make_partial(c);
  qk_pv(c, a.q.reshape({tokens * c.heads, kHead}), sparse_kv, bias, partial);
  return partial;
}

RopeTables make_tables(const Config& c, const Args& a) {
  RopeTables t;
  if (c.split_half()) {
    t.cos_half = a.freqs_cos;
    t.sin_half = a.freqs_sin;
    return t;
  }
  t.cos = a.freqs_cos;
  t.sin = a.freqs_sin;
  if (c.layout == rope::Layout::MaskScatter) return t;
  t.cos_il = pl::create_tensor("rope_cos_il", {c.tokens(), kRope}, DType::F32);
  t.sin_signed = pl::create_tensor("rope_sin_signed", {c.tokens(), kRope}, DType::F32);
  if (c.layout == rope::Layout::Hoisted)
    t.swap_index = pl::create_tensor("rope_swap_idx", {c.merge_head_tile, kRope}, DType::I32);
  return t;
}

/// Merged, normalised and rotated: o_packed [G, T, 4096].
Tensor pack_output(const Config& c, const Args& a, const BlockSoftmax& partial) {
  const int64_t rows = c.tokens() * c.heads;
  const Tensor o_packed =
      pl::create_tensor("o_packed", {c.groups(), c.tokens(), kGroupWidth}, DType::BF16);
  const RopeTables tables = make_tables(c, a);
  const Tensor sink = a.weights.attn_sink.reshape({1, c.heads});
  if (c.layout == rope::Layout::Hoisted) {
    rope_cs(c, tables);
    merge_norm(c, partial, sink, tables, Tensor(), o_packed);
    return o_packed;
  }
  const Tensor stage = pl::create_tensor("attn_rope_stage", {rows, kRope},
                                         c.rounds_before_rope() ? DType::BF16 : DType::F32);
  merge_norm(c, partial, sink, tables, stage, o_packed);
  if (c.layout == rope::Layout::MaskScatter) {
    const Tensor rope_buf = pl::create_tensor("rope_buf", {rows, kRope}, DType::F32);
    rope(c, tables, stage, o_packed, rope_buf);
    rope_pack(c, rope_buf, o_packed);
  } else {
    if (!c.split_half()) rope_cs(c, tables);
    rope(c, tables, stage, o_packed, Tensor());
  }
  return o_packed;
}

/// Draws an INT8 weight [N, K] with one scale per row.
void fill_quantised_rows(const HostTensor& q, const HostTensor& scale, uint64_t seed,
                         const Distribution& d) {
  const int64_t n = q.shape[0], k = q.shape[1];
  const RngKey key = rng_key(seed, q.name);
  parallel_pieces(n, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> row(static_cast<size_t>(k));
    for (int64_t i = begin; i < end; ++i) {
      d.fill(key, static_cast<uint32_t>(i * k), k, row.data());
      // One column of k values: quantise_columns sees a [k, 1] weight.
      quantise_columns(row.data(), k, 1, q.as<int8_t>() + i * k, scale.as<float>() + i);
    }
  });
}

void sparse_attn(const Config& c, const Args& a) {
  const BlockSoftmax partial = attend(c, a);
  const Tensor o_packed = pack_output(c, a, partial);

  const int64_t tokens = c.tokens(), tiles = c.o_width() / c.proj_a_n_tile;
  const Tensor o_r = pl::create_tensor("o_r", {tokens, c.o_width()}, DType::F32);
  const Tensor o_r_amax = pl::create_tensor("o_r_amax", {tiles, tokens}, DType::F32);
  const Tensor o_r_i8 = pl::create_tensor("o_r_i8", {tokens, c.o_width()}, DType::I8);
  const Tensor o_r_scale = pl::create_tensor("o_r_scale", {1, tokens}, DType::F32);
  proj_a(c, o_packed, a.weights.wo_a, o_r, o_r_amax);
  quant(c, o_r, o_r_amax, o_r_i8, o_r_scale);
  proj_b(c, o_r_i8, a.weights.wo_b, o_r_scale, a.weights.wo_b_scale.reshape({1, c.hidden}),
         a.attn_out);
}

}  // namespace

void decode_sparse_attn(const Config& c, const Args& a) { sparse_attn(c, a); }
void prefill_sparse_attn(const Config& c, const Args& a) { sparse_attn(c, a); }

std::vector<TensorSpec> weight_specs(const Config& c) {
  return {{"attn_sink", DType::F32, {c.heads}},
          {"wo_a", DType::BF16, {c.groups(), c.o_lora, kGroupWidth}},
          {"wo_b", DType::I8, {c.hidden, c.o_width()}},
          {"wo_b_scale", DType::F32, {c.hidden}}};
}

void fill_weights(uint64_t seed, const TensorSet& set, const Distribution& wo_a,
                  const Distribution& wo_b, float sink) {
  fill(set.at("attn_sink"), seed, constant(sink));
  fill(set.at("wo_a"), seed, wo_a);
  fill_quantised_rows(set.at("wo_b"), set.at("wo_b_scale"), seed, wo_b);
}

Weights declare_weights(pl::Session& session, const TensorSet& inputs) {
  Weights w;
  w.attn_sink = declare(session, inputs, "attn_sink");
  w.wo_a = declare(session, inputs, "wo_a");
  w.wo_b = declare(session, inputs, "wo_b");
  w.wo_b_scale = declare(session, inputs, "wo_b_scale");
  return w;
}

}  // namespace kernels::sparse
