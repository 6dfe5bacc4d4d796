// Host side of the prefill compressors: the tensors they own, their fixtures and their golden.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/golden_math.h"
#include "kernels/prefill_compressor/prefill_compressor.h"
#include "kernels/program.h"

namespace kernels::prefill_compressor {

/// Weights, states, their table and slots; names begin with `c.prefix`: kv_state, score_state
/// (in/out), compress_state_block_table, state_slot_mapping, wkv, wgate, ape, norm_w.
std::vector<TensorSpec> own_specs(const Config& c);
/// Declares them in the session and puts them into `args`.
void declare_own(pl::Session& session, const TensorSet& inputs, const Config& c, Args& args);

/// wkv, wgate, ape and norm_w as published for the decode compressor of the same kind.
void fill_weights(const Config& c, uint64_t seed, const TensorSet& set);

/// Positions start_pos, start_pos + 1, ... of the active tokens, 0 of padding; [T] INT32.
void fill_positions(const Config& c, const HostTensor& positions);

/// The state's block table, its permuted pages (17 blk + 3) mod N, the slots of active tokens, and
/// the history (U01 - .5) * .05 of all positions before the chunk. Fixture::Holes drops slots.
void fill_state(const Config& c, uint64_t seed, const TensorSet& set);

/// INT64 [T]: the cache row of the window an active token completes, -1 for the other tokens; page
/// j of the compressed pool is physical page table[j], or j without a table.
void fill_cmp_slots(const Config& c, const HostTensor* table, const HostTensor& cmp_slots);

/// What the golden works on.
struct Host {
  const HostTensor &kv_state, &score_state, &state_table, &state_slots, &wkv, &wgate, &ape, &norm_w;
  const HostTensor &freqs_cos, &freqs_sin, &positions, &cmp_slots, &cache;
  const HostTensor* hadamard = nullptr;  ///< indexer only
};
/// The tensors `c.prefix`..., freqs_cos, freqs_sin, position_ids, `cmp_slots_name` and `cache_name`
/// of a set.
Host host_of(const Config& c, const TensorSet& set, const std::string& cmp_slots_name,
             const std::string& cache_name);

struct Expected {
  HostTensor kv_state, score_state, cache;  ///< contents after the chunk
  golden::Matrix kv;                        ///< [writes, H], rows of absent writes are 0
};
/// x [T, D] holds BF16 values.
Expected golden_compressor(const Config& c, const golden::Matrix& x, const Host& host);

}  // namespace kernels::prefill_compressor
