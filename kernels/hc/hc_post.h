// Hyper-connection output (kernels.md §2.9): the block's output is added to the four residual
// streams, which are mixed with each other.
//
//   y[t, o, :] = bf16(x[t] post[t, o] + sum over i of residual[t, i] comb[t, 4 i + o])
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/hc/gate_constants.h"
#include "kernels/knobs.h"
#include "lang/pl.h"

namespace kernels::hc {

struct HcPostConfig {
  std::string program;
  int64_t tokens = 0, hidden = 0;
  int64_t t_tile = 16;   ///< tokens of a block; a block makes one of the four streams
  int t_stage = 4;       ///< pipeline stages of the token loop
  int stream_stage = 1;  ///< of the loop over residual streams (P630: 2)
};

/// Knobs `hc_post_*`; sizes are the program's.
std::vector<Knob> hc_post_knobs();
HcPostConfig hc_post_config(const Knobs& knobs, const std::string& program, int64_t tokens,
                            int64_t hidden);
/// Error "knob.conflict".
void check_hc_post(const HcPostConfig& c);

struct HcPostArgs {
  pl::Tensor x;           ///< [T, D] BF16, output of the block
  pl::Tensor residual;    ///< [T, 4, D] BF16
  pl::Tensor post, comb;  ///< [T, 4], [T, 16] FP32, of hc_pre
  pl::Tensor y;           ///< out [T, 4, D] BF16
};
/// Submits `hc_post`: (T / t_tile) x 4 blocks.
void hc_post(const HcPostConfig& c, const HcPostArgs& args);

/// Upstream's reference; fills y [T, 4, D] BF16.
void golden_hc_post(const HostTensor& x, const HostTensor& residual, const HostTensor& post,
                    const HostTensor& comb, const HostTensor& y);

}  // namespace kernels::hc
