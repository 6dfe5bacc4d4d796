#include "sim/memory_system.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "isa/error.h"
#include "sim/cost.h"
#include "sim/hbm.h"
#include "sim/l2.h"

namespace sim {
namespace {

constexpr int kFixedPoint = 16;
// The host looks this many pieces ahead in the tags.
constexpr int64_t kPrefetch = 6;
// The L2 ports are reserved for this many bytes of a DMA at a time.
constexpr int64_t kL2Burst = 2048;
// A DMA presents its lines in parts of this many, ...
constexpr int kPiecesPerPart = 32;
// ... the next one this long before the servers are done with the last (one server window).
constexpr int64_t kAhead = 32768;

/// The exponent of a power of two. Error "sim.l2-line" when it is none.
int exponent(int64_t value, const char* key) {
  int shift = 0;
  while ((int64_t{1} << shift) < value) ++shift;
  if (value < 1 || (int64_t{1} << shift) != value) {
    throw isa::Error("sim.l2-line", fmt::format("{} = {} is not a power of two", key, value));
  }
  return shift;
}

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
        line_shift_(exponent(chip.l2.line, "l2.line")),
        request_shift_(exponent(chip.l2.request, "l2.request")),
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
    NetworkPath* const path = request.path;
    auto& link_free = (request.write ? write_free_ : read_free_)[request.core.value];
    const int64_t own_link = request.core_kind == isa::CoreKind::AIC ? aic_link_ : aiv_link_;
    Part part{cursor, request.write, request.atomic,
              path != nullptr ? path->ps_per_byte() : own_link,
              path != nullptr ? path->enter(now.value) : std::max(link_free, now.value)};
    part.ready = std::max(cursor.reply.data_ready.value, now.value);

    const isa::GmAccess& gm = *request.gm;
    const bool one_run = contiguous(gm);
    const int32_t rows = one_run ? 1 : gm.rows;
    const int64_t row_bytes = one_run ? gm.bytes() : gm.row_bytes();
    const uint64_t first = first_byte(gm, request.gm_addr);
    const int64_t pitch = gm.row_stride * static_cast<int64_t>(isa::size_of(gm.dtype));
    check_address(first + static_cast<uint64_t>((rows - 1) * pitch + row_bytes));
    const auto ahead =
        static_cast<uint64_t>(kPrefetch * (row_bytes < line_ ? pitch : line_)) + first;
    for (int pieces = 0; pieces < kPiecesPerPart && cursor.row < rows; ++pieces) {
      tags_.prefetch((ahead + static_cast<uint64_t>(cursor.row * pitch + cursor.byte)) >>
                     line_shift_);
      const uint64_t row = first + static_cast<uint64_t>(cursor.row * pitch);
      cursor.byte += piece(part, row + static_cast<uint64_t>(cursor.byte),
                           row + static_cast<uint64_t>(row_bytes));
      if (cursor.byte == row_bytes) {
        cursor.byte = 0;
        ++cursor.row;
      }
    }
    pass_l2(part);
    part.ready = std::max(part.ready, part.served);
    cursor.done = cursor.row >= rows;
    cursor.reply.data_ready = traces::Picoseconds(part.ready);
    // The next part may queue a little before this one is through, so no server runs dry.
    cursor.next = traces::Picoseconds(std::max(part.time, part.served - kAhead));
    if (path != nullptr)
      path->leave(part.time);
    else
      link_free = part.time;
  }

  void warm(uint64_t addr, int64_t bytes) {
    const uint64_t end = addr + static_cast<uint64_t>(bytes);
    for (uint64_t l = addr >> line_shift_; l << line_shift_ < end; ++l) tags_.touch(l);
  }

 private:
  void check_address(uint64_t end) const {
    if (end >> line_shift_ >= 0xffffffffu) {
      throw isa::Error("sim.address",
                       fmt::format("GM address {:#x} is out of the model's range", end));
    }
  }

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
    int64_t l2_start = 0, l2_bytes = 0;  ///< pieces that have not passed the L2 ports yet
  };

  /// What [address, end) has in its first line: whole requests through link and L2, a fill if the
  /// line misses. Returns its bytes.
  int64_t piece(Part& part, uint64_t address, uint64_t end) {
    const uint64_t line = address >> line_shift_;
    const uint64_t stop = std::min(end, (line + 1) << line_shift_);
    const auto requests =
        static_cast<int64_t>(((stop - 1) >> request_shift_) - (address >> request_shift_) + 1);
    const int64_t moved = requests << request_shift_;
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
    if (part.l2_bytes == 0) part.l2_start = start;
    part.l2_bytes += moved;
    if (part.l2_bytes >= kL2Burst) pass_l2(part);
    if (part.write) tags_.set_dirty(part.slot);
    if (!part.write || part.atomic) part.ready = std::max(part.ready, tags_.ready(part.slot));
    return static_cast<int64_t>(stop - address);
  }

  /// The pieces gathered since the last call go through the L2 ports.
  void pass_l2(Part& part) {
    if (part.l2_bytes == 0) return;
    part.served = std::max({part.served, l2_.reserve(part.l2_start, part.l2_bytes), part.time});
    part.l2_bytes = 0;
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
    tags_.set_ready(found.slot, fetched + fill_latency_);
    reply.hbm_bytes += line_;
    if (!part.write || part.atomic) part.served = std::max(part.served, fetched);
  }

  int64_t line_;
  int line_shift_, request_shift_;
  int64_t aic_link_, aiv_link_;
  int64_t fill_latency_, same_address_;
  L2Tags tags_;
  BandwidthServer l2_, hbm_;
  std::vector<int64_t> read_free_, write_free_;  ///< per core: when its link is free again
};

int64_t NetworkPath::rate(double gigabytes_per_second) {
  if (gigabytes_per_second <= 0) return 0;
  return static_cast<int64_t>(1000 / gigabytes_per_second * static_cast<double>(1 << kFixedPoint) +
                              0.5);
}

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
