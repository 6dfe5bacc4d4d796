#include "kernels/hc/gates.h"

#include "kernels/launch.h"
#include "kernels/norm.h"

namespace kernels::hc {

using isa::DType;
using pl::Tensor;
using pl::Tile;

namespace {

/// (a + b) + (c + d)
Tile sum_of_four(const Comb& x) {
  const Tile first = pl::add(x[0], x[1]), second = pl::add(x[2], x[3]);
  return pl::add(first, second);
}

Tile sigmoid(const Tile& x) { return pl::recip(pl::add(pl::exp(pl::neg(x)), 1.0)); }

/// Calls f for each row in turn: the four rows of a step are independent and stand side by side.
template <class F>
Comb each(const Comb& comb, F&& f) {
  Comb out;
  for (size_t i = 0; i < comb.size(); ++i) out[i] = f(comb[i], i);
  return out;
}

/// Softmax of every row plus epsilon. Columns 4 to 7 take no part in it and are zero afterwards.
Comb softmax_rows(const Comb& logits) {
  const Comb x = each(logits, [](const Tile& t, size_t) { return pl::fillpad(t, pl::PadValue::Min); });
  const Comb max = each(x, [](const Tile& t, size_t) { return pl::row_max(t); });
  const Comb e =
      each(x, [&](const Tile& t, size_t i) { return pl::exp(pl::row_expand_sub(t, max[i])); });
  const Comb sum = each(e, [](const Tile& t, size_t) { return pl::row_sum(t); });
  const Comb share = each(e, [&](const Tile& t, size_t i) {
    return pl::add(pl::row_expand_div(t, sum[i]), kHcEpsilon);
  });
  return each(share, [](const Tile& t, size_t) {
    return pl::fillpad(pl::set_validshape(t, t.rows(), kStreams), pl::PadValue::Zero);
  });
}

void divide_by_row_sums(Comb& comb) {
  const Comb sum =
      each(comb, [](const Tile& t, size_t) { return pl::add(pl::row_sum(t), kHcEpsilon); });
  comb = each(comb, [&](const Tile& t, size_t i) { return pl::row_expand_div(t, sum[i]); });
}

void divide_by_column_sums(Comb& comb) {
  const Tile sum = pl::add(sum_of_four(comb), kHcEpsilon);
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

Tile GateSource::load_base(int64_t index) const {
  return pl::load(base, {0, index * kStreams}, {1, kQuad});
}

Tile GateSource::gate(int64_t index, double scale, const Tile& base_row) const {
  const Tile m = pl::mul(pl::load(mixes, {t0, index * kStreams}, {rows, kQuad}), scale);
  return pl::add(m, pl::col_expand(m, base_row));
}

Tile pre_gate(const Tile& logits) { return pl::add(sigmoid(logits), kHcEpsilon); }
Tile post_gate(const Tile& logits) { return pl::mul(sigmoid(logits), 2.0); }

Comb comb_logits(const GateSource& gates, double scale) {
  if (gates.inv_rms.present()) {
    Comb rows;
    for (int64_t i = 0; i < kStreams; ++i) rows[static_cast<size_t>(i)] = gates.quad(2 + i, scale);
    return rows;
  }
  // All loads stand in front.
  Comb mixes, base;
  for (size_t i = 0; i < mixes.size(); ++i) {
    const int64_t column = (2 + static_cast<int64_t>(i)) * kStreams;
    mixes[i] = pl::load(gates.mixes, {gates.t0, column}, {gates.rows, kQuad}, {gates.rows, kStreams});
  }
  for (size_t i = 0; i < base.size(); ++i) {
    const int64_t column = (2 + static_cast<int64_t>(i)) * kStreams;
    base[i] = pl::load(gates.base, {0, column}, {1, kQuad}, {1, kStreams});
  }
  return each(mixes, [&](const Tile& m, size_t i) {
    const Tile scaled = pl::mul(m, scale);
    return pl::add(scaled, pl::col_expand(m, base[i]));
  });
}

Comb sinkhorn(Comb comb, int stage) {
  comb = softmax_rows(comb);
  divide_by_column_sums(comb);
  for ([[maybe_unused]] int64_t i : loop(1, kSinkhornIterations, stage)) {
    divide_by_row_sums(comb);
    divide_by_column_sums(comb);
  }
  return comb;
}

void store_comb(const Comb& comb, int64_t t0, const Tensor& out) {
  for (int64_t i = 0; i < kStreams; ++i)
    pl::store(pl::set_validshape(comb[static_cast<size_t>(i)], comb[0].rows(), kStreams),
              {t0, i * kStreams}, out);
}

void mix_streams(const HcPreConfig& c, int64_t t0, int64_t rows, const Tensor& x_flat,
                 const Tile& pre, const Tensor& x_mixed) {
  const Tile by_stream = pl::transpose(pre);  // a stream's weights become a contiguous column
  Comb weights;  // each in a tile of its own
  for (int64_t h = 0; h < kStreams; ++h)
    weights[static_cast<size_t>(h)] = pl::mul(as_column(by_stream.window(h, 0, 1, rows)), 1.0);
  for (int64_t j : loop(c.hidden / c.d_tile, c.d_stage)) {
    const int64_t d = j * c.d_tile;
    Comb x;
    for (int64_t h = 0; h < kStreams; ++h)
      x[static_cast<size_t>(h)] =
          pl::cast(pl::load(x_flat, {t0, h * c.hidden + d}, {rows, c.d_tile}), DType::F32);
    x = each(x, [&](const Tile& t, size_t h) { return pl::row_expand_mul(t, weights[h]); });
    pl::store(to_bf16(sum_of_four(x)), {t0, d}, x_mixed);
  }
}

}  // namespace kernels::hc
