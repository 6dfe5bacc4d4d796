// Dependency edges and pipe barriers of one stream (kernel-language.md §3.7).
#pragma once

#include <cstdint>
#include <vector>

#include "isa/instr.h"

namespace lower {

/// Fills `after`, `after_release` and `barrier` from the exact byte windows of the operands and the
/// GM windows (same buffer only; different buffers never alias). Edges that in-order pipes or
/// earlier edges imply are left out. An operand behind the sources is scratch and counts as
/// written; so does what a TFREE gives back.
void add_edges(std::vector<isa::Instr>& instrs);

}  // namespace lower
