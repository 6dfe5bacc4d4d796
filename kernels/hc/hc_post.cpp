#include "kernels/hc/hc_post.h"

#include <algorithm>

#include "isa/numerics.h"
#include "kernels/fixtures.h"
#include "kernels/launch.h"
#include "kernels/limits.h"
#include "kernels/norm.h"

namespace kernels::hc {
namespace {

using isa::DType;
using pl::Tensor;
using pl::Tile;

/// One token's row of stream `o`. The gates are scalars, read right before the row they scale.
Tile mix_token(const HcPostConfig& c, const HcPostArgs& a, const Tensor& residual, int64_t t,
               int64_t o) {
  const double post = pl::read(a.post, {t, o});
  const Tile x = pl::load(a.x, {t, 0}, {1, c.hidden});
  Tile sum = pl::mul(pl::cast(x, DType::F32), post);
  for (int64_t i : loop(kStreams, c.stream_stage)) {
    const double comb = pl::read(a.comb, {t, kStreams * i + o});
    const Tile r = pl::load(residual, {t, i * c.hidden}, {1, c.hidden});
    sum = pl::add(sum, pl::mul(pl::cast(r, DType::F32), comb));
  }
  return to_bf16(sum);
}

}  // namespace

void hc_post(const HcPostConfig& c, const HcPostArgs& a) {
  const Tensor residual = a.residual.reshape({c.tokens, kStreams * c.hidden});
  const Tensor y = a.y.reshape({c.tokens, kStreams * c.hidden});
  launch("hc_post", ceil_div(c.tokens, c.t_tile) * kStreams, [&](int64_t block) {
    const int64_t t0 = block / kStreams * c.t_tile, o = block % kStreams;
    for (int64_t t : loop(t0, std::min(t0 + c.t_tile, c.tokens), c.t_stage))
      pl::store(mix_token(c, a, residual, t, o), {t, o * c.hidden}, y);
  });
}

std::vector<Knob> hc_post_knobs() {
  return in_part("hc_post",
                 {int_knob("hc_post_t_tile", 16, 1, 128, 1, "tokens of an hc_post block"),
                  int_knob("hc_post_t_stage", 4, 1, 8, 1,
                           "pipeline stages of its token loop, 1 = range (P630: 2)"),
                  int_knob("hc_post_stream_stage", 1, 1, 4, 1,
                           "pipeline stages of its loop over residual streams (P630: 2)")});
}

HcPostConfig hc_post_config(const Knobs& k, const std::string& program, int64_t tokens,
                            int64_t hidden) {
  HcPostConfig c;
  c.program = program;
  c.tokens = tokens;
  c.hidden = hidden;
  c.t_tile = k.integer("hc_post_t_tile");
  c.t_stage = static_cast<int>(k.integer("hc_post_t_stage"));
  c.stream_stage = static_cast<int>(k.integer("hc_post_stream_stage"));
  return c;
}

void check_hc_post(const HcPostConfig& c) {
  // A row in FP32 twice: the sum and the product being added. The run reports the exact figure.
  const int64_t bytes = 2 * 4 * c.hidden;
  if (bytes > kVecBytes)
    conflict(c.program, "UB: two FP32 rows of hc_post need " + std::to_string(bytes) +
                            " B, the limit is " + std::to_string(kVecBytes) + " B");
}

void golden_hc_post(const HostTensor& x, const HostTensor& residual, const HostTensor& post,
                    const HostTensor& comb, const HostTensor& y) {
  const int64_t tokens = x.shape[0], hidden = x.shape[1];
  const std::vector<float> rows = to_f32(x), streams = to_f32(residual);
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t o = 0; o < kStreams; ++o) {
      for (int64_t d = 0; d < hidden; ++d) {
        double mixed = 0;
        for (int64_t i = 0; i < kStreams; ++i) {
          const float r = streams[static_cast<size_t>((t * kStreams + i) * hidden + d)];
          mixed += static_cast<double>(r) *
                   static_cast<double>(comb.as<float>()[t * kComb + kStreams * i + o]);
        }
        const double own = static_cast<double>(rows[static_cast<size_t>(t * hidden + d)]) *
                           static_cast<double>(post.as<float>()[t * kStreams + o]);
        y.as<uint16_t>()[(t * kStreams + o) * hidden + d] =
            isa::f32_to_bf16(static_cast<float>(own + mixed));
      }
    }
  }
}

}  // namespace kernels::hc
