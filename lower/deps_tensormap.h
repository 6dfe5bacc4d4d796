// The runtime's TensorMap (runtime.md §1.5): which live task wrote which view of a buffer.
#pragma once

#include <cstdint>
#include <map>
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
  struct Entry {
    uint64_t age = 0;  ///< insertions before it
    TaskId task;
    isa::TensorArg view;
  };
  /// Entries whose element range is at most 2^k long, by the start of that range: a range that
  /// meets [begin, end) starts behind begin - 2^k.
  using Entries = std::multimap<int64_t, Entry>;
  using BySize = std::map<int, Entries>;  ///< k -> entries

  std::vector<BySize> buffers_;
  uint64_t inserted_ = 0;
};

}  // namespace lower
