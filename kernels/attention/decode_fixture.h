// Host-side inputs of the decode attention blocks (kernels.md §1.3, §2.8): positions, page tables,
// slot mappings and caches.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/program.h"

namespace kernels::attention {

/// kv_seq_lens [B]: one past the position of the request's last token.
void fill_seq_lens(const HostTensor& position_ids, const HostTensor& kv_seq_lens);

/// Page j of request b is physical page b * pages + j; table [B, pages] INT32.
void fill_block_table(const HostTensor& table);

/// Row of a page pool that holds logical row `row` of request `b`.
int64_t paged_row(const HostTensor& table, int64_t b, int64_t row, int64_t page_rows);

/// Where each token's row goes, [T] INT64: window slot = position mod 128;
/// compressed row = position / ratio for tokens that end a group of `ratio`, else -1.
void fill_window_slots(const HostTensor& position_ids, const HostTensor& table,
                       const HostTensor& slots);
void fill_compressed_slots(const HostTensor& position_ids, const HostTensor& table,
                           int64_t page_rows, int64_t ratio, const HostTensor& slots);

/// Rows of the page pool `cache` [pages, page rows, 1, lanes] BF16 that logical rows [0, rows) of
/// any request map to become normal draws scaled to RMS 1. Other rows stay zero: nothing addresses
/// them, and a pool of 512 MiB is not worth filling.
void fill_normalised_cache(const HostTensor& cache, const HostTensor& table, int64_t rows,
                           uint64_t seed);

}  // namespace kernels::attention
