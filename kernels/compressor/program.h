// The standalone programs of the three decode compressors: everything but their knob tables.
#pragma once

#include "kernels/compressor/config.h"
#include "kernels/define.h"

namespace kernels::compressor {

/// Knobs and presets of a standalone program; `era` names the RoPE form of its day.
KnobTable knob_table(Kind kind, const std::string& program);

/// Inputs, fixtures, run, golden and comparators; name, doc, table and config are the program's.
Definition<Config> standalone(Kind kind);

}  // namespace kernels::compressor
