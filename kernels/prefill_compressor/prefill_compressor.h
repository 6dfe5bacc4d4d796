// The prefill compressors as functions on program tensors, so that attention kernels compose them.
#pragma once

#include "kernels/prefill_compressor/config.h"
#include "lang/pl.h"

namespace kernels::prefill_compressor {

/// What a compressor works on. W = width, H = head.
struct Args {
  pl::Tensor x;                      ///< [T, D] BF16, normalised
  pl::Tensor kv_state, score_state;  ///< [pages, page rows, W] FP32 in/out
  pl::Tensor state_table;            ///< [1, pages] INT32
  pl::Tensor state_slots;            ///< [T] INT64, flat state row, -1: not kept
  pl::Tensor wkv, wgate;             ///< [D, W] BF16
  pl::Tensor ape;                    ///< [ratio, W] FP32
  pl::Tensor norm_w;                 ///< [1, H] BF16

  pl::Tensor freqs_cos, freqs_sin;  ///< tables [max_position, 64] BF16
  pl::Tensor positions;             ///< [T] INT32
  pl::Tensor cmp_slots;             ///< [T] INT64, flat cache row, -1: completes no window
  pl::Tensor hadamard;              ///< [128, 128] BF16, indexer only
  pl::Tensor cache;                 ///< [pages, 128, 1, H] BF16 in/out
  pl::Tensor kv;                    ///< [writes, H] FP32 in/out, indexer only: row of each write
};

/// kernels.md §2.12: all scopes in program order.
void prefill_compressor_ratio4(const Config& c, const Args& args);
void prefill_compressor_ratio128(const Config& c, const Args& args);
void prefill_indexer_compressor(const Config& c, const Args& args);
/// The one of `c.kind`.
void prefill_compressor(const Config& c, const Args& args);

}  // namespace kernels::prefill_compressor
