// The index lists of prefill attention on the host (kernels.md §2.12): host inputs of SWA and HCA
// layers, the reference of the scopes that build them for CSA.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/program.h"
#include "kernels/sparse_attn/config.h"

namespace kernels::sparse {

/// The list has 640 columns, the kernel reads 384.
inline constexpr int64_t kUnreadColumns = 256;

/// What a token at `position` attends, in column order: its window, ring slots before the chunk
/// (that starts at `start_pos`) and rows of the chunk from there on, then the compressed rows of
/// complete groups of `ratio` positions (0: none).
std::vector<int32_t> prefill_list(const Config& c, int64_t start_pos, int64_t position,
                                  int64_t ratio);

/// All lists, [T, columns] INT32 with -1 behind each, and their lengths [T]; padding tokens have
/// empty lists.
void fill_prefill_lists(const Config& c, int64_t start_pos, int64_t ratio,
                        const HostTensor& indices, const HostTensor& lens);

}  // namespace kernels::sparse
