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
#include "sim/network.h"
#include "sim/orchestrator.h"
#include "sim/scheduler.h"

namespace sim {
namespace {

/// SystemC greets on stderr when a program starts, unless told otherwise.
[[maybe_unused]] const int kQuiet = setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 0);

/// The modules of one chip, built in a fresh SystemC context.
class Machine {
 public:
  Machine(const isa::TaskGraph& graph, const chips::Chip& chip, const Options& options,
          Network& network)
      : shared_(graph, chip, options), memory_(chip) {
    const auto rank = static_cast<size_t>(graph.rank);
    if (graph.ranks > 1) prefix_ = fmt::format("rank{}_", rank);
    network.attach(rank, graph, memory_);
    context_.network = &network;
    context_.rank = rank;
    describe_chip();
    if (chip.l2.warm_inputs) warm_inputs();
    build_cores();
    orchestrator_ = std::make_unique<Orchestrator>((prefix_ + "orchestrator").c_str(), shared_);
    for (int t = 0; t < chip.aicpu_schedulers; ++t) {
      schedulers_.push_back(std::make_unique<Scheduler>(
          fmt::format("{}scheduler_{}", prefix_, t).c_str(), t, shared_));
      shared_.threads.push_back(schedulers_.back().get());
    }
  }

  /// After the simulation: its first failure, whether all is done, and if not why.
  std::exception_ptr error() const { return shared_.error; }
  bool finished() const { return shared_.finished(); }
  std::string who_waits_for_what() const;
  traces::Timeline timeline() {
    sort_records();
    return std::move(shared_.timeline);
  }

 private:
  void describe_chip();
  void warm_inputs();
  void build_cores();
  void sort_records();

  std::string prefix_;  ///< of module names
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
    shared_.cores.push_back(std::make_unique<Core>(
        fmt::format("{}{}_{}", prefix_, isa::name(kind), c).c_str(), id, kind, context_));
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

namespace {

void check_ranks(const std::vector<const isa::TaskGraph*>& graphs) {
  for (size_t r = 0; r < graphs.size(); ++r) {
    const isa::TaskGraph& g = *graphs[r];
    if (static_cast<size_t>(g.rank) == r && static_cast<size_t>(g.ranks) == graphs.size()) continue;
    throw isa::Error("sim.bad-graph",
                     fmt::format("program {} is rank {} of {}, replayed as rank {} of {}",
                                 g.program, g.rank, g.ranks, r, graphs.size()));
  }
}

void run_simulation() {
  sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
  try {
    sc_core::sc_start();
  } catch (const sc_core::sc_report& report) {
    throw isa::Error("sim.internal", report.get_msg());
  }
}

}  // namespace

traces::Timeline replay(const isa::TaskGraph& graph, const chips::Chip& chip,
                        const Options& options) {
  return std::move(replay_ranks({&graph}, chip, options).front());
}

std::vector<traces::Timeline> replay_ranks(const std::vector<const isa::TaskGraph*>& graphs,
                                           const chips::Chip& chip, const Options& options,
                                           const std::vector<std::vector<FlagStart>>& flags) {
  check_ranks(graphs);
  FreshSystemC world;
  Network network("network", chip, graphs.size());
  for (size_t r = 0; r < flags.size(); ++r)
    for (const FlagStart& f : flags[r]) network.set(r, {f.window, f.byte}, f.value);
  std::vector<std::unique_ptr<Machine>> machines;
  for (const isa::TaskGraph* graph : graphs)
    machines.push_back(std::make_unique<Machine>(*graph, chip, options, network));
  run_simulation();
  for (const auto& m : machines)
    if (m->error()) std::rethrow_exception(m->error());
  std::vector<std::string> stuck;
  for (size_t r = 0; r < machines.size(); ++r)
    if (!machines[r]->finished())
      stuck.push_back((graphs.size() > 1 ? fmt::format("rank {}: ", r) : "") +
                      machines[r]->who_waits_for_what());
  if (!stuck.empty()) throw isa::Error("sim.deadlock", fmt::format("{}", fmt::join(stuck, "; ")));
  std::vector<traces::Timeline> timelines;
  for (const auto& m : machines) timelines.push_back(m->timeline());
  return timelines;
}

}  // namespace sim
