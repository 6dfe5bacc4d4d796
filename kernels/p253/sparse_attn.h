// P253's sparse attention with inverse RoPE and grouped output projection (kernels.md §2.13):
// loops of single tasks, one task per request, head and key.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/knobs.h"
#include "kernels/program.h"

namespace kernels::p253 {

/// Sizes and tiles of sparse_attn. The key rows of a request are its window followed by compressed
/// rows, one per `compress_ratio` positions.
struct SparseAttnConfig {
  int64_t tokens = 16;  ///< requests B; one token each (S = 1)
  int64_t heads = 64, hidden = 4096, o_lora = 1024;
  int64_t topk = 640;           ///< columns of cmp_sparse_indices
  int64_t window_keys = 128;    ///< valid rows of the window
  int64_t compressed_keys = 0;  ///< valid compressed rows
  int64_t cmp_pages = 8;        ///< pages of 128 compressed rows a request owns
  bool ragged = false;          ///< requests use different numbers of keys
  int64_t stage_a_n_tile = 128, stage_a_k_tile = 128;
  int64_t stage_b_n_tile = 256, stage_b_k_tile = 128;
  int stage_a_k_stage = 2, stage_b_k_stage = 2;
  int64_t quant_chunk = 512;

  int64_t keys() const { return window_keys + compressed_keys; }
  int64_t groups() const { return heads / 8; }
  int64_t o_width() const { return groups() * o_lora; }
};

const KnobTable& sparse_attn_knobs();
SparseAttnConfig sparse_attn_config(const Knobs& knobs, const std::string& mode);
/// Refuses what cannot run. Error "knob.conflict" with the limit and the value.
void check_sparse_attn(const SparseAttnConfig& c);

/// q [T,H,512], ori_kv [B,128,1,512], ori_block_table [B,1], cmp_kv [B*pages,128,1,512],
/// cmp_block_table [B,pages], cmp_sparse_indices [T,topk] INT32 (below 128 a window slot, from 128
/// on a compressed slot), seqused_kv [B] INT32, attn_sink [H], freqs_cos / freqs_sin [T,64] BF16,
/// even_select_local / odd_select_local [32,16] BF16, wo_a [H/8,o_lora,4096] BF16, wo_b [D,H/8 *
/// o_lora] INT8, wo_b_scale [D] FP32.
std::vector<TensorSpec> sparse_attn_inputs(const SparseAttnConfig& c);
std::vector<TensorSpec> sparse_attn_outputs(const SparseAttnConfig& c);
void fill_sparse_attn_inputs(const SparseAttnConfig& c, uint64_t seed, TensorSet& set);

struct SparseAttnArgs {
  pl::Tensor q, ori_kv, ori_block_table, cmp_kv, cmp_block_table, cmp_sparse_indices, seqused_kv;
  pl::Tensor attn_sink, freqs_cos, freqs_sin, even_select_local, odd_select_local;
  pl::Tensor wo_a, wo_b, wo_b_scale;
  pl::Tensor attn_out;  ///< [T,D] BF16
};

/// Submits the kernel: T + T*H*(keys+1) tasks of attention, 3T of rotation, T*H of packing, then
/// the output projection.
void sparse_attn(const SparseAttnConfig& c, const SparseAttnArgs& args);

/// attn_out from the inputs: whole rows, plain loops.
void golden_sparse_attn(const TensorSet& inputs, const SparseAttnConfig& c, TensorSet& outputs);

}  // namespace kernels::p253
