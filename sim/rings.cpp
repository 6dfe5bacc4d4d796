#include "sim/rings.h"

#include <fmt/format.h>

namespace sim {

Rings::Rings(const chips::Chip& chip)
    // One slot stays free to tell a full window from an empty one: an open scope holds at most
    // window - 1 tasks (runtime.md §1.3).
    : window_(chip.runtime.task_window - 1),
      heap_(chip.runtime.heap_bytes),
      dep_pool_(chip.runtime.dep_pool),
      scopes_(1) {}

Rings::Block Rings::blocked(const Need& need) const {
  const Ring& ring = rings_[static_cast<size_t>(need.ring)];
  if (static_cast<int64_t>(ring.live.size()) >= window_) return Block::Window;
  if (ring.heap_bytes + need.heap_bytes > heap_) return Block::Heap;
  if (ring.deps + need.deps > dep_pool_) return Block::DepPool;
  return Block::None;
}

bool Rings::structural(const Need& need) const {
  if (need.heap_bytes > heap_ || need.deps > dep_pool_) return true;
  const Ring& ring = rings_[static_cast<size_t>(need.ring)];
  return !ring.live.empty() && entries_[ring.live.front()].scope_open;
}

std::string Rings::describe(const Need& need) const {
  const Ring& ring = rings_[static_cast<size_t>(need.ring)];
  return fmt::format(
      "ring {}: {} of {} tasks, {} + {} of {} heap bytes, {} + {} of {} dependency entries; its "
      "oldest "
      "task {}",
      need.ring, ring.live.size(), window_, ring.heap_bytes, need.heap_bytes, heap_, ring.deps,
      need.deps, dep_pool_,
      ring.live.empty()                        ? "does not exist"
      : entries_[ring.live.front()].scope_open ? "belongs to a scope that is still open"
      : !entries_[ring.live.front()].complete  ? "is not complete"
                                               : "is held by a consumer");
}

RingEntry Rings::allocate(const Need& need) {
  const auto id = static_cast<RingEntry>(entries_.size());
  Entry entry;
  entry.ring = static_cast<uint8_t>(need.ring);
  entry.heap_bytes = need.heap_bytes;
  entry.deps = need.deps;
  entries_.push_back(entry);
  Ring& ring = rings_[static_cast<size_t>(need.ring)];
  ring.live.push_back(id);
  ring.heap_bytes += need.heap_bytes;
  ring.deps += need.deps;
  scopes_.back().push_back(id);
  return id;
}

void Rings::begin_scope() { scopes_.emplace_back(); }

bool Rings::end_scope() {
  for (const RingEntry id : scopes_.back()) entries_[id].scope_open = false;
  if (scopes_.size() > 1) {
    scopes_.pop_back();
  } else {
    scopes_.back().clear();  // the root scope ends with the orchestration
  }
  bool any = false;
  for (int r = 0; r < kRings; ++r) any |= reclaim(r);
  return any;
}

bool Rings::complete(RingEntry entry) {
  entries_[entry].complete = true;
  return reclaim(entries_[entry].ring);
}

void Rings::retain(RingEntry entry) { ++entries_[entry].retains; }

bool Rings::release(RingEntry entry) {
  --entries_[entry].retains;
  return reclaim(entries_[entry].ring);
}

bool Rings::reclaim(int index) {
  Ring& ring = rings_[static_cast<size_t>(index)];
  bool any = false;
  while (!ring.live.empty() && entries_[ring.live.front()].consumed()) {
    Entry& entry = entries_[ring.live.front()];
    ring.heap_bytes -= entry.heap_bytes;
    ring.deps -= entry.deps;
    entry.reclaimed = true;
    ring.live.pop_front();
    any = true;
  }
  return any;
}

}  // namespace sim
