// Reference of the prefill compressors: whole tensors, plain loops (kernels.md §2.3 to §2.5,
// §2.12). The state before the chunk overlaid by the chunk's tokens is one history by position.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/declare.h"
#include "kernels/fixtures.h"
#include "kernels/prefill_compressor/host.h"

namespace kernels::prefill_compressor {
namespace {

using golden::Matrix;

class Reference {
 public:
  Reference(const Config& config, const Host& host_tensors, const Matrix& x)
      : c(config),
        host(host_tensors),
        width(c.width()),
        value(golden::product(x, host.wkv, c.tokens)),
        score(golden::product(x, host.wgate, c.tokens)) {
    for (int64_t t = 0; t < c.tokens; ++t) {
      const float* ape = host.ape.as<float>() + position(t) % c.ratio() * width;
      for (int64_t j = 0; j < width; ++j) score[static_cast<size_t>(t * width + j)] += ape[j];
    }
  }

  int64_t position(int64_t token) const { return host.positions.as<int32_t>()[token]; }

  /// The pooled lanes of the window that `token` completes.
  void pool(int64_t token, float* out) const {
    const int64_t start = position(token) + 1 - c.ratio();
    const int64_t first = c.overlapping() ? std::max<int64_t>(start - c.ratio(), 0) : start;
    std::vector<Lanes> entries;
    for (int64_t p = first; p <= position(token); ++p)
      entries.push_back(lanes(token, p, c.overlapping() && p >= start ? c.head() : 0));
    for (int64_t d = 0; d < c.head(); ++d) {
      float top = -std::numeric_limits<float>::infinity();
      for (const Lanes& e : entries) top = std::max(top, e.score[d]);
      double weights = 0, sum = 0;
      for (const Lanes& e : entries) {
        const double w = std::exp(static_cast<double>(e.score[d]) - top);
        weights += w;
        sum += w * e.value[d];
      }
      out[d] = static_cast<float>(sum / weights);
    }
  }

  void rotate(int64_t token, float* row) const {
    Matrix cos(kHalf), sin(kHalf);
    const int64_t at = (position(token) + 1 - c.ratio()) * kRope;
    bf16_to_f32(host.freqs_cos.as<uint16_t>() + at, kHalf, cos.data());
    bf16_to_f32(host.freqs_sin.as<uint16_t>() + at, kHalf, sin.data());
    golden::rotate(row + c.nope(), cos.data(), sin.data(), c.layout == rope::Layout::SplitHalf);
  }

  void write_state(const Expected& out) const {
    for (int64_t t = 0; t < c.tokens; ++t) {
      const int64_t slot = host.state_slots.as<int64_t>()[t];
      if (slot < 0) continue;
      std::copy_n(value.data() + t * width, width, out.kv_state.as<float>() + slot * width);
      std::copy_n(score.data() + t * width, width, out.score_state.as<float>() + slot * width);
    }
  }

 private:
  struct Lanes {
    const float *value, *score;
  };
  /// Of position p, seen from `token`: a row of the chunk or of the state before it.
  Lanes lanes(int64_t token, int64_t p, int64_t column) const {
    const int64_t row = token - (position(token) - p);
    if (row >= 0) {
      const int64_t at = row * width + column;
      return {value.data() + at, score.data() + at};
    }
    const int64_t rows = c.state_page_rows();
    const int64_t slot = host.state_table.as<int32_t>()[p / rows] * rows + p % rows;
    const int64_t at = slot * width + column;
    return {host.kv_state.as<float>() + at, host.score_state.as<float>() + at};
  }

  const Config& c;
  const Host& host;
  const int64_t width;
  Matrix value, score;  ///< [T, W]
};

}  // namespace

Expected golden_compressor(const Config& c, const Matrix& x, const Host& host) {
  const Reference reference(c, host, x);
  Expected out;
  out.kv_state = clone_tensor(host.kv_state);
  out.score_state = clone_tensor(host.score_state);
  out.cache = clone_tensor(host.cache);
  out.kv.assign(static_cast<size_t>(c.writes() * c.head()), 0.0f);
  const Matrix gamma = to_f32(host.norm_w);
  int64_t writes = 0;
  for (int64_t t = 0; t < c.tokens; ++t) {
    const int64_t slot = host.cmp_slots.as<int64_t>()[t];
    if (slot < 0) continue;
    Matrix row(static_cast<size_t>(c.head()));
    reference.pool(t, row.data());
    golden::rms_norm(row, 1, c.head(), gamma);
    reference.rotate(t, row.data());
    if (c.kind == Kind::Indexer) {
      golden::round_to_bf16(row);
      row = golden::product(row, *host.hadamard, 1);
    }
    std::copy(row.begin(), row.end(), out.kv.begin() + writes++ * c.head());
    f32_to_bf16(row.data(), c.head(), out.cache.as<uint16_t>() + slot * c.head());
  }
  reference.write_state(out);
  return out;
}

}  // namespace kernels::prefill_compressor
