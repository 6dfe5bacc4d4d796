// The index list of CSA prefill as of PR578 (kernels.md §2.12): no scores yet, every complete group
// of four positions is taken in order. (Scoring came back with PR593.)
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/knobs.h"
#include "kernels/prefill_compressor/prefill_compressor.h"
#include "kernels/program.h"
#include "lang/pl.h"

namespace kernels {

struct PrefillIndexerConfig {
  std::string program;
  prefill_compressor::Config inner;  ///< of the index keys
  int64_t tokens = 128;
  int64_t columns = 512;     ///< of the list
  int64_t keys = 256;        ///< compressed rows of the request's pages
  int64_t topk_tokens = 16;  ///< tokens of a block

  /// Raw index of compressed row 0: behind ring slots and rows of the chunk.
  int64_t first_compressed() const { return 128 + tokens; }
};

/// idx_topk, prefill_topk_tokens and the inner compressor's tiles with the prefix idx_.
std::vector<Knob> prefill_indexer_knobs();
/// From them, the sizes of the prefill compressors and layout. The inner compressor's tensors get
/// names that begin with inner_.
PrefillIndexerConfig prefill_indexer_config(const Knobs& k, const std::string& program);
/// Error "knob.conflict" for what cannot run.
void check_prefill_indexer(const PrefillIndexerConfig& c);

/// All scopes: the inner compressor's, then prefill_idx_topk. position_ids [T] INT32, topk_idxs
/// [T, columns] INT32.
void prefill_indexer(const PrefillIndexerConfig& c, const prefill_compressor::Args& inner,
                     const pl::Tensor& topk_idxs);

/// `prefill_idx_topk`: row t becomes 256 + c for c < min((position + 1) / 4, keys) and -1 behind.
/// position_ids [T] INT32, topk_idxs [T, columns] INT32.
void prefill_idx_topk(const PrefillIndexerConfig& c, const pl::Tensor& position_ids,
                      const pl::Tensor& topk_idxs);

/// [T, columns]
std::vector<int32_t> golden_prefill_idx_topk(const PrefillIndexerConfig& c,
                                             const HostTensor& position_ids);

}  // namespace kernels
