// The scopes of P253's sparse attention, in the order of submission. Views: kv rows [., 512] BF16,
// attn_stage [T*H, 512] BF16, o_proj_even / o_proj_odd [T*H, 32], rope_out [T*H, 64] BF16, o_packed
// [G*T, 4096] BF16 (group-major), o_r [T, G*o_lora] BF16.
#pragma once

#include "kernels/p253/sparse_attn.h"

namespace kernels::p253 {

inline constexpr int64_t kVectorRows = 16;  ///< rows one q or kv row is repeated on
inline constexpr int64_t kCubeRows = 16;    ///< M of the output projection
inline constexpr int64_t kHeadsPerGroup = 8;

/// Attention of every request: attn_stage from q and the caches (attention.cpp).
void attention(const SparseAttnConfig& c, const SparseAttnArgs& args, const pl::Tensor& attn_stage);

/// Inverse rotation of every request's rope lanes by even / odd selectors (rope.cpp).
void inverse_rope(const SparseAttnConfig& c, const SparseAttnArgs& args,
                  const pl::Tensor& attn_stage, const pl::Tensor& rope_out);

/// cfa_proj_pack_o_packed, cfa_proj_stage_a_* and cfa_proj_stage_b_* (projection.cpp).
void pack_o_packed(const SparseAttnConfig& c, const pl::Tensor& attn_stage,
                   const pl::Tensor& rope_out, const pl::Tensor& o_packed);
void output_projection(const SparseAttnConfig& c, const SparseAttnArgs& args,
                       const pl::Tensor& o_packed);

}  // namespace kernels::p253
