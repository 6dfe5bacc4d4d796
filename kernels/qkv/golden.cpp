#include "kernels/qkv/golden.h"

#include <algorithm>
#include <cmath>

#include "isa/numerics.h"
#include "kernels/compare.h"
#include "kernels/fixtures.h"
#include "kernels/gemm.h"
#include "kernels/multiversion.h"

namespace kernels::qkv {
namespace {

using isa::DType;
using Matrix = std::vector<float>;  // row-major

float rsqrt_of_mean_square(const float* row, int64_t n) {
  double sum = 0;
  for (int64_t j = 0; j < n; ++j) sum += static_cast<double>(row[j]) * row[j];
  return static_cast<float>(1.0 / std::sqrt(sum / static_cast<double>(n) + 1e-6));
}

/// rows x gamma / rms, in place.
void rms_norm(Matrix& m, int64_t rows, int64_t cols, const Matrix& gamma) {
  for (int64_t t = 0; t < rows; ++t) {
    float* row = m.data() + t * cols;
    const float inv = rsqrt_of_mean_square(row, cols);
    for (int64_t j = 0; j < cols; ++j) row[j] = row[j] * inv * gamma[static_cast<size_t>(j)];
  }
}

void round_to_bf16(Matrix& m) {
  for (float& v : m) v = isa::bf16_to_f32(isa::f32_to_bf16(v));
}

void quantise_rows(const Matrix& m, int64_t rows, int64_t cols, int8_t* q, float* scale) {
  for (int64_t t = 0; t < rows; ++t) {
    const float* row = m.data() + t * cols;
    float amax = 1e-4f;
    for (int64_t j = 0; j < cols; ++j) amax = std::max(amax, std::fabs(row[j]));
    const float sq = 127.0f / amax;
    scale[t] = 1.0f / sq;
    for (int64_t j = 0; j < cols; ++j)
      q[t * cols + j] = static_cast<int8_t>(std::nearbyint(row[j] * sq));
  }
}

A2A3SIM_MULTIVERSION
void widen(const int8_t* in, int64_t n, float* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = static_cast<float>(in[i]);
}

void widen_row(const HostTensor& w, int64_t at, int64_t n, float* out) {
  if (w.dtype == DType::I8) return widen(w.as<int8_t>() + at, n, out);
  bf16_to_f32(w.as<uint16_t>() + at, n, out);
}

/// x [T, K] x the columns [n0, n0 + n) of w [K, N]. Pieces of K are FP32 products, their sum is
/// taken in double: int8 pieces of 1024 are exact, so the whole is, and BF16 sums lose next to
/// nothing.
Matrix product(const Matrix& x, const HostTensor& w, int64_t rows, int64_t n0, int64_t n) {
  constexpr int64_t kPieceInt8 = 1024, kPieceBf16 = 512;
  static_assert(kPieceInt8 <= kExactInt8K, "an FP32 sum of this many int8 products is exact");
  const int64_t k = w.shape[0], width = w.shape[1];
  const int64_t piece_k = std::min(k, w.dtype == DType::I8 ? kPieceInt8 : kPieceBf16);
  Matrix panel(static_cast<size_t>(piece_k * n)), piece(static_cast<size_t>(rows * n));
  std::vector<double> sum(piece_k < k ? piece.size() : 0);
  for (int64_t k0 = 0; k0 < k; k0 += piece_k) {
    const int64_t depth = std::min(piece_k, k - k0);
    for (int64_t i = 0; i < depth; ++i)
      widen_row(w, (k0 + i) * width + n0, n, panel.data() + i * n);
    gemm(rows, n, depth, x.data() + k0, k, panel.data(), n, piece.data(), n);
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += static_cast<double>(piece[i]);
  }
  for (size_t i = 0; i < sum.size(); ++i) piece[i] = static_cast<float>(sum[i]);
  return piece;
}

/// 64 lanes in place; c and s have the 32 frequencies of the row's token.
void rotate(float* lanes, const float* c, const float* s, bool split_half) {
  float out[kRope];
  for (int64_t i = 0; i < kRope / 2; ++i) {
    const int64_t first = split_half ? i : 2 * i, second = split_half ? i + kRope / 2 : 2 * i + 1;
    out[first] = lanes[first] * c[i] - lanes[second] * s[i];
    out[second] = lanes[first] * s[i] + lanes[second] * c[i];
  }
  std::copy_n(out, kRope, lanes);
}

A2A3SIM_MULTIVERSION
void dequantise_row(float* row, float row_scale, const float* column_scale, int64_t n) {
  for (int64_t j = 0; j < n; ++j) row[j] = row[j] * row_scale * column_scale[j];
}

A2A3SIM_MULTIVERSION
void scale_row(float* row, float factor, int64_t n) {
  for (int64_t j = 0; j < n; ++j) row[j] *= factor;
}

struct Tables {
  Matrix cos, sin;  ///< [T, 64]
};

void golden_q(const TensorSet& in, const Config& c, const Tables& tables, TensorSet& out) {
  const int8_t* qr = out.at("qr").as<int8_t>();
  const float* qr_scale = out.at("qr_scale").as<float>();
  const float* column_scale = in.at("wq_b_scale").as<float>();
  Matrix quantised(static_cast<size_t>(c.tokens * c.q_lora));
  widen(qr, c.tokens * c.q_lora, quantised.data());
  for (int64_t h = 0; h < c.heads; ++h) {
    Matrix head = product(quantised, in.at("wq_b"), c.tokens, h * kHead, kHead);
    for (int64_t t = 0; t < c.tokens; ++t) {
      float* row = head.data() + t * kHead;
      dequantise_row(row, qr_scale[t], column_scale + h * kHead, kHead);
      scale_row(row, rsqrt_of_mean_square(row, kHead), kHead);
      rotate(row + kNope, tables.cos.data() + t * kRope, tables.sin.data() + t * kRope,
             c.layout == RopeLayout::SplitHalf);
      f32_to_bf16(row, kHead, out.at("q").as<uint16_t>() + (t * c.heads + h) * kHead);
    }
  }
}

}  // namespace

TensorSet golden(const TensorSet& in, const Config& c, const HostTensor& cos,
                 const HostTensor& sin) {
  TensorSet out;
  for (const TensorSpec& spec : output_specs(c)) out.add(make_tensor(spec));
  const Tables tables{to_f32(cos), to_f32(sin)};

  Matrix x = to_f32(in.at("x"));
  if (c.attn_norm) {
    rms_norm(x, c.tokens, c.hidden, to_f32(in.at("norm_w")));
    round_to_bf16(x);
  }
  Matrix n = product(x, in.at("wq_a"), c.tokens, 0, c.q_lora);
  rms_norm(n, c.tokens, c.q_lora, to_f32(in.at("gamma_cq")));
  if (c.qr_bf16) round_to_bf16(n);
  quantise_rows(n, c.tokens, c.q_lora, out.at("qr").as<int8_t>(), out.at("qr_scale").as<float>());
  golden_q(in, c, tables, out);

  Matrix kv = product(x, in.at("wkv"), c.tokens, 0, kHead);
  rms_norm(kv, c.tokens, kHead, to_f32(in.at("gamma_ckv")));
  for (int64_t t = 0; t < c.tokens; ++t)
    rotate(kv.data() + t * kHead + kNope, tables.cos.data() + t * kRope,
           tables.sin.data() + t * kRope, c.layout == RopeLayout::SplitHalf);
  f32_to_bf16(kv.data(), c.tokens * kHead, out.at("kv").as<uint16_t>());
  return out;
}

std::map<std::string, Comparator> comparators() {
  const Comparator bf16 = ratio_allclose(1e-4, 1.0 / 128);
  return {{"q", bf16},
          {"kv", bf16},
          {"qr", ratio_allclose(1, 0, 0)},
          {"qr_scale", ratio_allclose(2.5e-5, 5e-3)}};
}

std::vector<TensorSpec> output_specs(const Config& c) {
  return {{"q", DType::BF16, {c.tokens, c.heads, kHead}, Role::Output},
          {"kv", DType::BF16, {c.tokens, kHead}, Role::Output},
          {"qr", DType::I8, {c.tokens, c.q_lora}, Role::Output},
          {"qr_scale", DType::F32, {c.tokens, 1}, Role::Output}};
}

}  // namespace kernels::qkv
