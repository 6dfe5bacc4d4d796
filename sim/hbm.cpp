#include "sim/hbm.h"

#include <algorithm>
#include <cmath>

namespace sim {

BandwidthServer::BandwidthServer(double gigabytes_per_second)
    : capacity_(std::max<int64_t>(
          1, std::llround(gigabytes_per_second * 1e-3 * static_cast<double>(1 << kWindowShift)))),
      ps_per_byte_((int64_t{1} << (kWindowShift + kFixedPoint)) / capacity_),
      used_(1024, 0) {}

void BandwidthServer::advance(int64_t now) {
  const int64_t window = now >> kWindowShift;
  const int64_t passed = std::min(window - base_, static_cast<int64_t>(used_.size()));
  for (int64_t i = 0; i < passed; ++i) used(base_ + i) = 0;
  base_ = std::max(base_, window);
  first_open_ = std::max(first_open_, base_);
}

int64_t BandwidthServer::reserve(int64_t earliest, int64_t bytes) {
  int64_t window = std::max(earliest >> kWindowShift, first_open_);
  int64_t left = bytes;
  while (true) {
    if (window - base_ >= static_cast<int64_t>(used_.size())) grow(window);
    int64_t& taken = used(window);
    const int64_t take = std::min(left, capacity_ - taken);
    taken += take;
    left -= take;
    if (taken == capacity_ && window == first_open_) ++first_open_;
    if (left == 0) {
      const int64_t passed = (window << kWindowShift) + ((taken * ps_per_byte_) >> kFixedPoint);
      return std::max(passed, earliest + ((bytes * ps_per_byte_) >> kFixedPoint));
    }
    ++window;
  }
}

/// Makes room for `window`; the windows kept move to their places in the larger ring.
void BandwidthServer::grow(int64_t window) {
  size_t size = used_.size();
  while (window - base_ >= static_cast<int64_t>(size)) size *= 2;
  std::vector<int64_t> larger(size, 0);
  for (size_t i = 0; i < used_.size(); ++i) {
    const int64_t w = base_ + static_cast<int64_t>(i);
    larger[static_cast<size_t>(w) & (size - 1)] = used(w);
  }
  used_ = std::move(larger);
}

}  // namespace sim
