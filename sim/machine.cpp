#include "sim/machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <systemc>
#include <tuple>

#include "isa/error.h"
#include "sim/core.h"
#include "sim/dispatch_shared.h"
#include "sim/fresh_systemc.h"
#include "sim/memory_system.h"
#include "sim/orchestrator.h"
#include "sim/scheduler.h"

namespace sim {
namespace {

/// SystemC greets on stderr when a program starts, unless told otherwise.
[[maybe_unused]] const int kQuiet = setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 0);

/// The modules of one simulation, built in a fresh SystemC context.
class Machine {
 public:
  Machine(const isa::TaskGraph& graph, const chips::Chip& chip, const Options& options)
      : shared_(graph, chip, options), memory_(chip) {
    describe_chip();
    if (chip.l2.warm_inputs) warm_inputs();
    build_cores();
    orchestrator_ = std::make_unique<Orchestrator>("orchestrator", shared_);
    for (int t = 0; t < chip.aicpu_schedulers; ++t) {
      schedulers_.push_back(
          std::make_unique<Scheduler>(fmt::format("scheduler_{}", t).c_str(), t, shared_));
      shared_.threads.push_back(schedulers_.back().get());
    }
  }

  traces::Timeline run() {
    sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
    try {
      sc_core::sc_start();
    } catch (const sc_core::sc_report& report) {
      throw isa::Error("sim.internal", report.get_msg());
    }
    if (shared_.error) std::rethrow_exception(shared_.error);
    if (!shared_.finished()) throw isa::Error("sim.deadlock", who_waits_for_what());
    sort_records();
    return std::move(shared_.timeline);
  }

 private:
  void describe_chip();
  void warm_inputs();
  void build_cores();
  void sort_records();
  std::string who_waits_for_what() const;

  RuntimeShared shared_;
  MemorySystem memory_;
  CoreContext context_;
  std::unique_ptr<Orchestrator> orchestrator_;
  std::vector<std::unique_ptr<Scheduler>> schedulers_;
};

void Machine::describe_chip() {
  const chips::Chip& chip = shared_.chip;
  traces::TimelineMeta& meta = shared_.timeline.meta;
  meta.chip = chip.name;
  meta.soc = chip.soc;
  meta.counter_hz = chip.counter_hz;
  meta.clock_mhz = chip.clock_mhz;
  meta.aic = chip.aic;
  meta.aiv = chip.aiv;
  meta.scheduler_threads = chip.aicpu_schedulers;
  meta.observer_effect = shared_.options.observer_effect;
  for (uint16_t c = 0; c < shared_.slots.cores(); ++c) {
    meta.core_kinds.push_back(shared_.slots.kind(isa::CoreId(c)));
    meta.core_to_thread.push_back(shared_.slots.thread_of(isa::CoreId(c)));
  }
}

void Machine::warm_inputs() {
  for (const isa::GmBuffer& b : shared_.graph.buffers)
    if (b.role == isa::BufferRole::Input) memory_.warm(b.gm_addr, b.bytes);
}

void Machine::build_cores() {
  context_.chip = &shared_.chip;
  context_.graph = &shared_.graph;
  context_.memory = &memory_;
  context_.observer_effect = shared_.options.observer_effect;
  context_.record_instructions = shared_.options.instructions;
  context_.lanes = &shared_.timeline.lanes;
  context_.instrs = &shared_.timeline.instrs;
  shared_.timeline.op_times.resize(shared_.graph.func_names.size());
  context_.op_times = &shared_.timeline.op_times;
  for (uint16_t c = 0; c < shared_.slots.cores(); ++c) {
    const isa::CoreId id(c);
    const isa::CoreKind kind = shared_.slots.kind(id);
    shared_.cores.push_back(std::make_unique<Core>(fmt::format("{}_{}", isa::name(kind), c).c_str(),
                                                   id, kind, context_));
  }
}

/// The orders Timeline promises; instruction rows follow their lane to its new place.
void Machine::sort_records() {
  traces::Timeline& t = shared_.timeline;
  std::vector<uint32_t> order(t.lanes.size());
  std::iota(order.begin(), order.end(), 0u);
  const auto lane_key = [&](uint32_t i) {
    const traces::LaneRow& r = t.lanes[i];
    return std::tuple(r.start.value, r.core.value, r.reg_task_id);
  };
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return lane_key(a) < lane_key(b); });
  std::vector<uint32_t> place(order.size());
  std::vector<traces::LaneRow> lanes;
  lanes.reserve(order.size());
  for (const uint32_t i : order) {
    place[i] = static_cast<uint32_t>(lanes.size());
    lanes.push_back(std::move(t.lanes[i]));
  }
  t.lanes = std::move(lanes);

  for (traces::InstrRow& row : t.instrs) row.lane_row = place[row.lane_row];
  std::sort(t.instrs.begin(), t.instrs.end(),
            [](const traces::InstrRow& a, const traces::InstrRow& b) {
              return std::tuple(a.start.value, a.lane_row, a.instr) <
                     std::tuple(b.start.value, b.lane_row, b.instr);
            });
  // An enclosing phase stands before what it contains.
  std::stable_sort(t.phases.begin(), t.phases.end(),
                   [](const traces::PhaseRow& a, const traces::PhaseRow& b) {
                     return std::tuple(a.thread, a.start.value, -a.end.value) <
                            std::tuple(b.thread, b.start.value, -b.end.value);
                   });
}

/// One line: the orchestrator, the busy cores and the oldest unfinished tasks.
std::string Machine::who_waits_for_what() const {
  constexpr size_t kMost = 12;
  std::vector<std::string> reasons;
  if (const std::string o = orchestrator_->describe_wait(); !o.empty()) reasons.push_back(o);
  for (const auto& core : shared_.cores)
    if (core->outstanding() > 0) reasons.push_back(core->describe_wait());
  for (uint32_t i = 0; i < shared_.graph.tasks.size(); ++i) {
    const isa::TaskId id(i);
    if (!shared_.board.submitted(id) || shared_.board.completed(id)) continue;
    const isa::Task& task = shared_.board.task(id);
    std::string waits = fmt::format("{} (task {})", task.name, i);
    if (shared_.board.pending(id) > 0) {
      for (const isa::TaskId p : shared_.board.producers(id))
        if (!shared_.board.completed(p)) {
          waits += fmt::format(" waits for {} (task {})", shared_.board.task(p).name, p.value);
          break;
        }
    } else {
      waits += fmt::format(" has {} of {} blocks on cores", shared_.board.blocks_claimed(id),
                           task.block_num);
    }
    reasons.push_back(waits);
  }
  if (const int64_t never =
          static_cast<int64_t>(shared_.graph.tasks.size()) - shared_.board.submitted_count();
      never > 0)
    reasons.push_back(fmt::format("{} tasks are not submitted", never));
  const size_t all = reasons.size();
  if (all > kMost) {
    reasons.resize(kMost);
    reasons.push_back(fmt::format("{} more", all - kMost));
  }
  return fmt::format("nothing can happen after {:.3f} us, {} of {} tasks complete: {}",
                     sim_now().us(), shared_.board.completed_count(), shared_.graph.tasks.size(),
                     fmt::join(reasons, "; "));
}

}  // namespace

traces::Timeline replay(const isa::TaskGraph& graph, const chips::Chip& chip,
                        const Options& options) {
  FreshSystemC world;
  Machine machine(graph, chip, options);
  return machine.run();
}

}  // namespace sim
