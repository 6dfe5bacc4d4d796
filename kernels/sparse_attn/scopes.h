// The scopes of sparse attention, one function each, named after the swimlane row (kernels.md
// §2.7).
//
// Tensors of the scopes, T tokens, H heads, G = H / 8 output groups, NB blocks of kv_block rows:
//   bias [T, NB * kv_block] FP32 (0 or -1e20), sparse_kv [T * NB * kv_block, 512] BF16,
//   block results (BlockSoftmax), attn_rope_stage [T * H, 64] FP32 (BF16 for mask_scatter),
//   o_packed [G, T, 4096] BF16, o_r [T, G * o_lora] FP32, o_r_amax [column tiles, T] FP32,
//   o_r_i8 [T, G * o_lora] INT8, o_r_scale [1, T] FP32.
#pragma once

#include "kernels/sparse_attn/config.h"
#include "lang/pl.h"

namespace kernels::sparse {

using pl::Tensor;
using pl::Tile;

/// The paged KV cache as rows, and what points into it.
struct KvSources {
  Tensor ori_kv;           ///< ring pages [B * 128, 512] BF16; in/out, see gather_kv
  Tensor ori_block_table;  ///< [B, 1] INT32
  Tensor overlay;          ///< KV of this step's tokens [T, 512] BF16
  Tensor cmp_kv;           ///< compressed rows [B * pages * 128, 512] BF16
  Tensor cmp_block_table;  ///< [B, pages] INT32
  Tensor indices;          ///< [T, 128 + cmp_columns] INT32: window columns, then compressed ones
  Tensor lens;             ///< prefill only: [1, T] INT32, columns of each token's list
};

/// FP32 results of each (token, head tile, block): row ((t * tiles + tile) * NB + block) *
/// merge_head_tile of max and sum [.., 1] and of the unnormalised output [.., 512].
struct BlockSoftmax {
  Tensor mi, li, oi;
};

/// Tables of the inverse rotation. BF16 [T, 64] as the model has them, FP32 [T, 32] halves
/// (split_half), or what rope_cs made of them.
struct RopeTables {
  Tensor cos, sin;            ///< BF16 [T, 64]
  Tensor cos_half, sin_half;  ///< FP32 [T, 32], split_half only
  Tensor cos_il, sin_signed;  ///< FP32 [T, 64], by rope_cs
  Tensor swap_index;          ///< INT32 [merge_head_tile, 64], by rope_cs of hoisted
};

// --- gather.cpp
// -----------------------------------------------------------------------------------

void build_valid(const Config& c, const Tensor& indices, const Tensor& bias);
/// The rows each token attends, in column order; invalid rows are zero. Also reads one row of
/// ori_kv and writes it back, so that a later in-place writer waits for this scope (§0.2).
void gather_kv(const Config& c, const KvSources& kv, const Tensor& sparse_kv);
/// Prefill: 0 for the first lens[token] columns with an index of 0 or more, else -FLT_MAX; lens
/// [1, T] INT32.
void build_bias(const Config& c, const Tensor& indices, const Tensor& lens, const Tensor& bias);
/// Prefill: gather_kv in blocks of gather_tokens tokens and one KV block.
void gather_kv_groups(const Config& c, const KvSources& kv, const Tensor& sparse_kv);
/// CSA: the compressed blocks, one block each.
void gather_kv_cmp(const Config& c, const KvSources& kv, const Tensor& sparse_kv);

// --- attention.cpp
// --------------------------------------------------------------------------------

void qk_pv(const Config& c, const Tensor& q, const Tensor& sparse_kv, const Tensor& bias,
           const BlockSoftmax& partial);
/// Online merge over blocks, the sink and the division. Nope lanes go to o_packed, rope lanes to
/// the stage; hoisted rotates them here (one block per head tile) and needs no stage.
void merge_norm(const Config& c, const BlockSoftmax& partial, const Tensor& attn_sink,
                const RopeTables& tables, const Tensor& attn_rope_stage, const Tensor& o_packed);

// --- inverse_rope.cpp
// -----------------------------------------------------------------------------

/// Duplicated cos and sign-folded sin (+1, -1: the opposite angle) of every token.
void rope_cs(const Config& c, const RopeTables& tables);
/// Rotates the stage back into o_packed; mask_scatter into `rope_buf` [T * H, 64] FP32.
void rope(const Config& c, const RopeTables& tables, const Tensor& attn_rope_stage,
          const Tensor& o_packed, const Tensor& rope_buf);
/// mask_scatter: casts and distributes rope_buf.
void rope_pack(const Config& c, const Tensor& rope_buf, const Tensor& o_packed);

// --- projection.cpp
// -------------------------------------------------------------------------------

/// o_r of a group's columns and the largest magnitude of each row in them.
void proj_a(const Config& c, const Tensor& o_packed, const Tensor& wo_a, const Tensor& o_r,
            const Tensor& o_r_amax);
void quant(const Config& c, const Tensor& o_r, const Tensor& o_r_amax, const Tensor& o_r_i8,
           const Tensor& o_r_scale);
void proj_b(const Config& c, const Tensor& o_r_i8, const Tensor& wo_b, const Tensor& o_r_scale,
            const Tensor& wo_b_scale, const Tensor& attn_out);

}  // namespace kernels::sparse
