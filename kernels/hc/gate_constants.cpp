#include "kernels/hc/gate_constants.h"

#include <algorithm>

#include "isa/error.h"
#include "kernels/fixtures.h"
#include "kernels/text.h"

namespace kernels::hc {
namespace {

using isa::DType;

constexpr GateConstants kCsaLayer8 = {
    {.076099f, .032597f, .226994f},
    {5.9166f,  -3.6223f, -2.9324f, -3.3124f, -3.91f,   -.9384f, -3.3256f, -2.524f,
     2.0706f,  -2.5728f, .1424f,   -3.9453f, -3.8859f, 3.4634f, -3.3799f, -2.6077f,
     -2.7191f, -2.4846f, 2.0395f,  -.501f,   -3.5992f, -2.752f, -3.3493f, 3.1587f},
    .0519f};

constexpr GateConstants kHcaLayer9 = {
    {.079046f, .04213f, .121901f},
    {-3.3004f, 2.5553f,  -2.2787f, -3.4925f, -3.8197f, -3.4161f, -2.7144f, -2.9181f,
     2.362f,   -2.4746f, -2.1352f, -3.2216f, -4.474f,  2.2488f,  -2.1053f, -3.1675f,
     -2.8362f, -1.9042f, 2.0432f,  -3.062f,  -2.7902f, -3.0908f, -3.002f,  3.1161f},
    .0495f};

constexpr GateConstants kSwaLayer0 = {
    {2.076026f, .018729f, .245936f},
    {3.9083f,   -2.0399f, -2.2033f,  -2.017f,   -2.4443f, -10.3158f, -8.9943f,  -6.3581f,
     9.8577f,   -9.5177f, -24.8724f, -22.8929f, -21.545f, .7791f,    -3.386f,   1.1948f,
     -20.9605f, -.7702f,  1.4218f,   -4.8994f,  1.5177f,  -29.7663f, -30.1413f, -1.2413f},
    .039f};

constexpr GateConstants kFfnLayer0 = {
    {.11334f, .035901f, .058183f},
    {2.4153f,  -2.0252f, -2.0019f, -2.1947f, -1.543f,  -3.0228f, -6.8248f, .5894f,
     2.1916f,  -7.2132f, -3.0938f, -2.1119f, -3.0161f, 3.3293f,  -3.2224f, -4.0226f,
     -2.0428f, -3.3478f, 3.0893f,  -3.4166f, -1.8144f, -3.8147f, -3.1307f, 1.7862f},
    .0635f};

}  // namespace

const GateConstants& gate_constants(Layer layer) {
  switch (layer) {
    case Layer::Csa:
      return kCsaLayer8;
    case Layer::Hca:
      return kHcaLayer9;
    case Layer::Swa:
      return kSwaLayer0;
    case Layer::Ffn:
      break;
  }
  return kFfnLayer0;
}

std::vector<std::string> layer_names() { return {"csa", "hca", "swa", "ffn"}; }

Layer parse_layer(const std::string& text) {
  const std::vector<std::string> names = layer_names();
  const auto it = std::find(names.begin(), names.end(), text);
  if (it == names.end())
    throw isa::Error("knob.value", "hc_layer", "'" + text + "' is none of " + join(names));
  return static_cast<Layer>(it - names.begin());
}

std::vector<TensorSpec> gate_specs(int64_t hidden, const std::string& prefix) {
  return {{prefix + "hc_fn", DType::F32, {kMix, kStreams * hidden}},
          {prefix + "hc_scale", DType::F32, {3}},
          {prefix + "hc_base", DType::F32, {kMix}}};
}

void fill_gate(TensorSet& set, uint64_t seed, Layer layer, const std::string& prefix) {
  const GateConstants& gate = gate_constants(layer);
  fill(set.at(prefix + "hc_fn"), seed, normal(gate.fn_std));
  std::copy(gate.scale.begin(), gate.scale.end(), set.at(prefix + "hc_scale").as<float>());
  std::copy(gate.base.begin(), gate.base.end(), set.at(prefix + "hc_base").as<float>());
}

}  // namespace kernels::hc
