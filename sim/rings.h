// The rings of the runtime: task window, output heap and dependency pool per scope depth, reclaimed
// strictly in task order (runtime.md §1.4, §1.8, §1.9). Plain C++, no time.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "chips/chip.h"

namespace sim {

/// An entry of a ring: a submitted task or a hidden allocation. Numbered in allocation order.
using RingEntry = uint32_t;
inline constexpr RingEntry kNoEntry = ~RingEntry{0};

class Rings {
 public:
  static constexpr int kRings = 4;
  static int ring_of_depth(int depth) { return depth < kRings - 1 ? depth : kRings - 1; }

  explicit Rings(const chips::Chip& chip);

  /// What an allocation takes from its ring.
  struct Need {
    int ring = 1;
    int64_t heap_bytes = 0;
    int64_t deps = 0;  ///< fan-out entries, one per unfinished producer
  };
  enum class Block { None, Window, Heap, DepPool };

  /// What stands in the way of `need` now.
  Block blocked(const Need& need) const;
  /// True if waiting cannot help: the oldest entry's scope is still open (only the orchestrator,
  /// which waits, could close it) or the need exceeds the whole ring.
  bool structural(const Need& need) const;
  /// "ring 1: 16383 of 16384 window slots, ..." for error messages.
  std::string describe(const Need& need) const;

  /// Takes the resources; the entry belongs to the innermost open scope. Requires blocked() ==
  /// None.
  RingEntry allocate(const Need& need);
  void begin_scope();
  /// Ends the innermost scope. True if entries were reclaimed.
  bool end_scope();
  /// Depth of the innermost open scope; the framework's root scope is 0 (runtime.md §1.4).
  int depth() const { return static_cast<int>(scopes_.size()) - 1; }

  /// The entry's task (or allocation) is complete. True if entries were reclaimed.
  bool complete(RingEntry entry);
  /// A consumer holds / releases the entry's memory. `release` is true if entries were reclaimed.
  void retain(RingEntry entry);
  bool release(RingEntry entry);
  bool reclaimed(RingEntry entry) const { return entries_[entry].reclaimed; }

 private:
  struct Entry {
    int64_t heap_bytes = 0, deps = 0;
    int32_t retains = 0;
    uint8_t ring = 0;
    bool complete = false, scope_open = true, reclaimed = false;
    bool consumed() const { return complete && !scope_open && retains == 0; }
  };
  struct Ring {
    std::deque<RingEntry> live;
    int64_t heap_bytes = 0, deps = 0;
  };
  bool reclaim(int ring);

  int64_t window_, heap_, dep_pool_;
  std::vector<Entry> entries_;
  std::array<Ring, kRings> rings_;
  std::vector<std::vector<RingEntry>> scopes_;
};

}  // namespace sim
