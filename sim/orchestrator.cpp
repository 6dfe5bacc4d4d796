#include "sim/orchestrator.h"

#include <fmt/format.h>

#include <algorithm>

#include "isa/error.h"

namespace sim {
namespace {

std::string task_label(const isa::TaskGraph& graph, isa::TaskId id) {
  return fmt::format("{} (task {})", graph.task(id).name, id.value);
}

const char* error_id(Rings::Block block) {
  switch (block) {
    case Rings::Block::Heap:
      return "sim.heap-ring-deadlock";
    case Rings::Block::DepPool:
      return "sim.dep-pool-overflow";
    default:
      return "sim.flow-control-deadlock";
  }
}

}  // namespace

Orchestrator::Orchestrator(sc_core::sc_module_name, RuntimeShared& shared) : shared_(shared) {
  SC_THREAD(run);
}

void Orchestrator::run() {
  try {
    walk();
  } catch (const isa::Error&) {
    shared_.fail();
  }
}

void Orchestrator::walk() {
  using Kind = isa::OrchStep::Kind;
  spend(shared_.chip.runtime.startup);
  const std::vector<isa::OrchStep>& steps = shared_.graph.orchestration;
  for (step_ = 0; step_ < steps.size(); ++step_) {
    const isa::OrchStep& step = steps[step_];
    switch (step.kind) {
      case Kind::Submit:
        submit(step);
        break;
      case Kind::Alloc:
        allocate(step);
        break;
      case Kind::Read:
        read(step);
        break;
      case Kind::ScopeBegin:  // part of the measured submit cost (hardware.md §7.3)
        shared_.board.rings.begin_scope();
        break;
      case Kind::ScopeEnd:
        shared_.board.rings.end_scope();
        break;
    }
  }
  while (shared_.board.rings.depth() > 0) shared_.board.rings.end_scope();
  shared_.board.rings.end_scope();
  shared_.orchestration_done = true;
  if (shared_.finished()) shared_.wake_all();
}

void Orchestrator::spend(double ns) {
  if (ns > 0) wait(sim_duration(ps_of_ns(ns)));
}

// The root scope of the framework is depth 0; user tasks of the outermost user scope land on
// ring 1.
int Orchestrator::current_depth() const { return std::max(1, shared_.board.rings.depth()); }

void Orchestrator::submit(const isa::OrchStep& step) {
  const chips::Chip::Runtime& cost = shared_.chip.runtime;
  const isa::Task& task = shared_.graph.task(step.task);
  spend(cost.submit_user);
  const traces::Picoseconds start = sim_now();
  Rings::Need need;
  need.ring = Rings::ring_of_depth(task.scope_depth);
  need.heap_bytes = step.heap_bytes;
  need.deps = shared_.board.unfinished_producers(step.task);
  wait_for_room(need, "submit of " + task_label(shared_.graph, step.task));
  spend(cost.submit + cost.lookup_per_arg * static_cast<double>(task.args.size()));
  need.deps = shared_.board.unfinished_producers(step.task);  // some may have finished meanwhile
  if (shared_.board.submit(step.task, shared_.board.rings.allocate(need))) shared_.wake_all();
  if (shared_.options.level >= 4)
    shared_.timeline.submits.push_back({submits_, step.task, start, sim_now()});
  ++submits_;
}

void Orchestrator::allocate(const isa::OrchStep& step) {
  Rings::Need need;
  need.ring = Rings::ring_of_depth(current_depth());
  need.heap_bytes = step.heap_bytes;
  wait_for_room(need, fmt::format("an allocation of {} bytes", step.heap_bytes));
  spend(shared_.chip.runtime.alloc);
  // A hidden task that the orchestrator completes itself (runtime.md §1.6).
  const RingEntry entry = shared_.board.rings.allocate(need);
  shared_.board.own_buffer(step.buffer, entry);
  shared_.board.rings.complete(entry);
}

void Orchestrator::read(const isa::OrchStep& step) {
  for (const isa::TaskId producer : step.waits) {
    while (!shared_.board.completed(producer)) {
      waiting_for_ = "to read a result of " + task_label(shared_.graph, producer);
      wait(shared_.progress);
    }
  }
  waiting_for_.clear();
  spend(shared_.chip.runtime.orchestration_read);
}

void Orchestrator::wait_for_room(const Rings::Need& need, const std::string& who) {
  const Rings& rings = shared_.board.rings;
  for (Rings::Block block = rings.blocked(need); block != Rings::Block::None;
       block = rings.blocked(need)) {
    if (rings.structural(need)) throw isa::Error(error_id(block), who, rings.describe(need));
    waiting_for_ = who + " waits for room: " + rings.describe(need);
    wait(shared_.progress);
  }
  waiting_for_.clear();
}

std::string Orchestrator::describe_wait() const {
  if (shared_.orchestration_done) return "";
  return fmt::format("the orchestrator, step {} of {}, waits {}", step_ + 1,
                     shared_.graph.orchestration.size(), waiting_for_);
}

}  // namespace sim
