#include "lower/access.h"

#include <algorithm>
#include <tuple>

namespace lower {
namespace {

int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

}  // namespace

ByteWindow make_window(int64_t lo, int64_t width, int64_t pitch, int32_t runs) {
  if (runs <= 1 || width >= pitch) return {lo, (runs - 1) * pitch + width, 0, 1};
  return {lo, width, pitch, runs};
}

bool overlap(const ByteWindow& a, const ByteWindow& b) {
  if (a.lo >= b.hi() || b.lo >= a.hi()) return false;
  if (a.contiguous() && b.contiguous()) return true;
  if (!a.contiguous() && !b.contiguous() && a.pitch != b.pitch) return true;
  // Piece i of a meets piece j of b iff -wb < ... : with t = j - i, b sits d + t * pitch behind a.
  const int64_t pitch = std::max(a.pitch, b.pitch), d = b.lo - a.lo;
  const int64_t t_min = std::max<int64_t>(floor_div(-b.width - d, pitch) + 1, -(a.runs - 1));
  const int64_t t_max = std::min<int64_t>(floor_div(a.width - d - 1, pitch), b.runs - 1);
  return t_min <= t_max;
}

bool covers(const ByteWindow& a, const ByteWindow& b) {
  if (b.lo < a.lo || b.hi() > a.hi()) return false;
  if (a.contiguous()) return true;
  const int64_t pitch = a.pitch;
  if (!b.contiguous() && b.pitch != pitch) return false;
  const int64_t row = (b.lo - a.lo) / pitch, col = (b.lo - a.lo) % pitch;
  return col + b.width <= a.width && row + b.runs <= a.runs;
}

void AccessHistory::compact() {
  const auto kind = [](const Access& x) {
    return std::make_tuple(static_cast<int>(x.pipe), x.write, x.releases_early);
  };
  std::sort(accesses_.begin(), accesses_.end(), [&](const Access& x, const Access& y) {
    return std::make_tuple(kind(x), x.window.lo, x.index) <
           std::make_tuple(kind(y), y.window.lo, y.index);
  });
  std::vector<Access> merged;
  for (const Access& x : accesses_) {
    if (!merged.empty() && kind(merged.back()) == kind(x) &&
        x.window.lo <= merged.back().window.hi()) {
      Access& m = merged.back();
      m.window = {m.window.lo, std::max(m.window.hi(), x.window.hi()) - m.window.lo, 0, 1};
      m.index = std::max(m.index, x.index);
    } else {
      merged.push_back(x);
    }
  }
  accesses_ = std::move(merged);
  compact_at_ = std::max(kCompactAt, 2 * accesses_.size());
}

}  // namespace lower
