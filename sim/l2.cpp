#include "sim/l2.h"

#include <algorithm>

namespace sim {

L2Tags::L2Tags(int64_t capacity, int64_t line, int ways)
    : sets_(static_cast<uint64_t>(std::max<int64_t>(1, capacity / (line * ways)))),
      inverse_(~uint64_t{0} / sets_ + 1),
      ways_(static_cast<uint32_t>(ways)) {
  const auto slots = static_cast<size_t>(sets_) * ways_;
  tag_.assign(slots, 0);
  way_.resize(slots);
  for (size_t i = 0; i < slots; ++i) way_[i] = static_cast<uint16_t>(i % ways_);
  state_.assign(slots, 0);
}

L2Tags::Lookup L2Tags::touch(uint64_t line) {
  const auto set = static_cast<uint32_t>(set_of(line) * ways_);
  const auto tag = static_cast<uint32_t>(line) + 1;
  uint32_t* tags = &tag_[set];
  uint16_t* order = &way_[set];
  uint32_t place = 0;
  while (place < ways_ && tags[place] != tag) ++place;

  Lookup found;
  found.hit = place < ways_;
  if (!found.hit) place = ways_ - 1;
  const uint16_t way = order[place];
  std::copy_backward(tags, tags + place, tags + place + 1);
  std::copy_backward(order, order + place, order + place + 1);
  tags[0] = tag;
  order[0] = way;
  found.slot = set + way;
  if (found.hit) return found;

  found.dirty_victim = (state_[found.slot] & kDirty) != 0;
  state_[found.slot] = 0;
  if (!window_free_.empty()) window_free_[found.slot] = 0;
  return found;
}

int64_t& L2Tags::window_free(uint32_t slot) {
  if (window_free_.empty()) window_free_.assign(tag_.size(), 0);
  return window_free_[slot];
}

}  // namespace sim
