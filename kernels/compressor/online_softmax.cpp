#include "kernels/compressor/online_softmax.h"

namespace kernels::compressor {

using pl::Tile;

OnlineSoftmax::OnlineSoftmax(const Entry& seed)
    : m(seed.score), l(pl::exp(pl::sub(m, m))), o(seed.value) {}

void OnlineSoftmax::add(const Entry& e) {
  const Tile top = pl::maximum(m, e.score);
  const Tile alpha = pl::exp(pl::sub(m, top));
  const Tile beta = pl::exp(pl::sub(e.score, top));
  l = pl::add(pl::mul(l, alpha), beta);
  const Tile kept = pl::mul(o, alpha);
  const Tile more = pl::mul(e.value, beta);
  o = pl::add(kept, more);
  m = top;
}

}  // namespace kernels::compressor
