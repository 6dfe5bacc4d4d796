#include "kernels/norm.h"

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

Tile scale_rows(const Tile& x, const Tile& inv) { return pl::row_expand_mul(x, as_column(inv)); }

Tile scale_columns(const Tile& x, const Tile& gamma) {
  const bool widen = gamma.dtype() != DType::F32;
  return pl::col_expand_mul(x, widen ? pl::cast(gamma, DType::F32) : gamma);
}

Tile to_bf16(const Tile& x) { return pl::cast(x, DType::BF16, RoundMode::Rint); }
Tile through_bf16(const Tile& x) { return pl::cast(to_bf16(x), DType::F32); }

}  // namespace kernels
