// Addresses for the values of one stream (kernel-language.md §3.6).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "chips/chip.h"
#include "lower/lower.h"
#include "lower/work.h"

namespace lower {

/// A value that was allocated when its memory peaked.
struct LiveValue {
  uint32_t value = kNone;
  uint32_t addr = 0;
};

struct Placement {
  std::vector<uint32_t> addr;  ///< by value; kNone = not used by this stream
  std::array<int64_t, isa::kMemSpaces> peak{};
  std::array<std::vector<LiveValue>, isa::kMemSpaces> live_at_peak;
};

/// First fit over lifetimes in item order; an operation's output takes over the buffer of an input
/// that dies there unless the operation must not work in place. `reuse` false: a buffer belongs to
/// one source position for good. Capacities are not checked here.
void place_buffers(const BlockWork& work, int stream, bool reuse, Placement& out);

/// Error "lower.ub-overflow" (l1, l0c, ...) when a peak does not fit the chip: scope, space, limit,
/// value and the live tiles.
void check_capacity(const BlockWork& work, const Placement& placement, const chips::Chip& chip,
                    const std::vector<std::string>& sites);
bool fits(const Placement& placement, const chips::Chip& chip);

/// Bytes of a memory on this chip.
int64_t capacity(const chips::Chip& chip, isa::MemSpace space);

/// "[128x512] INT32"
std::string shape_text(const Value& v);

/// May the result of `op` replace source `i` (no-alias list of §3.6)?
bool may_alias(const pl::Op& op, int i);

}  // namespace lower
