#include "sim/memory_system.h"

#include <algorithm>
#include <vector>

#include "sim/cost.h"
#include "sim/hbm.h"
#include "sim/l2.h"

namespace sim {
namespace {

constexpr int kFixedPoint = 16;

/// Picoseconds per byte of a link of `bytes_per_cycle`, fixed point.
int64_t link_rate(const chips::Chip& chip, double bytes_per_cycle) {
  const double ps = 1e6 / chip.clock_mhz / bytes_per_cycle;
  return static_cast<int64_t>(ps * static_cast<double>(1 << kFixedPoint) + 0.5);
}

}  // namespace

class MemorySystem::Impl {
 public:
  explicit Impl(const chips::Chip& chip)
      : line_(chip.l2.line),
        request_(chip.l2.request),
        aic_link_(link_rate(chip, chip.l2.aic_bytes)),
        aiv_link_(link_rate(chip, chip.l2.aiv_bytes)),
        fill_latency_(duration(chip, Cycles(chip.mte2.latency_miss)).value),
        same_address_(duration(chip, Cycles(chip.l2.same_address)).value),
        tags_(chip.l2.bytes, chip.l2.line, chip.l2.ways),
        l2_(chip.l2.bandwidth),
        hbm_(chip.hbm.bandwidth * chip.hbm.efficiency),
        read_free_(static_cast<size_t>(chip.aic + chip.aiv), 0),
        write_free_(read_free_) {}

  MemoryReply access(const MemoryRequest& request, traces::Picoseconds now) {
    l2_.advance(now.value);
    hbm_.advance(now.value);
    Dma dma;
    dma.write = request.write;
    dma.atomic = request.atomic;
    dma.link = request.core_kind == isa::CoreKind::AIC ? aic_link_ : aiv_link_;
    auto& link_free = (request.write ? write_free_ : read_free_)[request.core.value];
    dma.time = std::max(link_free, now.value);
    dma.ready = now.value;
    dma.last_line = ~uint64_t{0};

    const isa::GmAccess& gm = *request.gm;
    const auto size = static_cast<int64_t>(isa::size_of(gm.dtype));
    uint64_t address = first_byte(gm, request.gm_addr);
    if (contiguous(gm)) {
      run(dma, address, gm.bytes());
    } else {
      const auto pitch = static_cast<uint64_t>(gm.row_stride * size);
      const int64_t row_bytes = gm.row_bytes();
      for (int32_t r = 0; r < gm.rows; ++r, address += pitch) run(dma, address, row_bytes);
    }
    link_free = dma.time;
    dma.reply.data_ready = traces::Picoseconds(dma.ready);
    return dma.reply;
  }

  void warm(uint64_t addr, int64_t bytes) {
    const auto line = static_cast<uint64_t>(line_);
    for (uint64_t l = addr / line; l * line < addr + static_cast<uint64_t>(bytes); ++l) {
      tags_.touch(l);
    }
  }

 private:
  /// A DMA on its way through the memory.
  struct Dma {
    bool write = false, atomic = false;
    int64_t link = 0;   ///< fixed-point ps per byte
    int64_t time = 0;   ///< when the next piece enters the core's link
    int64_t ready = 0;  ///< when the pieces so far are through
    uint64_t last_line = 0;
    uint32_t last_slot = 0;
    MemoryReply reply;
  };

  /// One run of consecutive bytes, line by line.
  void run(Dma& dma, uint64_t address, int64_t bytes) {
    const auto line = static_cast<uint64_t>(line_);
    const uint64_t end = address + static_cast<uint64_t>(bytes);
    while (address < end) {
      const uint64_t number = address / line;
      const uint64_t stop = std::min(end, (number + 1) * line);
      piece(dma, number, address, stop);
      address = stop;
    }
  }

  /// The part [begin, end) of one line: whole requests through link and L2, a fill if it missed.
  void piece(Dma& dma, uint64_t line, uint64_t begin, uint64_t end) {
    const auto request = static_cast<uint64_t>(request_);
    const auto requests = static_cast<int64_t>((end - 1) / request - begin / request + 1);
    const int64_t moved = requests * request_;
    dma.reply.requests += requests;

    int64_t start = dma.time;
    dma.time += (moved * dma.link) >> kFixedPoint;
    if (line != dma.last_line) {
      const bool whole = end - begin == static_cast<uint64_t>(line_);
      enter_line(dma, line, start, whole && !dma.atomic);
    }
    const uint32_t slot = dma.last_slot;
    if (same_address_ != 0) {
      int64_t& window = tags_.window_free(slot);
      start = std::max(start, window);
      window = start + requests * same_address_;
      dma.ready = std::max(dma.ready, window);
    }
    dma.ready = std::max(dma.ready, std::max(l2_.reserve(start, moved), dma.time));
    if (dma.write) {
      tags_.set_dirty(slot);
      if (dma.atomic) dma.ready = std::max(dma.ready, tags_.ready(slot));
    } else {
      dma.ready = std::max(dma.ready, tags_.ready(slot));
    }
  }

  /// Looks the line up. A miss fetches it from HBM, except for a store that overwrites all of it; a
  /// modified victim is written back.
  void enter_line(Dma& dma, uint64_t line, int64_t start, bool overwritten) {
    const L2Tags::Lookup found = tags_.touch(line);
    dma.last_line = line;
    dma.last_slot = found.slot;
    ++dma.reply.lines;
    if (found.hit) return;
    ++dma.reply.line_misses;
    if (found.dirty_victim) {
      hbm_.reserve(start, line_);
      dma.reply.hbm_bytes += line_;
    }
    if (dma.write && overwritten) return;
    tags_.ready(found.slot) = hbm_.reserve(start, line_) + fill_latency_;
    dma.reply.hbm_bytes += line_;
  }

  int64_t line_, request_;
  int64_t aic_link_, aiv_link_;
  int64_t fill_latency_, same_address_;
  L2Tags tags_;
  BandwidthServer l2_, hbm_;
  std::vector<int64_t> read_free_, write_free_;  ///< per core: when its link is free again
};

MemorySystem::MemorySystem(const chips::Chip& chip) : impl_(std::make_unique<Impl>(chip)) {}
MemorySystem::~MemorySystem() = default;

MemoryReply MemorySystem::access(const MemoryRequest& request, traces::Picoseconds now) {
  return impl_->access(request, now);
}

void MemorySystem::warm(uint64_t addr, int64_t bytes) { impl_->warm(addr, bytes); }

}  // namespace sim
