// The decode compressors as functions on program tensors, so that attention kernels compose them.
#pragma once

#include "kernels/compressor/config.h"
#include "lang/pl.h"

namespace kernels::compressor {

/// What a compressor works on. B = batch, S = seq, T = B S, W = width, H = head.
struct Args {
  pl::Tensor x;  ///< [B, S, D] or [T, D] BF16, normalised

  pl::Tensor state;        ///< [pages, page rows, 2 W] FP32 in/out: value ‖ score
  pl::Tensor state_table;  ///< [B, state_pages] INT32
  pl::Tensor state_slots;  ///< [B, S] INT64, -1: do not write
  pl::Tensor wkv, wgate;   ///< [D, W] BF16
  pl::Tensor ape;          ///< [ratio, W] FP32
  pl::Tensor norm_w;       ///< [1, H] BF16
  /// Form (b), index scatter: [1, 32] INT32 lane numbers. Form (a): [64, 32] BF16 one-hot.
  pl::Tensor even, odd;

  pl::Tensor cos, sin;   ///< [B, 32] FP32, at the first position of the compressed window
  pl::Tensor positions;  ///< [B, S] INT32
  pl::Tensor cmp_slots;  ///< [B, S] INT64, -1: do not write
  pl::Tensor hadamard;   ///< [128, 128] BF16, indexer only
  pl::Tensor cache;      ///< [pages, 128, 1, H] BF16 in/out
  pl::Tensor kv;         ///< [B, S, H] FP32: row [b, 0] of every request that compresses is written
};

/// kernels.md §2.3, §2.4, §2.5: all scopes in program order.
void decode_compressor_ratio4(const Config& c, const Args& args);
void decode_compressor_ratio128(const Config& c, const Args& args);
void decode_indexer_compressor(const Config& c, const Args& args);

}  // namespace kernels::compressor
