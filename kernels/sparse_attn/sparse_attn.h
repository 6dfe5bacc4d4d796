// Sparse attention over paged KV rows, inverse RoPE and grouped output projection (kernels.md
// §2.7): the kernel of decode_sparse_attn (CSA), _hca and _swa, and its inputs.
//
//   s = q k / sqrt(512) over the rows an index list names; p = exp(s - max); o = p v / (sum p +
//   exp(sink - max)); rope lanes rotated back; o_r[t, g] = o[t, g] wo_a[g]^T;
//   attn_out = (rowquant(o_r) wo_b^T) scales
#pragma once

#include "kernels/fixtures.h"
#include "kernels/program.h"
#include "kernels/sparse_attn/scopes.h"

namespace kernels::sparse {

/// Weights in upstream's shapes: wo_a [G, o_lora, 4096] BF16, wo_b [D, G * o_lora] INT8, wo_b_scale
/// [D] FP32, attn_sink [H] FP32.
struct Weights {
  Tensor wo_a, wo_b, wo_b_scale, attn_sink;
};

/// The arguments in upstream's shapes.
struct Args {
  Tensor q;                     ///< [T, H, 512] BF16
  Tensor ori_kv;                ///< [B, 128, 1, 512] BF16, in/out (touched, not changed)
  Tensor ori_block_table;       ///< [B, 1] INT32
  Tensor mtp_kv_overlay;        ///< [T, 512] BF16
  Tensor cmp_kv;                ///< [B * pages, 128, 1, 512] BF16
  Tensor cmp_block_table;       ///< [B, pages] INT32
  Tensor cmp_sparse_indices;    ///< [T, 128 + cmp_columns] INT32; prefill may have more columns
  Tensor cmp_sparse_lens;       ///< [T] INT32, prefill only: columns of a token's list
  Tensor freqs_cos, freqs_sin;  ///< [T, 64] BF16; [T, 32] FP32 halves for split_half
  Weights weights;
  Tensor attn_out;  ///< [T, D] BF16
};

/// Submits every scope of the kernel. SWA never reads cmp_kv and cmp_block_table: they may be
/// absent.
void decode_sparse_attn(const Config& c, const Args& a);

/// Every scope of the prefill kernel (kernels.md §2.12). Rows of attn_out from c.num_tokens on are
/// padding: they hold zeros if the rope tables hold numbers there.
void prefill_sparse_attn(const Config& c, const Args& a);

/// Host side: the weights and attn_sink.
std::vector<TensorSpec> weight_specs(const Config& c);
/// Draws them; wo_b is quantised per output channel, the sink is constant.
void fill_weights(uint64_t seed, const TensorSet& set, const Distribution& wo_a,
                  const Distribution& wo_b, float sink = 0);
Weights declare_weights(pl::Session& session, const TensorSet& inputs);

/// One of the three standalone decode programs.
Program program(Kind kind);

}  // namespace kernels::sparse
