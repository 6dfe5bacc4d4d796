#include "kernels/transposed_product.h"

#include "kernels/launch.h"

namespace kernels {

using pl::Tile;

Tile accumulate(const TransposedProduct& p) {
  constexpr int64_t kCubeRows = 16;
  const int64_t m = ceil_div(p.rows, kCubeRows) * kCubeRows;
  const auto load_a = [&](int64_t i) {
    return pl::load(p.a, {p.a_row, i * p.k_tile}, {m, p.k_tile}, {p.rows, p.k_tile});
  };
  const auto load_b = [&](int64_t i) {
    return pl::load(p.b, {p.b_row, i * p.k_tile}, {p.n, p.k_tile});
  };
  const Tile a0 = load_a(0);
  const Tile b0 = load_b(0);
  Tile acc = pl::matmul(a0, b0, {/*b_trans=*/true});
  for (int64_t i : loop(1, p.a.dim(1) / p.k_tile, p.k_stage)) {
    const Tile ai = load_a(i);
    const Tile bi = load_b(i);
    acc = pl::matmul_acc(acc, ai, bi, {/*b_trans=*/true});
  }
  return acc;
}

}  // namespace kernels
