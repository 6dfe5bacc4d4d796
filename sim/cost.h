// What an instruction costs on its own: plain functions of (instruction, chip, a few state bits).
// No contention, no ordering, no SystemC; core.cpp adds those. Laws: first-model.md §2 and
// hardware.md §3-§5; every constant comes from the chip description.
#pragma once

#include <cstdint>

#include "chips/chip.h"
#include "isa/instr.h"
#include "traces/time.h"

namespace sim {

/// Core clock cycles, possibly fractional; becomes picoseconds only once, in `duration`.
struct Cycles {
  double value = 0;

  constexpr Cycles() = default;
  constexpr explicit Cycles(double v) : value(v) {}
  friend constexpr Cycles operator+(Cycles a, Cycles b) { return Cycles(a.value + b.value); }
  friend constexpr Cycles operator-(Cycles a, Cycles b) { return Cycles(a.value - b.value); }
  friend constexpr Cycles operator*(double k, Cycles a) { return Cycles(k * a.value); }
};

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Simulated time of `cycles` on `chip`, rounded up to a picosecond.
traces::Picoseconds duration(const chips::Chip& chip, Cycles cycles);
/// Simulated time of `ns` nanoseconds, rounded to a picosecond.
traces::Picoseconds nanoseconds(double ns);

// --- data movement (cost_dma.cpp) --------------------------------------------------------------

/// A DMA's time without contention: complete after `latency + transfer`. The latency part can hide
/// behind the next DMA of the queue only when the queue is not serial.
struct DmaCost {
  Cycles latency, transfer;
  Cycles total() const { return latency + transfer; }
};

/// GM byte address an access starts at, given its buffer's address.
uint64_t first_byte(const isa::GmAccess& gm, uint64_t buffer_addr);
/// True when the rows of the window follow each other without a gap.
bool contiguous(const isa::GmAccess& gm);

/// GM -> L1 (ND2NZ) or UB. `line_misses` L2 lines were not resident: each costs mte2.line_miss on
/// the way into L1, all together mte2.latency_miss.
DmaCost load_cost(const isa::Instr& instr, uint64_t buffer_addr, int64_t line_misses,
                  const chips::Chip& chip);
/// UB -> GM. The last `latency` cycles are the acknowledge: UB is free before them.
DmaCost store_cost(const isa::Instr& instr, uint64_t buffer_addr, int64_t line_misses,
                   const chips::Chip& chip);
/// L0C -> GM through FIXPIPE.
DmaCost drain_cost(const isa::Instr& instr, const chips::Chip& chip);
/// L0C -> UB, UB -> L1 on chip (a5).
Cycles handover_cost(const isa::Instr& instr, const chips::Chip& chip);
/// L1 -> L0A / L0B.
Cycles l0_move_cost(const isa::Instr& instr, const chips::Chip& chip);

// --- compute -----------------------------------------------------------------------------------

/// TMATMUL, TMATMUL_ACC. `busy`: the M queue was streaming when the instruction started.
Cycles matmul_cost(const isa::Instr& instr, bool busy, const chips::Chip& chip);

/// A vector instruction (cost_vector.cpp). `streaming`: it follows its predecessor with no barrier
/// and no gap, so head and tail are scaled by vec.head_tail_scale.
///
/// vec.gather_row is the price of the whole sequence (barrier, gather, barrier, move) an index
/// gather expands to for each row. The two barriers and the TMOV are charged where they stand in
/// the stream; a TGATHER costs what is left of it.
Cycles vector_cost(const isa::Instr& instr, bool streaming, const chips::Chip& chip);

/// An instruction of the scalar unit; `cache_hit` matters for SREAD of GM. Anything that moves and
/// computes nothing (a TFREE, the pop of an idle lane) is a flag. SYNCALL costs one cross-core flag
/// on top of whatever events order it.
Cycles scalar_cost(const isa::Instr& instr, bool cache_hit, const chips::Chip& chip);

}  // namespace sim
