// Weights drawn on the grid of a micro-scaled checkpoint and then quantised to INT8, as upstream's
// fixtures make them (kernels.md §1.5).
#pragma once

#include <cstdint>

#include "kernels/program.h"

namespace kernels {

/// Rows and columns that share one power-of-two scale on the MXFP8 grid.
inline constexpr int64_t kMxBlock = 128;

/// The nearest e4m3 value (largest 448, 3 mantissa bits, subnormals of 2^-9; ties to even);
/// magnitudes above 448 become 448.
float round_to_e4m3(float x);

/// 2^ceil(log2(amax / 448)): the block scale under which every value fits e4m3. 1 for amax 0.
float mx_scale(float amax);

/// Distribution of a weight [K, N] on the MXFP8 grid.
struct Mxfp8Weight {
  float dequant_std = 1;  ///< standard deviation of q * scale over the whole weight
  float cv = 0;           ///< spread of the channels: W = N * exp(cv * N(channel))
};

/// `q` INT8 [K, N] and `scale` FP32 [N]: values rounded to e4m3 in blocks of 128 x 128, then to
/// INT8 per output channel n with scale amax / 127, all scales stretched to the wanted deviation.
void fill_mxfp8_weight(const HostTensor& q, const HostTensor& scale, uint64_t seed,
                       const Mxfp8Weight& w);

}  // namespace kernels
