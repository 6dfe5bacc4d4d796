// The offline permutation of interleaved weights for the split-half layout (kernels.md §3.4).
#pragma once

#include "kernels/program.h"

namespace kernels {

/// A copy of `inputs` with every 64-lane rope segment reordered, new[k] = old[2k], new[32+k] =
/// old[2k+1]: columns h*512+448.. of wq_b and wq_b_scale for every head, columns 448.. of wkv and
/// gamma_ckv. Everything else is shared, not copied. Error "kernel.shape" (widths that are no
/// multiple of a head).
TensorSet permute_to_split_half(const TensorSet& inputs);

/// The same for the last axis of one tensor, e.g. q or kv: lanes 448..511 of every 512.
HostTensor permute_rope_lanes(const HostTensor& t);

}  // namespace kernels
