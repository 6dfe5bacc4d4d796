// Windows of GM tensors as two-dimensional DMA accesses.
#pragma once

#include <cstdint>

#include "isa/instr.h"
#include "lang/tensor.h"

namespace pl {

/// A window folded to rows x cols. `gm` holds only the part inside the tensor; `transposed` says
/// that GM runs along the rows (a transposed view): `gm` then describes the cols x rows access.
struct GmWindow {
  isa::GmAccess gm;
  int64_t rows = 0, cols = 0;
  bool transposed = false;
};

/// `offsets` has the tensor's rank, `extent` at most that (missing leading extents are 1). Leading
/// dimensions fold into rows when one row stride covers them (kernel-language.md §1.3).
/// Errors: "lang.rank", "lang.tile-size", and `error_id` for windows that start outside the tensor
/// or cannot be folded.
GmWindow fold_window(const Tensor& t, const Dims& offsets, const Dims& extent, const char* error_id,
                     Site site);

/// "[8, 64] at [16, 0] of [128, 64]"
std::string describe_window(const Tensor& t, const Dims& offsets, const Dims& extent);

}  // namespace pl
