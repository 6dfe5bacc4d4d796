// The standalone programs of the three prefill compressors: everything but their names.
#pragma once

#include "kernels/define.h"
#include "kernels/prefill_compressor/config.h"

namespace kernels::prefill_compressor {

/// Knobs and presets of a standalone program; `era` names the RoPE form of its day.
KnobTable knob_table(Kind kind, const std::string& program);

/// Inputs, fixtures, run, golden and comparators; name, doc, table and config are the program's.
Definition<Config> standalone(Kind kind);

}  // namespace kernels::prefill_compressor
