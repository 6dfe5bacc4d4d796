// Reference of the lightning indexer: whole matrices, no tiles (kernels.md §2.6).
#include <algorithm>
#include <cfloat>
#include <cmath>
#include <numeric>

#include "isa/numerics.h"
#include "kernels/fixtures.h"
#include "kernels/gemm.h"
#include "kernels/indexer/decode_indexer.h"

namespace kernels {
namespace {

using golden::Matrix;
using Config = DecodeIndexerConfig;
using Values = DecodeIndexerValues;

size_t at(int64_t i) { return static_cast<size_t>(i); }

/// INT8 rows as FP32 with their scales.
struct Quantised {
  Matrix values;
  std::vector<float> scale;
};
Quantised quantise(const Matrix& m, int64_t rows) {
  std::vector<int8_t> q(m.size());
  Quantised result;
  result.scale.resize(at(rows));
  golden::quantise_rows(m, rows, kIdxHead, q.data(), result.scale.data());
  result.values = golden::widen(q.data(), static_cast<int64_t>(q.size()));
  return result;
}

/// Index queries [T * H, 128] before the Hadamard rotation, rounded to BF16.
Matrix queries(const Config& c, const TensorSet& weights, const Values& v) {
  const Matrix qr = golden::widen(v.qr, c.tokens() * c.q_lora);
  Matrix q = golden::product(qr, weights.at("idx_wq_b"), c.tokens());
  const float* column_scale = weights.at("idx_wq_b_scale").as<float>();
  for (int64_t t = 0; t < c.tokens(); ++t) {
    golden::dequantise_row(&q[at(t * c.width())], v.qr_scale[t], column_scale, c.width());
    const int64_t frequencies = t / c.seq * kHalf;  // those of the request's first token
    for (int64_t h = 0; h < c.heads; ++h) {
      float* lanes = &q[at((t * c.heads + h) * kIdxHead + kIdxNope)];
      // One-hot matmuls take BF16 lanes.
      if (c.layout == rope::Layout::SelectorMatmul) golden::round_to_bf16(lanes, kRope);
      golden::rotate(lanes, &v.cos[at(frequencies)], &v.sin[at(frequencies)], false);
    }
  }
  golden::round_to_bf16(q);
  return q;
}

/// The first n cached keys of a request, [n, 128].
Matrix cached_keys(const Config& c, const Values& v, int64_t request, int64_t n) {
  Matrix keys(at(n * kIdxHead));
  for (int64_t i = 0; i < n; ++i) {
    const int64_t entry = request * c.pages_per_request + i / kPage;
    const int64_t row = v.idx_block_table.as<int32_t>()[entry] * kPage + i % kPage;
    bf16_to_f32(v.idx_kv_cache.as<uint16_t>() + row * kIdxHead, kIdxHead, &keys[at(i * kIdxHead)]);
  }
  return keys;
}

/// Scores of all tokens of a request against its n keys.
void score_request(const Config& c, int64_t request, const Quantised& q, const Quantised& k,
                   const Matrix& weights, Matrix& score) {
  const int64_t n = static_cast<int64_t>(k.scale.size());
  Matrix turned(k.values.size()), product(at(c.heads * n));
  for (int64_t i = 0; i < n; ++i)
    for (int64_t d = 0; d < kIdxHead; ++d) turned[at(d * n + i)] = k.values[at(i * kIdxHead + d)];
  static_assert(kIdxHead <= kExactInt8K, "the products are exact in FP32");
  for (int64_t t = request * c.seq; t < (request + 1) * c.seq; ++t) {
    gemm(c.heads, n, kIdxHead, &q.values[at(t * c.heads * kIdxHead)], kIdxHead, turned.data(), n,
         product.data(), n);
    for (int64_t i = 0; i < n; ++i) {
      double sum = 0;
      for (int64_t h = 0; h < c.heads; ++h) {
        const float similarity =
            product[at(h * n + i)] * k.scale[at(i)] * q.scale[at(t * c.heads + h)];
        sum += static_cast<double>(std::max(similarity, 0.0f) * weights[at(t * c.heads + h)]);
      }
      score[at(t * c.keys + i)] = static_cast<float>(sum);
    }
  }
}

}  // namespace

DecodeIndexerReference golden_decode_indexer(const Config& c, const TensorSet& weights,
                                             const Values& v) {
  const int64_t rows = c.tokens() * c.heads;
  const Matrix rotated = golden::product(queries(c, weights, v), weights.at("hadamard"), rows);
  const Quantised q = quantise(rotated, rows);
  Matrix head_weights = golden::product(v.x, weights.at("weights_proj"), c.tokens());
  const float scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(kIdxHead * c.heads)));
  for (float& w : head_weights) w *= scale;

  DecodeIndexerReference r;
  r.score.assign(at(c.tokens() * c.keys), -FLT_MAX);
  r.topk_idxs.assign(r.score.size(), -1);
  for (int64_t b = 0; b < c.batch; ++b) {
    const int64_t n = v.kv_seq_lens.as<int32_t>()[b] / kIdxRatio;
    if (n == 0) continue;
    score_request(c, b, q, quantise(cached_keys(c, v, b, n), n), head_weights, r.score);
    std::vector<int32_t> order(at(n));
    for (int64_t t = b * c.seq; t < (b + 1) * c.seq; ++t) {
      const float* s = &r.score[at(t * c.keys)];
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(),
                       [s](int32_t i, int32_t j) { return s[i] > s[j]; });
      for (int64_t i = 0; i < std::min(n, c.topk); ++i)
        r.topk_idxs[at(t * c.keys + i)] = order[at(i)] + static_cast<int32_t>(v.offset);
    }
  }
  return r;
}

}  // namespace kernels
