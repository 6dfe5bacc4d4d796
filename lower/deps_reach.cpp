#include "lower/deps_reach.h"

#include <algorithm>
#include <utility>

namespace lower {
namespace {

/// Up to here the rows take at most n * n / 16 = 25 MB.
constexpr size_t kBitRowLimit = 20000;

}  // namespace

Reachability::Reachability(const isa::TaskGraph& graph) {
  constexpr uint32_t kNone = static_cast<uint32_t>(-1);
  node_of_task_.assign(graph.tasks.size(), kNone);
  std::vector<std::pair<uint32_t, uint32_t>> links;  // (successor, predecessor)
  uint32_t nodes = 0, last_read = kNone;
  for (const isa::OrchStep& step : graph.orchestration) {
    if (step.kind == isa::OrchStep::Kind::Submit) {
      node_of_task_[step.task.value] = nodes;
    } else if (step.kind == isa::OrchStep::Kind::Read) {
      for (isa::TaskId t : step.waits) links.emplace_back(nodes, node_of_task_[t.value]);
    } else {
      continue;
    }
    // Whatever comes after a blocking read comes after the tasks it waited for.
    if (last_read != kNone) links.emplace_back(nodes, last_read);
    if (step.kind == isa::OrchStep::Kind::Read) last_read = nodes;
    ++nodes;
  }
  for (const isa::TaskEdge& e : graph.edges)
    links.emplace_back(node_of_task_[e.succ.value], node_of_task_[e.pred.value]);
  std::sort(links.begin(), links.end());

  pred_begin_.assign(nodes + 1, 0);
  for (const auto& [succ, pred] : links) {
    ++pred_begin_[succ + 1];
    preds_.push_back(pred);
  }
  for (uint32_t n = 0; n < nodes; ++n) pred_begin_[n + 1] += pred_begin_[n];

  if (nodes > kBitRowLimit) {
    visited_.assign(nodes, 0);
    return;
  }
  ancestors_.resize(nodes);
  for (uint32_t n = 0; n < nodes; ++n) {
    auto& row = ancestors_[n];
    row.assign(n / 64 + 1, 0);
    for (uint32_t k = pred_begin_[n]; k < pred_begin_[n + 1]; ++k) {
      const uint32_t pred = preds_[k];
      const auto& other = ancestors_[pred];
      for (size_t w = 0; w < other.size(); ++w) row[w] |= other[w];
      row[pred / 64] |= uint64_t{1} << (pred % 64);
    }
  }
}

bool Reachability::before(isa::TaskId a, isa::TaskId b) {
  const uint32_t from = node_of_task_[a.value], to = node_of_task_[b.value];
  if (from >= to) return false;
  if (!ancestors_.empty()) return ancestors_[to][from / 64] >> (from % 64) & 1;
  return search(from, to);
}

/// Walks back from `to`, latest node first, no further than `from`; the walk is kept for the next
/// question about the same `to`.
bool Reachability::search(uint32_t from, uint32_t to) {
  if (search_to_ != to) {
    search_to_ = to;
    ++epoch_;
    frontier_.assign(1, to);
  }
  while (!frontier_.empty() && frontier_.front() > from) {
    std::pop_heap(frontier_.begin(), frontier_.end());
    const uint32_t n = frontier_.back();
    frontier_.pop_back();
    for (uint32_t k = pred_begin_[n]; k < pred_begin_[n + 1]; ++k) {
      if (visited_[preds_[k]] == epoch_) continue;
      visited_[preds_[k]] = epoch_;
      frontier_.push_back(preds_[k]);
      std::push_heap(frontier_.begin(), frontier_.end());
    }
  }
  return visited_[from] == epoch_;
}

}  // namespace lower
