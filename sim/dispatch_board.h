// What the orchestrator and the schedulers know about every task: dependencies, claimed blocks,
// completion (runtime.md §1.3-§1.7). Plain C++, no time; the callers charge the costs.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "chips/chip.h"
#include "isa/graph.h"
#include "sim/queues.h"
#include "sim/rings.h"

namespace sim {

/// A lane dispatched early: its core and dispatch sequence number, for the doorbell.
struct StagedLane {
  isa::CoreId core;
  uint32_t reg_task_id = 0;
};

class DispatchBoard {
 public:
  /// Error "sim.bad-graph": an edge or a step names a task that does not exist.
  DispatchBoard(const isa::TaskGraph& graph, const chips::Chip& chip);

  Rings rings;
  TaskQueues ready;                 ///< all dependencies met
  TaskQueues sync;                  ///< the same, but every block must start together
  TaskQueues early;                 ///< dependencies not met, but may be staged
  std::deque<isa::TaskId> dummies;  ///< ready tasks without a kernel

  // --- orchestrator ---
  /// Distinct producers of `task` that are not complete.
  int64_t unfinished_producers(isa::TaskId task) const;
  /// Wires a submitted task to its unfinished producers, or queues it. `entry` is its ring entry.
  /// True if a queue has grown. Errors: "sim.sync-start" (more blocks than cores), "sim.no-core"
  /// (no kernel for its kind).
  bool submit(isa::TaskId task, RingEntry entry);
  /// Buffer `buffer` lives in ring entry `entry` (an Alloc step).
  void own_buffer(isa::BufferId buffer, RingEntry entry);

  // --- schedulers ---
  /// Takes up to `free` blocks of `task`, which the caller has popped; if blocks are left, the task
  /// goes back to the end of the queue.
  Claim claim(TaskQueues& queue, Shape shape, isa::TaskId task, int32_t free);
  /// The same with the oldest task of a non-empty queue.
  Claim claim(TaskQueues& queue, Shape shape, int32_t free) {
    return claim(queue, shape, queue.pop(shape), free);
  }
  /// One block of `task` is on its cores. True if it was the last: the task is published.
  bool block_posted(isa::TaskId task);
  /// After publication: consumers that may now be staged enter `early`. True if any did.
  bool publish(isa::TaskId task);
  /// One lane of `task` was observed finished. True if it was the last of the task.
  bool lane_done(isa::TaskId task);
  /// Marks `task` complete and returns how many submitted consumers the fan-out walk visits.
  int32_t complete(isa::TaskId task);
  /// The fan-out walk over the first `visited` consumers: those without further producers become
  /// ready. Returns the staged lanes whose doorbell is due.
  std::vector<StagedLane> resolve(isa::TaskId task, int32_t visited);
  /// Drops what completed `task` held of its producers' memory. True if ring entries were
  /// reclaimed.
  bool release_producers(isa::TaskId task);
  void stage(isa::TaskId task, const StagedLane& lane) { staged_[task.value].push_back(lane); }

  // --- queries ---
  const isa::Task& task(isa::TaskId id) const { return graph_.task(id); }
  bool dependencies_met(isa::TaskId id) const { return state(id).pending == 0; }
  bool completed(isa::TaskId id) const { return state(id).completed; }
  bool submitted(isa::TaskId id) const { return state(id).submitted; }
  bool all_complete() const { return completed_ == states_.size(); }
  int64_t submitted_count() const { return next_submit_; }
  int64_t completed_count() const { return static_cast<int64_t>(completed_); }
  int32_t blocks_claimed(isa::TaskId id) const { return state(id).next_block; }
  int32_t pending(isa::TaskId id) const { return state(id).pending; }
  /// Distinct producers of `id`, ascending.
  std::vector<isa::TaskId> producers(isa::TaskId id) const;
  /// Lanes of the task's kernel: 0 AIC, 1 AIV0, 2 AIV1.
  std::vector<int> lanes(isa::TaskId id) const;

 private:
  struct State {
    int32_t pending = 0;      ///< unfinished producers
    int32_t unpublished = 0;  ///< unfinished producers with blocks not yet on cores
    int32_t lanes_left = 0;
    int32_t next_block = 0, blocks_posted = 0;
    RingEntry entry = kNoEntry;
    bool submitted = false, completed = false, published = false;
    bool may_stage = false;  ///< every producer allows early resolve
  };
  struct Producer {
    uint32_t task;
    bool retain;  ///< creator and explicit edges keep the producer's memory (runtime.md §1.3)
  };
  State& state(isa::TaskId id) { return states_[id.value]; }
  const State& state(isa::TaskId id) const { return states_[id.value]; }

  void check_ids() const;
  void build_edges();
  void check_dispatchable(isa::TaskId id) const;
  void enqueue(isa::TaskId id);
  bool stage_if_possible(isa::TaskId id);

  const isa::TaskGraph& graph_;
  const chips::Chip& chip_;
  std::vector<State> states_;
  size_t completed_ = 0;
  uint32_t next_submit_ = 0;  ///< tasks are numbered in submission order
  // Edges without duplicates, as two compressed lists.
  std::vector<uint32_t> producer_begin_, consumer_begin_;
  std::vector<Producer> producers_;
  std::vector<uint32_t> consumers_;
  std::vector<RingEntry> buffer_owner_;       ///< by BufferId
  std::vector<std::vector<RingEntry>> held_;  ///< by TaskId, while it is in flight
  std::map<uint32_t, std::vector<StagedLane>> staged_;
};

}  // namespace sim
