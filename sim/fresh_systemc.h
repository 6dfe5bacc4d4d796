// One SystemC world for one scope, so that a process can run many simulations (feasibility.md §1).
#pragma once

#include <systemc>

namespace sc_core {
// Exported by the library but declared only in its internal headers.
extern SC_API sc_simcontext* sc_curr_simcontext;
extern SC_API sc_simcontext* sc_default_global_context;
}  // namespace sc_core

namespace sim {

/// Everything SystemC created while this object lives belongs to a context of its own: time starts
/// at 0 and names may repeat. Modules must be destroyed before it. One at a time in a process; not
/// thread safe. Relies on SystemC 2.3.x.
class FreshSystemC {
 public:
  FreshSystemC()
      : current_(sc_core::sc_curr_simcontext), global_(sc_core::sc_default_global_context) {
    sc_core::sc_default_global_context = sc_core::sc_curr_simcontext = new sc_core::sc_simcontext();
  }
  ~FreshSystemC() {
    delete sc_core::sc_curr_simcontext;
    sc_core::sc_curr_simcontext = current_;
    sc_core::sc_default_global_context = global_;
  }
  FreshSystemC(const FreshSystemC&) = delete;
  FreshSystemC& operator=(const FreshSystemC&) = delete;

 private:
  sc_core::sc_simcontext* current_;
  sc_core::sc_simcontext* global_;
};

}  // namespace sim
