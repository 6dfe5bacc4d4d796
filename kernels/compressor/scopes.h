// One function per scope (swimlane row) of the decode compressors, in program order.
#pragma once

#include <string>

#include "kernels/compressor/compressor.h"

namespace kernels::compressor {

using pl::Tensor;
using pl::Tile;

/// [B, S, n] or [pages, rows, ...] as rows of its last dimension.
Tensor as_rows(const Tensor& t);

/// k = x wkv and g = x wgate, [T, W] FP32.
void kv_score_proj(const Config& c, const Args& a, const Tensor& k, const Tensor& g);

/// State row of each token <- k ‖ g + ape[position mod ratio]. `state_scatter_paged` (ratio 4,
/// indexer) or `state_scatter_pre` (ratio 128).
void state_scatter(const Config& c, const Args& a, const std::string& name, const Tensor& k,
                   const Tensor& g);

/// pooled [B, H] FP32: the softmax-weighted sum of the window's values, per column. Rows of
/// requests that do not compress stay unwritten.
void softmax_pool_overlapping(const Config& c, const Args& a, const Tensor& pooled);
void softmax_pool_ratio128(const Config& c, const Args& a, const Tensor& pooled);

/// RMSNorm and RoPE of all pooled rows; `normed` [B, H] FP32, BF16 for the indexer.
void rmsnorm_rope(const Config& c, const Args& a, const Tensor& pooled, const Tensor& normed);

/// rotated [B, 128] FP32 = normed x hadamard.
void kv_hadamard(const Config& c, const Args& a, const Tensor& normed, const Tensor& rotated);

/// Rows of compressing requests -> kv and the paged cache. `kv_and_cache_write` (ratio 4, indexer)
/// or `kv_finalize` (ratio 128).
void kv_write(const Config& c, const Args& a, const std::string& name, const Tensor& rows);

}  // namespace kernels::compressor
