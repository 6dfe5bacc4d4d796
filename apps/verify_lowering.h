// The proof of a lowering: the interpreter's memories equal the eager values, bit for bit.
#pragma once

#include "apps/run.h"

namespace app {

/// Executes `graph` on modelled memories from the program's initial contents and compares every
/// byte that either side wrote.
LoweringCheck verify_lowering(const pl::RecordedProgram& program, const isa::TaskGraph& graph,
                              const chips::Chip& chip);

}  // namespace app
