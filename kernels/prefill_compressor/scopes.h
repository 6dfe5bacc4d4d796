// One function per scope (swimlane row) of the prefill compressors, in program order. `name` is the
// row's: `prefill_c4_...`, `prefill_hca_c128_...` or `prefill_idx_c4_...`.
//
// Row i of the pooled, normed and rotated buffers belongs to the i-th write of the chunk.
#pragma once

#include <string>

#include "kernels/prefill_compressor/prefill_compressor.h"
#include "kernels/prefill_compressor/writes.h"

namespace kernels::prefill_compressor {

using pl::Tensor;
using pl::Tile;

/// [pages, rows, ...] as rows of its last dimension.
Tensor as_rows(const Tensor& t);

/// k = x wkv and g = x wgate, [T, W] FP32.
void state_proj(const Config& c, const Args& a, const std::string& name, const Tensor& k,
                const Tensor& g);

/// `prefill_hca_c128_norm_pad_init`: zero rows for the norm's tile, of which only the first is a
/// write.
void norm_pad_init(const Config& c, const std::string& name, const Tensor& pooled);

/// The softmax-weighted sum of a write's window, per column: rows of the state, overlaid by this
/// chunk's tokens.
/// Overlapping windows: a row without a write becomes zero.
void softmax_pool(const Config& c, const Args& a, const std::string& name, const Tensor& k,
                  const Tensor& g, const Tensor& pooled);

/// RMSNorm and RoPE at the first position of the window; `normed` FP32, BF16 for the indexer.
/// `prefill_c4_norm_rope_write` or `prefill_hca_c128_norm_rope`.
void norm_rope(const Config& c, const Args& a, const std::string& name, const Tensor& pooled,
               const Tensor& normed);

/// rotated = normed x hadamard, FP32.
void hadamard(const Config& c, const Args& a, const std::string& name, const Tensor& normed,
              const Tensor& rotated);

/// Rows of writes -> paged cache (and kv). `prefill_c4_cache_write` or
/// `prefill_hca_c128_finalize`.
void cache_write(const Config& c, const Args& a, const std::string& name, const Tensor& rows);

/// State rows of the chunk's tokens <- k and g + ape[position mod ratio], a block for each token
/// and column chunk. Adds 0 x `pooled`, so that it runs after the pools that read the old state.
void state_update(const Config& c, const Args& a, const std::string& name, const Tensor& k,
                  const Tensor& g, const Tensor& pooled);

}  // namespace kernels::prefill_compressor
