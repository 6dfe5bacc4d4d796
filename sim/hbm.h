// A shared bandwidth (HBM, or the L2 ports) as a work-conserving server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sim {

/// Time is cut into windows that each carry `rate` x window bytes. A reservation takes what is left
/// from the first window at or after its earliest time on, so requests of several DMAs that overlap
/// in time interleave, and capacity an earlier request left unused is not lost. All times are ps.
class BandwidthServer {
 public:
  explicit BandwidthServer(double gigabytes_per_second);

  /// Time only moves forward: no later reservation is earlier than `now`.
  void advance(int64_t now);
  /// When the last of `bytes` has passed, starting no earlier than `earliest` (>= the last `now`).
  int64_t reserve(int64_t earliest, int64_t bytes);

 private:
  static constexpr int kWindowShift = 15;  // 32.8 ns
  static constexpr int kFixedPoint = 20;

  int64_t& used(int64_t window) { return used_[static_cast<size_t>(window) & (used_.size() - 1)]; }
  void grow(int64_t window);

  int64_t capacity_;        ///< bytes per window
  int64_t ps_per_byte_;     ///< fixed point
  int64_t base_ = 0;        ///< oldest window kept
  int64_t first_open_ = 0;  ///< all windows before it are full
  std::vector<int64_t> used_;
};

}  // namespace sim
