// What the orchestrator and the scheduler threads of one machine share.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <systemc>
#include <vector>

#include "chips/chip.h"
#include "isa/graph.h"
#include "sim/core.h"
#include "sim/dispatch_board.h"
#include "sim/dispatch_cores.h"
#include "sim/machine.h"
#include "traces/timeline.h"

namespace sim {

inline traces::Picoseconds sim_now() {
  return traces::Picoseconds(static_cast<int64_t>(sc_core::sc_time_stamp().value()));
}
/// Duration of `ps` picoseconds (SystemC's default resolution).
inline sc_core::sc_time sim_duration(int64_t ps) {
  return sc_core::sc_time::from_value(static_cast<sc_dt::uint64>(ps));
}
/// A runtime cost of the chip file in picoseconds.
inline int64_t ps_of_ns(double ns) { return static_cast<int64_t>(ns * 1000 + 0.5); }

/// A scheduler thread as the others see it.
class Wakeable {
 public:
  virtual ~Wakeable() = default;
  /// Something the thread's next loop iteration could act on has changed.
  virtual void wake() = 0;
};

struct RuntimeShared {
  RuntimeShared(const isa::TaskGraph& g, const chips::Chip& c, const Options& o)
      : graph(g), chip(c), options(o), board(g, c), slots(c.aic, c.aicpu_schedulers) {}

  const isa::TaskGraph& graph;
  const chips::Chip& chip;
  const Options& options;
  DispatchBoard board;
  CoreSlots slots;
  std::vector<std::unique_ptr<Core>> cores;  ///< by CoreId
  std::vector<Wakeable*> threads;            ///< scheduler threads
  traces::Timeline timeline;
  sc_core::sc_event progress;  ///< a task completed or ring entries were reclaimed
  bool orchestration_done = false;
  isa::TaskId drain;         ///< sync-start task that waits for the whole chip
  std::exception_ptr error;  ///< first failure inside a process

  bool finished() const { return orchestration_done && board.all_complete(); }
  void wake_all() {
    for (Wakeable* t : threads) t->wake();
  }
  void made_progress() { progress.notify(sc_core::SC_ZERO_TIME); }
  /// Ends the simulation with the exception being handled.
  void fail() {
    if (!error) error = std::current_exception();
    sc_core::sc_stop();
  }
};

}  // namespace sim
