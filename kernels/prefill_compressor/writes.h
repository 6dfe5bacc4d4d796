// Which tokens of a chunk complete a window: every block finds its own by walking the slot mapping.
#pragma once

#include <cstdint>

#include "lang/pl.h"

namespace kernels::prefill_compressor {

/// A completed window that is written: the token that ends it and its compressed row.
struct Write {
  int64_t token = -1;
  int64_t slot = -1;
  int64_t first_slot = -1;  ///< row of the chunk's first write, -1 if it has none
  bool valid() const { return slot >= 0; }
};

/// The `index`-th token with a slot. One scalar read for each of the T tokens: the device has no
/// way out of a counted loop.
Write find_write(const pl::Tensor& cmp_slots, int64_t index);

}  // namespace kernels::prefill_compressor
