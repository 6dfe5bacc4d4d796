#include "kernels/golden_math.h"

#include <algorithm>
#include <cmath>

#include "isa/numerics.h"
#include "kernels/fixtures.h"
#include "kernels/gemm.h"
#include "kernels/model.h"
#include "kernels/multiversion.h"

namespace kernels::golden {
namespace {

using isa::DType;

/// n elements of w from flat index `at`.
void widen_part(const HostTensor& w, int64_t at, int64_t n, float* out) {
  if (w.dtype == DType::I8) return widen(w.as<int8_t>() + at, n, out);
  if (w.dtype == DType::F32) {
    std::copy_n(w.as<float>() + at, n, out);
    return;
  }
  bf16_to_f32(w.as<uint16_t>() + at, n, out);
}

int64_t piece_of(const HostTensor& w, int64_t k) {
  constexpr int64_t kPieceInt8 = 1024, kPieceFloat = 512;
  static_assert(kPieceInt8 <= kExactInt8K, "an FP32 sum of this many int8 products is exact");
  return std::min(k, w.dtype == DType::I8 ? kPieceInt8 : kPieceFloat);
}

struct Lanes {
  int64_t first, second;
};
Lanes pair(int64_t i, bool split_half) {
  return split_half ? Lanes{i, i + kHalf} : Lanes{2 * i, 2 * i + 1};
}

}  // namespace

float inverse_rms(const float* row, int64_t n) {
  double sum = 0;
  for (int64_t j = 0; j < n; ++j) sum += static_cast<double>(row[j]) * row[j];
  return static_cast<float>(1.0 / std::sqrt(sum / static_cast<double>(n) + 1e-6));
}

void rms_norm(Matrix& m, int64_t rows, int64_t cols, const Matrix& gamma) {
  for (int64_t t = 0; t < rows; ++t) {
    float* row = m.data() + t * cols;
    const float inv = inverse_rms(row, cols);
    for (int64_t j = 0; j < cols; ++j)
      row[j] = row[j] * inv * (gamma.empty() ? 1.0f : gamma[static_cast<size_t>(j)]);
  }
}

void round_to_bf16(float* values, int64_t n) {
  for (int64_t i = 0; i < n; ++i) values[i] = isa::bf16_to_f32(isa::f32_to_bf16(values[i]));
}

void round_to_bf16(Matrix& m) { round_to_bf16(m.data(), static_cast<int64_t>(m.size())); }

void quantise_rows(const Matrix& m, int64_t rows, int64_t cols, int8_t* q, float* scale,
                   bool half_away) {
  for (int64_t t = 0; t < rows; ++t) {
    const float* row = m.data() + t * cols;
    float amax = 1e-4f;
    for (int64_t j = 0; j < cols; ++j) amax = std::max(amax, std::fabs(row[j]));
    const float sq = 127.0f / amax;
    scale[t] = 1.0f / sq;
    for (int64_t j = 0; j < cols; ++j) {
      const float v = row[j] * sq;
      q[t * cols + j] = static_cast<int8_t>(half_away ? std::round(v) : std::nearbyint(v));
    }
  }
}

A2A3SIM_MULTIVERSION
void widen(const int8_t* in, int64_t n, float* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = static_cast<float>(in[i]);
}

Matrix widen(const int8_t* in, int64_t n) {
  Matrix m(static_cast<size_t>(n));
  widen(in, n, m.data());
  return m;
}

Matrix product(const Matrix& x, const HostTensor& w, int64_t rows, int64_t n0, int64_t n) {
  const int64_t k = w.shape[0], width = w.shape[1], piece_k = piece_of(w, k);
  Matrix panel(static_cast<size_t>(piece_k * n)), piece(static_cast<size_t>(rows * n));
  std::vector<double> sum(piece_k < k ? piece.size() : 0);
  for (int64_t k0 = 0; k0 < k; k0 += piece_k) {
    const int64_t depth = std::min(piece_k, k - k0);
    for (int64_t i = 0; i < depth; ++i)
      widen_part(w, (k0 + i) * width + n0, n, panel.data() + i * n);
    gemm(rows, n, depth, x.data() + k0, k, panel.data(), n, piece.data(), n);
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += static_cast<double>(piece[i]);
  }
  for (size_t i = 0; i < sum.size(); ++i) piece[i] = static_cast<float>(sum[i]);
  return piece;
}

Matrix product(const Matrix& x, const HostTensor& w, int64_t rows) {
  return product(x, w, rows, 0, w.shape[1]);
}

Matrix product_transposed(const Matrix& x, const HostTensor& w, int64_t rows, int64_t n0,
                          int64_t n) {
  const int64_t k = w.shape.back(), piece_k = piece_of(w, k);
  Matrix row(static_cast<size_t>(piece_k)), panel(static_cast<size_t>(piece_k * n));
  Matrix piece(static_cast<size_t>(rows * n));
  std::vector<double> sum(piece_k < k ? piece.size() : 0);
  for (int64_t k0 = 0; k0 < k; k0 += piece_k) {
    const int64_t depth = std::min(piece_k, k - k0);
    for (int64_t j = 0; j < n; ++j) {
      widen_part(w, (n0 + j) * k + k0, depth, row.data());
      for (int64_t i = 0; i < depth; ++i)
        panel[static_cast<size_t>(i * n + j)] = row[static_cast<size_t>(i)];
    }
    gemm(rows, n, depth, x.data() + k0, k, panel.data(), n, piece.data(), n);
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += static_cast<double>(piece[i]);
  }
  for (size_t i = 0; i < sum.size(); ++i) piece[i] = static_cast<float>(sum[i]);
  return piece;
}

A2A3SIM_MULTIVERSION
void dequantise_row(float* row, float row_scale, const float* column_scale, int64_t n) {
  for (int64_t j = 0; j < n; ++j) row[j] = row[j] * row_scale * column_scale[j];
}

A2A3SIM_MULTIVERSION
void scale_row(float* row, float factor, int64_t n) {
  for (int64_t j = 0; j < n; ++j) row[j] *= factor;
}

void rotate(float* lanes, const float* c, const float* s, bool split_half) {
  for (int64_t i = 0; i < kHalf; ++i) {
    const Lanes p = pair(i, split_half);
    const float first = lanes[p.first], second = lanes[p.second];
    lanes[p.first] = first * c[i] - second * s[i];
    lanes[p.second] = first * s[i] + second * c[i];
  }
}

void rotate_inverse(float* lanes, const float* c, const float* s, bool split_half) {
  for (int64_t i = 0; i < kHalf; ++i) {
    const Lanes p = pair(i, split_half);
    const float first = lanes[p.first], second = lanes[p.second];
    lanes[p.first] = first * c[i] + second * s[i];
    lanes[p.second] = second * c[i] - first * s[i];
  }
}

}  // namespace kernels::golden
