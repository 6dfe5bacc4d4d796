// RoPE cos / sin tables (kernels.md §1.6).
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/program.h"

namespace kernels {

/// The frequencies f_0 .. f_31 of a 64-lane rope segment.
enum class RopeProfile : uint8_t {
  Base,        ///< base 1e4, no YaRN (compress ratio 0)
  Compressed,  ///< base 1.6e5 with YaRN factor 16 over [15, 25]
};
std::vector<double> rope_frequencies(RopeProfile profile);

/// cos and sin of position * f_i as FP32 products, rows = positions, 64 columns of which the upper
/// 32 repeat the lower, rounded to BF16. `cos`, `sin`: BF16 [positions, 64], filled in place.
void fill_rope_tables(RopeProfile profile, const HostTensor& cos, const HostTensor& sin);

/// cos / sin (arange(rows * cols) * 1e-3) in row-major order, BF16: the P253 / P374 fixtures.
void fill_arange_tables(const HostTensor& cos, const HostTensor& sin);

}  // namespace kernels
