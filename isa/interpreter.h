// Executes a lowered task graph on modelled memories. Equality with the eager result, bit for bit,
// is what proves a lowering.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "isa/graph.h"

namespace isa {

/// Capacities the interpreter enforces (bytes), from the chip description.
struct MemoryLimits {
  int64_t ub = 0, l1 = 0, l0a = 0, l0b = 0, l0c = 0;
  int64_t of(MemSpace s) const;
};

/// GM contents: one byte vector per buffer of the graph, modified in place. `written` (same sizes,
/// optional) tracks initialised bytes; a read of a byte nobody wrote is an error then.
struct GmImage {
  std::vector<std::vector<uint8_t>> bytes;
  std::vector<std::vector<uint8_t>> written;
};

/// Runs tasks in submission order, blocks in index order (so atomic adds sum in the order `lang`
/// uses), the streams of a block interleaved by their cross-core events; a task with SYNCALLs runs
/// all its blocks up to each SYNCALL in turn. Local memories are poisoned when a block starts.
///
/// Conventions an instruction follows:
///  - Operands `src[n_src..]` that are present are scratch: their contents are lost.
///  - TPUSH / TPOP with a GM window go through it. Without one, an AIC's TPUSH writes `dst` in the
///    UB of lane 0, or, when dst has half the rows (columns) of the source, the upper (left) half
///    to lane 0 and the other half at the same address of lane 1; an AIV's TPUSH writes `dst` in
///    the AIC's L1, whose row0 / col0 say where a lane's half belongs. TPOP with a source re-lays
///    it into dst; without one it takes dst over where it lies. A push or pop without operands only
///    signals.
///  - Every conflict (RAW, WAR, WAW) between instructions of a block on different pipes or cores
///    must be ordered by `after` edges, in-order pipes, barriers and events, in the core-local
///    memories and in GM buffers the block writes; atomic adds commute.
///
/// Errors, each naming scope, block, stream, instruction and site:
///  "isa.out-of-bounds"  an operand beyond its memory or tile, a window beyond its buffer
///  "isa.misaligned"     hardware.md §2.2
///  "isa.uninitialised"  an operand byte nobody wrote
///  "isa.deadlock"       streams wait for events nobody raises, or for a SYNCALL others never reach
///  "isa.order"          a conflict no dependency orders, or an edge to a wrong instruction
///  "isa.operand"        an operand in a memory the instruction or the core cannot use
///  "isa.shape"          a result larger than its destination
/// and those of isa/semantics.h.
void interpret(const TaskGraph& graph, const MemoryLimits& limits, GmImage& gm);

/// The same for the programs of all ranks at once: `graphs[r]` with memories `gm[r]`. One rank runs
/// at a time, until it stands at a TWAIT whose flag is not there yet (isa/turns.h). Further errors:
/// "isa.rank-deadlock" (every rank waits), "isa.peer" (a remote access that has no target).
void interpret_ranks(const std::vector<const TaskGraph*>& graphs, const MemoryLimits& limits,
                     std::vector<GmImage>& gm);

}  // namespace isa
