// Orchestration code that assembles a tensor into a larger one (kernel-language.md §2.4): nothing
// is copied on the device, the tasks that fill the small tensor write the large one instead.
#pragma once

#include <vector>

#include "lang/record.h"
#include "lang/tensor.h"

namespace pl {

/// `target` with `source` at `offsets`; outside scopes. `source` is a whole tensor made by
/// create_tensor (or the GM temporary of a tile), filled by the tasks before and not written again.
/// Errors: "lang.inside-scope", "lang.assemble-source", "lang.store-window", "lang.dtype".
Tensor assemble(const Tensor& target, const Tensor& source, const Dims& offsets,
                Site site = Site::here());

/// A temporary that is a part of another tensor.
struct Fusion {
  Tensor source;  ///< the whole temporary, row-major
  Tensor window;  ///< what it is of the target: same shape, the target's strides
  size_t scopes_before = 0;
  Site site;
};

/// Makes every recorded access of a fused temporary one of its target, and drops its allocation.
/// Errors: "lang.assemble-source" (written after it was assembled), "lang.assemble-window" (an
/// access that is no window of the target).
void apply_fusions(const std::vector<Fusion>& fusions, isa::CodePool<Op>& pool,
                   RecordedProgram& program);

}  // namespace pl
