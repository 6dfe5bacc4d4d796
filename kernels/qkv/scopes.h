// The scopes of the Q/KV projection family, one function each, named after the swimlane row.
//
// Tensors are two-dimensional views of T token rows: x [T, D] BF16, qr_fp32 [T, Q] FP32, qr [T, Q]
// INT8, qr_scale [1, T] FP32, q_proj_i32 / q_proj_fp32 [T, H*512], q [T, H*512] BF16, kv_fp32
// [T, 512] FP32, kv [T, 512] BF16, rope_cos / rope_sin [T, 64] BF16, inverse norms [H, T] and [1,
// T].
#pragma once

#include <functional>
#include <string>

#include "kernels/launch.h"
#include "kernels/qkv/config.h"
#include "kernels/rope.h"
#include "lang/pl.h"

namespace kernels::qkv {

using pl::Site;
using pl::Tensor;
using pl::Tile;

// --- shared by all scopes (launch.cpp) ----------------------------------------------------------

/// One spmd launch of `blocks` blocks, or as many single tasks (P374), called prefix + name.
void launch(const Config& c, const std::string& name, int64_t blocks,
            const std::function<void(int64_t)>& body, Site site = Site::here());

struct RopeTensors {
  Tensor cos, sin;                 ///< [T, 64] BF16
  Tensor even_select, odd_select;  ///< [32, 64] BF16, selector_matmul only
  /// [T, 64] FP32, FP32, INT32, made by q_rope_prepare; layout hoisted only.
  Tensor cos_il, sin_signed, swap_idx;
};

/// 1 / sqrt(sum / n + eps), [1, M], in the way of the era.
Tile inverse_rms(const Config& c, const Tile& sum, int64_t n);

// --- projections (projections.cpp) --------------------------------------------------------------

/// x wq_a [T, Q] and x wkv [T, 512], FP32: `qr_proj_seed` or `qr_proj_reduce` around
/// `qr_proj_matmul` if K is split, and the same for kv.
Tensor qr_projection(const Config& c, const Tensor& x, const Tensor& wq_a);
Tensor kv_projection(const Config& c, const Tensor& x, const Tensor& wkv);
void qproj_matmul(const Config& c, const Tensor& qr, const Tensor& wq_b, const Tensor& q_proj_i32);
void qproj_dequant(const Config& c, const Tensor& q_proj_i32, const Tensor& qr_scale,
                   const Tensor& wq_b_scale, const Tensor& q_proj_fp32);
/// Both in one mixed scope (before PR506).
void qproj(const Config& c, const Tensor& qr, const Tensor& wq_b, const Tensor& qr_scale,
           const Tensor& wq_b_scale, const Tensor& q_proj_fp32);

// --- norms of x and qr (norms.cpp, staged_norms.cpp) ---------------------------------------------

/// attn_norm_rms_partial, _rms_final and _apply: x normalised times norm_w.
void attn_norm(const Config& c, const Tensor& x, const Tensor& norm_w, const Tensor& x_normed);
void qr_rms_norm_quant(const Config& c, const Tensor& qr_fp32, const Tensor& gamma_cq,
                       const Tensor& qr, const Tensor& qr_scale);
/// qr_rms_partial, qr_rms_final, qr_norm_apply, qr_quant_amax, qr_quant_apply (P374).
void staged_qr_norm_quant(const Config& c, const Tensor& qr_fp32, const Tensor& gamma_cq,
                          const Tensor& qr, const Tensor& qr_scale);

// --- q heads (q_head.cpp, q_rope_staged.cpp)
// ------------------------------------------------------

/// Norm, nope lanes and rope lanes of every head in one scope (e).
void q_head_rms_nope_rope(const Config& c, const Tensor& q_proj_fp32, const RopeTensors& rope,
                          const Tensor& q);
void q_head_rms_nope(const Config& c, const Tensor& q_proj_fp32, const Tensor& q,
                     const Tensor& q_head_inv_rms_all);
/// (b), (c), (d). `q_rope_stage` [H*T, 64] FP32 takes the result if present, else q.
void q_head_rope_fused(const Config& c, const Tensor& q_proj_fp32, const Tensor& q_head_inv_rms_all,
                       const RopeTensors& rope, const Tensor& q, const Tensor& q_rope_stage);
void q_rope_writeback(const Config& c, const Tensor& q_rope_stage, const Tensor& q);
/// (a): rotation to BF16 pairs [H*T, 64] = even ‖ odd, reassembly on the cube, cast and store.
void q_head_rope(const Config& c, const Tensor& q_proj_fp32, const Tensor& q_head_inv_rms_all,
                 const RopeTensors& rope, const Tensor& q_rope_pair);
void q_rope_reassemble(const Config& c, const Tensor& q_rope_pair, const RopeTensors& rope,
                       const Tensor& q_rope_stage);
void q_rope_write(const Config& c, const Tensor& q_rope_stage, const Tensor& q);

// --- hoisted tables (hoisted.cpp)
// -----------------------------------------------------------------

/// Rows of the prepared tables, [rows, 64].
struct HoistedTables {
  Tile cos, sin, swap;
  Tile rotate(const Tile& x) const { return rope::rotate_by_signed_swap(x, swap, cos, sin); }
};
HoistedTables load_hoisted(const RopeTensors& rope, int64_t t0, int64_t rows);
/// Fills cos_il, sin_signed and swap_idx from cos and sin: once per layer instead of per block.
void q_rope_prepare(const Config& c, const RopeTensors& rope);
/// Dequantisation, norm, nope and rope lanes of every head in one scope; a head is loaded once.
void qproj_dequant_rms_nope_rope(const Config& c, const Tensor& q_proj_i32, const Tensor& qr_scale,
                                 const Tensor& wq_b_scale, const RopeTensors& rope,
                                 const Tensor& q);

// --- kv (kv.cpp, kv_rope_staged.cpp)
// ---------------------------------------------------------------

void kv_rms_norm_rope(const Config& c, const Tensor& kv_fp32, const Tensor& gamma_ckv,
                      const RopeTensors& rope, const Tensor& kv);
void kv_rms_norm(const Config& c, const Tensor& kv_fp32, const Tensor& gamma_ckv, const Tensor& kv,
                 const Tensor& kv_inv_rms);
void kv_rope_fused(const Config& c, const Tensor& kv_fp32, const Tensor& gamma_ckv,
                   const Tensor& kv_inv_rms, const RopeTensors& rope, const Tensor& kv);
void kv_rms(const Config& c, const Tensor& kv_fp32, const Tensor& kv_inv_rms);
void kv_norm_nope(const Config& c, const Tensor& kv_fp32, const Tensor& gamma_ckv,
                  const Tensor& kv_inv_rms, const Tensor& kv);
void kv_rope_apply(const Config& c, const Tensor& kv_fp32, const Tensor& gamma_ckv,
                   const Tensor& kv_inv_rms, const RopeTensors& rope, const Tensor& kv_rope_pair);
void kv_rope_reassemble(const Config& c, const Tensor& kv_rope_pair, const RopeTensors& rope,
                        const Tensor& kv_rope_stage);
void kv_rope_write(const Config& c, const Tensor& kv_rope_stage, const Tensor& kv);

// --- P374 prefill (rope_rows.cpp)
// --------------------------------------------------------------------

/// Copies `rows` table rows from `first` on: the rows of this call, then of one chunk.
void rope_batch_tile(const Config& c, const Tensor& freqs_cos, const Tensor& freqs_sin,
                     int64_t first, const RopeTensors& rope);
void rope_chunk_materialize(const Config& c, const RopeTensors& batch, int64_t first,
                            const RopeTensors& chunk);

}  // namespace kernels::qkv
