// The reference of P253's sparse attention: whole rows, plain loops, FP32 throughout.
#include <algorithm>
#include <cmath>
#include <limits>

#include "isa/numerics.h"
#include "kernels/fixtures.h"
#include "kernels/golden_math.h"
#include "kernels/model.h"
#include "kernels/p253/scopes.h"

namespace kernels::p253 {
namespace {

using golden::Matrix;

/// The key rows of request b, [keys, 512].
Matrix gather_keys(const TensorSet& in, const SparseAttnConfig& c, int64_t b) {
  const int64_t keys = std::min<int64_t>(in.at("seqused_kv").as<int32_t>()[b], c.topk);
  const int32_t* indices = in.at("cmp_sparse_indices").as<int32_t>() + b * c.topk;
  const int32_t* pages = in.at("cmp_block_table").as<int32_t>() + b * c.cmp_pages;
  Matrix kv(static_cast<size_t>(keys * kHead));
  for (int64_t k = 0; k < keys; ++k) {
    const bool window = indices[k] < kWindow;
    const int64_t slot = window ? indices[k] : indices[k] - kWindow;
    const int64_t page = window ? in.at("ori_block_table").as<int32_t>()[b] : pages[slot / kPage];
    const uint16_t* rows = in.at(window ? "ori_kv" : "cmp_kv").as<uint16_t>();
    bf16_to_f32(rows + (page * kPage + slot % kPage) * kHead, kHead, kv.data() + k * kHead);
  }
  return kv;
}

/// softmax(q k / sqrt(512)) v with the sink in the denominator.
void attend(const float* q, const Matrix& kv, float sink, float* out) {
  const size_t keys = kv.size() / kHead;
  std::vector<double> p(keys);
  double top = -std::numeric_limits<double>::infinity();
  for (size_t k = 0; k < keys; ++k) {
    double dot = 0;
    for (size_t j = 0; j < kHead; ++j) dot += static_cast<double>(q[j]) * kv[k * kHead + j];
    p[k] = dot / std::sqrt(static_cast<double>(kHead));
    top = std::max(top, p[k]);
  }
  double denominator = std::exp(static_cast<double>(sink) - top);
  for (double& v : p) denominator += v = std::exp(v - top);
  std::vector<double> sum(kHead);
  for (size_t k = 0; k < keys; ++k)
    for (size_t j = 0; j < kHead; ++j) sum[j] += p[k] * kv[k * kHead + j];
  for (size_t j = 0; j < kHead; ++j) out[j] = static_cast<float>(sum[j] / denominator);
}

/// Heads [T * H, 512], rounded to BF16 before and after the inverse rotation.
Matrix rotated_heads(const TensorSet& in, const SparseAttnConfig& c) {
  const Matrix q = to_f32(in.at("q")), sink = to_f32(in.at("attn_sink"));
  const Matrix cos = to_f32(in.at("freqs_cos")), sin = to_f32(in.at("freqs_sin"));
  Matrix o(q.size());
  for (int64_t b = 0; b < c.tokens; ++b) {
    const Matrix kv = gather_keys(in, c, b);
    for (int64_t h = 0; h < c.heads; ++h) {
      float* row = o.data() + (b * c.heads + h) * kHead;
      attend(q.data() + (b * c.heads + h) * kHead, kv, sink[static_cast<size_t>(h)], row);
      golden::round_to_bf16(row, kHead);
      golden::rotate_inverse(row + kNope, cos.data() + b * kRope, sin.data() + b * kRope, false);
      golden::round_to_bf16(row + kNope, kRope);
    }
  }
  return o;
}

/// o_r [T, G * o_lora], rounded to BF16.
Matrix grouped_projection(const TensorSet& in, const SparseAttnConfig& c, const Matrix& o) {
  constexpr int64_t kGroupIn = kHeadsPerGroup * kHead;
  HostTensor weight = in.at("wo_a");
  weight.shape = {c.o_width(), kGroupIn};
  Matrix o_r(static_cast<size_t>(c.tokens * c.o_width()));
  Matrix x(static_cast<size_t>(c.tokens * kGroupIn));
  for (int64_t g = 0; g < c.groups(); ++g) {
    for (int64_t t = 0; t < c.tokens; ++t)
      std::copy_n(o.data() + (t * c.heads + g * kHeadsPerGroup) * kHead, kGroupIn,
                  x.data() + t * kGroupIn);
    const Matrix y = golden::product_transposed(x, weight, c.tokens, g * c.o_lora, c.o_lora);
    for (int64_t t = 0; t < c.tokens; ++t)
      std::copy_n(y.data() + t * c.o_lora, c.o_lora, o_r.data() + t * c.o_width() + g * c.o_lora);
  }
  golden::round_to_bf16(o_r);
  return o_r;
}

}  // namespace

void golden_sparse_attn(const TensorSet& in, const SparseAttnConfig& c, TensorSet& out) {
  const Matrix o_r = grouped_projection(in, c, rotated_heads(in, c));
  std::vector<int8_t> q(o_r.size());
  std::vector<float> row_scale(static_cast<size_t>(c.tokens));
  golden::quantise_rows(o_r, c.tokens, c.o_width(), q.data(), row_scale.data(),
                        /*half_away=*/true);
  const Matrix x = golden::widen(q.data(), static_cast<int64_t>(q.size()));
  Matrix y = golden::product_transposed(x, in.at("wo_b"), c.tokens, 0, c.hidden);
  for (int64_t t = 0; t < c.tokens; ++t)
    golden::dequantise_row(y.data() + t * c.hidden, row_scale[static_cast<size_t>(t)],
                           in.at("wo_b_scale").as<float>(), c.hidden);
  f32_to_bf16(y.data(), c.tokens * c.hidden, out.at("attn_out").as<uint16_t>());
}

}  // namespace kernels::p253
