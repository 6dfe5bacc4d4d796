// The middle of the decode attention blocks: compressors, sparse attention and what lies between
// them, as their programs put it together (kernels.md §2.8).
#pragma once

#include <string>
#include <vector>

#include "kernels/attention/decode.h"
#include "kernels/attention/sparse_indices.h"
#include "kernels/compressor/host.h"
#include "kernels/sparse_attn/golden.h"
#include "kernels/sparse_attn/sparse_attn.h"

namespace kernels::attention {

/// The knob table of a block: the common knobs, then those of its own parts (the first of two knobs
/// with one name stays), and the presets of era, tiling and layout.
KnobTable decode_knob_table(const std::string& program, const std::vector<std::vector<Knob>>& own);
/// The knobs with the layout that the block's own parts have.
Knobs part_settings(Knobs knobs, const DecodeConfig& c);

std::vector<TensorSpec> join(const std::vector<std::vector<TensorSpec>>& lists);
/// x_out [T, 4, D] BF16 and kv_cache after the step.
std::vector<TensorSpec> output_specs(const DecodeConfig& c);

/// cmp_kv [B * pages, 128, 1, 512] BF16 in/out, cmp_block_table, cmp_slot_mapping.
std::vector<TensorSpec> compressed_specs(const DecodeConfig& c, int64_t pages);
void fill_compressed(const DecodeConfig& c, int64_t ratio, uint64_t seed, TensorSet& set);
/// State table and slots of a compressor, logical pages in order.
void fill_compressor_paging(const compressor::Config& compressor, const TensorSet& set);
/// wo_a and wo_b normal / sqrt(fan in), the sink constant.
void fill_output_weights(const sparse::Config& sparse, float sink, uint64_t seed,
                         const TensorSet& set);

/// The sliding window as program arguments.
struct Window {
  pl::Tensor kv_cache;         ///< [B, 128, 1, 512] BF16 in/out
  pl::Tensor ori_block_table;  ///< [B, 1]
  pl::Tensor slot_mapping;     ///< [T] INT64
  pl::Tensor kv_seq_lens;      ///< [B]
  pl::Tensor rows() const;     ///< the cache as [B * 128, 512]
};
Window declare_window(pl::Session& session, const TensorSet& inputs);

/// Arguments of sparse attention that every kind has; `token_half` is absent but for split_half.
sparse::Args sparse_args(const Front& f, const Window& window, const positions::CosSin& token_half,
                         const pl::Tensor& attn_out);

// --- references --------------------------------------------------------------------------------

/// One compressor on the block's normed rows; its cos / sin are those of its group's start.
compressor::Expected golden_compressed(const TensorSet& in, const compressor::Config& compressor,
                                       const GoldenFront& f, const std::string& cache,
                                       const std::string& slots);
/// Inputs of sparse attention; the compressed cache and the index lists are still to be given.
sparse::GoldenInputs golden_sparse_inputs(const TensorSet& in, const GoldenFront& f);
/// x_out and kv_cache from the attention output [T, D].
void golden_outputs(const TensorSet& in, const DecodeConfig& c, const GoldenFront& f,
                    const golden::Matrix& attn_out, TensorSet& out);

}  // namespace kernels::attention
