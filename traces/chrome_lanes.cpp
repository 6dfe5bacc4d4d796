#include "traces/chrome_lanes.h"

#include <fmt/format.h>

#include <algorithm>

#include "isa/error.h"

namespace traces {

int64_t ChromeSlice::clamp(int64_t t) const { return std::max(ts, std::min(t, end - 1)); }

int LanePacker::place(int64_t ts, int64_t end) {
  for (size_t lane = 0; lane < free_at_.size(); ++lane)
    if (free_at_[lane] <= ts) {
      free_at_[lane] = end;
      return static_cast<int>(lane);
    }
  if (used() == limit_)
    throw isa::Error("traces.lane-overflow", what_,
                     fmt::format("more than {} slices at once at {} ns", limit_, ts));
  free_at_.push_back(end);
  return used() - 1;
}

}  // namespace traces
