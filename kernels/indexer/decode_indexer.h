// Lightning indexer of CSA decode (kernels.md §2.6): scores every compressed key of a request
// against the index queries of its tokens and returns the best `topk` of them.
//
//   Q = qr wq_b scales as [T, H, 128]; the last 64 lanes rotated; BF16; Q Hadamard -> INT8 rows
//   w = (x weights_proj) (128 * 64)^-0.5
//   score[t, c] = sum_h relu(q_h . k_c sq_h sk_c) w[t, h] for c < seqlen / 4, else -FLT_MAX
//   topk_idxs[t] = the best min(512, seqlen / 4) keys, best first, + offset; -1 behind them
//
// All tokens of a request are rotated by the position of its first one: a property of the
// reference.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/compressor/compressor.h"
#include "kernels/golden_math.h"
#include "kernels/knobs.h"
#include "kernels/model.h"
#include "kernels/program.h"
#include "kernels/rope.h"
#include "lang/pl.h"

namespace kernels {

inline constexpr int64_t kIdxHead = 128;  ///< lanes of an index head: 64 plain, 64 rotated
inline constexpr int64_t kIdxNope = kIdxHead - kRope;
inline constexpr int64_t kIdxRatio = 4;  ///< positions of one index key

struct DecodeIndexerConfig {
  std::string program;
  rope::Layout layout = rope::Layout::SwapGather;  ///< SelectorMatmul, SwapGather or Hoisted
  compressor::Config inner;                        ///< of the index keys (kernels.md §2.5)

  int64_t batch = 64, seq = 2;  ///< requests and tokens of each
  int64_t hidden = kHidden, q_lora = 1024;
  int64_t heads = 64;             ///< index heads
  int64_t keys = 2048;            ///< keys a request can have: max_position / 4
  int64_t topk = 512;             ///< keys kept
  int64_t pages_per_request = 64; /**< columns of idx_block_table */

  int64_t q_m_tile = 128, q_n_tile = 256, q_k_tile = 128, q_dequant_rows = 16;
  int q_stage = 2;
  int64_t rope_rows = 32;
  int64_t hadamard_rows = 64, hadamard_tiles = 4, hadamard_chunk = 32;
  int64_t weights_t_tile = 32, weights_k_tile = 128;
  int weights_stage = 2;
  int64_t init_rows = 16;
  int64_t score_requests = 4, score_key_tile = 32;
  int64_t topk_tokens = 4;

  int64_t tokens() const { return batch * seq; }
  int64_t width() const { return heads * kIdxHead; }
};

/// Sizes only the indexer has: idx_heads, idx_topk, idx_pages and max_position.
std::vector<Knob> decode_indexer_sizes();
/// Tiles of the scopes, those of the inner compressor with the prefix idx_.
std::vector<Knob> decode_indexer_knobs();
/// From both, and batch, seq, hidden, q_lora and layout. Keys stay interleaved in every layout: one
/// that the indexer never had (split_half) gives swap_gather. The inner compressor's tensors get
/// names that begin with inner_.
DecodeIndexerConfig decode_indexer_config(const Knobs& knobs, const std::string& program);
/// Error "knob.conflict" for what cannot run.
void check_decode_indexer(const DecodeIndexerConfig& c);

/// Views of T = batch * seq token rows.
struct DecodeIndexerArgs {
  pl::Tensor x;               ///< [T, hidden] BF16
  pl::Tensor qr, qr_scale;    ///< [T, q_lora] INT8, [1, T] FP32
  pl::Tensor idx_wq_b;        ///< [q_lora, H * 128] INT8
  pl::Tensor idx_wq_b_scale;  ///< [1, H * 128] FP32
  pl::Tensor weights_proj;    ///< [hidden, H] BF16
  /// FP32 at the position of a request's first token: [B, 32]; hoisted: [B, 64], every frequency
  /// twice and the rotation's sign folded into the sine.
  pl::Tensor cos, sin;
  pl::Tensor even_select, odd_select;  ///< [64, 32] BF16 one-hot, selector_matmul only
  pl::Tensor hadamard;                 ///< [128, 128] BF16
  pl::Tensor idx_kv_cache;             ///< [pages, 128, 1, 128] BF16, in/out
  pl::Tensor idx_block_table;          ///< [B, pages_per_request] INT32
  pl::Tensor kv_seq_lens;              ///< [B] INT32
  int64_t offset = 128;                ///< added to every index
  /// Weights, state, slots and window tables of the inner compressor; what it shares with the
  /// indexer (x, hadamard, cache) and its result kv are filled in from here.
  compressor::Args inner;
  pl::Tensor score;      ///< out [T, keys] FP32
  pl::Tensor topk_idxs;  ///< out [T, keys] INT32
};

/// Submits the scopes qr_proj, (qr_rope_swap_idx,) qr_rope, qr_hadamard_quant, weights_proj, those
/// of the inner compressor, score_init, score and topk.
void decode_indexer(const DecodeIndexerConfig& c, const DecodeIndexerArgs& args);

/// idx_wq_b, idx_wq_b_scale, weights_proj and hadamard, and the selectors in that layout.
std::vector<TensorSpec> decode_indexer_weights(const DecodeIndexerConfig& c);
/// Fills them in upstream's distributions; the Hadamard matrix is Sylvester's, +-1 / sqrt(128).
void fill_decode_indexer_weights(const DecodeIndexerConfig& c, uint64_t seed, TensorSet& set);
/// Sylvester's Hadamard matrix / sqrt(n) in a BF16 tensor [n, n], n a power of two.
void fill_hadamard(const HostTensor& t);

struct DecodeIndexerReference {
  golden::Matrix score;            ///< [T, keys]
  std::vector<int32_t> topk_idxs;  ///< [T, keys]
};
/// What the golden takes besides the weights: values of this step and the cache as the inner
/// compressor (golden_compressor of c.inner) leaves it.
struct DecodeIndexerValues {
  const golden::Matrix& x;    ///< [T, hidden]
  const int8_t* qr;           ///< [T, q_lora]
  const float* qr_scale;      ///< [T]
  const golden::Matrix& cos;  ///< [B, 32]
  const golden::Matrix& sin;
  const HostTensor& idx_kv_cache;     ///< [pages, 128, 1, 128] BF16
  const HostTensor& idx_block_table;  ///< [B, pages_per_request] INT32
  const HostTensor& kv_seq_lens;      ///< [B] INT32
  int64_t offset;
};
/// Whole-tensor reference; `weights` holds the tensors of decode_indexer_weights.
DecodeIndexerReference golden_decode_indexer(const DecodeIndexerConfig& c, const TensorSet& weights,
                                             const DecodeIndexerValues& values);

}  // namespace kernels
