// Eigen's product, compiled once per instruction set. Eigen's templates would otherwise be merged
// by the linker across those builds, so each renames the namespace (A2A3SIM_EIGEN) before including
// it.
#define Eigen A2A3SIM_EIGEN
#define EIGEN_DONT_PARALLELIZE
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#include <Eigen/Core>
#pragma GCC diagnostic pop

namespace kernels {
namespace {

void eigen_gemm(int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b,
                int64_t ldb, float* c, int64_t ldc) {
  using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using Pitch = Eigen::OuterStride<>;
  const Eigen::Map<const Matrix, 0, Pitch> A(a, m, k, Pitch(lda)), B(b, k, n, Pitch(ldb));
  Eigen::Map<Matrix, 0, Pitch> C(c, m, n, Pitch(ldc));
  C.noalias() = A * B;
}

}  // namespace
}  // namespace kernels
