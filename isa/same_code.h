// When do two instructions differ in nothing but the GM place they access (code_list.h)?
#pragma once

#include <cstdint>

#include "isa/instr.h"

namespace isa {

/// Bit for bit, so that 0 and -0 differ.
bool same_attr(const Attr& a, const Attr& b);
/// Type, extent, stride and peer; not buffer and offset.
bool same_geometry(const GmAccess& a, const GmAccess& b);
bool same_operand(const TileOperand& a, const TileOperand& b);

bool same_code(const Instr& a, const Instr& b);
/// Equal for same code; cheap, so it looks at a part only.
uint64_t code_hash(const Instr& i);

}  // namespace isa
