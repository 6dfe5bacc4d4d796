// The proof of a lowering: the interpreter's memories equal the eager values, bit for bit.
#pragma once

#include <vector>

#include "apps/run.h"

namespace app {

/// Executes `graph` on modelled memories from the program's initial contents and compares every
/// byte that either side wrote.
LoweringCheck verify_lowering(const pl::RecordedProgram& program, const isa::TaskGraph& graph,
                              const chips::Chip& chip);
/// The same for the programs of all ranks of a world, executed together.
std::vector<LoweringCheck> verify_lowering(const std::vector<const pl::RecordedProgram*>& programs,
                                           const std::vector<const isa::TaskGraph*>& graphs,
                                           const chips::Chip& chip);

}  // namespace app
