// The chip-level memory: L2 with real tags, HBM and per-core links, shared by all cores.
//
// Plain C++ on integer picoseconds, no SystemC: callers present requests in non-decreasing start
// time (a core waits in simulated time before it asks), so state changes happen in global order.
#pragma once

#include <cstdint>
#include <memory>

#include "chips/chip.h"
#include "isa/graph.h"
#include "isa/instr.h"
#include "traces/timeline.h"

namespace sim {

/// A DMA as the memory sees it.
struct MemoryRequest {
  const isa::GmAccess* gm = nullptr;
  uint64_t gm_addr = 0;  ///< simulated address of the buffer
  isa::CoreKind core_kind = isa::CoreKind::AIV;
  isa::CoreId core;
  bool write = false;
  bool atomic = false;
};

/// What the shared memory adds to a DMA. The core-side cost law (cost.h) uses the line counts; the
/// DMA is complete when both the core-side time and `data_ready` + the DMA's own latency have
/// passed.
struct MemoryReply {
  traces::Picoseconds data_ready;  ///< last byte through link, L2 and HBM, given contention
  int64_t lines = 0, line_misses = 0;
  int64_t requests = 0;  ///< 128 B pieces
  int64_t hbm_bytes = 0;
};

/// How far a DMA has come. A long DMA enters the memory a few dozen lines at a time, so that the
/// requests of several cores take turns.
struct MemoryCursor {
  bool done = false;
  traces::Picoseconds next;  ///< when the next part is to be presented
  MemoryReply reply;         ///< sums so far; complete when done

  // private to MemorySystem
  int32_t row = 0;
  int64_t byte = 0;  ///< of the row
  uint64_t last_line = ~uint64_t{0};
};

class MemorySystem {
 public:
  explicit MemorySystem(const chips::Chip& chip);
  ~MemorySystem();
  /// Presents the next part of a DMA at `now` (the cursor's `next`, except for the first part).
  void step(const MemoryRequest& request, MemoryCursor& cursor, traces::Picoseconds now);
  /// The whole DMA at once, for one that has the memory to itself.
  MemoryReply access(const MemoryRequest& request, traces::Picoseconds now);
  /// Makes [addr, addr + bytes) resident (clean), for `l2.warm_inputs`.
  void warm(uint64_t addr, int64_t bytes);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sim
