// The scopes of P374's sparse attention, in the order of submission; names have the prefix
// cfa_proj_. T tokens, H heads, NB blocks of k_block keys.
#pragma once

#include "kernels/p374/sparse_attn.h"

namespace kernels::p374 {

using pl::Tensor;
using pl::Tile;

/// gather_kv_topk_tile: sparse_kv [T * topk, 512] BF16, padding rows zero (gather.cpp).
void gather_kv_topk(const SparseAttnConfig& c, const SparseAttnArgs& a, const Tensor& sparse_kv);

/// sparse_attn_qk_softmax_tile, _pv_tile, _merge_tile and _norm_tile of every 8 tokens x 16 heads:
/// attn_stage [T * H, 512] BF16 (attention.cpp).
void attention(const SparseAttnConfig& c, const SparseAttnArgs& a, const Tensor& sparse_kv,
               const Tensor& attn_stage);

/// Rotated lanes before they are joined: even ones on even lanes, odd ones on odd lanes, zeros
/// between, FP32 [T * H, 64].
struct Interleaved {
  Tensor even, odd;
};
/// rope_slice_tile and rope_apply_assemble_tile (rope.cpp).
void inverse_rope(const SparseAttnConfig& c, const SparseAttnArgs& a, const Tensor& attn_stage,
                  const Interleaved& rotated);
/// rope_pack_group_spmd: o_packed [G * T, 4096] BF16, group-major (rope.cpp).
void rope_pack_group(const SparseAttnConfig& c, const Tensor& attn_stage,
                     const Interleaved& rotated, const Tensor& o_packed);

/// stage_a_accum / _store_amax, stage_b_quant_tile, stage_b_accum / _store (projection.cpp).
void output_projection(const SparseAttnConfig& c, const SparseAttnArgs& a, const Tensor& o_packed);

}  // namespace kernels::p374
