// Host side of the decode compressors: the tensors they own, their fixtures and their golden.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/compressor/compressor.h"
#include "kernels/golden_math.h"
#include "kernels/program.h"

namespace kernels::compressor {

/// Weights, state, its table and its slots; names begin with `c.prefix`:
/// compress_state (in/out), compress_state_block_table, state_slot_mapping, wkv, wgate, ape,
/// norm_w, and what the layout needs (even_idx, odd_idx or even_select, odd_select).
std::vector<TensorSpec> own_specs(const Config& c);
/// Declares them in the session and puts them into `args`.
void declare_own(pl::Session& session, const TensorSet& inputs, const Config& c, Args& args);

/// wkv, wgate, ape, norm_w as published, and the selectors or indices.
void fill_weights(const Config& c, uint64_t seed, const TensorSet& set);

/// Which pages hold a request's rows: page j of request b is pages * b + j.
/// `swapped` exchanges two logical pages of every request (the ratio-128 fixture).
struct PageTable {
  int64_t pages = 0;      ///< of one request
  int64_t page_rows = 0;  ///< rows of a page
  int64_t swapped = 0;    ///< logical pages 0 and `swapped` change places
  int64_t page(int64_t request, int64_t logical) const;
  int64_t row(int64_t request, int64_t logical_row) const;
};

/// compress_state_block_table and state_slot_mapping.
void fill_state_paging(const Config& c, const HostTensor& positions, const PageTable& pages,
                       const TensorSet& set);
/// What the step finds in the state in decode_attention_csa's fixture (kernels.md §2.8): N x .05 at
/// the positions before it; elsewhere values 0 and scores -inf.
void fill_history(const Config& c, uint64_t seed, const HostTensor& positions,
                  const PageTable& pages, const HostTensor& state);
/// INT64 [B, S]: the cache row of the window a token completes, -1 for the other tokens.
void fill_cmp_slots(const Config& c, const HostTensor& positions, const PageTable& pages,
                    const HostTensor& cmp_slots);
/// cos, sin [B, 32] FP32 of the first position of each request's window (values are BF16-exact).
void fill_window_tables(const Config& c, const HostTensor& positions, const HostTensor& cos,
                        const HostTensor& sin);

/// What the golden works on.
struct Host {
  const HostTensor &state, &state_table, &state_slots, &wkv, &wgate, &ape, &norm_w;
  const HostTensor &positions, &cmp_slots, &cache;
  const HostTensor* hadamard = nullptr;  ///< indexer only
};
/// The tensors `c.prefix`..., position_ids, `slots_name` and `cache_name` of a set.
Host host_of(const Config& c, const TensorSet& set, const std::string& cache_name,
             const std::string& slots_name = "cmp_slot_mapping");

struct Expected {
  HostTensor state, cache;       ///< contents after the step; unused pages share no memory
  golden::Matrix kv;             ///< [B, H], rows of requests that compress
  std::vector<bool> compresses;  ///< [B]
};
/// x [T, D] holds BF16 values; cos and sin [B, 32].
Expected golden_compressor(const Config& c, const golden::Matrix& x, const Host& host,
                           const golden::Matrix& cos, const golden::Matrix& sin);

}  // namespace kernels::compressor
