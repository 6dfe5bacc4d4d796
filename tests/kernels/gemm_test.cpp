#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "kernels/gemm.h"
#include "kernels/rng.h"

using namespace kernels;

namespace {

std::vector<float> integers(const char* name, int64_t n, int range) {
  std::vector<float> v(static_cast<size_t>(n));
  const RngKey key = rng_key(1, name);
  for (size_t i = 0; i < v.size(); ++i) {
    const uint32_t bits = random_bits(key, static_cast<uint32_t>(i));
    v[i] =
        static_cast<float>(static_cast<int>(bits % static_cast<uint32_t>(2 * range + 1)) - range);
  }
  return v;
}

/// Integers whose sums are exact in FP32, against int64 loops.
void check(int64_t m, int64_t n, int64_t k, int range) {
  const int64_t lda = k + 3, ldb = n + 5, ldc = n + 1;
  const std::vector<float> a = integers("a", m * lda, range), b = integers("b", k * ldb, range);
  std::vector<float> c(static_cast<size_t>(m * ldc), 77.0f);
  gemm(m, n, k, a.data(), lda, b.data(), ldb, c.data(), ldc);
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      int64_t sum = 0;
      for (int64_t l = 0; l < k; ++l)
        sum += static_cast<int64_t>(a[static_cast<size_t>(i * lda + l)]) *
               static_cast<int64_t>(b[static_cast<size_t>(l * ldb + j)]);
      REQUIRE(static_cast<int64_t>(c[static_cast<size_t>(i * ldc + j)]) == sum);
    }
    REQUIRE(c[static_cast<size_t>(i * ldc + n)] == 77.0f);  // the pitch is respected
  }
}

}  // namespace

TEST_CASE("gemm multiplies row-major matrices with row pitches") {
  check(1, 1, 1, 5);
  check(7, 13, 29, 100);
  check(16, 33, 257, 100);
  check(128, 96, 512, 127);
}

TEST_CASE("int8 products are exact in FP32 up to the stated K") {
  CHECK(127 * 127 * kExactInt8K < (1 << 24));
  CHECK(127 * 127 * (kExactInt8K + 1) >= (1 << 24) - 127 * 127);
  // The worst case: all 127, every partial sum an integer below 2^24.
  const std::vector<float> a(static_cast<size_t>(kExactInt8K), 127.0f);
  float c = 0;
  gemm(1, 1, kExactInt8K, a.data(), kExactInt8K, a.data(), 1, &c, 1);
  CHECK(static_cast<int64_t>(c) == 127 * 127 * kExactInt8K);
  check(3, 5, 1024, 127);
}
