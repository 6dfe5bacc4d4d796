// What joins the chips of several ranks: one port per chip into a network that reaches all others,
// and the flags they signal each other with (chips: `[link]`).
#pragma once

#include <cstdint>
#include <map>
#include <systemc>
#include <utility>
#include <vector>

#include "chips/chip.h"
#include "isa/graph.h"
#include "sim/memory_system.h"
#include "traces/time.h"

namespace sim {

/// A flag a TWAIT looks at: an INT32 of a rank's copy of a symmetric window.
struct FlagPlace {
  int32_t window = isa::GmBuffer::kNoWindow;
  int64_t byte = 0;
  friend bool operator<(const FlagPlace& a, const FlagPlace& b) {
    return std::pair(a.window, a.byte) < std::pair(b.window, b.byte);
  }
};

class Network : public sc_core::sc_module {
 public:
  SC_HAS_PROCESS(Network);
  Network(sc_core::sc_module_name name, const chips::Chip& chip, size_t ranks);

  /// Every rank, before the simulation starts.
  void attach(size_t rank, const isa::TaskGraph& graph, MemorySystem& memory);

  /// Presents the next part of a DMA of `rank` that reads or writes its peer's copy of a window:
  /// it crosses the ports of both chips and meets the peer's memory. The round trip is not in it.
  void step(size_t rank, const isa::GmAccess& gm, MemoryRequest request, MemoryCursor& cursor,
            traces::Picoseconds now);
  traces::Picoseconds latency() const { return latency_; }
  traces::Picoseconds round_trip() const { return latency_ + latency_; }

  /// The flag that an access to one INT32 of a window means; no window: none.
  FlagPlace place(size_t rank, const isa::GmAccess& gm) const;
  /// The value a flag starts with.
  void set(size_t rank, FlagPlace flag, int32_t start) { ranks_[rank].flags[flag] = start; }
  /// Changes a flag of `rank` at `at`, not before now.
  void change(size_t rank, FlagPlace place, bool add, int32_t value, traces::Picoseconds at);
  /// The value now.
  int32_t value(size_t rank, FlagPlace place) const;
  /// Fires when a flag of the rank has changed.
  sc_core::sc_event& changed(size_t rank) { return ranks_[rank].changed; }

 private:
  struct Rank {
    const isa::TaskGraph* graph = nullptr;
    MemorySystem* memory = nullptr;
    std::vector<isa::BufferId> windows;  ///< by window number
    int64_t out_free = 0, in_free = 0;   ///< when the port can take more, by direction
    std::map<FlagPlace, int32_t> flags;  ///< windows start at zero
    sc_core::sc_event changed;
  };
  struct Change {
    size_t rank;
    FlagPlace place;
    bool add;
    int32_t value;
  };

  void deliver();

  traces::Picoseconds latency_;
  int64_t ps_per_byte_;  ///< fixed point, see NetworkPath
  std::vector<Rank> ranks_;
  std::multimap<int64_t, Change> coming_;  ///< by time, then in the order they were made
  sc_core::sc_event due_;
};

}  // namespace sim
