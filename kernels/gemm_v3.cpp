#define A2A3SIM_EIGEN Eigen_v3
#include "kernels/gemm_impl.h"

namespace kernels {

void gemm_v3(int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b,
             int64_t ldb, float* c, int64_t ldc);

void gemm_v3(int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b,
             int64_t ldb, float* c, int64_t ldc) {
  eigen_gemm(m, n, k, a, lda, b, ldb, c, ldc);
}

}  // namespace kernels
