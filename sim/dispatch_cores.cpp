#include "sim/dispatch_cores.h"

#include <algorithm>

namespace sim {

using isa::CoreId;

CoreSlots::CoreSlots(int clusters, int threads)
    : clusters_(clusters),
      threads_(threads),
      cores_(static_cast<size_t>(3 * clusters)),
      mix_(static_cast<size_t>(clusters)) {}

CoreId CoreSlots::core(int cluster, int lane) const {
  return CoreId(static_cast<uint16_t>(lane == 0 ? cluster : clusters_ + 2 * cluster + lane - 1));
}

int CoreSlots::cluster_of(CoreId core) const {
  return core.value < clusters_ ? core.value : (core.value - clusters_) / 2;
}

isa::CoreKind CoreSlots::kind(CoreId core) const {
  return core.value < clusters_ ? isa::CoreKind::AIC : isa::CoreKind::AIV;
}

bool CoreSlots::open(CoreId core, SlotKind slot) const {
  const Core& c = at(core);
  // A core reserved for a mixed block has nothing running to queue behind.
  return slot == SlotKind::Idle ? c.taken == 0 : c.taken == 1 && c.posted == 1 && c.gated == 0;
}

bool CoreSlots::place_free(Shape shape, SlotKind slot, CoreId place) const {
  if (shape != Shape::MIX) return open(place, slot);
  int taken = 0;
  for (int lane = 0; lane < 3; ++lane) {
    const Core& c = at(core(cluster_of(place), lane));
    if (c.taken > 1 || c.gated > 0) return false;
    taken += c.taken;
  }
  // Behind a running block, every core of the cluster needs room for one more.
  return slot == SlotKind::Idle ? taken == 0 : taken > 0;
}

template <class Visit>
void CoreSlots::visit_places(Shape shape, int thread, Visit&& visit) const {
  const int step = thread < 0 ? 1 : threads_;
  const int lanes_begin = shape == Shape::AIV ? 1 : 0, lanes_end = shape == Shape::AIV ? 3 : 1;
  for (int cluster = thread < 0 ? 0 : thread; cluster < clusters_; cluster += step)
    for (int lane = lanes_begin; lane < lanes_end; ++lane)
      if (!visit(core(cluster, lane))) return;
}

std::vector<CoreId> CoreSlots::free(Shape shape, SlotKind slot, int thread) const {
  std::vector<CoreId> places;
  visit_places(shape, thread, [&](CoreId place) {
    if (place_free(shape, slot, place)) places.push_back(place);
    return true;
  });
  return places;
}

bool CoreSlots::any_free_elsewhere(Shape shape, SlotKind slot, int thread) const {
  bool found = false;
  visit_places(shape, -1, [&](CoreId place) {
    found = thread_of(place) != thread && place_free(shape, slot, place);
    return !found;
  });
  return found;
}

int32_t CoreSlots::count_free(Shape shape, SlotKind slot, int thread) const {
  int32_t n = 0;
  visit_places(shape, thread, [&](CoreId place) {
    n += place_free(shape, slot, place);
    return true;
  });
  return n;
}

void CoreSlots::take(Shape shape, CoreId place, isa::TaskId task, int32_t block,
                     const std::vector<int>& lanes) {
  if (shape != Shape::MIX) {
    ++at(place).taken;
    return;
  }
  const int cluster = cluster_of(place);
  MixBlock mix;
  mix.task = task;
  mix.block = block;
  mix.lanes_left = static_cast<int32_t>(lanes.size());
  mix.reserved = {true, true, true};
  for (const int lane : lanes) mix.reserved[static_cast<size_t>(lane)] = false;
  for (int lane = 0; lane < 3; ++lane) ++at(core(cluster, lane)).taken;
  mix_[static_cast<size_t>(cluster)].push_back(mix);
}

void CoreSlots::lane_done(CoreId id, isa::TaskId task, int32_t block) {
  --at(id).taken;
  --at(id).posted;
  const int cluster = cluster_of(id);
  std::vector<MixBlock>& blocks = mix_[static_cast<size_t>(cluster)];
  const auto it = std::find_if(blocks.begin(), blocks.end(), [&](const MixBlock& m) {
    return m.task == task && m.block == block;
  });
  if (it == blocks.end() || --it->lanes_left != 0) return;
  for (int lane = 0; lane < 3; ++lane)
    if (it->reserved[static_cast<size_t>(lane)]) --at(core(cluster, lane)).taken;
  blocks.erase(it);
}

}  // namespace sim
