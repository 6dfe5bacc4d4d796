#include "kernels/gemm.h"

namespace kernels {

#define A2A3SIM_DECLARE_GEMM(name, T)                                                          \
  void name(int64_t m, int64_t n, int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb, \
            T* c, int64_t ldc);
A2A3SIM_DECLARE_GEMM(gemm_generic, float)
A2A3SIM_DECLARE_GEMM(gemm_generic, double)
#ifdef A2A3SIM_GEMM_V3
A2A3SIM_DECLARE_GEMM(gemm_v3, float)
A2A3SIM_DECLARE_GEMM(gemm_v3, double)
#endif
#undef A2A3SIM_DECLARE_GEMM

namespace {

template <class T>
void dispatch(int64_t m, int64_t n, int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb,
              T* c, int64_t ldc) {
#ifdef A2A3SIM_GEMM_V3
  static const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (v3) return gemm_v3(m, n, k, a, lda, b, ldb, c, ldc);
#endif
  gemm_generic(m, n, k, a, lda, b, ldb, c, ldc);
}

}  // namespace

void gemm(int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b, int64_t ldb,
          float* c, int64_t ldc) {
  dispatch(m, n, k, a, lda, b, ldb, c, ldc);
}

void gemm(int64_t m, int64_t n, int64_t k, const double* a, int64_t lda, const double* b,
          int64_t ldb, double* c, int64_t ldc) {
  dispatch(m, n, k, a, lda, b, ldb, c, ldc);
}

}  // namespace kernels
