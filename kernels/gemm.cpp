#include "kernels/gemm.h"

namespace kernels {

void gemm_generic(int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b,
                  int64_t ldb, float* c, int64_t ldc);
void gemm_v3(int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b,
             int64_t ldb, float* c, int64_t ldc);

void gemm(int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b, int64_t ldb,
          float* c, int64_t ldc) {
#ifdef A2A3SIM_GEMM_V3
  static const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (v3) return gemm_v3(m, n, k, a, lda, b, ldb, c, ldc);
#endif
  gemm_generic(m, n, k, a, lda, b, ldb, c, ldc);
}

}  // namespace kernels
