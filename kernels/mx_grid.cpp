#include "kernels/mx_grid.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "isa/numerics.h"
#include "kernels/fixtures.h"
#include "kernels/multiversion.h"

namespace kernels {
namespace {

constexpr float kE4m3Max = 448;

/// Works on bits without branches, so that whole rows run in SIMD.
inline float nearest_e4m3(float x) {
  const uint32_t bits = isa::float_to_bits(x), sign = bits & 0x80000000u;
  const float magnitude = isa::bits_to_float(bits & 0x7fffffffu);
  // Three mantissa bits are left of 23; adding half of the last one (less one for ties to even).
  const uint32_t m = isa::float_to_bits(magnitude);
  const float normal = isa::bits_to_float((m + 0x7ffffu + ((m >> 20) & 1u)) & 0xfff00000u);
  constexpr float kRound = 24576;  // 1.5 * 2^14: its neighbours are 2^-9 apart
  const float subnormal = (magnitude + kRound) - kRound;
  float r = magnitude < 0x1p-6f ? subnormal : normal;
  r = r > kE4m3Max ? kE4m3Max : r;
  return isa::bits_to_float(isa::float_to_bits(r) | sign);
}

A2A3SIM_MULTIVERSION
void to_grid(float* row, int64_t n, float block_scale) {
  const float inverse = 1 / block_scale;  // powers of two: exact both ways
  for (int64_t j = 0; j < n; ++j) row[j] = nearest_e4m3(row[j] * inverse) * block_scale;
}

float largest(const float* w, int64_t pitch, int64_t rows, int64_t cols) {
  float amax = 0;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < cols; ++j) amax = std::max(amax, std::fabs(w[i * pitch + j]));
  return amax;
}

/// The columns [n0, n0 + cols) of W on the grid, [k, cols].
std::vector<float> draw_columns(const HostTensor& q, uint64_t seed, float cv, int64_t n0,
                                int64_t cols) {
  const int64_t k = q.shape.at(0), n = q.shape.at(1);
  const RngKey key = rng_key(seed, q.name), channel_key = rng_key(seed, q.name + ".channel");
  std::vector<float> w(static_cast<size_t>(k * cols)), spread(static_cast<size_t>(cols));
  fill_normal(channel_key, static_cast<uint32_t>(n0), cols, cv, 0, spread.data());
  for (float& s : spread) s = std::exp(s);
  for (int64_t i = 0; i < k; ++i) {
    float* row = w.data() + i * cols;
    fill_normal(key, static_cast<uint32_t>(i * n + n0), cols, 1, 0, row);
    for (int64_t j = 0; j < cols; ++j) row[j] *= spread[static_cast<size_t>(j)];
  }
  for (int64_t i = 0; i < k; i += kMxBlock) {
    const int64_t rows = std::min(kMxBlock, k - i);
    float* block = w.data() + i * cols;
    const float scale = mx_scale(largest(block, cols, rows, cols));
    for (int64_t r = 0; r < rows; ++r) to_grid(block + r * cols, cols, scale);
  }
  return w;
}

/// INT8 columns [n0, n0 + cols) of q with their scales amax / 127.
void quantise(const std::vector<float>& w, int64_t n0, int64_t cols, const HostTensor& q,
              float* scale) {
  const int64_t k = q.shape.at(0), n = q.shape.at(1);
  std::vector<float> amax(static_cast<size_t>(cols), 1e-30f);
  for (int64_t i = 0; i < k; ++i)
    for (int64_t j = 0; j < cols; ++j)
      amax[static_cast<size_t>(j)] =
          std::max(amax[static_cast<size_t>(j)], std::fabs(w[static_cast<size_t>(i * cols + j)]));
  for (int64_t j = 0; j < cols; ++j) scale[n0 + j] = amax[static_cast<size_t>(j)] / 127;
  for (int64_t i = 0; i < k; ++i)
    for (int64_t j = 0; j < cols; ++j) {
      const float v = std::nearbyint(w[static_cast<size_t>(i * cols + j)] / scale[n0 + j]);
      q.as<int8_t>()[i * n + n0 + j] = static_cast<int8_t>(std::clamp(v, -127.0f, 127.0f));
    }
}

/// Sum of squares and sum of q[:, j], as what a column adds to the deviation of the whole.
double standard_deviation(const HostTensor& q, const float* scale) {
  const int64_t k = q.shape.at(0), n = q.shape.at(1);
  std::vector<int64_t> sum(static_cast<size_t>(n)), squares(static_cast<size_t>(n));
  for (int64_t i = 0; i < k; ++i)
    for (int64_t j = 0; j < n; ++j) {
      const int64_t v = q.as<int8_t>()[i * n + j];
      sum[static_cast<size_t>(j)] += v;
      squares[static_cast<size_t>(j)] += v * v;
    }
  double mean = 0, square = 0;
  for (int64_t j = 0; j < n; ++j) {
    const double s = scale[j];
    mean += s * static_cast<double>(sum[static_cast<size_t>(j)]);
    square += s * s * static_cast<double>(squares[static_cast<size_t>(j)]);
  }
  const double count = static_cast<double>(k) * static_cast<double>(n);
  mean /= count;
  return std::sqrt(std::max(0.0, square / count - mean * mean));
}

}  // namespace

float round_to_e4m3(float x) { return std::isnan(x) ? x : nearest_e4m3(x); }

float mx_scale(float amax) {
  return amax > 0 ? std::exp2(std::ceil(std::log2(amax / kE4m3Max))) : 1.0f;
}

void fill_mxfp8_weight(const HostTensor& q, const HostTensor& scale, uint64_t seed,
                       const Mxfp8Weight& weight) {
  const int64_t n = q.shape.at(1);
  float* scales = scale.as<float>();
  parallel_pieces(n, kMxBlock, [&](int64_t begin, int64_t end) {
    for (int64_t n0 = begin; n0 < end; n0 += kMxBlock) {
      const int64_t cols = std::min(kMxBlock, end - n0);
      quantise(draw_columns(q, seed, weight.cv, n0, cols), n0, cols, q, scales);
    }
  });
  const double deviation = standard_deviation(q, scales);
  if (deviation == 0) return;
  const float stretch = static_cast<float>(weight.dequant_std / deviation);
  for (int64_t j = 0; j < n; ++j) scales[j] *= stretch;
}

}  // namespace kernels
