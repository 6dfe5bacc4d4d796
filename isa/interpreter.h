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

/// Runs tasks in submission order, blocks in index order, the streams of a block interleaved by
/// their cross-core events. Local memories are poisoned when a block starts.
/// Errors: "isa.out-of-bounds" (address beyond a memory), "isa.misaligned", "isa.uninitialised"
/// (an operand byte nobody wrote), "isa.deadlock" (streams wait for events nobody raises: who waits
/// for what), "isa.order" (an operand written by an instruction no dependency edge orders before it).
void interpret(const TaskGraph& graph, const MemoryLimits& limits, GmImage& gm);

}  // namespace isa
