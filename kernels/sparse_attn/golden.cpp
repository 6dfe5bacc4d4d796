#include "kernels/sparse_attn/golden.h"

#include <algorithm>
#include <cmath>

#include "kernels/fixtures.h"
#include "kernels/gemm.h"

namespace kernels::sparse {
namespace {

using golden::Matrix;

/// The KV row behind a raw index, as FP32.
void read_row(const Config& c, const GoldenInputs& in, int64_t token, int64_t raw, float* out) {
  const int64_t request = token / c.seq;
  if (raw >= kWindow && raw < c.first_compressed()) {
    const int64_t row = request * c.seq + raw - kWindow;
    std::copy_n(in.overlay.data() + row * kHead, kHead, out);
    return;
  }
  const bool ring = raw < kWindow;
  const int64_t slot = ring ? raw : raw - c.first_compressed();
  const HostTensor& table = ring ? in.ori_block_table : in.cmp_block_table;
  const int64_t page = table.as<int32_t>()[request * table.shape[1] + slot / kPage];
  const HostTensor& cache = ring ? in.ori_kv : in.cmp_kv;
  bf16_to_f32(cache.as<uint16_t>() + (page * kPage + slot % kPage) * kHead, kHead, out);
}

/// Running softmax of all heads of a token over blocks of columns.
struct Attention {
  explicit Attention(int64_t heads)
      : m(static_cast<size_t>(heads), 0),
        l(static_cast<size_t>(heads), 0),
        o(static_cast<size_t>(heads * kHead), 0) {}
  Matrix m, l, o;
  bool empty = true;
};

/// kv holds the n valid rows of one block; p is its unnormalised softmax, rounded for the product.
void add_block(const Config& c, const float* q, const Matrix& kv, int64_t n, Attention& sum) {
  const int64_t heads = c.heads;
  Matrix transposed(static_cast<size_t>(kHead * n)), p(static_cast<size_t>(heads * n));
  for (int64_t r = 0; r < n; ++r)
    for (int64_t d = 0; d < kHead; ++d)
      transposed[static_cast<size_t>(d * n + r)] = kv[static_cast<size_t>(r * kHead + d)];
  gemm(heads, n, kHead, q, kHead, transposed.data(), n, p.data(), n);

  std::vector<double> keep(static_cast<size_t>(heads)), take(static_cast<size_t>(heads));
  for (int64_t h = 0; h < heads; ++h) {
    float* row = p.data() + h * n;
    float m = -INFINITY;
    for (int64_t j = 0; j < n; ++j) {
      row[j] *= static_cast<float>(kSoftmaxScale);
      m = std::max(m, row[j]);
    }
    double l = 0;
    for (int64_t j = 0; j < n; ++j) {
      row[j] = std::exp(row[j] - m);
      l += static_cast<double>(row[j]);
    }
    const auto i = static_cast<size_t>(h);
    const float both = sum.empty ? m : std::max(sum.m[i], m);
    keep[i] = sum.empty ? 0 : std::exp(static_cast<double>(sum.m[i]) - both);
    take[i] = std::exp(static_cast<double>(m) - both);
    sum.m[i] = both;
    sum.l[i] = static_cast<float>(static_cast<double>(sum.l[i]) * keep[i] + l * take[i]);
  }
  golden::round_to_bf16(p);
  Matrix pv(static_cast<size_t>(heads * kHead));
  gemm(heads, kHead, n, p.data(), n, kv.data(), kHead, pv.data(), kHead);
  for (int64_t h = 0; h < heads; ++h)
    for (int64_t d = 0; d < kHead; ++d) {
      const auto i = static_cast<size_t>(h * kHead + d), j = static_cast<size_t>(h);
      sum.o[i] = static_cast<float>(static_cast<double>(sum.o[i]) * keep[j] +
                                    static_cast<double>(pv[i]) * take[j]);
    }
  sum.empty = false;
}

/// One token: [H, 512], normalised, rotated back and rounded to BF16; zero without a valid row.
void attend(const Config& c, const GoldenInputs& in, int64_t token, float* out) {
  Attention sum(c.heads);
  Matrix kv(static_cast<size_t>(c.kv_block * kHead));
  for (int64_t first = 0; first < c.columns(); first += c.kv_block) {
    int64_t n = 0;
    for (int64_t k = first; k < std::min(first + c.kv_block, c.columns()); ++k) {
      const int64_t raw = in.indices[static_cast<size_t>(token * c.columns() + k)];
      if (raw >= 0) read_row(c, in, token, raw, kv.data() + n++ * kHead);
    }
    if (n > 0) add_block(c, in.q.data() + token * c.heads * kHead, kv, n, sum);
  }
  std::fill_n(out, c.heads * kHead, 0.0f);
  if (sum.empty) return;
  for (int64_t h = 0; h < c.heads; ++h) {
    const auto i = static_cast<size_t>(h);
    const double total = static_cast<double>(sum.l[i]) +
                         std::exp(static_cast<double>(in.sink[i]) - static_cast<double>(sum.m[i]));
    float* row = out + h * kHead;
    for (int64_t d = 0; d < kHead; ++d)
      row[d] = static_cast<float>(static_cast<double>(sum.o[i * kHead + static_cast<size_t>(d)]) /
                                  total);
    if (c.rounds_before_rope()) golden::round_to_bf16(row, kHead);
    golden::rotate_inverse(row + kNope, in.cos.data() + token * kHalf,
                           in.sin.data() + token * kHalf, c.split_half());
    golden::round_to_bf16(row, kHead);
  }
}

/// x [rows, K] times the transpose of w [N, K], columns computed on all cores. Column j of the
/// result is column first + j of `out`, whose pitch is `pitch`; x rows lie `x_pitch` apart.
void project(const Matrix& x, const HostTensor& w, int64_t rows, int64_t first, int64_t n,
             float* out, int64_t pitch) {
  constexpr int64_t kPanel = 128;
  parallel_pieces(n, kPanel, [&](int64_t begin, int64_t end) {
    for (int64_t j = begin; j < end; j += kPanel) {
      const int64_t width = std::min(kPanel, end - j);
      const Matrix y = golden::product_transposed(x, w, rows, first + j, width);
      for (int64_t t = 0; t < rows; ++t)
        std::copy_n(y.data() + t * width, width, out + t * pitch + j);
    }
  });
}

/// o [T, H, 512] -> o_r [T, G * o_lora].
Matrix low_rank(const Config& c, const GoldenInputs& in, const Matrix& o) {
  const int64_t tokens = c.tokens(), width = c.o_width();
  HostTensor wo_a = in.wo_a;
  wo_a.shape = {width, kGroupWidth};
  Matrix o_r(static_cast<size_t>(tokens * width)), group(static_cast<size_t>(tokens * kGroupWidth));
  for (int64_t g = 0; g < c.groups(); ++g) {
    for (int64_t t = 0; t < tokens; ++t)
      std::copy_n(o.data() + t * c.heads * kHead + g * kGroupWidth, kGroupWidth,
                  group.data() + t * kGroupWidth);
    project(group, wo_a, tokens, g * c.o_lora, c.o_lora, o_r.data() + g * c.o_lora, width);
  }
  return o_r;
}

}  // namespace

std::vector<int32_t> compacted_indices(const Config& c, const HostTensor& indices,
                                       const HostTensor& lens) {
  const int64_t columns = c.columns(), pitch = indices.shape.back();
  std::vector<int32_t> list(static_cast<size_t>(c.tokens() * columns), -1);
  for (int64_t t = 0; t < c.active_tokens(); ++t) {
    auto out = list.begin() + t * columns;
    const int64_t n = std::min<int64_t>(lens.as<int32_t>()[t], columns);
    for (int64_t k = 0; k < n; ++k) {
      const int32_t raw = indices.as<int32_t>()[t * pitch + k];
      if (raw >= 0) *out++ = raw;
    }
  }
  return list;
}

Matrix half_table(const HostTensor& t) {
  const Matrix whole = to_f32(t);
  const int64_t width = t.shape[1];
  Matrix half(static_cast<size_t>(t.shape[0] * kHalf));
  for (int64_t r = 0; r < t.shape[0]; ++r)
    std::copy_n(whole.data() + r * width, kHalf, half.data() + r * kHalf);
  return half;
}

Matrix golden_sparse_attn(const Config& c, const GoldenInputs& in) {
  const int64_t tokens = c.tokens();
  Matrix o(static_cast<size_t>(tokens * c.heads * kHead));
  parallel_pieces(tokens, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) attend(c, in, t, o.data() + t * c.heads * kHead);
  });
  const Matrix o_r = low_rank(c, in, o);
  std::vector<int8_t> quantised(o_r.size());
  Matrix scale(static_cast<size_t>(tokens)), out(static_cast<size_t>(tokens * c.hidden));
  golden::quantise_rows(o_r, tokens, c.o_width(), quantised.data(), scale.data());
  const Matrix x = golden::widen(quantised.data(), static_cast<int64_t>(quantised.size()));
  project(x, in.wo_b, tokens, 0, c.hidden, out.data(), c.hidden);
  for (int64_t t = 0; t < tokens; ++t)
    golden::dequantise_row(out.data() + t * c.hidden, scale[static_cast<size_t>(t)],
                           in.wo_b_scale.as<float>(), c.hidden);
  golden::round_to_bf16(out);
  return out;
}

}  // namespace kernels::sparse
