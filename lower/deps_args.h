// The tensors a scope touches, as arguments of its task.
#pragma once

#include <cstdint>
#include <vector>

#include "isa/graph.h"
#include "lang/record.h"

namespace lower {

/// Does a recorded operation read or write its GM window? An atomic store does both. The runtime
/// sees only the window tensor a task takes: an access to a peer's copy counts like one to the own
/// copy, flags are inputs (lm_head's tasks rely on it: a notify orders nothing on its own rank).
bool gm_reads(const pl::Op& op);
bool gm_writes(const pl::Op& op);

/// A GM window in elements of the buffer's own type: `rows` runs of `cols`, `row_stride` apart.
struct ElementWindow {
  int64_t offset = 0, row_stride = 0, rows = 0, cols = 0;
};
ElementWindow element_window(const isa::GmAccess& gm, const isa::GmBuffer& buffer);

/// Half-open interval of one dimension.
struct Extent {
  int64_t lo = 0, hi = 0;
};

/// The smallest box of a row-major `shape` that holds the window (a run that crosses the end of a
/// row covers the whole dimension).
std::vector<Extent> bounding_box(const ElementWindow& window, const std::vector<int64_t>& shape);

/// One buffer a scope touches.
struct BufferUse {
  isa::BufferId buffer;
  bool reads = false, writes = false;
  std::vector<Extent> box;
};

/// The buffers of a scope in order of first use (blocks in index order).
class ScopeUses {
 public:
  explicit ScopeUses(const pl::RecordedProgram& program)
      : program_(program), slot_(program.buffers.size(), -1) {}
  std::vector<BufferUse> of(const pl::ScopeRecord& scope);

 private:
  const pl::RecordedProgram& program_;
  std::vector<int32_t> slot_;  ///< of a buffer in the list being made; -1 = none
};

/// The box as a view of its buffer.
isa::TensorArg view_of(const BufferUse& use, const isa::GmBuffer& buffer);

}  // namespace lower
