// Gate scales and bases of real layers, for hyper-connection fixtures (kernels.md §2.8, §2.9).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/program.h"

namespace kernels::hc {

inline constexpr int64_t kStreams = 4;                 ///< hc_mult: residual streams of a token
inline constexpr int64_t kComb = kStreams * kStreams;  ///< entries of the mixing matrix
inline constexpr int64_t kMix = 2 * kStreams + kComb;  ///< gate values of a token: pre, post, comb

/// Layers whose constants upstream's fixtures use.
enum class Layer : uint8_t {
  Csa,  ///< attention of layer 8; also the standalone hc_pre test
  Hca,  ///< attention of layer 9
  Swa,  ///< attention of layer 0
  Ffn   ///< mixture of experts of layer 0
};

struct GateConstants {
  std::array<float, 3> scale;    ///< of the pre, post and comb gates
  std::array<float, kMix> base;  ///< 4 pre, 4 post, 4 x 4 comb
  float fn_std;                  ///< standard deviation of hc_fn
};
const GateConstants& gate_constants(Layer layer);

/// The `hc_layer` knob's choices, in the order of Layer: "csa", "hca", "swa", "ffn".
std::vector<std::string> layer_names();
/// Error "knob.value" for a text that names none.
Layer parse_layer(const std::string& text);

/// hc_fn [24, 4 * hidden], hc_scale [3] and hc_base [24], all FP32, with names prefix + "hc_fn" ...
std::vector<TensorSpec> gate_specs(int64_t hidden, const std::string& prefix = "");
/// Fills those three tensors of `set`: fn is normal, scale and base are the layer's.
void fill_gate(TensorSet& set, uint64_t seed, Layer layer, const std::string& prefix = "");

}  // namespace kernels::hc
