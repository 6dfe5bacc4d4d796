// The reference of hc_pre: whole rows, double sums, no tiles.
#include <array>
#include <cmath>
#include <cstring>

#include "kernels/fixtures.h"
#include "kernels/golden_math.h"
#include "kernels/hc/hc_pre.h"

namespace kernels::hc {
namespace {

using Matrix4 = std::array<std::array<double, kStreams>, kStreams>;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

/// Half away in magnitude: 0x8000 added to the bit pattern, lower half dropped.
uint16_t bf16_half_up(float v) {
  uint32_t bits;
  std::memcpy(&bits, &v, sizeof bits);
  return static_cast<uint16_t>((bits + 0x8000u) >> 16);
}

void divide_by_column_sums(Matrix4& m) {
  for (size_t o = 0; o < kStreams; ++o) {
    double sum = 1e-6;
    for (const auto& row : m) sum += row[o];
    for (auto& row : m) row[o] /= sum;
  }
}

void divide_by_row_sums(Matrix4& m) {
  for (auto& row : m) {
    double sum = 1e-6;
    for (const double v : row) sum += v;
    for (double& v : row) v /= sum;
  }
}

/// exp(logit) / row sum + 1e-6, then 20 column normalisations with 19 row normalisations between.
Matrix4 doubly_stochastic(Matrix4 m) {
  for (auto& row : m) {
    double largest = row[0], sum = 0;
    for (const double v : row) largest = std::max(largest, v);
    for (double& v : row) sum += v = std::exp(v - largest);
    for (double& v : row) v = v / sum + 1e-6;
  }
  divide_by_column_sums(m);
  for (int i = 1; i < 20; ++i) {
    divide_by_row_sums(m);
    divide_by_column_sums(m);
  }
  return m;
}

}  // namespace

void golden_hc_pre(const HostTensor& x_hc, const HostTensor& hc_fn, const HostTensor& hc_scale,
                   const HostTensor& hc_base, const HostTensor& x_mixed, const HostTensor& post,
                   const HostTensor& comb) {
  const int64_t tokens = x_mixed.shape[0], hidden = x_mixed.shape[1], depth = kStreams * hidden;
  const float* scale = hc_scale.as<float>();
  const float* base = hc_base.as<float>();
  const golden::Matrix x = to_f32(x_hc);
  const golden::Matrix product = golden::product_transposed(x, hc_fn, tokens, 0, kMix);
  for (int64_t t = 0; t < tokens; ++t) {
    const float* row = x.data() + t * depth;
    const double inv = golden::inverse_rms(row, depth);
    const auto logit = [&](int64_t j, int gate) {
      return static_cast<double>(product[static_cast<size_t>(t * kMix + j)]) * inv *
                 static_cast<double>(scale[gate]) +
             static_cast<double>(base[j]);
    };
    std::array<double, kStreams> pre{};
    for (int64_t h = 0; h < kStreams; ++h) {
      pre[static_cast<size_t>(h)] = sigmoid(logit(h, 0)) + 1e-6;
      post.as<float>()[t * kStreams + h] = static_cast<float>(2 * sigmoid(logit(kStreams + h, 1)));
    }
    Matrix4 m{};
    for (size_t i = 0; i < kStreams; ++i)
      for (size_t o = 0; o < kStreams; ++o)
        m[i][o] = logit(2 * kStreams + static_cast<int64_t>(kStreams * i + o), 2);
    m = doubly_stochastic(m);
    for (size_t i = 0; i < kStreams; ++i)
      for (size_t o = 0; o < kStreams; ++o)
        comb.as<float>()[t * kComb + static_cast<int64_t>(kStreams * i + o)] =
            static_cast<float>(m[i][o]);
    for (int64_t d = 0; d < hidden; ++d) {
      double sum = 0;
      for (int64_t h = 0; h < kStreams; ++h)
        sum += pre[static_cast<size_t>(h)] * static_cast<double>(row[h * hidden + d]);
      x_mixed.as<uint16_t>()[t * hidden + d] = bf16_half_up(static_cast<float>(sum));
    }
  }
}

}  // namespace kernels::hc
