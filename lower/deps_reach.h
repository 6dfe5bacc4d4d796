// "Is task a ordered before task b?" on the task graph with the orchestration's blocking reads.
#pragma once

#include <cstdint>
#include <vector>

#include "isa/graph.h"

namespace lower {

/// Ancestor sets as bit rows; node order is orchestration order, so a row needs only the bits of
/// earlier nodes. Graphs too large for that are searched backwards question by question.
class Reachability {
 public:
  explicit Reachability(const isa::TaskGraph& graph);

  /// True if a path of edges and blocking reads leads from `a` to `b`.
  bool before(isa::TaskId a, isa::TaskId b);

 private:
  bool search(uint32_t from, uint32_t to);

  std::vector<uint32_t> node_of_task_;
  std::vector<uint32_t> preds_, pred_begin_;      ///< CSR: predecessors of each node
  std::vector<std::vector<uint64_t>> ancestors_;  ///< empty when the graph is too large
  std::vector<uint32_t> visited_, frontier_;      ///< incremental search backwards from search_to_
  uint32_t search_to_ = static_cast<uint32_t>(-1), epoch_ = 0;
};

}  // namespace lower
