// The window cache takes this step's KV rows after attention has read it (kernels.md §2.8).
#pragma once

#include <string>

#include "kernels/program.h"
#include "lang/pl.h"

namespace kernels::attention {

struct WritebackArgs {
  pl::Tensor kv;            ///< [T, 512] BF16, rows of this step
  pl::Tensor slot_mapping;  ///< [T] INT64, flat row of the cache, -1 = not written
  pl::Tensor cache;         ///< in/out [rows, 512] BF16
  /// With a tensor [T, D] BF16 the first 16 lanes of every row get 0 * guard[t, 0:16] added, which
  /// orders the write behind the attention output (CSA).
  pl::Tensor guard = {};
};
/// `<kind>_cache_writeback`, one task, serial over tokens.
void cache_writeback(const std::string& kind, const WritebackArgs& args);

/// Reference: rows of `kv` [T, 512] BF16 copied to their slots of `cache`.
void golden_cache_writeback(const HostTensor& kv, const HostTensor& slot_mapping,
                            const HostTensor& cache);

}  // namespace kernels::attention
