// hc_pre as it stood at P253 and P374: seven scopes that meet in GM, one task per token tile
// (kernels.md §2.9). Scope names that the specification does not give are those of their work.
#include <algorithm>

#include "kernels/hc/gates.h"
#include "kernels/launch.h"
#include "kernels/norm.h"

namespace kernels::hc {
namespace {

using isa::DType;
using pl::Tensor;
using pl::Tile;

/// One task per token tile, body(t0, rows).
template <class Body>
void token_tasks(const HcPreConfig& c, const std::string& name, Body&& body) {
  pl::ScopeOptions options;
  options.name = name;
  options.scalars = 1;  // the tile's index
  for (int64_t t0 : pl::parallel(0, c.tokens, c.t_tile))
    pl::at(options, [&] { body(t0, std::min(c.t_tile, c.tokens - t0)); });
}

void hc_pre_cast(const HcPreConfig& c, const Tensor& x_flat, const Tensor& x_fp32) {
  token_tasks(c, "hc_pre_cast", [&](int64_t t0, int64_t rows) {
    for (int64_t i : loop(x_flat.dim(1) / c.k_tile, c.k_stage)) {
      const Tile x = pl::load(x_flat, {t0, i * c.k_tile}, {rows, c.k_tile});
      pl::store(pl::cast(x, DType::F32), {t0, i * c.k_tile}, x_fp32);
    }
  });
}

void hc_pre_rms(const HcPreConfig& c, const Tensor& x_fp32, const Tensor& inv_rms) {
  token_tasks(c, "hc_pre_rms", [&](int64_t t0, int64_t rows) {
    Tile sum = pl::full(1, rows, DType::F32, 0.0);
    for (int64_t i : loop(x_fp32.dim(1) / c.k_tile, c.k_stage))
      sum = add_row_squares(sum, pl::load(x_fp32, {t0, i * c.k_tile}, {rows, c.k_tile}));
    pl::store(inverse_rms_rsqrt(sum, x_fp32.dim(1)), {0, t0}, inv_rms);
  });
}

/// The undivided logits, straight from the accumulator to GM.
void hc_pre_linear(const HcPreConfig& c, const Tensor& x_fp32, const Tensor& hc_fn,
                   const Tensor& mixes) {
  token_tasks(c, "hc_pre_linear", [&](int64_t t0, int64_t rows) {
    pl::MatmulOptions transposed;
    transposed.b_trans = true;
    Tile acc;
    for (int64_t i : loop(x_fp32.dim(1) / c.k_tile, c.k_stage)) {
      const Tile x = pl::load(x_fp32, {t0, i * c.k_tile}, {rows, c.k_tile});
      const Tile w = pl::load(hc_fn, {0, i * c.k_tile}, {kMixPadded, c.k_tile});
      acc = i == 0 ? pl::matmul(x, w, transposed) : pl::matmul_acc(acc, x, w, transposed);
    }
    pl::store(acc, {t0, 0}, mixes);
  });
}

/// Both gates into rows of eight columns, four of them valid.
void split_pre_post(const HcPreConfig& c, const GateSource& gates, const GateScale& scale,
                    const Tensor& pre, const Tensor& post_padded) {
  token_tasks(c, "split_pre_post", [&](int64_t t0, int64_t rows) {
    GateSource tile = gates;
    tile.t0 = t0;
    tile.rows = rows;
    pl::store(pre_gate(tile.quad(0, scale.pre)), {t0, 0}, pre);
    pl::store(post_gate(tile.quad(1, scale.post)), {t0, 0}, post_padded);
  });
}

void comb_sinkhorn(const HcPreConfig& c, const GateSource& gates, const GateScale& scale,
                   const Tensor& comb) {
  token_tasks(c, "comb_sinkhorn", [&](int64_t t0, int64_t rows) {
    GateSource tile = gates;
    tile.t0 = t0;
    tile.rows = rows;
    const Comb logits = comb_logits(tile, scale.comb);
    store_comb(sinkhorn(logits, c.sinkhorn_stage), t0, comb);
  });
}

Tile load_quad(const Tensor& padded, int64_t t0, int64_t rows) {
  return pl::load(padded, {t0, 0}, {rows, kQuad}, {rows, kStreams});
}

void write_post(const HcPreConfig& c, const Tensor& post_padded, const Tensor& post) {
  token_tasks(c, "write_post", [&](int64_t t0, int64_t rows) {
    pl::store(load_quad(post_padded, t0, rows), {t0, 0}, post);
  });
}

void mix_x(const HcPreConfig& c, const Tensor& x_flat, const Tensor& pre, const Tensor& x_mixed) {
  token_tasks(c, "mix_x", [&](int64_t t0, int64_t rows) {
    mix_streams(c, t0, rows, x_flat, load_quad(pre, t0, rows), x_mixed);
  });
}

}  // namespace

void hc_pre_staged(const HcPreConfig& c, const HcPreArgs& a, const GateScale& scale) {
  const int64_t depth = kStreams * c.hidden;
  const Tensor x_flat = a.x_hc.reshape({c.tokens, depth});
  const Tensor x_fp32 = pl::create_tensor("hc_x_fp32", {c.tokens, depth}, DType::F32);
  const Tensor inv_rms = pl::create_tensor("hc_inv_rms", {1, c.tokens}, DType::F32);
  const Tensor mixes = pl::create_tensor("hc_mixes", {c.tokens, kMixPadded}, DType::F32);
  const Tensor pre = pl::create_tensor("hc_pre_gate", {c.tokens, kQuad}, DType::F32);
  const Tensor post_padded = pl::create_tensor("hc_post_gate", {c.tokens, kQuad}, DType::F32);

  hc_pre_cast(c, x_flat, x_fp32);
  hc_pre_rms(c, x_fp32, inv_rms);
  hc_pre_linear(c, x_fp32, a.hc_fn, mixes);
  const GateSource gates{mixes, a.hc_base.reshape({1, kMix}), 0, c.tokens, inv_rms};
  split_pre_post(c, gates, scale, pre, post_padded);
  comb_sinkhorn(c, gates, scale, a.comb);
  write_post(c, post_padded, a.post);
  mix_x(c, x_flat, pre, a.x_mixed);
}

}  // namespace kernels::hc
