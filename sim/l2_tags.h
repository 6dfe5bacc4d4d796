// The tags of the chip's L2: set associative, LRU, write allocate, dirty eviction (hardware.md
// §3.5).
#pragma once

#include <cstdint>
#include <vector>

namespace sim {

/// State of one resident line. Times are simulated picoseconds.
struct L2Line {
  uint64_t tag = kEmpty;    ///< line number (address / line size)
  int64_t ready = 0;        ///< when its fill arrived; later accesses wait for it
  int64_t window_free = 0;  ///< same-address serialisation: next request may be served then
  uint32_t used = 0;        ///< LRU stamp
  bool dirty = false;

  static constexpr uint64_t kEmpty = ~0ull;
};

class L2Tags {
 public:
  L2Tags(int64_t bytes, int64_t line_bytes, int ways)
      : ways_(static_cast<uint64_t>(ways)),
        sets_(static_cast<uint64_t>(bytes / (line_bytes * ways))),
        lines_(sets_ * ways_) {}

  struct Lookup {
    L2Line* line;
    bool hit;
    bool evicted_dirty;
  };

  /// Finds line number `tag`, or replaces the least recently used line of its set.
  Lookup touch(uint64_t tag) {
    L2Line* set = &lines_[(tag % sets_) * ways_];
    L2Line* victim = set;
    for (uint64_t w = 0; w < ways_; ++w) {
      if (set[w].tag == tag) {
        set[w].used = ++clock_;
        return {&set[w], true, false};
      }
      if (set[w].used < victim->used) victim = &set[w];
    }
    const bool dirty = victim->dirty;
    *victim = L2Line{tag, 0, 0, ++clock_, false};
    return {victim, false, dirty};
  }

 private:
  uint64_t ways_, sets_;
  std::vector<L2Line> lines_;
  uint32_t clock_ = 0;
};

}  // namespace sim
