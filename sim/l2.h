// The tags of the chip's L2: set associative, least recently used, one state per line.
#pragma once

#include <cstdint>
#include <vector>

namespace sim {

class L2Tags {
 public:
  /// `capacity` bytes of `line`-byte lines in sets of `ways`.
  L2Tags(int64_t capacity, int64_t line, int ways);

  struct Lookup {
    uint32_t slot = 0;  ///< where the line is now; index of its state below
    bool hit = false;
    bool dirty_victim = false;  ///< a modified line had to leave
  };
  /// Finds line number `line` (address / line size), or puts it in place of the least recently used
  /// line of its set. Either way it is the most recently used one afterwards.
  Lookup touch(uint64_t line);

  /// When the line's data is there (ps); later than now while a fill is in flight.
  int64_t& ready(uint32_t slot) { return ready_[slot]; }
  /// When the next request may enter the line's window (ps).
  int64_t& window_free(uint32_t slot) { return window_free_[slot]; }
  void set_dirty(uint32_t slot) { dirty_[slot] = 1; }

 private:
  uint64_t sets_;
  uint32_t ways_;
  uint32_t clock_ = 0;
  std::vector<uint32_t> tag_;    ///< line / sets + 1; 0 = empty
  std::vector<uint32_t> stamp_;  ///< clock of the last use
  std::vector<int64_t> ready_, window_free_;
  std::vector<uint8_t> dirty_;
};

}  // namespace sim
