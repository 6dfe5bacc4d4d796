// Items with addresses -> instructions of one stream.
#pragma once

#include <vector>

#include "chips/chip.h"
#include "isa/graph.h"
#include "lower/buffers.h"
#include "lower/l0.h"
#include "lower/work.h"

namespace lower {

/// Appends the stream's instructions (no edges yet): operands with addresses and layouts, matmuls
/// tiled to L0, gathers expanded, loop control as SWORK, and a DCCI (imm = scalar GM writes) at the
/// end of a stream that writes GM by scalars.
/// Error "lower.l1-window" for a reshaped view of a fractal tile.
void emit_stream(const BlockWork& work, int stream, const Placement& placement,
                 const chips::Chip& chip, L0Emitter& l0, std::vector<isa::Instr>& out,
                 const std::vector<std::string>& sites);

/// The operand `ref` names, with the value at `addr`.
isa::TileOperand make_operand(const pl::TileRef& ref, const Value& v, uint32_t addr);

/// The pipe an instruction runs on (hardware.md §3.1).
isa::Pipe pipe_of(const isa::Instr& instr);

}  // namespace lower
