#include "lower/deps_tensormap.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace lower {
namespace {

int64_t end_of(const isa::TensorArg& a) {
  int64_t last = a.offset;
  for (size_t d = 0; d < a.shape.size(); ++d) last += (a.shape[d] - 1) * a.strides[d];
  return last + 1;
}

bool strides_nest(const std::vector<int64_t>& strides) {
  for (size_t d = 0; d < strides.size(); ++d)
    if (strides[d] <= 0 || (d > 0 && strides[d - 1] % strides[d] != 0)) return false;
  return true;
}

/// Start of the view in dimension d when offsets are split by the strides. False if the view runs
/// beyond the extent its outer stride leaves it.
bool start_of(const isa::TensorArg& a, size_t d, int64_t& start) {
  if (d == 0) {
    start = a.offset / a.strides[0];
    return true;
  }
  const int64_t extent = a.strides[d - 1] / a.strides[d];
  start = a.offset % a.strides[d - 1] / a.strides[d];
  return start + a.shape[d] <= extent;
}

}  // namespace

Overlap overlap(const isa::TensorArg& fresh, const isa::TensorArg& old) {
  if (fresh.offset >= end_of(old) || old.offset >= end_of(fresh)) return Overlap::None;
  if (fresh.dtype != old.dtype || fresh.strides != old.strides || !strides_nest(fresh.strides))
    return Overlap::Other;
  const bool same_phase = fresh.strides.empty() ||
                          fresh.offset % fresh.strides.back() == old.offset % old.strides.back();
  if (!same_phase) return Overlap::Other;
  bool covered = true;
  for (size_t d = 0; d < fresh.shape.size(); ++d) {
    int64_t f = 0, o = 0;
    if (!start_of(fresh, d, f) || !start_of(old, d, o)) return Overlap::Other;
    if (f >= o + old.shape[d] || o >= f + fresh.shape[d]) return Overlap::None;
    covered = covered && f <= o && o + old.shape[d] <= f + fresh.shape[d];
  }
  return covered ? Overlap::Covered : Overlap::Other;
}

void TensorMap::lookup(const isa::TensorArg& arg, bool drop_covered, std::vector<Hit>& hits) {
  const int64_t begin = arg.offset, end = end_of(arg);
  std::vector<std::pair<uint64_t, Hit>> found;
  for (auto& [size, entries] : buffers_[arg.buffer.value]) {
    const int64_t reach = int64_t{1} << size;
    auto it = entries.lower_bound(begin - reach + 1);
    while (it != entries.end() && it->first < end) {
      const Overlap o = overlap(arg, it->second.view);
      if (o != Overlap::None)
        found.push_back({it->second.age, {it->second.task, o == Overlap::Covered}});
      it = drop_covered && o == Overlap::Covered ? entries.erase(it) : std::next(it);
    }
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  hits.clear();
  for (const auto& [age, hit] : found) hits.push_back(hit);
}

void TensorMap::insert(TaskId task, const isa::TensorArg& arg) {
  int size = 0;
  while (int64_t{1} << size < end_of(arg) - arg.offset) ++size;
  buffers_[arg.buffer.value][size].emplace(arg.offset, Entry{inserted_++, task, arg});
}

std::vector<isa::TaskId> TensorMap::writers(isa::BufferId buffer) const {
  std::vector<std::pair<uint64_t, TaskId>> found;
  for (const auto& [size, entries] : buffers_[buffer.value])
    for (const auto& [begin, entry] : entries) found.push_back({entry.age, entry.task});
  std::sort(found.begin(), found.end());
  std::vector<TaskId> tasks;
  for (const auto& [age, task] : found) tasks.push_back(task);
  return tasks;
}

}  // namespace lower
