// Tensors that a kernel writes in bulk and by scalars: what the compiler can turn into stores alone
// (kernel-language.md §2.4). The data cache and MTE3 do not see each other's lines.
#pragma once

#include <memory>
#include <vector>

#include "isa/graph.h"
#include "lang/record.h"

namespace lower {

/// The tensors of the own rank that get bulk stores and scalar writes from the blocks of a scope.
std::vector<isa::BufferId> mixed_writes(const pl::ScopeRecord& scope);

/// The block with what can be stores made stores; null if nothing changes. `mixed` are the tensors
/// it is done for:
///  a loop of nothing but scalar writes, each of one constant to neighbouring elements of a whole
///  number of 32 B, becomes a constant tile and its store;
///  a store of a constant tile to a whole tensor with scalar writes behind it becomes scalar writes
///  to the tile and a store at the end. Nobody else may read the tile or touch the tensor.
/// The rest stays mixed: hint "lower.mixed-write".
std::unique_ptr<pl::BlockRecord> stage_scalar_writes(const pl::BlockRecord& block,
                                                     const std::vector<isa::BufferId>& mixed,
                                                     const std::vector<isa::GmBuffer>& buffers);

}  // namespace lower
