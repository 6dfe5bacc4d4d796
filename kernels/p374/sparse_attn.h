// P374's decode sparse attention (kernels.md §2.15): one kernel for all compression ratios, softmax
// in blocks of 64 keys, four single tasks for each 8 tokens x 16 heads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/knobs.h"
#include "kernels/launch.h"
#include "kernels/model.h"
#include "kernels/program.h"

namespace kernels::p374 {

inline constexpr int64_t kHeadsPerGroup = 8;
inline constexpr int64_t kGroupWidth = kHeadsPerGroup * kHead;

struct SparseAttnConfig {
  int64_t batch = 64, seq = 2;  ///< token t belongs to request t / seq
  int64_t heads = kHeads, hidden = kHidden, o_lora = 1024;
  int64_t topk = 640;           ///< key rows of a token, padded
  int64_t window_keys = 128;    ///< valid rows of the window
  int64_t compressed_keys = 0;  ///< valid compressed rows behind a full window
  int64_t cmp_pages = 64;       ///< pages of 128 compressed rows a request owns
  bool ragged = false;          ///< requests use different numbers of keys

  int64_t gather_t_tile = 4, pad_tile = 32;
  int64_t pair_t_tile = 8, head_tile = 16, k_block = 64;
  int64_t rope_t_tile = 4, pack_t_tile = 32;
  int64_t stage_a_n_tile = 128, stage_a_k_tile = 128;
  int64_t quant_t_tile = 8, quant_chunk = 32;
  int64_t stage_b_n_tile = 128, stage_b_k_tile = 128;
  int stage_a_k_stage = 2, stage_b_k_stage = 2, quant_stage = 2;
  int64_t drain_rows = 32;  ///< rows of a slice of an accumulator in the _store tasks

  int64_t tokens() const { return batch * seq; }
  int64_t keys() const { return window_keys + compressed_keys; }
  int64_t blocks() const { return topk / k_block; }
  int64_t groups() const { return heads / kHeadsPerGroup; }
  int64_t o_width() const { return groups() * o_lora; }
};

const KnobTable& sparse_attn_knobs();
SparseAttnConfig sparse_attn_config(const Knobs& knobs, const std::string& mode);
/// Refuses what cannot run. Error "knob.conflict" with the limit and the value.
void check_sparse_attn(const SparseAttnConfig& c);

/// q [T,H,512], ori_kv [B,128,1,512], ori_block_table [B,1], cmp_kv [B*pages,128,1,512],
/// cmp_block_table [B,pages], cmp_sparse_indices [T,topk] INT32 (columns from 128 on: compressed
/// slot + 128), seqused_kv [B] INT32, freqs_cos / freqs_sin [T,64], even_select / odd_select
/// [64,32] BF16, attn_sink [H], wo_a, wo_b, wo_b_scale.
std::vector<TensorSpec> sparse_attn_inputs(const SparseAttnConfig& c);
std::vector<TensorSpec> sparse_attn_outputs(const SparseAttnConfig& c);
void fill_sparse_attn_inputs(const SparseAttnConfig& c, uint64_t seed, TensorSet& set);

struct SparseAttnArgs {
  pl::Tensor q, ori_kv, ori_block_table, cmp_kv, cmp_block_table, cmp_sparse_indices, seqused_kv;
  pl::Tensor freqs_cos, freqs_sin, even_select, odd_select;
  pl::Tensor attn_sink, wo_a, wo_b, wo_b_scale;
  pl::Tensor attn_out;  ///< [T,D] BF16
};

void sparse_attn(const SparseAttnConfig& c, const SparseAttnArgs& args);

/// attn_out from the inputs: whole rows and dense products.
void golden_sparse_attn(const TensorSet& inputs, const SparseAttnConfig& c, TensorSet& outputs);

}  // namespace kernels::p374
