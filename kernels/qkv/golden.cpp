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

/// x [T, K] x w [K, N], both exact in double; rounded to FP32 once.
Matrix product(const Matrix& x, const HostTensor& w, int64_t rows) {
  const int64_t k = w.shape[0], n = w.shape[1];
  const std::vector<double> a(x.begin(), x.end());
  Matrix row(static_cast<size_t>(n)), result(static_cast<size_t>(rows * n));
  std::vector<double> b(static_cast<size_t>(k * n)), c(static_cast<size_t>(rows * n));
  for (int64_t i = 0; i < k; ++i) {
    bf16_to_f32(w.as<uint16_t>() + i * n, n, row.data());
    std::copy(row.begin(), row.end(), b.begin() + i * n);
  }
  gemm(rows, n, k, a.data(), k, b.data(), n, c.data(), n);
  std::transform(c.begin(), c.end(), result.begin(),
                 [](double v) { return static_cast<float>(v); });
  return result;
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

/// qr [T, K] x columns [n0, n0 + n) of wq_b [K, N], exactly: pieces of K whose sums stay below 2^24
/// are exact in FP32, and pieces add up in double.
class ExactInt8Product {
 public:
  ExactInt8Product(const int8_t* a, const HostTensor& b, int64_t rows)
      : b_(b), rows_(rows), k_(b.shape[0]), a_(static_cast<size_t>(rows * k_)) {
    widen(a, rows * k_, a_.data());
  }

  void columns(int64_t n0, int64_t n, Matrix& result) {
    const int64_t piece_k = std::min<int64_t>(k_, 1024);
    static_assert(kExactInt8K >= 1024, "an FP32 sum of 1024 int8 products must be exact");
    panel_.resize(static_cast<size_t>(piece_k * n));
    piece_.resize(static_cast<size_t>(rows_ * n));
    std::vector<double> sum(k_ > piece_k ? piece_.size() : 0);
    for (int64_t k0 = 0; k0 < k_; k0 += piece_k) {
      const int64_t depth = std::min(piece_k, k_ - k0);
      for (int64_t i = 0; i < depth; ++i)
        widen(b_.as<int8_t>() + (k0 + i) * b_.shape[1] + n0, n, panel_.data() + i * n);
      gemm(rows_, n, depth, a_.data() + k0, k_, panel_.data(), n, piece_.data(), n);
      for (size_t i = 0; i < sum.size(); ++i) sum[i] += static_cast<double>(piece_[i]);
    }
    result = piece_;
    for (size_t i = 0; i < sum.size(); ++i) result[i] = static_cast<float>(sum[i]);
  }

 private:
  const HostTensor& b_;
  int64_t rows_, k_;
  Matrix a_, panel_, piece_;
};

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
  ExactInt8Product product(qr, in.at("wq_b"), c.tokens);
  Matrix head;
  for (int64_t h = 0; h < c.heads; ++h) {
    product.columns(h * kHead, kHead, head);
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
  Matrix n = product(x, in.at("wq_a"), c.tokens);
  rms_norm(n, c.tokens, c.q_lora, to_f32(in.at("gamma_cq")));
  if (c.qr_bf16) round_to_bf16(n);
  quantise_rows(n, c.tokens, c.q_lora, out.at("qr").as<int8_t>(), out.at("qr_scale").as<float>());
  golden_q(in, c, tables, out);

  Matrix kv = product(x, in.at("wkv"), c.tokens);
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
