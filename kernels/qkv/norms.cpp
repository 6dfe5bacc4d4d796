// RMSNorm of x in front (before 18256fed), and the norm and quantisation of qr in one scope.
#include "kernels/norm.h"

#include <algorithm>

#include "kernels/qkv/scopes.h"
#include "kernels/quant.h"

namespace kernels::qkv {
namespace {

using isa::DType;

constexpr int64_t kAttnColumns = 128;  ///< of one tile of x
constexpr int64_t kAttnPartials = 2;   ///< tasks that share the sum of squares
constexpr int64_t kAttnTilesPerApply = 4;

/// Calls body(t0, rows) for each token tile.
template <class Body>
void for_token_tiles(int64_t tokens, int64_t tile, Body&& body) {
  for (int64_t t0 : pl::range(0, tokens, tile)) body(t0, std::min(tile, tokens - t0));
}

void attn_norm_rms_partial(const Config& c, const Tensor& x, const Tensor& x_sq_sum_part) {
  const int64_t tiles = x.dim(1) / kAttnColumns / kAttnPartials;
  launch(c, "attn_norm_rms_partial", kAttnPartials, [&](int64_t part) {
    for_token_tiles(x.dim(0), c.attn_t_tile, [&](int64_t t0, int64_t rows) {
      Tile sum = pl::full(1, rows, DType::F32, 0.0);
      for (int64_t j : loop(part * tiles, (part + 1) * tiles, 2)) {
        const Tile chunk = pl::load(x, {t0, j * kAttnColumns}, {rows, kAttnColumns});
        sum = add_row_squares(sum, pl::cast(chunk, DType::F32));
      }
      pl::store(sum, {part, t0}, x_sq_sum_part);
    });
  });
}

void attn_norm_rms_final(const Config& c, const Tensor& x_sq_sum_part, int64_t hidden,
                         const Tensor& x_inv_rms) {
  launch(c, "attn_norm_rms_final", 1, [&](int64_t) {
    const int64_t tokens = x_sq_sum_part.dim(1);
    Tile sum = pl::load(x_sq_sum_part, {0, 0}, {1, tokens});
    for (int64_t part = 1; part < kAttnPartials; ++part)
      sum = pl::add(sum, pl::load(x_sq_sum_part, {part, 0}, {1, tokens}));
    pl::store(inverse_rms(c, sum, hidden), {0, 0}, x_inv_rms);
  });
}

void attn_norm_apply(const Config& c, const Tensor& x, const Tensor& norm_w,
                     const Tensor& x_inv_rms, const Tensor& x_normed) {
  const int64_t tasks = x.dim(1) / kAttnColumns / kAttnTilesPerApply;
  launch(c, "attn_norm_apply", tasks, [&](int64_t task) {
    for_token_tiles(x.dim(0), c.attn_t_tile, [&](int64_t t0, int64_t rows) {
      const Tile inv = pl::load(x_inv_rms, {0, t0}, {1, rows});
      for (int64_t j : loop(task * kAttnTilesPerApply, (task + 1) * kAttnTilesPerApply, 2)) {
        const int64_t d = j * kAttnColumns;
        const Tile chunk = pl::cast(pl::load(x, {t0, d}, {rows, kAttnColumns}), DType::F32);
        const Tile w = pl::load(norm_w, {0, d}, {1, kAttnColumns});
        pl::store(to_bf16(scale_columns(scale_rows(chunk, inv), w)), {t0, d}, x_normed);
      }
    });
  });
}

/// The normalised values that are quantised; before PR556 they pass through BF16.
Tile normalised(const Config& c, const Tile& x, const Tile& inv, const Tile& gamma) {
  const Tile n = scale_columns(scale_rows(x, inv), gamma);
  return c.qr_bf16 ? through_bf16(n) : n;
}

/// P253 rounds half away from zero.
pl::RoundMode int8_rounding(const Config& c) {
  return c.task_per_head ? pl::RoundMode::Round : pl::RoundMode::Rint;
}

}  // namespace

void attn_norm(const Config& c, const Tensor& x, const Tensor& norm_w, const Tensor& x_normed) {
  const Tensor x_sq_sum_part = pl::create_tensor({kAttnPartials, x.dim(0)}, DType::F32);
  const Tensor x_inv_rms = pl::create_tensor({1, x.dim(0)}, DType::F32);
  attn_norm_rms_partial(c, x, x_sq_sum_part);
  attn_norm_rms_final(c, x_sq_sum_part, x.dim(1), x_inv_rms);
  attn_norm_apply(c, x, norm_w, x_inv_rms, x_normed);
}

void qr_rms_norm_quant(const Config& c, const Tensor& qr_fp32, const Tensor& gamma_cq,
                       const Tensor& qr, const Tensor& qr_scale) {
  const int64_t tokens = qr_fp32.dim(0), width = qr_fp32.dim(1), step = c.qr_norm_chunk;
  launch(c, "qr_rms_norm_quant", ceil_div(tokens, c.qr_norm_t_tile), [&](int64_t block) {
    const int64_t t0 = block * c.qr_norm_t_tile, rows = std::min(c.qr_norm_t_tile, tokens - t0);
    const auto chunk = [&](int64_t j) { return pl::load(qr_fp32, {t0, j * step}, {rows, step}); };
    const auto gamma = [&](int64_t j) {
      return pl::cast(pl::load(gamma_cq, {0, j * step}, {1, step}), DType::F32);
    };

    Tile sum = pl::full(1, rows, DType::F32, 0.0);
    Tile amax = pl::full(1, rows, DType::F32, c.amax_folded ? 0.0 : kAmaxFloor);
    for (int64_t j : loop(0, width / step, c.qr_norm_stage)) {
      const Tile x = chunk(j);
      sum = add_row_squares(sum, x);
      if (c.amax_folded) amax = raise_row_amax(amax, scale_columns(x, gamma(j)));
    }
    const Tile inv = inverse_rms(c, sum, width);
    if (c.amax_folded) {  // inv > 0: max |x * inv * gamma| = inv * max |x * gamma|
      amax = pl::maximum(pl::mul(amax, inv), kAmaxFloor);
    } else {
      for (int64_t j : loop(0, width / step, c.qr_norm_stage)) {
        const Tile x = chunk(j), g = gamma(j);
        amax = raise_row_amax(amax, normalised(c, x, inv, g));
      }
    }
    const RowScale scale = row_scale(amax);
    pl::store(scale.stored, {0, t0}, qr_scale);
    for (int64_t j : loop(0, width / step, c.qr_norm_stage)) {
      const Tile x = chunk(j), g = gamma(j);
      const Tile n = normalised(c, x, inv, g);
      pl::store(to_int8(scale_rows(n, scale.multiplier), int8_rounding(c)), {t0, j * step}, qr);
    }
  });
}

}  // namespace kernels::qkv
