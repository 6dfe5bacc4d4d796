#include "sim/l2.h"

#include <algorithm>

namespace sim {

L2Tags::L2Tags(int64_t capacity, int64_t line, int ways)
    : sets_(static_cast<uint64_t>(std::max<int64_t>(1, capacity / (line * ways)))),
      ways_(static_cast<uint32_t>(ways)) {
  const auto slots = static_cast<size_t>(sets_) * ways_;
  tag_.assign(slots, 0);
  stamp_.assign(slots, 0);
  ready_.assign(slots, 0);
  window_free_.assign(slots, 0);
  dirty_.assign(slots, 0);
}

L2Tags::Lookup L2Tags::touch(uint64_t line) {
  const uint64_t set = line % sets_;
  const auto tag = static_cast<uint32_t>(line / sets_) + 1;
  const auto first = static_cast<uint32_t>(set * ways_);
  if (++clock_ == 0) {  // the use counter wrapped: forget the order, not the lines
    std::fill(stamp_.begin(), stamp_.end(), 0);
    clock_ = 1;
  }
  uint32_t oldest = first;
  for (uint32_t slot = first; slot < first + ways_; ++slot) {
    if (tag_[slot] == tag) {
      stamp_[slot] = clock_;
      return {slot, true, false};
    }
    if (stamp_[slot] < stamp_[oldest]) oldest = slot;
  }
  const bool dirty = dirty_[oldest] != 0;
  tag_[oldest] = tag;
  stamp_[oldest] = clock_;
  ready_[oldest] = window_free_[oldest] = 0;
  dirty_[oldest] = 0;
  return {oldest, false, dirty};
}

}  // namespace sim
