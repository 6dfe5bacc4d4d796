// Dense products of whole matrices for goldens (Eigen), independent of the tile kernels.
#pragma once

#include <cstdint>

namespace kernels {

/// c = a x b, row-major: a [m, k] with row pitch lda, b [k, n], c [m, n].
void gemm(int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b, int64_t ldb,
          float* c, int64_t ldc);

/// The largest K for which an int8 product is exact in FP32: 127 * 127 * K < 2^24.
inline constexpr int64_t kExactInt8K = (int64_t{1} << 24) / (127 * 127);

}  // namespace kernels
