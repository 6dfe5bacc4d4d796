// Software pipelining and loop structure of one stream (kernel-language.md §3.3, §3.5).
#pragma once

#include "lower/work.h"

namespace lower {

/// How far accesses to GM move; later ones need less memory.
enum class Hoist : uint8_t {
  Full,       ///< as Merged, and the vector core's stores go to the end of their iteration
  Merged,     ///< inner loops of at most F iterations dissolve into the outer pipeline's body
  Nested,     ///< every inner loop stays a unit of the outer pipeline's body
  Innermost,  ///< only the innermost pipelines hoist
  None,       ///< program order
};

/// Reorders the items of a stream: `pipeline(stage=F)` takes F iterations at a time, GM scalar
/// reads first, then all GM loads that depend on nothing computed in the group, then the rest in
/// iteration order. Mixed loops (with pushes or pops): on the vector side program order; on the
/// cube side skewed by D = max(2, stage - 1) iterations when values cross in both directions, the
/// trip divides by D and is at least 2 D (or trip 2, stage 2), else program order; with one
/// direction only they are pipelined as any other loop.
/// Loop markers are consumed: a LoopIter item remains per executed iteration of every loop that
/// still is one (none for unrolled loops, one per group for pipelines, none when trip <= F).
/// Returns true when some load moved.
bool order_loops(BlockWork& work, int stream, Hoist hoist);

}  // namespace lower
