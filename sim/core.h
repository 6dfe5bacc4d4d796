// One AICore: the executor loop (dispatch register, two slots, status register) around the in-order
// pipes. One SystemC process per core; core-private work is computed without kernel events.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <systemc>
#include <vector>

#include "chips/chip.h"
#include "isa/graph.h"
#include "sim/memory_system.h"
#include "traces/timeline.h"

namespace sim {

class Network;

/// Cross-core flags of one block in flight; shared by the cores that run its lanes.
/// An event has a raise time once its signalling instruction is complete.
class BlockEvents {
 public:
  explicit BlockEvents(int32_t count)
      : raised_(static_cast<size_t>(count), traces::Picoseconds(-1)) {}
  bool raised(int32_t event) const { return raised_[static_cast<size_t>(event)].value >= 0; }
  traces::Picoseconds when(int32_t event) const { return raised_[static_cast<size_t>(event)]; }
  /// Records the time and wakes every core waiting on this block.
  void raise(int32_t event, traces::Picoseconds at);
  sc_core::sc_event& changed() { return changed_; }

 private:
  std::vector<traces::Picoseconds> raised_;
  sc_core::sc_event changed_;
};

/// One lane of one block, as a scheduler dispatches it.
struct LaneJob {
  const isa::Stream* stream = nullptr;  ///< may be empty (an idle second vector lane)
  std::shared_ptr<BlockEvents> events;  ///< null when the block has none
  traces::LaneRow row;                  ///< task, func, block, lane, dispatch filled in
  bool gated = false;                   ///< early dispatch: prepared, waits for the doorbell
};

/// Shared by all cores of a machine.
struct CoreContext {
  const chips::Chip* chip = nullptr;
  const isa::TaskGraph* graph = nullptr;
  MemorySystem* memory = nullptr;
  Network* network = nullptr;  ///< to the other ranks
  size_t rank = 0;
  bool observer_effect = false;
  bool record_instructions = false;
  std::vector<traces::LaneRow>* lanes =
      nullptr;  ///< finished rows are appended (row index = position)
  std::vector<traces::InstrRow>* instrs = nullptr;
  /// By FuncId; functions beyond its end are not recorded.
  std::vector<std::array<traces::OpTimes, isa::kOpcodes>>* op_times = nullptr;
};

/// The core. Timeline of a job: `post` (store to the dispatch register) -> propagate -> receive ->
/// head overhead (cold on the core's first job, else warm; a job that was pending while its
/// predecessor ran pays the task switch instead) -> start -> body -> end -> status register ->
/// visible to a poll `runtime.fin_visible` later.
class Core : public sc_core::sc_module {
 public:
  Core(sc_core::sc_module_name name, isa::CoreId id, isa::CoreKind kind,
       const CoreContext& context);
  ~Core() override;

  isa::CoreId id() const;
  isa::CoreKind core_kind() const;  // sc_module has a kind() of its own

  /// Jobs posted and not yet observed as finished by `take_finished` (0, 1 or 2).
  int outstanding() const;
  /// Posts a job now (at most two outstanding). Assigns row.reg_task_id and returns it (for
  /// `ring`).
  uint32_t post(LaneJob job);
  /// Rings the doorbell of the gated job `reg_task_id`.
  void ring(uint32_t reg_task_id);
  /// The oldest job whose end is visible to a poll made now, if any: index of its row in
  /// `context.lanes` (its `finish` is still to be filled in by the caller). Each job is returned
  /// once.
  std::optional<size_t> take_finished();
  /// Fires when a posted job's end becomes visible.
  sc_core::sc_event& finished_event();
  /// For the deadlock report: "AIC_3: qproj_matmul block 2, MTE2 instr 14 (TPOP) waits for event
  /// 5".
  std::string describe_wait() const;

 private:
  SC_HAS_PROCESS(Core);
  void step();
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sim
