// Lowers one block: runs the passes in order.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "chips/chip.h"
#include "isa/graph.h"
#include "lower/hints.h"
#include "lower/l0.h"
#include "lower/lower.h"
#include "lower/memory_report.h"
#include "lower/pipeline.h"
#include "lower/split.h"

namespace lower {

struct BlockReport {
  std::array<StreamPeaks, kStreams> peaks;
  std::vector<BlockHint> hints;
};

/// One worker's state; blocks are independent of each other and of the worker.
class BlockLowering {
 public:
  BlockLowering(const chips::Chip& chip, const Options& options,
                const std::vector<std::string>& sites)
      : chip_(chip), options_(options), sites_(sites), l0_(chip) {}

  BlockReport lower(const pl::BlockRecord& record, const BlockSpaces& spaces, const ScopePlan& plan,
                    int32_t block, const std::string& where, isa::BlockCode& out);

 private:
  /// Streams, scratch, order and addresses with loads hoisted as `hoist` says; returns whether
  /// everything fits. `moved`: some load was hoisted.
  bool arrange(BlockWork& work, const BlockSpaces& spaces, const ScopePlan& plan, int32_t block,
               Hoist hoist, bool& moved);

  const chips::Chip& chip_;
  const Options& options_;
  const std::vector<std::string>& sites_;
  L0Emitter l0_;
  std::array<Placement, kStreams> placement_;
  isa::CodePool<isa::Instr> code_;  ///< of the blocks lowered so far
};

}  // namespace lower
