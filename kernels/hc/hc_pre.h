// Hyper-connection gates in front of a block (kernels.md §2.9): the four residual streams of a
// token are mixed into the block's input, and the gates that `hc_post` needs are computed.
//
//   m    = (x_flat hc_fn^T) / rms(x_flat)                        24 values of a token
//   pre  = sigmoid(m[0:4] s0 + b) + 1e-6;  post = 2 sigmoid(m[4:8] s1 + b)
//   C    = softmax over rows of (m[8:24] s2 + b as 4 x 4) + 1e-6, made doubly stochastic (Sinkhorn)
//   x_mixed = sum over h of pre_h x_h
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/hc/gate_constants.h"
#include "kernels/knobs.h"
#include "lang/pl.h"

namespace kernels::hc {

inline constexpr int64_t kSinkhornIterations = 20;

struct HcPreConfig {
  std::string program;
  int64_t tokens = 0, hidden = 0;
  bool staged = false;  ///< seven scopes of single tasks (P253, P374) instead of one mixed scope
  int64_t t_tile = 16;  ///< token rows of a block
  int64_t k_tile = 128;
  int k_stage = 2;
  int64_t d_tile = 256;  ///< columns of a mixing tile
  int d_stage = 1;
  int sinkhorn_stage = 2;
};

/// Knobs `hc_pre_*`; sizes and `era` are the program's.
std::vector<Knob> hc_pre_knobs();
/// What an era changes.
Settings hc_pre_era(const std::string& era);
HcPreConfig hc_pre_config(const Knobs& knobs, const std::string& program, int64_t tokens,
                          int64_t hidden);
/// Error "knob.conflict".
void check_hc_pre(const HcPreConfig& c);

struct HcPreArgs {
  pl::Tensor x_hc;        ///< [T, 4, D] BF16
  pl::Tensor hc_fn;       ///< [24, 4 D] FP32
  pl::Tensor hc_scale;    ///< [3] FP32, read by the orchestration
  pl::Tensor hc_base;     ///< [24] FP32
  pl::Tensor x_mixed;     ///< out [T, D] BF16
  pl::Tensor post, comb;  ///< out [T, 4], [T, 16] FP32
};
/// Submits `hc_pre_1spmd`, or the seven staged scopes.
void hc_pre(const HcPreConfig& c, const HcPreArgs& args);

/// Upstream's reference. x_hc [T, 4, D] BF16; fills x_mixed [T, D] BF16, post [T, 4] and comb
/// [T, 16] FP32. BF16 rounding adds 0x8000 to the bit pattern and truncates.
void golden_hc_pre(const HostTensor& x_hc, const HostTensor& hc_fn, const HostTensor& hc_scale,
                   const HostTensor& hc_base, const HostTensor& x_mixed, const HostTensor& post,
                   const HostTensor& comb);

}  // namespace kernels::hc
