// Runs a lowered program through the interpreter and compares GM with the eager run.
#pragma once

#include "chips/chip.h"
#include "lang/pl.h"
#include "lower/lower.h"

namespace lower_test {

/// Lowers, interprets and compares every buffer byte the eager run wrote. Returns the lowering.
lower::Result lower_and_verify(const pl::RecordedProgram& program, const chips::Chip& chip,
                               const lower::Options& options = {});

}  // namespace lower_test
