// What the three prefill attention blocks share (kernels.md §2.12): one request's chunk of T
// tokens, of which the first num_tokens are active.
//
//   hc_pre -> rms_norm -> qkv_rope_rows -> qkv -> [compressor -> indexer -> index lists]
//          -> prefill_sparse_attn -> cache write-back -> hc_post
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/attention/decode.h"
#include "kernels/prefill_compressor/host.h"
#include "kernels/sparse_attn/golden.h"
#include "kernels/sparse_attn/sparse_attn.h"

namespace kernels::attention {

struct PrefillConfig {
  DecodeConfig block;  ///< the common parts: batch 1, seq T
  int64_t num_tokens = 0, start_pos = 0;
  bool identity_padding = true;  ///< rope rows of padding tokens hold the identity rotation
  int64_t rope_rows_tile = 16;
  rope::Layout cmp_layout = rope::Layout::MaskScatter;  ///< of compressors on interleaved lanes
  sparse::Config sparse;

  int64_t tokens() const { return block.tokens(); }
  Kind kind() const { return block.kind; }
  std::string kind_name() const;
  /// Positions of a compressed row; 0 for window layers.
  int64_t ratio() const;
};

/// `era`, `layout`, `cmp_layout`, `identity_padding`, sizes, the tiles of common parts and of
/// sparse attention, then the block's own; presets of era, tiling and layout.
KnobTable prefill_knob_table(Kind kind, const std::vector<std::vector<Knob>>& own = {});
PrefillConfig prefill_config(const Knobs& knobs, Kind kind);
/// The knobs with the layout of a compressor in this block; the indexer's is never split.
Knobs compressor_settings(Knobs knobs, const PrefillConfig& c, bool indexer);
void check_prefill(const PrefillConfig& c);

/// Inputs every block has; cmp_kv and its table unless `kind` is Swa, whose cmp_kv is all zero.
std::vector<TensorSpec> prefill_specs(const PrefillConfig& c);
/// x_out [T, 4, D] BF16 and kv_cache after the chunk.
std::vector<TensorSpec> prefill_output_specs(const PrefillConfig& c);
/// cmp_sparse_indices [T, 640] and cmp_sparse_lens [T], host inputs of HCA and SWA.
std::vector<TensorSpec> list_specs(const PrefillConfig& c);
void fill_prefill(const PrefillConfig& c, uint64_t seed, TensorSet& set);

/// The arguments and the scopes in front of a block's own part.
struct PrefillBlock {
  Front front;
  positions::CosSin token_half;  ///< [T, 32] FP32, layout split_half
  pl::Tensor kv_cache, slot_mapping;
  pl::Tensor attn_out, x_out;
  sparse::Args attend;  ///< all but compressed cache, its table and the lists
};
/// Declares and submits hc_pre .. qkv.
PrefillBlock submit_front(pl::Session& session, const TensorSet& inputs, const PrefillConfig& c);
/// Submits sparse attention, write-back and hc_post; the block's outputs.
std::vector<std::pair<std::string, pl::Tensor>> submit_back(const PrefillConfig& c,
                                                            const PrefillBlock& block);
/// Arguments of a compressor of the block, its cache excepted.
prefill_compressor::Args compressor_args(pl::Session& session, const TensorSet& inputs,
                                         const prefill_compressor::Config& compressor,
                                         const PrefillBlock& block);

/// x_out and kv_cache; `compressed` is the compressed cache after the chunk, or null.
void golden_prefill(const TensorSet& inputs, const PrefillConfig& c, const GoldenFront& front,
                    const HostTensor* compressed, TensorSet& out);

/// x_out of active tokens RD(5e-3, .005, 1), SWA 3e-3; kv_cache RA(1e-4, 1/128), SWA 1e-2.
std::map<std::string, Comparator> prefill_comparators(Kind kind);
std::string prefill_refused(const PrefillConfig& c, const std::string& chip);

}  // namespace kernels::attention
