#include "sim/dispatch_board.h"

#include <fmt/format.h>

#include <algorithm>

#include "isa/error.h"

namespace sim {

using isa::TaskId;
using isa::TaskKind;

DispatchBoard::DispatchBoard(const isa::TaskGraph& graph, const chips::Chip& chip)
    : rings(chip),
      graph_(graph),
      chip_(chip),
      states_(graph.tasks.size()),
      buffer_owner_(graph.buffers.size(), kNoEntry),
      held_(graph.tasks.size()) {
  check_ids();
  build_edges();
}

void DispatchBoard::check_ids() const {
  const auto check = [&](TaskId id, const char* what) {
    if (id.value >= states_.size())
      throw isa::Error("sim.bad-graph", graph_.program,
                       fmt::format("{} names task {} of {}", what, id.value, states_.size()));
  };
  for (const isa::TaskEdge& e : graph_.edges) {
    check(e.pred, "an edge");
    check(e.succ, "an edge");
  }
  for (const isa::OrchStep& step : graph_.orchestration) {
    if (step.kind == isa::OrchStep::Kind::Submit) check(step.task, "a submit");
    for (const TaskId producer : step.waits) check(producer, "a read");
  }
}

void DispatchBoard::build_edges() {
  const size_t n = states_.size();
  producer_begin_.assign(n + 1, 0);
  consumer_begin_.assign(n + 1, 0);
  // A task that reads two tensors of one producer has one dependency (runtime.md §1.3).
  std::vector<isa::TaskEdge> edges = graph_.edges;
  const auto key = [](const isa::TaskEdge& e) { return std::pair(e.succ.value, e.pred.value); };
  std::stable_sort(edges.begin(), edges.end(),
                   [&](const isa::TaskEdge& a, const isa::TaskEdge& b) { return key(a) < key(b); });
  std::vector<uint32_t> succ;
  for (const isa::TaskEdge& e : edges) {
    const bool retain = e.source != isa::EdgeSource::TensorMap;
    if (!succ.empty() && succ.back() == e.succ.value && producers_.back().task == e.pred.value) {
      producers_.back().retain |= retain;
      continue;
    }
    succ.push_back(e.succ.value);
    producers_.push_back({e.pred.value, retain});
    ++producer_begin_[e.succ.value + 1];
    ++consumer_begin_[e.pred.value + 1];
  }
  for (size_t i = 0; i < n; ++i) {
    producer_begin_[i + 1] += producer_begin_[i];
    consumer_begin_[i + 1] += consumer_begin_[i];
  }
  consumers_.resize(producers_.size());
  std::vector<uint32_t> next(consumer_begin_.begin(), consumer_begin_.end() - 1);
  for (size_t i = 0; i < producers_.size(); ++i) consumers_[next[producers_[i].task]++] = succ[i];
}

std::vector<TaskId> DispatchBoard::producers(TaskId id) const {
  std::vector<TaskId> list;
  for (uint32_t i = producer_begin_[id.value]; i < producer_begin_[id.value + 1]; ++i)
    list.emplace_back(producers_[i].task);
  return list;
}

std::vector<int> DispatchBoard::lanes(TaskId id) const {
  const isa::Task& t = task(id);
  const auto has = [&](int lane) { return t.func[static_cast<size_t>(lane)].valid(); };
  std::vector<int> list;
  if (t.kind != TaskKind::AIV && t.kind != TaskKind::Dummy && has(0)) list.push_back(0);
  if (t.kind == TaskKind::AIV || t.kind == TaskKind::MIX)
    for (const int lane : {1, 2})
      if (has(lane)) list.push_back(lane);
  return list;
}

void DispatchBoard::check_dispatchable(TaskId id) const {
  const isa::Task& t = task(id);
  const std::string where =
      fmt::format("task {} ({})", id.value, t.name) +
      (t.site.valid() && t.site.value < graph_.sites.size() ? ", " + graph_.sites[t.site.value]
                                                            : "");
  const size_t used = lanes(id).size();
  const bool single = t.kind == TaskKind::AIC || t.kind == TaskKind::AIV;
  if (used == 0 || (single && used != 1))
    throw isa::Error(
        "sim.no-core", where,
        fmt::format("an {} task with {} kernels fits no core", isa::name(t.kind), used));
  if (t.block_num < 1 || t.blocks.size() != static_cast<size_t>(t.block_num))
    throw isa::Error("sim.no-core", where,
                     fmt::format("{} blocks asked for, code for {}", t.block_num, t.blocks.size()));
  if (!t.sync_start) return;
  const int cores = t.kind == TaskKind::AIV ? chip_.aiv : chip_.aic;
  if (t.block_num > cores)
    throw isa::Error(
        "sim.sync-start", where,
        fmt::format("{} blocks must start together, the chip has {} {}", t.block_num, cores,
                    t.kind == TaskKind::MIX ? "clusters" : "cores of that kind"));
}

int64_t DispatchBoard::unfinished_producers(TaskId id) const {
  int64_t n = 0;
  for (uint32_t i = producer_begin_[id.value]; i < producer_begin_[id.value + 1]; ++i)
    n += !states_[producers_[i].task].completed;
  return n;
}

void DispatchBoard::own_buffer(isa::BufferId buffer, RingEntry entry) {
  if (buffer.valid()) buffer_owner_[buffer.value] = entry;
}

bool DispatchBoard::submit(TaskId id, RingEntry entry) {
  const isa::Task& t = task(id);
  if (id.value != next_submit_)
    throw isa::Error("sim.bad-graph", fmt::format("task {} ({})", id.value, t.name),
                     fmt::format("submitted where task {} is due", next_submit_));
  ++next_submit_;
  if (t.kind != TaskKind::Dummy) check_dispatchable(id);
  State& s = state(id);
  s.submitted = true;
  s.entry = entry;
  s.lanes_left = static_cast<int32_t>(lanes(id).size()) * t.block_num;
  s.may_stage = t.kind != TaskKind::Dummy && !t.sync_start;

  std::vector<RingEntry>& held = held_[id.value];
  for (uint32_t i = producer_begin_[id.value]; i < producer_begin_[id.value + 1]; ++i) {
    const TaskId producer(producers_[i].task);
    const State& p = state(producer);
    s.may_stage &= task(producer).allow_early_resolve;
    s.pending += !p.completed;
    s.unpublished += !p.completed && !p.published;
    if (producers_[i].retain && p.submitted && !rings.reclaimed(p.entry)) held.push_back(p.entry);
  }
  for (const isa::TensorArg& arg : t.args) {
    const RingEntry owner =
        arg.buffer.value < buffer_owner_.size() ? buffer_owner_[arg.buffer.value] : kNoEntry;
    if (owner != kNoEntry && !rings.reclaimed(owner)) held.push_back(owner);
  }
  for (const RingEntry e : held) rings.retain(e);

  if (s.pending != 0) return stage_if_possible(id);
  enqueue(id);
  return true;
}

void DispatchBoard::enqueue(TaskId id) {
  const isa::Task& t = task(id);
  if (t.kind == TaskKind::Dummy) {
    dummies.push_back(id);
  } else if (state(id).next_block < t.block_num) {  // else every block is staged already
    // One block needs no co-residence (runtime.md §1.6: sync_start with n > 1).
    TaskQueues& queue = t.sync_start && t.block_num > 1 ? sync : ready;
    queue.push(shape_of(t.kind), id);
  }
}

bool DispatchBoard::stage_if_possible(TaskId id) {
  const State& s = state(id);
  if (!s.may_stage || s.pending == 0 || s.unpublished != 0) return false;
  early.push(shape_of(task(id).kind), id);
  return true;
}

Claim DispatchBoard::claim(TaskQueues& queue, Shape shape, TaskId id, int32_t free) {
  Claim claim;
  claim.task = id;
  State& s = state(claim.task);
  const int32_t blocks = task(claim.task).block_num;
  claim.first = s.next_block;
  claim.count = std::min(free, blocks - s.next_block);
  s.next_block += claim.count;
  if (s.next_block < blocks) queue.push(shape, claim.task);
  return claim;
}

bool DispatchBoard::block_posted(TaskId id) {
  State& s = state(id);
  s.published = ++s.blocks_posted == task(id).block_num;
  return s.published;
}

bool DispatchBoard::publish(TaskId id) {
  bool any = false;
  for (uint32_t i = consumer_begin_[id.value]; i < consumer_begin_[id.value + 1]; ++i) {
    const TaskId consumer(consumers_[i]);
    State& c = state(consumer);
    if (!c.submitted) continue;
    --c.unpublished;
    any |= stage_if_possible(consumer);
  }
  return any;
}

bool DispatchBoard::lane_done(TaskId id) { return --state(id).lanes_left == 0; }

int32_t DispatchBoard::complete(TaskId id) {
  state(id).completed = true;
  ++completed_;
  rings.complete(state(id).entry);
  int32_t visited = 0;
  for (uint32_t i = consumer_begin_[id.value]; i < consumer_begin_[id.value + 1]; ++i)
    visited += state(TaskId(consumers_[i])).submitted;
  return visited;
}

std::vector<StagedLane> DispatchBoard::resolve(TaskId id, int32_t visited) {
  std::vector<StagedLane> doorbells;
  const bool was_published = state(id).published;
  // Consumers are submitted in ascending order, so the first `visited` are those `complete` saw.
  for (int32_t k = 0; k < visited; ++k) {
    const TaskId consumer(consumers_[consumer_begin_[id.value] + static_cast<uint32_t>(k)]);
    State& c = state(consumer);
    if (!was_published) --c.unpublished;  // a dummy has nothing to publish
    if (--c.pending != 0) {
      if (!was_published) stage_if_possible(consumer);
      continue;
    }
    enqueue(consumer);
    if (const auto it = staged_.find(consumer.value); it != staged_.end()) {
      doorbells.insert(doorbells.end(), it->second.begin(), it->second.end());
      staged_.erase(it);
    }
  }
  return doorbells;
}

bool DispatchBoard::release_producers(TaskId id) {
  bool any = false;
  for (const RingEntry e : held_[id.value]) any |= rings.release(e);
  held_[id.value] = {};
  return any;
}

}  // namespace sim
