// From a recorded program to the task graph of one chip: what the compiler does.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "chips/chip.h"
#include "isa/graph.h"
#include "lang/record.h"

namespace lower {

struct Options {
  int threads = 0;                ///< host threads; never changes the result
  bool software_pipeline = true;  ///< switches to measure the effect of a pass
  bool buffer_reuse = true;
};

/// A tile that lives in a memory at its peak, for reports and overflow errors.
struct LiveTile {
  std::string site;   ///< "qkv_proj_rope.cpp:120"
  std::string shape;  ///< "[128x512] INT32"
  int64_t addr = 0, bytes = 0;
};

/// Memory use of one kernel function in one space.
struct MemoryUse {
  std::string scope;
  isa::CoreKind core = isa::CoreKind::AIV;
  isa::MemSpace space = isa::MemSpace::UB;
  int64_t peak_bytes = 0, limit_bytes = 0;
  std::vector<LiveTile> live_at_peak;
};

/// A performance hint in upstream's form: "PH001", scope, message.
struct PerfHint {
  std::string id, scope, site, message;
};

struct Result {
  isa::TaskGraph graph;
  std::vector<MemoryUse> memory;
  std::vector<PerfHint> hints;
};

/// Lowers every scope. Errors: "lower.ub-overflow", "lower.l1-overflow", "lower.l0c-overflow", ...
/// (scope, space, limit, value, live tiles), "lower.cast" (not native on this chip),
/// "lower.mask-scatter", "lower.space-conflict" (a vector operation writes an accumulator),
/// "lower.acc-init", "lower.undefined-tile" (handed over or multiplied before anybody writes it),
/// "lower.split" (a tile that cannot be halved), "lower.l1-window" (a reshaped view of a fractal
/// tile), "lower.deps". Hint "lower.mixed-write": bulk and scalar writes to one tensor.
Result lower(const pl::RecordedProgram& program, const chips::Chip& chip,
             const Options& options = {});

}  // namespace lower
