#include "sim/memory_system.h"

#include <algorithm>
#include <vector>

#include "sim/cost.h"
#include "sim/hbm.h"
#include "sim/l2.h"

namespace sim {
namespace {

constexpr int kFixedPoint = 16;
// A DMA presents its lines in parts of this many, ...
constexpr int kPiecesPerPart = 32;
// ... the next one this long before the servers are done with the last (one server window).
constexpr int64_t kAhead = 32768;

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

  void step(const MemoryRequest& request, MemoryCursor& cursor, traces::Picoseconds now) {
    l2_.advance(now.value);
    hbm_.advance(now.value);
    auto& link_free = (request.write ? write_free_ : read_free_)[request.core.value];
    Part part{cursor, request.write, request.atomic,
              request.core_kind == isa::CoreKind::AIC ? aic_link_ : aiv_link_,
              std::max(link_free, now.value)};
    part.ready = std::max(cursor.reply.data_ready.value, now.value);

    const isa::GmAccess& gm = *request.gm;
    const bool one_run = contiguous(gm);
    const int32_t rows = one_run ? 1 : gm.rows;
    const int64_t row_bytes = one_run ? gm.bytes() : gm.row_bytes();
    const uint64_t first = first_byte(gm, request.gm_addr);
    const int64_t pitch = gm.row_stride * static_cast<int64_t>(isa::size_of(gm.dtype));
    for (int pieces = 0; pieces < kPiecesPerPart && cursor.row < rows; ++pieces) {
      const uint64_t row = first + static_cast<uint64_t>(cursor.row * pitch);
      cursor.byte += piece(part, row + static_cast<uint64_t>(cursor.byte),
                           row + static_cast<uint64_t>(row_bytes));
      if (cursor.byte == row_bytes) {
        cursor.byte = 0;
        ++cursor.row;
      }
    }
    cursor.done = cursor.row >= rows;
    cursor.reply.data_ready = traces::Picoseconds(part.ready);
    // The next part may queue a little before this one is through, so no server runs dry.
    cursor.next = traces::Picoseconds(std::max(part.time, part.served - kAhead));
    link_free = part.time;
  }

  void warm(uint64_t addr, int64_t bytes) {
    const auto line = static_cast<uint64_t>(line_);
    for (uint64_t l = addr / line; l * line < addr + static_cast<uint64_t>(bytes); ++l) {
      tags_.touch(l);
    }
  }

 private:
  /// A part of a DMA on its way through the memory.
  struct Part {
    MemoryCursor& cursor;
    bool write, atomic;
    int64_t link;        ///< fixed-point ps per byte
    int64_t time;        ///< when the next piece enters the core's link
    int64_t served = 0;  ///< when links and servers are done with the pieces so far
    int64_t ready = 0;   ///< when their data is there
    uint32_t slot = 0;   ///< of the cursor's last line
    bool slot_known = false;
  };

  /// What [address, end) has in its first line: whole requests through link and L2, a fill if the
  /// line misses. Returns its bytes.
  int64_t piece(Part& part, uint64_t address, uint64_t end) {
    const uint64_t line = address / static_cast<uint64_t>(line_);
    const uint64_t stop = std::min(end, (line + 1) * static_cast<uint64_t>(line_));
    const auto request = static_cast<uint64_t>(request_);
    const auto requests = static_cast<int64_t>((stop - 1) / request - address / request + 1);
    const int64_t moved = requests * request_;
    part.cursor.reply.requests += requests;

    int64_t start = part.time;
    part.time += (moved * part.link) >> kFixedPoint;
    if (line != part.cursor.last_line || !part.slot_known) {
      const bool whole = stop - address == static_cast<uint64_t>(line_);
      enter_line(part, line, start, whole && !part.atomic);
    }
    if (same_address_ != 0) {
      int64_t& window = tags_.window_free(part.slot);
      start = std::max(start, window);
      window = start + requests * same_address_;
      part.served = std::max(part.served, window);
    }
    part.served = std::max(part.served, std::max(l2_.reserve(start, moved), part.time));
    part.ready = std::max(part.ready, part.served);
    if (part.write) tags_.set_dirty(part.slot);
    if (!part.write || part.atomic) part.ready = std::max(part.ready, tags_.ready(part.slot));
    return static_cast<int64_t>(stop - address);
  }

  /// Looks the line up. A miss fetches it from HBM, except for a store that overwrites all of it. A
  /// modified victim is written back first.
  void enter_line(Part& part, uint64_t line, int64_t start, bool overwritten) {
    MemoryReply& reply = part.cursor.reply;
    const L2Tags::Lookup found = tags_.touch(line);
    if (line != part.cursor.last_line) ++reply.lines;
    part.cursor.last_line = line;
    part.slot = found.slot;
    part.slot_known = true;
    if (found.hit) return;
    ++reply.line_misses;
    if (found.dirty_victim) {
      part.served = std::max(part.served, hbm_.reserve(start, line_));
      reply.hbm_bytes += line_;
    }
    if (part.write && overwritten) return;
    const int64_t fetched = hbm_.reserve(start, line_);
    tags_.ready(found.slot) = fetched + fill_latency_;
    reply.hbm_bytes += line_;
    if (!part.write || part.atomic) part.served = std::max(part.served, fetched);
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

void MemorySystem::step(const MemoryRequest& request, MemoryCursor& cursor,
                        traces::Picoseconds now) {
  impl_->step(request, cursor, now);
}

MemoryReply MemorySystem::access(const MemoryRequest& request, traces::Picoseconds now) {
  MemoryCursor cursor;
  while (!cursor.done) impl_->step(request, cursor, now);
  return cursor.reply;
}

void MemorySystem::warm(uint64_t addr, int64_t bytes) { impl_->warm(addr, bytes); }

}  // namespace sim
