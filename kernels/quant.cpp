#include "kernels/quant.h"

#include "kernels/norm.h"

namespace kernels {

using isa::DType;
using pl::RoundMode;
using pl::Tile;

Tile raise_row_amax(const Tile& amax, const Tile& x) {
  return pl::maximum(amax, as_row(pl::row_max(pl::maximum(x, pl::neg(x)))));
}

RowScale row_scale(const Tile& amax) {
  const Tile multiplier = pl::div(pl::full(1, amax.cols(), DType::F32, 127.0), amax);
  return {multiplier, pl::recip(multiplier)};
}

Tile to_int8(const Tile& x, RoundMode mode) {
  const Tile integer = pl::cast(x, DType::I32, mode);
  return pl::cast(pl::cast(integer, DType::F16, RoundMode::Round), DType::I8, RoundMode::Trunc);
}

Tile dequantise(const Tile& product, const Tile& row, const Tile& column) {
  const Tile values = pl::cast(product, DType::F32, RoundMode::None);
  return pl::col_expand_mul(pl::row_expand_mul(values, row), column);
}

}  // namespace kernels
