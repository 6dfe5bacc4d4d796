// Softmax over a sequence of entries, one column each, in one pass.
#pragma once

#include "lang/pl.h"

namespace kernels::compressor {

/// One entry in some columns, [1, n] each.
struct Entry {
  pl::Tile score, value;
};

/// Running maximum, sum of weights and weighted sum. The seed's score must be finite.
struct OnlineSoftmax {
  pl::Tile m, l, o;

  explicit OnlineSoftmax(const Entry& seed);
  void add(const Entry& e);
  pl::Tile result() const { return pl::div(o, l); }
};

}  // namespace kernels::compressor
