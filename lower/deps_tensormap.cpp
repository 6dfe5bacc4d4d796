#include "lower/deps_tensormap.h"

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
  hits.clear();
  Writers& w = buffers_[arg.buffer.value];
  const int64_t begin = arg.offset, end = end_of(arg);
  std::vector<size_t> dropped;
  for (size_t i = 0; i < w.spans.size(); ++i) {
    if (begin >= w.spans[i].end || w.spans[i].begin >= end) continue;
    const Overlap o = overlap(arg, w.views[i]);
    if (o == Overlap::None) continue;
    hits.push_back({w.tasks[i], o == Overlap::Covered});
    if (drop_covered && o == Overlap::Covered) dropped.push_back(i);
  }
  for (size_t k = dropped.size(); k-- > 0;) {  // from the back: positions stay true
    const auto at = static_cast<std::ptrdiff_t>(dropped[k]);
    w.spans.erase(w.spans.begin() + at);
    w.tasks.erase(w.tasks.begin() + at);
    w.views.erase(w.views.begin() + at);
  }
}

void TensorMap::insert(TaskId task, const isa::TensorArg& arg) {
  Writers& w = buffers_[arg.buffer.value];
  w.spans.push_back({arg.offset, end_of(arg)});
  w.tasks.push_back(task);
  w.views.push_back(arg);
}

std::vector<isa::TaskId> TensorMap::writers(isa::BufferId buffer) const {
  return buffers_[buffer.value].tasks;
}

}  // namespace lower
