// The reference of P374's sparse attention: block softmax of whole heads, dense products.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/fixtures.h"
#include "kernels/gemm.h"
#include "kernels/golden_math.h"
#include "kernels/p374/sparse_attn.h"

namespace kernels::p374 {
namespace {

using golden::Matrix;

/// The key rows of a token, [keys, 512]: the window in slot order, then compressed rows.
Matrix gather_keys(const TensorSet& in, const SparseAttnConfig& c, int64_t t) {
  const int64_t request = t / c.seq;
  const int64_t keys = std::min<int64_t>(in.at("seqused_kv").as<int32_t>()[request], c.topk);
  const int32_t* indices = in.at("cmp_sparse_indices").as<int32_t>() + t * c.topk;
  const int32_t* pages = in.at("cmp_block_table").as<int32_t>() + request * c.cmp_pages;
  Matrix kv(static_cast<size_t>(keys * kHead));
  for (int64_t k = 0; k < keys; ++k) {
    const uint16_t* row = in.at("ori_kv").as<uint16_t>();
    if (k < kWindow) {
      row += (in.at("ori_block_table").as<int32_t>()[request] * kPage + k) * kHead;
    } else {
      const int64_t slot = indices[k] - kWindow;
      row = in.at("cmp_kv").as<uint16_t>() + (pages[slot / kPage] * kPage + slot % kPage) * kHead;
    }
    bf16_to_f32(row, kHead, kv.data() + k * kHead);
  }
  return kv;
}

/// Softmax of all heads of a token in progress.
struct Running {
  std::vector<double> m, l, o;  ///< [H], [H], [H * 512]
};

/// A block of keys has its own maximum; exp is rounded to BF16 and the sum is that of the rounded
/// values.
void add_block(const float* q, int64_t heads, const float* kv, int64_t n, Running& sum) {
  Matrix transposed(static_cast<size_t>(kHead * n)), p(static_cast<size_t>(heads * n));
  for (int64_t k = 0; k < n; ++k)
    for (int64_t j = 0; j < kHead; ++j)
      transposed[static_cast<size_t>(j * n + k)] = kv[k * kHead + j];
  gemm(heads, n, kHead, q, kHead, transposed.data(), n, p.data(), n);
  std::vector<double> top(static_cast<size_t>(heads));
  for (int64_t h = 0; h < heads; ++h) {
    float* row = p.data() + h * n;
    const float largest = *std::max_element(row, row + n);
    for (int64_t k = 0; k < n; ++k)
      row[k] = std::exp((row[k] - largest) / std::sqrt(static_cast<float>(kHead)));
    top[static_cast<size_t>(h)] =
        static_cast<double>(largest) / std::sqrt(static_cast<double>(kHead));
  }
  golden::round_to_bf16(p);
  Matrix pv(static_cast<size_t>(heads * kHead));
  gemm(heads, kHead, n, p.data(), n, kv, kHead, pv.data(), kHead);
  for (size_t h = 0; h < static_cast<size_t>(heads); ++h) {
    const double m = std::max(sum.m[h], top[h]);
    const double keep = std::exp(sum.m[h] - m), take = std::exp(top[h] - m);
    double l = 0;
    for (int64_t k = 0; k < n; ++k)
      l += static_cast<double>(p[h * static_cast<size_t>(n) + static_cast<size_t>(k)]);
    sum.l[h] = sum.l[h] * keep + l * take;
    for (size_t j = h * kHead; j < (h + 1) * kHead; ++j)
      sum.o[j] = sum.o[j] * keep + static_cast<double>(pv[j]) * take;
    sum.m[h] = m;
  }
}

/// One token: normalised heads [H, 512]. The sink joins the denominator.
void attend(const SparseAttnConfig& c, const float* q, const Matrix& kv, const Matrix& sink,
            float* out) {
  const auto heads = static_cast<size_t>(c.heads);
  Running sum{std::vector<double>(heads, -std::numeric_limits<double>::infinity()),
              std::vector<double>(heads), std::vector<double>(heads * kHead)};
  const auto keys = static_cast<int64_t>(kv.size()) / kHead;
  for (int64_t first = 0; first < keys; first += c.k_block)
    add_block(q, c.heads, kv.data() + first * kHead, std::min(c.k_block, keys - first), sum);
  for (size_t h = 0; h < heads; ++h) {
    const double l = sum.l[h] + std::exp(static_cast<double>(sink[h]) - sum.m[h]);
    for (size_t j = h * kHead; j < (h + 1) * kHead; ++j) out[j] = static_cast<float>(sum.o[j] / l);
  }
}

/// Heads [T * H, 512], rounded to BF16 before and after the inverse rotation.
Matrix rotated_heads(const TensorSet& in, const SparseAttnConfig& c) {
  const Matrix q = to_f32(in.at("q")), sink = to_f32(in.at("attn_sink"));
  const Matrix cos = to_f32(in.at("freqs_cos")), sin = to_f32(in.at("freqs_sin"));
  Matrix o(q.size());
  parallel_pieces(c.tokens(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      float* rows = o.data() + t * c.heads * kHead;
      attend(c, q.data() + t * c.heads * kHead, gather_keys(in, c, t), sink, rows);
      for (int64_t h = 0; h < c.heads; ++h) {
        float* row = rows + h * kHead;
        golden::round_to_bf16(row, kHead);
        golden::rotate_inverse(row + kNope, cos.data() + t * kRope, sin.data() + t * kRope, false);
        golden::round_to_bf16(row + kNope, kRope);
      }
    }
  });
  return o;
}

/// o_r [T, G * o_lora], rounded to BF16.
Matrix grouped_projection(const TensorSet& in, const SparseAttnConfig& c, const Matrix& o) {
  const int64_t tokens = c.tokens();
  HostTensor weight = in.at("wo_a");
  weight.shape = {c.o_width(), kGroupWidth};
  Matrix o_r(static_cast<size_t>(tokens * c.o_width()));
  parallel_pieces(c.groups(), 1, [&](int64_t begin, int64_t end) {
    Matrix x(static_cast<size_t>(tokens * kGroupWidth));
    for (int64_t g = begin; g < end; ++g) {
      for (int64_t t = 0; t < tokens; ++t)
        std::copy_n(o.data() + t * c.heads * kHead + g * kGroupWidth, kGroupWidth,
                    x.data() + t * kGroupWidth);
      const Matrix y = golden::product_transposed(x, weight, tokens, g * c.o_lora, c.o_lora);
      for (int64_t t = 0; t < tokens; ++t)
        std::copy_n(y.data() + t * c.o_lora, c.o_lora, o_r.data() + t * c.o_width() + g * c.o_lora);
    }
  });
  golden::round_to_bf16(o_r);
  return o_r;
}

}  // namespace

void golden_sparse_attn(const TensorSet& in, const SparseAttnConfig& c, TensorSet& out) {
  const int64_t tokens = c.tokens();
  const Matrix o_r = grouped_projection(in, c, rotated_heads(in, c));
  std::vector<int8_t> q(o_r.size());
  std::vector<float> row_scale(static_cast<size_t>(tokens));
  golden::quantise_rows(o_r, tokens, c.o_width(), q.data(), row_scale.data());
  const Matrix x = golden::widen(q.data(), static_cast<int64_t>(q.size()));
  Matrix y = golden::product_transposed(x, in.at("wo_b"), tokens, 0, c.hidden);
  for (int64_t t = 0; t < tokens; ++t)
    golden::dequantise_row(y.data() + t * c.hidden, row_scale[static_cast<size_t>(t)],
                           in.at("wo_b_scale").as<float>(), c.hidden);
  f32_to_bf16(y.data(), tokens * c.hidden, out.at("attn_out").as<uint16_t>());
}

}  // namespace kernels::p374
