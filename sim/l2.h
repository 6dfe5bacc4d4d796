// The tags of the chip's L2: set associative, least recently used, one state per line.
#pragma once

#include <cstddef>
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
  /// Finds line number `line` (address / line size, below 2^32 - 1), or puts it in place of the
  /// least recently used line of its set. Either way it is the most recently used one afterwards.
  Lookup touch(uint64_t line);
  /// Tells the host that `line` will be looked up soon.
  void prefetch(uint64_t line) const {
    const std::size_t first = set_of(line) * ways_;
    __builtin_prefetch(&tag_[first]);
    __builtin_prefetch(&way_[first]);
    __builtin_prefetch(&state_[first]);
    __builtin_prefetch(&state_[first + ways_ / 2]);
  }

  /// When the line's data is there (ps); later than now while a fill is in flight.
  int64_t ready(uint32_t slot) const { return state_[slot] >> 1; }
  void set_ready(uint32_t slot, int64_t at) { state_[slot] = at << 1 | (state_[slot] & kDirty); }
  void set_dirty(uint32_t slot) { state_[slot] |= kDirty; }
  /// When the next request may enter the line's window (ps).
  int64_t& window_free(uint32_t slot);

 private:
  static constexpr int64_t kDirty = 1;
  __extension__ using Wide = unsigned __int128;

  /// line % sets: the fractional part of line / sets, times sets. Exact below 2^32.
  uint64_t set_of(uint64_t line) const {
    return static_cast<uint64_t>(Wide{inverse_ * line} * sets_ >> 64);
  }

  uint64_t sets_;
  uint64_t inverse_;  ///< 2^64 / sets, rounded up: remainders without a division
  uint32_t ways_;
  // Each set's entries in the order of their last use, most recent first.
  std::vector<uint32_t> tag_;  ///< line + 1; 0 = empty
  std::vector<uint16_t> way_;  ///< which way of the set holds it
  // By slot (set x ways + way).
  std::vector<int64_t> state_;        ///< ready time x 2 + modified
  std::vector<int64_t> window_free_;  ///< only once it is asked for
};

}  // namespace sim
