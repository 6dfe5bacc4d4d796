#include "kernels/hc/gates.h"

#include "kernels/launch.h"
#include "kernels/norm.h"

namespace kernels::hc {

using isa::DType;
using pl::Tensor;
using pl::Tile;

namespace {

Tile sigmoid(const Tile& x) { return pl::recip(pl::add(pl::exp(pl::neg(x)), 1.0)); }

Tile softmax_row(const Tile& logits) {
  const Tile e = pl::exp(pl::row_expand_sub(logits, pl::row_max(logits)));
  return pl::add(pl::row_expand_div(e, pl::row_sum(e)), kHcEpsilon);
}

void divide_by_row_sums(Comb& comb) {
  for (Tile& row : comb) row = pl::row_expand_div(row, pl::add(pl::row_sum(row), kHcEpsilon));
}

void divide_by_column_sums(Comb& comb) {
  Tile sum = comb[0];
  for (size_t i = 1; i < comb.size(); ++i) sum = pl::add(sum, comb[i]);
  sum = pl::add(sum, kHcEpsilon);
  for (Tile& row : comb) row = pl::div(row, sum);
}

}  // namespace

Tile GateSource::quad(int64_t index, double scale) const {
  const int64_t column = index * kStreams;
  Tile m = pl::load(mixes, {t0, column}, {rows, kQuad}, {rows, kStreams});
  if (inv_rms.present()) m = scale_rows(m, pl::load(inv_rms, {0, t0}, {1, rows}));
  const Tile b = pl::load(base, {0, column}, {1, kQuad}, {1, kStreams});
  return pl::col_expand_add(pl::mul(m, scale), b);
}

Tile pre_gate(const Tile& logits) { return pl::add(sigmoid(logits), kHcEpsilon); }
Tile post_gate(const Tile& logits) { return pl::mul(sigmoid(logits), 2.0); }

Comb comb_logits(const GateSource& gates, double scale) {
  Comb rows;
  for (int64_t i = 0; i < kStreams; ++i) rows[static_cast<size_t>(i)] = gates.quad(2 + i, scale);
  return rows;
}

Comb sinkhorn(Comb comb, int stage) {
  for (Tile& row : comb) row = softmax_row(row);
  divide_by_column_sums(comb);
  for ([[maybe_unused]] int64_t i : loop(1, kSinkhornIterations, stage)) {
    divide_by_row_sums(comb);
    divide_by_column_sums(comb);
  }
  return comb;
}

void store_comb(const Comb& comb, int64_t t0, const Tensor& out) {
  for (int64_t i = 0; i < kStreams; ++i)
    pl::store(comb[static_cast<size_t>(i)], {t0, i * kStreams}, out);
}

void mix_streams(const HcPreConfig& c, int64_t t0, int64_t rows, const Tensor& x_flat,
                 const Tile& pre, const Tensor& x_mixed) {
  const Tile by_stream = pl::transpose(pre);  // a stream's weights become a contiguous column
  for (int64_t j : loop(c.hidden / c.d_tile, c.d_stage)) {
    const int64_t d = j * c.d_tile;
    Tile sum;
    for (int64_t h = 0; h < kStreams; ++h) {
      const Tile x = pl::load(x_flat, {t0, h * c.hidden + d}, {rows, c.d_tile});
      const Tile weight = by_stream.window(h, 0, 1, rows);
      const Tile weighted = scale_rows(pl::cast(x, DType::F32), weight);
      sum = h == 0 ? weighted : pl::add(sum, weighted);
    }
    pl::store(to_bf16(sum), {t0, d}, x_mixed);
  }
}

}  // namespace kernels::hc
