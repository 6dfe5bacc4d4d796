// The runtime's TensorMap (runtime.md §1.5): which live task wrote which view of a buffer.
#pragma once

#include <cstdint>
#include <vector>

#include "isa/graph.h"

namespace lower {

enum class Overlap : uint8_t { None, Covered, Other };

/// How a new view meets an old one of the same buffer: the element range test, then, for equal
/// dtype, rank and strides that nest, one interval per dimension. Covered: the new view contains
/// the old. Geometry that cannot be compared gives Other.
Overlap overlap(const isa::TensorArg& fresh, const isa::TensorArg& old);

/// Writers per buffer. Entries never expire: which tasks have retired is a matter of time.
class TensorMap {
  using TaskId = isa::TaskId;

 public:
  struct Hit {
    TaskId task;
    bool covered = false;
  };

  explicit TensorMap(size_t buffers) : buffers_(buffers) {}

  /// Writers whose views overlap `arg`, oldest first; with `drop_covered` (INOUT) entries the view
  /// contains are removed.
  void lookup(const isa::TensorArg& arg, bool drop_covered, std::vector<Hit>& hits);
  void insert(TaskId task, const isa::TensorArg& arg);
  /// All live writers of a buffer, oldest first.
  std::vector<TaskId> writers(isa::BufferId buffer) const;

 private:
  /// Element range of an entry: the first test, kept apart so that a scan stays in cache.
  struct Span {
    int64_t begin = 0, end = 0;
  };
  struct Writers {
    std::vector<Span> spans;
    std::vector<TaskId> tasks;
    std::vector<isa::TensorArg> views;
  };
  std::vector<Writers> buffers_;
};

}  // namespace lower
