// Performance hints in upstream's form (kernel-language.md §3.4-3.6).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "chips/chip.h"
#include "isa/instr.h"
#include "lower/lower.h"

namespace lower {

/// A hint of one block, before sites become text. Equal ones (kind, site) are reported once.
struct BlockHint {
  enum class Kind : uint8_t { ShortRow, NoPingPong, TiledOutput, UnevenK };
  Kind kind = Kind::ShortRow;
  isa::SiteId site;
  int64_t a = 0, b = 0, c = 0;  ///< numbers of the message

  friend bool operator==(const BlockHint& x, const BlockHint& y) {
    return x.kind == y.kind && x.site == y.site;
  }
};

void add_hint(std::vector<BlockHint>& hints, const BlockHint& hint);

/// Hints an instruction stream gives rise to: PH001 (innermost GM extent below the chip's L2
/// transfer unit), PH-AT-003 (a product tiled in M or N), PH-AT-004 (K not a multiple of its step).
void collect_hints(const std::vector<isa::Instr>& instrs, const chips::Chip& chip,
                   std::vector<BlockHint>& hints);

/// The hint as users see it.
PerfHint describe(const BlockHint& hint, const std::string& scope, const chips::Chip& chip,
                  const std::vector<std::string>& sites);

}  // namespace lower
