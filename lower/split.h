// Which core runs what: the streams of one block, with the hand-over of values that cross between
// the cube and the vector half (kernel-language.md §3.3).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "chips/chip.h"
#include "isa/graph.h"
#include "lower/spaces.h"
#include "lower/work.h"

namespace lower {

/// The hand-over channel of a mixed scope. Slot k % depth holds the k-th tile of a direction; the
/// consumer's copy lies in a ring at address 0 of UB (cube -> vector) or L1 (vector -> cube).
struct RingPlan {
  bool to_vector = false, to_cube = false;
  bool on_chip = false;  ///< no GM buffer: the producer writes the consumer's ring
  /// Products cross in the windows the vector half reads, because a ring of whole ones would not
  /// fit UB.
  bool by_window = false;
  int32_t depth = 0;
  int64_t slot_bytes = 0;
  isa::BufferId buffer;  ///< GM ring, invalid when on_chip or nothing crosses

  int directions() const { return (to_vector ? 1 : 0) + (to_cube ? 1 : 0); }
  int64_t block_bytes() const { return directions() * depth * slot_bytes; }
};

/// What all blocks of a scope agree on.
struct ScopePlan {
  isa::TaskKind kind = isa::TaskKind::AIV;
  bool has_cube = false, has_vector = false;
  bool has_lanes = false;  ///< split_aiv regions: both vector lanes run
  pl::SplitMode split = pl::SplitMode::None;
  RingPlan ring;

  bool mixed() const { return has_cube && has_vector; }
  /// Do both vector lanes work (instead of lane 1 only answering the handshake)?
  bool both_lanes() const { return has_lanes || split != pl::SplitMode::None; }
  bool uses(int stream) const;
};

/// The union over the blocks' needs; ring geometry from the chip (`slot_num` overrides the depth).
ScopePlan plan_scope(const pl::ScopeRecord& scope, const std::vector<BlockSpaces>& blocks,
                     const chips::Chip& chip);

/// Fills `work` (values, streams, events, reserved) from its record.
/// Errors: "lower.acc-init" (an accumulator starts as a non-zero constant), "lower.split" (a tile
/// that cannot be halved).
void build_streams(BlockWork& work, const BlockSpaces& spaces, const ScopePlan& plan, int32_t block,
                   const chips::Chip& chip, const std::vector<std::string>& sites);

}  // namespace lower
