// One AICPU scheduler thread: the polling loop of runtime.md §1.7.
#pragma once

#include <array>
#include <systemc>
#include <vector>

#include "sim/dispatch_shared.h"

namespace sim {

/// Iteration: poll every running core it owns, retire dummies, dispatch, dispatch early, loop
/// overhead. While nothing happens the iterations are not simulated: the thread sleeps and resumes
/// at the poll it would be making, so the timing is that of the loop at no cost in events.
class Scheduler : public sc_core::sc_module, public Wakeable {
 public:
  SC_HAS_PROCESS(Scheduler);
  Scheduler(sc_core::sc_module_name name, int thread, RuntimeShared& shared);

  void wake() override;

 private:
  void run();
  void watch_cores();

  // the loop
  bool iterate(size_t first_poll);
  void rest();
  bool poll(size_t first_poll);
  void finish_lane(isa::CoreId core, size_t lane_row);
  void complete_task(isa::TaskId task);
  void release_deferred();
  bool retire_dummies();
  int32_t start_together();
  bool drain();
  bool dispatch();
  bool dispatch_early();

  // parts of dispatch; all return lanes put on cores
  int32_t place_ready(Shape shape, SlotKind slot);
  int32_t post_claim(const Claim& claim, Shape shape, SlotKind slot, int thread, bool early);
  int32_t post_block(const Claim& claim, int32_t block, Shape shape, isa::CoreId place, bool early);

  void spend(double ns);
  traces::PhaseRow open_phase(const char* kind) const;
  void close_phase(traces::PhaseRow row, int32_t processed);
  std::array<int32_t, 3> queue_sizes() const;

  RuntimeShared& shared_;
  const int thread_;
  sc_core::sc_event wake_;
  bool woken_ = false;
  int64_t loop_iter_ = 0;
  int64_t into_poll_ = 0;  ///< ps of the next poll already gone when a sleep ends
  int32_t pop_hits_ = 0, pop_misses_ = 0;
  traces::Picoseconds iteration_start_;
  // Members rather than locals: a process that never ends would leak them.
  std::vector<isa::CoreId> polls_;   ///< cores polled in this iteration
  std::vector<isa::CoreId> places_;  ///< of the claim being posted
  std::vector<int> lanes_;
  std::vector<StagedLane> doorbells_;
  std::vector<isa::TaskId> deferred_;  ///< completed, producers not yet released
  std::vector<isa::CoreId> owned_;     ///< by core id
};

}  // namespace sim
