// DMA laws: first-model.md §2 (mechanisms 1-3, 8), hardware.md §3.4 and §3.6.
#include <algorithm>
#include <cmath>

#include "sim/cost.h"

namespace sim {
namespace {

// GM accesses slower than this alignment pay the unaligned factor (hardware.md §3.4: a row pitch
// that is no multiple of 32 B).
constexpr uint64_t kDmaAlign = 32;
// Atomic adds are charged per row segment of a GM window of this size (first-model.md §2.8).
constexpr int64_t kAtomicSegment = 512;

bool unaligned(const isa::GmAccess& gm, uint64_t buffer_addr) {
  if (first_byte(gm, buffer_addr) % kDmaAlign != 0) return true;
  if (contiguous(gm)) return false;
  const auto pitch = static_cast<uint64_t>(gm.row_stride) * isa::size_of(gm.dtype);
  return pitch % kDmaAlign != 0;
}

/// The core-local side takes whole rows back to back, so one burst can serve all of them.
bool dense(const isa::TileOperand& tile) {
  return tile.layout == isa::Layout::ND && tile.tile_cols == tile.valid_cols;
}

int64_t atomic_segments(const isa::GmAccess& gm) {
  return gm.rows * ceil_div(gm.row_bytes(), kAtomicSegment);
}

/// Rows or bytes, whichever is slower; a contiguous transfer has no row cost.
double ub_transfer(const isa::GmAccess& gm, const isa::TileOperand& tile,
                   const chips::Chip::Dma& dma) {
  const double bytes = static_cast<double>(gm.bytes()) / dma.bytes_ub;
  if (contiguous(gm) && dense(tile)) return bytes;
  return std::max(gm.rows * dma.row_ub, bytes);
}

/// Every logical tile row is one ND2NZ burst, also when the rows are contiguous in GM.
double nd2nz_transfer(const isa::GmAccess& gm, const isa::TileOperand& tile,
                      const chips::Chip::Dma& dma) {
  const auto rows = std::max<int64_t>(gm.rows, tile.valid_rows);
  return static_cast<double>(rows) * dma.row_nd2nz +
         static_cast<double>(gm.bytes()) / dma.row_nd2nz_bytes;
}

int64_t odd_part(int64_t x) {
  while (x > 1 && x % 2 == 0) x /= 2;
  return x;
}

}  // namespace

traces::Picoseconds duration(const chips::Chip& chip, Cycles cycles) {
  return traces::Picoseconds(chip.ps(cycles.value));
}

traces::Picoseconds nanoseconds(double ns) {
  return traces::Picoseconds(static_cast<int64_t>(std::llround(ns * 1000)));
}

uint64_t first_byte(const isa::GmAccess& gm, uint64_t buffer_addr) {
  return buffer_addr + static_cast<uint64_t>(gm.offset) * isa::size_of(gm.dtype);
}

bool contiguous(const isa::GmAccess& gm) { return gm.rows <= 1 || gm.row_stride == gm.cols; }

DmaCost load_cost(const isa::Instr& instr, uint64_t buffer_addr, int64_t line_misses,
                  const chips::Chip& chip) {
  const auto& dma = chip.mte2;
  const bool to_l1 = instr.dst.space == isa::MemSpace::L1;
  double transfer =
      to_l1 ? nd2nz_transfer(instr.gm, instr.dst, dma) : ub_transfer(instr.gm, instr.dst, dma);
  if (unaligned(instr.gm, buffer_addr)) {
    transfer *= to_l1 ? dma.unaligned_nd2nz : dma.unaligned_ub;
  }
  // The line charge belongs to the ND2NZ law. A vector load of cold data is measured without one:
  // 350 cycles for 8 KB from HBM (hardware.md §3.4), where 16 lines of 9 would add 144.
  if (to_l1) transfer += static_cast<double>(line_misses) * dma.line_miss;
  return {Cycles(dma.latency + (line_misses > 0 ? dma.latency_miss : 0)), Cycles(transfer)};
}

DmaCost store_cost(const isa::Instr& instr, uint64_t buffer_addr, int64_t line_misses,
                   const chips::Chip& chip) {
  const auto& dma = chip.mte3;
  double transfer = ub_transfer(instr.gm, instr.src[0], dma);
  if (unaligned(instr.gm, buffer_addr)) transfer *= dma.unaligned_ub;
  transfer += static_cast<double>(line_misses) * dma.line_miss;
  if (instr.attr.atomic) {
    transfer += static_cast<double>(atomic_segments(instr.gm)) * dma.atomic_row_512;
  }
  return {Cycles(dma.latency + (line_misses > 0 ? dma.latency_miss : 0)), Cycles(transfer)};
}

DmaCost drain_cost(const isa::Instr& instr, const chips::Chip& chip) {
  const auto& fix = chip.fix;
  const double m = instr.gm.rows;
  const int64_t n = instr.gm.cols;
  double transfer = 0;
  if (isa::size_of(instr.gm.dtype) <= 2) {
    transfer = m * static_cast<double>(n) / fix.elements16;
  } else {
    const double per_row = std::max(fix.row, 4.0 * static_cast<double>(n) / fix.bytes);
    transfer = m * (per_row + fix.odd * static_cast<double>(odd_part(ceil_div(n, 8)) - 1));
  }
  if (instr.attr.atomic) {
    transfer += static_cast<double>(atomic_segments(instr.gm)) * fix.atomic_row_512;
  }
  return {Cycles(fix.fixed), Cycles(transfer)};
}

Cycles handover_cost(const isa::Instr& instr, const chips::Chip& chip) {
  const auto& tile = instr.src[0];
  const auto bytes = static_cast<double>(tile.valid_rows) * tile.valid_cols *
                     static_cast<double>(isa::size_of(tile.dtype));
  return Cycles(chip.fix.to_ub_fixed + bytes / chip.fix.to_ub_bytes);
}

Cycles l0_move_cost(const isa::Instr& instr, const chips::Chip& chip) {
  // Whole fractals move: 16 rows of 32 B.
  const auto& tile = instr.dst;
  const auto size = static_cast<int64_t>(isa::size_of(tile.dtype));
  const int64_t across = instr.dst.space == isa::MemSpace::L0A ? tile.rows : tile.cols;
  const int64_t along = instr.dst.space == isa::MemSpace::L0A ? tile.cols : tile.rows;
  const int64_t bytes = ceil_div(across, 16) * 16 * ceil_div(along * size, 32) * 32;
  const double rate = tile.space == isa::MemSpace::L0A ? chip.mte1.l0a_bytes : chip.mte1.l0b_bytes;
  return Cycles(chip.mte1.latency + static_cast<double>(bytes) / rate);
}

}  // namespace sim
