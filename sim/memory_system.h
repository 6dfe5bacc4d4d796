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

/// The way of a DMA that comes from another chip: out of one port and into another, which it holds
/// in turn. The ports' times move on as its data passes.
class NetworkPath {
 public:
  /// `out_free`, `in_free`: when the ports can take more (ps).
  NetworkPath(int64_t& out_free, int64_t& in_free, int64_t ps_per_byte)
      : out_free_(out_free), in_free_(in_free), ps_per_byte_(ps_per_byte) {}
  /// Fixed-point ps per byte of a port of `gigabytes_per_second`; 0 for a port without a limit.
  static int64_t rate(double gigabytes_per_second);
  int64_t ps_per_byte() const { return ps_per_byte_; }

  int64_t enter(int64_t now) {
    out_start_ = now > out_free_ ? now : out_free_;
    in_start_ = out_start_ > in_free_ ? out_start_ : in_free_;
    return in_start_;
  }
  void leave(int64_t end) {
    out_free_ = out_start_ + (end - in_start_);
    in_free_ = end;
  }

 private:
  int64_t& out_free_;
  int64_t& in_free_;
  int64_t ps_per_byte_;
  int64_t out_start_ = 0, in_start_ = 0;
};

/// A DMA as the memory sees it.
struct MemoryRequest {
  const isa::GmAccess* gm = nullptr;
  uint64_t gm_addr = 0;  ///< simulated address of the buffer
  isa::CoreKind core_kind = isa::CoreKind::AIV;
  isa::CoreId core;
  bool write = false;
  bool atomic = false;
  NetworkPath* path = nullptr;  ///< from another chip: instead of the core's own link
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
