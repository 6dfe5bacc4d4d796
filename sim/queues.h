// The scheduler's global ready queues, one per shape, FIFO (runtime.md §1.7). Plain C++, no time.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include "isa/graph.h"
#include "isa/types.h"

namespace sim {

/// What a ready task needs: an AIC, an AIV or a whole cluster.
enum class Shape : uint8_t { AIC, AIV, MIX };
inline constexpr int kShapes = 3;
constexpr Shape shape_of(isa::TaskKind kind) {
  return kind == isa::TaskKind::AIC   ? Shape::AIC
         : kind == isa::TaskKind::AIV ? Shape::AIV
                                      : Shape::MIX;
}

/// A FIFO of task ids per shape.
class TaskQueues {
 public:
  bool empty(Shape s) const { return at(s).empty(); }
  bool empty() const { return empty(Shape::AIC) && empty(Shape::AIV) && empty(Shape::MIX); }
  int32_t size(Shape s) const { return static_cast<int32_t>(at(s).size()); }
  isa::TaskId front(Shape s) const { return at(s).front(); }
  void push(Shape s, isa::TaskId task) { at(s).push_back(task); }
  void push_front(Shape s, isa::TaskId task) { at(s).push_front(task); }
  isa::TaskId pop(Shape s) {
    const isa::TaskId task = at(s).front();
    at(s).pop_front();
    return task;
  }
  /// The oldest tasks, at most `count`.
  std::vector<isa::TaskId> pop_batch(Shape s, int32_t count) {
    std::deque<isa::TaskId>& queue = at(s);
    const auto end = queue.begin() + std::min(count, size(s));
    const std::vector<isa::TaskId> batch(queue.begin(), end);
    queue.erase(queue.begin(), end);
    return batch;
  }

 private:
  std::deque<isa::TaskId>& at(Shape s) { return queues_[static_cast<size_t>(s)]; }
  const std::deque<isa::TaskId>& at(Shape s) const { return queues_[static_cast<size_t>(s)]; }
  std::array<std::deque<isa::TaskId>, kShapes> queues_;
};

/// A range of blocks of one task taken by one scheduler.
struct Claim {
  isa::TaskId task;
  int32_t first = 0, count = 0;
};

}  // namespace sim
