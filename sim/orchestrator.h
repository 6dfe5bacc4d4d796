// The orchestrator thread: walks the orchestration program and submits tasks (runtime.md §1.3).
#pragma once

#include <string>
#include <systemc>

#include "sim/dispatch_shared.h"

namespace sim {

class Orchestrator : public sc_core::sc_module {
 public:
  SC_HAS_PROCESS(Orchestrator);
  Orchestrator(sc_core::sc_module_name name, RuntimeShared& shared);

  /// For the deadlock report; empty when the program has been walked to its end.
  std::string describe_wait() const;

 private:
  void run();
  void walk();
  void submit(const isa::OrchStep& step);
  void allocate(const isa::OrchStep& step);
  void read(const isa::OrchStep& step);
  /// Spins until the ring has room. Errors: "sim.flow-control-deadlock",
  /// "sim.heap-ring-deadlock", "sim.dep-pool-overflow".
  void wait_for_room(const Rings::Need& need, const std::string& who);
  void spend(double ns);
  int current_depth() const;

  RuntimeShared& shared_;
  size_t step_ = 0;
  int32_t submits_ = 0;
  std::string waiting_for_;
};

}  // namespace sim
