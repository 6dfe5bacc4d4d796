#include "kernels/hc/hc_pre.h"

#include <algorithm>

#include "kernels/hc/gates.h"
#include "kernels/launch.h"
#include "kernels/norm.h"

namespace kernels::hc {
namespace {

using isa::DType;
using pl::Tensor;
using pl::Tile;

/// (x_flat hc_fn^T) / rms of some token rows: the cube multiplies what the vector half casts, which
/// sums the squares meanwhile.
Tile gate_logits(const HcPreConfig& c, int64_t t0, int64_t rows, const Tensor& x_flat,
                 const Tensor& hc_fn) {
  const int64_t depth = x_flat.dim(1);
  Tile sum = pl::full(1, rows, DType::F32, 0.0);
  Tile mixes;
  for (int64_t i : loop(depth / c.k_tile, c.k_stage)) {
    const Tile x = pl::load(x_flat, {t0, i * c.k_tile}, {rows, c.k_tile});
    const Tile x_fp32 = pl::cast(x, DType::F32);
    sum = add_row_squares(sum, x_fp32);
    const Tile w = pl::load(hc_fn, {0, i * c.k_tile}, {kMixPadded, c.k_tile});
    pl::MatmulOptions transposed;
    transposed.b_trans = true;
    mixes =
        i == 0 ? pl::matmul(x_fp32, w, transposed) : pl::matmul_acc(mixes, x_fp32, w, transposed);
  }
  return scale_rows(mixes, inverse_rms_rsqrt(sum, depth));
}

}  // namespace

void hc_pre_1spmd(const HcPreConfig& c, const HcPreArgs& a, const GateScale& scale) {
  const Tensor x_flat = a.x_hc.reshape({c.tokens, kStreams * c.hidden});
  const Tensor base = a.hc_base.reshape({1, kMix});
  const Tensor mixes = pl::create_tensor("hc_mixes", {c.tokens, kMixPadded}, DType::F32);
  pl::ScopeOptions options;
  options.name = "hc_pre_1spmd";
  options.scalars = 3;
  launch(options, ceil_div(c.tokens, c.t_tile), [&](int64_t block) {
    const int64_t t0 = block * c.t_tile, rows = std::min(c.t_tile, c.tokens - t0);
    pl::store(gate_logits(c, t0, rows, x_flat, a.hc_fn), {t0, 0}, mixes);
    const GateSource gates{mixes, base, t0, rows};
    const Tile pre_base = gates.load_base(0), post_base = gates.load_base(1);
    const Tile pre = pre_gate(gates.gate(0, scale.pre, pre_base));
    const Tile post = post_gate(gates.gate(1, scale.post, post_base));
    pl::store(pl::set_validshape(post, rows, kStreams), {t0, 0}, a.post);
    mix_streams(c, t0, rows, x_flat, pre, a.x_mixed);
    const Comb logits = comb_logits(gates, scale.comb);
    store_comb(sinkhorn(logits, c.sinkhorn_stage), t0, a.comb);
  });
}

void hc_pre(const HcPreConfig& c, const HcPreArgs& a) {
  GateScale scale;
  scale.pre = pl::read(a.hc_scale, {0});
  scale.post = pl::read(a.hc_scale, {1});
  scale.comb = pl::read(a.hc_scale, {2});
  if (c.staged)
    hc_pre_staged(c, a, scale);
  else
    hc_pre_1spmd(c, a, scale);
}

}  // namespace kernels::hc
