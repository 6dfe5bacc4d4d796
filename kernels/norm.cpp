#include "kernels/norm.h"

#include <algorithm>

#include "kernels/knobs.h"
#include "kernels/launch.h"
#include "kernels/limits.h"

namespace kernels {

using isa::DType;
using pl::RoundMode;
using pl::Tile;

Tile as_row(const Tile& column) { return pl::reshape(column, 1, column.rows()); }
Tile as_column(const Tile& row) { return pl::reshape(row, row.cols(), 1); }

Tile add_row_squares(const Tile& sum, const Tile& x) {
  return pl::add(sum, as_row(pl::row_sum(pl::mul(x, x))));
}

Tile inverse_rms(const Tile& sum, int64_t n) {
  const Tile mean = pl::mul(sum, 1.0 / static_cast<double>(n));
  return pl::recip(pl::sqrt(pl::add(mean, kRmsEpsilon)));
}

Tile inverse_rms_rsqrt(const Tile& sum, int64_t n) {
  const Tile mean = pl::mul(sum, 1.0 / static_cast<double>(n));
  return pl::rsqrt(pl::add(mean, kRmsEpsilon), /*high_precision=*/true);
}

Tile scale_rows(const Tile& x, const Tile& inv) { return pl::row_expand_mul(x, as_column(inv)); }

Tile scale_columns(const Tile& x, const Tile& gamma) {
  const bool widen = gamma.dtype() != DType::F32;
  return pl::col_expand_mul(x, widen ? pl::cast(gamma, DType::F32) : gamma);
}

Tile to_bf16(const Tile& x) { return pl::cast(x, DType::BF16, RoundMode::Rint); }
Tile through_bf16(const Tile& x) { return pl::cast(to_bf16(x), DType::F32); }

void rms_norm(const RmsNormTiles& tiles, const pl::Tensor& x, const pl::Tensor& w,
              const pl::Tensor& y) {
  const int64_t tokens = x.dim(0), hidden = x.dim(1), chunk = tiles.chunk;
  launch("rms_norm", ceil_div(tokens, tiles.t_tile), [&](int64_t block) {
    const int64_t t0 = block * tiles.t_tile, rows = std::min(tiles.t_tile, tokens - t0);
    const auto load_x = [&](int64_t j) {
      return pl::cast(pl::load(x, {t0, j * chunk}, {rows, chunk}), DType::F32);
    };
    Tile sum = pl::full(1, rows, DType::F32, 0.0);
    for (int64_t j : loop(hidden / chunk, tiles.stage)) sum = add_row_squares(sum, load_x(j));
    const Tile inv = inverse_rms(sum, hidden);
    for (int64_t j : loop(hidden / chunk, tiles.stage)) {
      const Tile xj = load_x(j);
      const Tile wj = pl::cast(pl::load(w, {0, j * chunk}, {1, chunk}), DType::F32);
      pl::store(to_bf16(scale_columns(scale_rows(xj, inv), wj)), {t0, j * chunk}, y);
    }
  });
}

void check_rms_norm(const RmsNormTiles& tiles, const std::string& program, int64_t hidden) {
  if (hidden % tiles.chunk != 0)
    conflict(program, "hidden " + std::to_string(hidden) + " is not divisible by chunk " +
                          std::to_string(tiles.chunk));
  const int64_t bytes = tiles.t_tile * tiles.chunk * (2 + 4 + 4);
  if (bytes > kVecBytes)
    conflict(program, "UB: a tile of t_tile x chunk in BF16 and twice in FP32 needs " +
                          std::to_string(bytes) + " B, the limit is " + std::to_string(kVecBytes) +
                          " B");
}

}  // namespace kernels
