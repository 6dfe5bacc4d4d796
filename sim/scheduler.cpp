#include "sim/scheduler.h"

#include <algorithm>

#include "isa/error.h"

namespace sim {

using isa::CoreId;
using isa::TaskId;
using traces::Picoseconds;

namespace {
constexpr size_t kDummiesPerIteration = 8;  // runtime.md §1.7
constexpr size_t kReleaseBatch = 256;       // runtime.md §1.7
constexpr int64_t kShortestResolve =
    1'000'000;  // ps; shorter walks are not recorded (runtime.md §2.3)
}  // namespace

Scheduler::Scheduler(sc_core::sc_module_name, int thread, RuntimeShared& shared)
    : shared_(shared), thread_(thread) {
  for (uint16_t c = 0; c < shared.slots.cores(); ++c)
    if (shared.slots.thread_of(CoreId(c)) == thread) owned_.emplace_back(c);
  SC_THREAD(run);
  SC_METHOD(watch_cores);
  dont_initialize();
  for (const CoreId core : owned_) sensitive << shared.cores[core.value]->finished_event();
}

void Scheduler::wake() {
  woken_ = true;
  wake_.notify(sc_core::SC_ZERO_TIME);
}

void Scheduler::watch_cores() { wake(); }

void Scheduler::run() {
  try {
    // Threads differ by a picosecond, so that simultaneous decisions are made in thread order.
    wait(sim_duration(thread_));
    while (!shared_.finished()) {
      iteration_start_ = sim_now();
      woken_ = false;
      polls_.clear();
      for (const CoreId core : owned_)
        if (shared_.slots.running(core)) polls_.push_back(core);
      const bool worked = iterate(0);
      if (!worked && !woken_ && !shared_.options.simulate_idle_polls) rest();
    }
  } catch (const isa::Error&) {
    shared_.fail();
  }
}

bool Scheduler::iterate(size_t first_poll) {
  bool worked = poll(first_poll);
  if (shared_.drain.valid()) {
    worked |= drain();
  } else {
    worked |= retire_dummies();
    worked |= dispatch();
    worked |= dispatch_early();
  }
  if (!worked) release_deferred();
  spend(shared_.chip.runtime.idle_loop);
  ++loop_iter_;
  return worked;
}

// An idle iteration changes nothing, so the next ones repeat it with the same period until somebody
// calls wake(). Sleep till then and enter the iteration under way at the poll that comes next.
void Scheduler::rest() {
  const Picoseconds asleep = sim_now();
  wait(wake_);
  if (shared_.finished()) return;
  woken_ = false;
  const int64_t poll_ps = ps_of_ns(shared_.chip.runtime.poll_core);
  const int64_t polling = poll_ps * static_cast<int64_t>(polls_.size());
  const int64_t period = polling + ps_of_ns(shared_.chip.runtime.idle_loop);
  const int64_t slept = (sim_now() - asleep).value;
  loop_iter_ += slept / period;
  const int64_t offset = slept % period;
  iteration_start_ = sim_now() - Picoseconds(offset);
  if (offset > polling) {  // in the loop overhead: the next iteration sees the change
    wait(sim_duration(period - offset));
    ++loop_iter_;
    return;
  }
  // Poll i reads its core at offset (i + 1) x poll: take up the first that is not in the past. The
  // reads that are see the change in the next iteration, which therefore runs in full.
  size_t next = 0;
  if (poll_ps > 0 && offset > 0) {
    next = static_cast<size_t>((offset + poll_ps - 1) / poll_ps) - 1;
    into_poll_ = offset - static_cast<int64_t>(next) * poll_ps;
  }
  iterate(next);
}

bool Scheduler::poll(size_t first_poll) {
  traces::PhaseRow phase = open_phase("complete");
  phase.start = iteration_start_;
  int32_t finished = 0;
  const int64_t poll_ps = ps_of_ns(shared_.chip.runtime.poll_core);
  for (size_t i = first_poll; i < polls_.size(); ++i) {
    wait(sim_duration(poll_ps - into_poll_));
    into_poll_ = 0;
    Core& core = *shared_.cores[polls_[i].value];
    while (const std::optional<size_t> row = core.take_finished()) {
      finish_lane(polls_[i], *row);
      ++finished;
    }
  }
  if (finished > 0) close_phase(phase, finished);
  return finished > 0;
}

void Scheduler::finish_lane(CoreId core, size_t lane_row) {
  traces::LaneRow& row = shared_.timeline.lanes[lane_row];
  row.finish = sim_now();
  const TaskId task = row.task;
  shared_.slots.lane_done(core, task, row.block);
  if (shared_.drain.valid()) shared_.threads[0]->wake();
  spend(shared_.chip.runtime.complete_task);
  if (shared_.board.lane_done(task)) complete_task(task);
}

void Scheduler::complete_task(TaskId task) {
  const chips::Chip::Runtime& cost = shared_.chip.runtime;
  traces::PhaseRow phase = open_phase("resolve");
  const int32_t visited = shared_.board.complete(task);
  shared_.made_progress();
  if (visited > 0) spend(cost.resolve_base + cost.resolve_per_consumer * visited);
  doorbells_ = shared_.board.resolve(task, visited);
  if (visited > 0 || shared_.finished()) shared_.wake_all();
  for (const StagedLane& lane : doorbells_) {
    spend(cost.post_core);
    shared_.cores[lane.core.value]->ring(lane.reg_task_id);
    shared_.slots.ungate(lane.core);
    shared_.threads[static_cast<size_t>(shared_.slots.thread_of(lane.core))]->wake();
  }
  if ((sim_now() - phase.start).value >= kShortestResolve) close_phase(phase, visited);
  deferred_.push_back(task);
  if (deferred_.size() >= kReleaseBatch) release_deferred();
}

// Costs nothing: upstream does it in idle time.
void Scheduler::release_deferred() {
  if (deferred_.empty()) return;
  const traces::PhaseRow phase = open_phase("release");
  bool reclaimed = false;
  for (const TaskId task : deferred_) reclaimed |= shared_.board.release_producers(task);
  if (reclaimed) shared_.made_progress();
  close_phase(phase, static_cast<int32_t>(deferred_.size()));
  deferred_.clear();
}

bool Scheduler::retire_dummies() {
  std::deque<TaskId>& dummies = shared_.board.dummies;
  if (dummies.empty()) return false;
  const traces::PhaseRow phase = open_phase("dummy");
  int32_t retired = 0;
  while (!dummies.empty() && retired < static_cast<int32_t>(kDummiesPerIteration)) {
    const TaskId task = dummies.front();
    dummies.pop_front();
    traces::PhaseRow marker = open_phase("dummy_task");
    marker.task = task;
    spend(shared_.chip.runtime.dummy);
    close_phase(marker, 1);
    complete_task(task);
    ++retired;
  }
  close_phase(phase, retired);
  return true;
}

// sync_start: all blocks of the oldest such task at once, on this thread's own cores if they
// suffice, otherwise by stopping all other dispatch until the chip has room (runtime.md §1.6).
int32_t Scheduler::start_together() {
  TaskQueues& queue = shared_.board.sync;
  int32_t posted = 0;
  for (const Shape shape : {Shape::MIX, Shape::AIC, Shape::AIV}) {
    // Another thread may ask for a drain while this one is posting.
    while (!queue.empty(shape) && !shared_.drain.valid()) {
      const TaskId task = queue.front(shape);
      const int32_t blocks = shared_.board.task(task).block_num;
      if (shared_.slots.count_free(shape, SlotKind::Idle, thread_) < blocks) {
        shared_.drain = task;
        shared_.wake_all();
        return posted;
      }
      ++pop_hits_;
      posted += post_claim(shared_.board.claim(queue, shape, blocks), shape, SlotKind::Idle,
                           thread_, false);
    }
  }
  return posted;
}

bool Scheduler::drain() {
  if (thread_ != 0) return false;  // thread 0 coordinates
  const TaskId task = shared_.drain;
  const Shape shape = shape_of(shared_.board.task(task).kind);
  const int32_t blocks = shared_.board.task(task).block_num;
  if (shared_.slots.count_free(shape, SlotKind::Idle, -1) < blocks) return false;
  const traces::PhaseRow phase = open_phase("drain");
  post_claim(shared_.board.claim(shared_.board.sync, shape, blocks), shape, SlotKind::Idle, -1,
             false);
  close_phase(phase, blocks);
  shared_.drain = TaskId();
  shared_.wake_all();
  return true;
}

bool Scheduler::dispatch() {
  if (shared_.board.ready.empty() && shared_.board.sync.empty()) return false;
  const traces::PhaseRow phase = open_phase("dispatch");
  pop_hits_ = pop_misses_ = 0;
  int32_t posted = start_together();
  if (!shared_.drain.valid()) {
    // Even threads look for cube work first, odd ones for vector work.
    const std::array<Shape, 2> order =
        thread_ % 2 == 0 ? std::array{Shape::AIC, Shape::AIV} : std::array{Shape::AIV, Shape::AIC};
    const TaskQueues& ready = shared_.board.ready;
    posted += place_ready(Shape::MIX, SlotKind::Idle);
    if (ready.empty(Shape::MIX))  // a mixed task left over must not be starved of its cluster
      for (const Shape shape : order) posted += place_ready(shape, SlotKind::Idle);
    if (!shared_.slots.any_free_elsewhere(Shape::MIX, SlotKind::Idle, thread_))
      posted += place_ready(Shape::MIX, SlotKind::Pending);
    for (const Shape shape : order)
      if (ready.empty(Shape::MIX) &&
          !shared_.slots.any_free_elsewhere(shape, SlotKind::Idle, thread_))
        posted += place_ready(shape, SlotKind::Pending);
  }
  if (posted == 0) return false;
  close_phase(phase, posted);
  return true;
}

bool Scheduler::dispatch_early() {
  TaskQueues& early = shared_.board.early;
  if (early.empty() || !shared_.board.ready.empty() || !shared_.board.sync.empty()) return false;
  const traces::PhaseRow phase = open_phase("early_dispatch");
  int32_t staged = 0;
  for (const Shape shape : {Shape::MIX, Shape::AIC, Shape::AIV}) {
    while (!early.empty(shape)) {
      if (shared_.board.dependencies_met(early.front(shape))) {  // meanwhile an ordinary ready task
        early.pop(shape);
        continue;
      }
      SlotKind slot = SlotKind::Idle;
      int32_t free = shared_.slots.count_free(shape, slot, thread_);
      if (free == 0) {
        slot = SlotKind::Pending;
        free = shared_.slots.count_free(shape, slot, thread_);
      }
      if (free == 0) break;
      const Claim claim = shared_.board.claim(early, shape, free);
      post_claim(claim, shape, slot, thread_, true);
      staged += claim.count;
    }
  }
  if (staged > 0) close_phase(phase, staged);
  return staged > 0;
}

int32_t Scheduler::place_ready(Shape shape, SlotKind slot) {
  TaskQueues& ready = shared_.board.ready;
  int32_t posted = 0;
  int32_t free = shared_.slots.count_free(shape, slot, thread_);
  while (free > 0) {
    if (ready.empty(shape)) {
      ++pop_misses_;
      break;
    }
    // A thread pops as many tasks as it has free slots and hands back what it could not place, so
    // that tasks ready together keep their order (runtime.md §1.7).
    const std::vector<TaskId> batch = ready.pop_batch(shape, free);
    pop_hits_ += static_cast<int32_t>(batch.size());
    auto next = batch.begin();
    for (; next != batch.end() && free > 0; ++next) {
      posted +=
          post_claim(shared_.board.claim(ready, shape, *next, free), shape, slot, thread_, false);
      free = shared_.slots.count_free(shape, slot, thread_);
    }
    if (next == batch.end()) continue;
    for (; next != batch.end(); ++next) ready.push(shape, *next);
    shared_.wake_all();
  }
  return posted;
}

int32_t Scheduler::post_claim(const Claim& claim, Shape shape, SlotKind slot, int thread,
                              bool early) {
  lanes_ = shared_.board.lanes(claim.task);
  places_ = shared_.slots.free(shape, slot, thread);
  places_.resize(static_cast<size_t>(claim.count));
  for (int32_t b = 0; b < claim.count; ++b)
    shared_.slots.take(shape, places_[static_cast<size_t>(b)], claim.task, claim.first + b, lanes_);
  // Whether another thread may use its pending slots depends on who has idle cores, and early
  // dispatch waits for the ready queues to be empty.
  if (!shared_.board.ready.empty() || !shared_.board.early.empty()) shared_.wake_all();
  spend(shared_.chip.runtime.dispatch_task);
  int32_t posted = 0;
  for (int32_t b = 0; b < claim.count; ++b)
    posted += post_block(claim, claim.first + b, shape, places_[static_cast<size_t>(b)], early);
  return posted;
}

int32_t Scheduler::post_block(const Claim& claim, int32_t block, Shape shape, CoreId place,
                              bool early) {
  const isa::Task& task = shared_.board.task(claim.task);
  const isa::BlockCode& code = task.blocks[static_cast<size_t>(block)];
  std::shared_ptr<BlockEvents> events;
  if (code.events > 0) events = std::make_shared<BlockEvents>(code.events);
  for (const int lane : lanes_) {
    const CoreId core =
        shape == Shape::MIX ? shared_.slots.core(shared_.slots.cluster_of(place), lane) : place;
    spend(shared_.chip.runtime.post_core);
    LaneJob job;
    job.stream = lane == 0 ? &code.aic : &code.aiv[static_cast<size_t>(lane - 1)];
    job.events = events;
    job.gated = early && !shared_.board.dependencies_met(claim.task);
    job.row.core = core;
    job.row.kind = shared_.slots.kind(core);
    job.row.task = claim.task;
    job.row.func = task.func[static_cast<size_t>(lane)];
    job.row.block = block;
    job.row.lane = lane;
    job.row.dispatch = sim_now();
    const bool gated = job.gated;
    const uint32_t reg = shared_.cores[core.value]->post(std::move(job));
    shared_.slots.posted(core);
    if (gated) {
      shared_.slots.gate(core);
      shared_.board.stage(claim.task, {core, reg});
    } else if (const int owner = shared_.slots.thread_of(core); owner != thread_) {
      shared_.threads[static_cast<size_t>(owner)]->wake();  // it has a core more to poll
    }
  }
  if (shared_.board.block_posted(claim.task) && shared_.board.publish(claim.task))
    shared_.wake_all();
  return static_cast<int32_t>(lanes_.size());
}

void Scheduler::spend(double ns) {
  if (ns > 0) wait(sim_duration(ps_of_ns(ns)));
}

std::array<int32_t, 3> Scheduler::queue_sizes() const {
  const TaskQueues& ready = shared_.board.ready;
  return {ready.size(Shape::AIC), ready.size(Shape::AIV), ready.size(Shape::MIX)};
}

traces::PhaseRow Scheduler::open_phase(const char* kind) const {
  traces::PhaseRow row;
  row.thread = thread_;
  row.kind = kind;
  row.start = sim_now();
  row.loop_iter = loop_iter_;
  row.shared_at_start = queue_sizes();
  return row;
}

void Scheduler::close_phase(traces::PhaseRow row, int32_t processed) {
  if (shared_.options.level < 3) return;
  row.end = sim_now();
  row.tasks_processed = processed;
  row.shared_at_end = queue_sizes();
  if (row.kind == "dispatch") {
    row.pop_hit = pop_hits_;
    row.pop_miss = pop_misses_;
  }
  shared_.timeline.phases.push_back(std::move(row));
}

}  // namespace sim
