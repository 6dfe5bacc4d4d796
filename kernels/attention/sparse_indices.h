// Which KV rows each token attends to: the index lists of sparse attention (kernels.md §2.8) and
// the scopes that build them.
//
// A list has 128 window columns, then compressed columns. An entry is -1 (nothing), a ring slot
// [0, 128), a token of this step 128 + o (the overlay), or 128 + S + c for compressed row c.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/program.h"
#include "lang/pl.h"

namespace kernels::attention {

/// Metadata and output of the scopes; token t = b * S + s.
struct IndexArgs {
  pl::Tensor position_ids;  ///< [B, S] INT32
  pl::Tensor kv_seq_lens;   ///< [B] INT32
  pl::Tensor indices;       ///< out [T, 128 + compressed columns] INT32
};

/// `swa_overlay_topk`, one task: window columns only.
void swa_overlay_topk(const IndexArgs& args);
/// `hca_overlay_topk`, one task: window columns, then every visible compressed row in order.
void hca_overlay_topk(const IndexArgs& args, int64_t ratio);
/// `csa_sparse_idx_tile`, T / t_tile blocks: window columns, then the indexer's list `topk` [T, N]
/// INT32 (its first columns) without the rows that are not visible yet.
void csa_sparse_idx_tile(const IndexArgs& args, int64_t ratio, const pl::Tensor& topk,
                         int64_t t_tile);

/// What the lists are made of, on the host.
struct StepPositions {
  std::vector<int64_t> position;  ///< of every token
  std::vector<int64_t> seq_len;   ///< of every request
  int64_t tokens_per_request = 1;
  int64_t request(int64_t token) const { return token / tokens_per_request; }
};
StepPositions step_positions(const HostTensor& position_ids, const HostTensor& kv_seq_lens);

/// Reference of one list: the window, then `compressed` raw entries filtered by visibility.
std::vector<int32_t> window_indices(const StepPositions& step, int64_t token);
int64_t visible_rows(const StepPositions& step, int64_t token, int64_t ratio);
/// The compressed columns of an HCA token: every visible row in order, then -1.
std::vector<int32_t> tail_indices(const StepPositions& step, int64_t token, int64_t ratio,
                                  int64_t columns);
/// Those of a CSA token: the indexer's entries, -1 where a row is not visible yet.
std::vector<int32_t> visible_selection(const StepPositions& step, int64_t token, int64_t ratio,
                                       std::vector<int32_t> selected);
void append_list(std::vector<int32_t>& to, const std::vector<int32_t>& window,
                 const std::vector<int32_t>& compressed);

}  // namespace kernels::attention
