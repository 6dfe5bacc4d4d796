// Operations that need more than their operands: scratch tiles, and the ones the compiler turns
// into several instructions (kernel-language.md §1.3, §3.2).
#pragma once

#include <vector>

#include "chips/chip.h"
#include "isa/instr.h"
#include "lower/work.h"

namespace lower {

/// Gives every operation of the stream that needs one a scratch value:
///  row reductions          rows x max(cols, 128) elements
///  high-precision rsqrt    a tile like the source
///  index gather            one row of the result
///  casts by way of FP32    an FP32 tile
/// Error "lower.cast" for a conversion the chip has neither natively nor by a detour,
/// "lower.mask-scatter" where the chip lacks it.
void add_scratch(BlockWork& work, int stream, const chips::Chip& chip,
                 const std::vector<std::string>& sites);

/// R x (TGATHER of one row into `row` + TMOV into the result), a V barrier in front of each.
void emit_gather(const isa::Instr& whole, const isa::TileOperand& row,
                 std::vector<isa::Instr>& out);

/// A cast by way of `through` (FP32).
void emit_cast_detour(const isa::Instr& cast, const isa::TileOperand& through,
                      std::vector<isa::Instr>& out);

}  // namespace lower
