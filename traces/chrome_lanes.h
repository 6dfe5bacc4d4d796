// Placing intervals on lanes of a Chrome trace so that no two of a lane overlap.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "traces/time.h"

namespace traces {

/// A slice in whole nanoseconds on a lane of the trace.
struct ChromeSlice {
  int pid = 0;
  int tid = 0;
  int64_t ts = 0, end = 0;

  /// `t` moved inside, so that an arrow bound here finds the slice open.
  int64_t clamp(int64_t t) const;
};

inline int64_t whole_ns(Picoseconds t) { return t.value / 1000; }

/// Gives each interval, taken in order of their start, the first sub-lane that is free by then.
class LanePacker {
 public:
  /// `limit` sub-lanes at most; `what` names the lane in the error "traces.lane-overflow".
  LanePacker(int limit, std::string what) : limit_(limit), what_(std::move(what)) {}
  int place(int64_t ts, int64_t end);
  int used() const { return static_cast<int>(free_at_.size()); }

 private:
  int limit_;
  std::string what_;
  std::vector<int64_t> free_at_;
};

}  // namespace traces
