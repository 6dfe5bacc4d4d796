// Dimensions of DeepSeek-V4-Flash that the attention kernels share (kernels.md §1.1, §1.3).
#pragma once

#include <cstdint>

namespace kernels {

// Lanes of one head: 448 without position, 64 rotated.
inline constexpr int64_t kHead = 512;
inline constexpr int64_t kNope = 448;
inline constexpr int64_t kRope = 64;
inline constexpr int64_t kHalf = kRope / 2;

inline constexpr int64_t kHeads = 64;
inline constexpr int64_t kHidden = 4096;
inline constexpr int64_t kWindow =
    128;                               ///< positions of the sliding window, slot = position mod 128
inline constexpr int64_t kPage = 128;  ///< rows of a window or compressed KV page
inline constexpr int64_t kMaxPosition = 8192;
inline constexpr int64_t kHyperStreams = 4;  ///< hc_mult: residual streams of a layer

}  // namespace kernels
