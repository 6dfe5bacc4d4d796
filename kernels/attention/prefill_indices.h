// The scopes of prefill attention that make index lists and tables (kernels.md §2.12).
//
// A list holds the valid window columns first, ring slots [0, 128) for positions before the chunk
// and 128 + row for the chunk's own, then the compressed rows 128 + T + c right behind them.
#pragma once

#include <cstdint>

#include "lang/pl.h"

namespace kernels::attention {

struct PrefillIndexArgs {
  pl::Tensor position_ids;  ///< [T] INT32
  int64_t num_tokens = 0;   ///< rows from here on are padding
  int64_t ratio = 4;        ///< positions of a compressed row
  int64_t cmp_rows = 0;     ///< compressed rows that the kernel can read
};

/// `prefill_csa_sparse_lens`, one task: columns of every token's list, 0 for padding; lens [T].
void prefill_csa_sparse_lens(const PrefillIndexArgs& args, const pl::Tensor& lens);

/// `prefill_csa_sparse_idx_tile`, T / t_tile blocks, scalar only: every window column looks for
/// its position among the chunk's tokens, the compressed columns come from `topk` [T, N]; the rest
/// of a row of `indices` [T, columns] is -1.
void prefill_csa_sparse_idx_tile(const PrefillIndexArgs& args, const pl::Tensor& topk,
                                 int64_t t_tile, const pl::Tensor& indices);

/// `prefill_swa_dummy_cmp_table`, one task: a table [1, pages] of zeros for the compressed cache
/// that a window layer does not have.
void prefill_swa_dummy_cmp_table(const pl::Tensor& table);

}  // namespace kernels::attention
