// Reference of the decode compressors: whole tensors, plain loops (kernels.md §2.3 to §2.5).
#include <algorithm>
#include <cmath>

#include "isa/numerics.h"
#include "kernels/compressor/host.h"
#include "kernels/declare.h"
#include "kernels/fixtures.h"

namespace kernels::compressor {
namespace {

using golden::Matrix;

/// Where the value and the score of one window entry start in the state, in floats.
struct EntryAt {
  int64_t value, score;
};

class Reference {
 public:
  Reference(const Config& config, const Host& host_tensors)
      : c(config), host(host_tensors), width(c.width()) {}

  /// Rows of the step's tokens in the state.
  void write_state(const Matrix& x, const HostTensor& state) const {
    const Matrix k = golden::product(x, host.wkv, c.tokens());
    const Matrix g = golden::product(x, host.wgate, c.tokens());
    for (int64_t t = 0; t < c.tokens(); ++t) {
      const int64_t slot = host.state_slots.as<int64_t>()[t];
      if (slot < 0) continue;
      const float* ape = host.ape.as<float>() + position(t) % c.ratio() * width;
      float* row = state.as<float>() + slot * 2 * width;
      for (int64_t j = 0; j < width; ++j) {
        row[j] = k[static_cast<size_t>(t * width + j)];
        row[width + j] = g[static_cast<size_t>(t * width + j)] + ape[j];
      }
    }
  }

  bool compresses(int64_t request) const { return c.compresses(position(request * c.seq), c.seq); }

  /// The pooled lanes of a request.
  void pool(int64_t request, const HostTensor& state, float* out) const {
    const std::vector<EntryAt> entries = window(request);
    const float* s = state.as<float>();
    for (int64_t d = 0; d < c.head(); ++d) {
      float top = -std::numeric_limits<float>::infinity();
      for (const EntryAt& e : entries) top = std::max(top, s[e.score + d]);
      double weights = 0, sum = 0;
      for (const EntryAt& e : entries) {
        const double w = std::exp(static_cast<double>(s[e.score + d]) - top);
        weights += w;
        sum += w * s[e.value + d];
      }
      out[d] = static_cast<float>(sum / weights);
    }
  }

  /// The last 64 lanes of a normalised row.
  void rotate(float* row, const float* cos, const float* sin) const {
    float* lanes = row + c.nope();
    const bool through_cube = c.layout == rope::Layout::SelectorMatmul;
    if (through_cube) golden::round_to_bf16(lanes, kRope);
    golden::rotate(lanes, cos, sin, c.layout == rope::Layout::SplitHalf);
    if (through_cube) golden::round_to_bf16(lanes, kRope);
  }

  void write_cache(int64_t request, const float* row, const HostTensor& cache) const {
    const int64_t last = c.ratio() - 1 - position(request * c.seq) % c.ratio();
    const int64_t slot = host.cmp_slots.as<int64_t>()[request * c.seq + last];
    if (slot >= 0) f32_to_bf16(row, c.head(), cache.as<uint16_t>() + slot * c.head());
  }

 private:
  int64_t position(int64_t token) const { return host.positions.as<int32_t>()[token]; }

  /// The four positions before the window (front lanes) and the window itself (back lanes); only
  /// the window without overlap.
  std::vector<EntryAt> window(int64_t request) const {
    const int64_t ratio = c.ratio(), start = position(request * c.seq) / ratio * ratio;
    const int64_t first = c.overlapping() ? std::max<int64_t>(start - ratio, 0) : start;
    std::vector<EntryAt> entries;
    for (int64_t p = first; p < start + ratio; ++p) {
      const int64_t back = c.overlapping() && p >= start ? c.head() : 0;
      const int64_t value = state_row(request, p) * 2 * width + back;
      entries.push_back({value, value + width});
    }
    return entries;
  }

  int64_t state_row(int64_t request, int64_t p) const {
    const int64_t rows = c.state_page_rows();
    const auto* table = host.state_table.as<int32_t>() + request * host.state_table.shape[1];
    return table[p / rows] * rows + p % rows;
  }

  const Config& c;
  const Host& host;
  const int64_t width;
};

}  // namespace

Expected golden_compressor(const Config& c, const Matrix& x, const Host& host, const Matrix& cos,
                           const Matrix& sin) {
  const Reference reference(c, host);
  Expected out;
  out.state = clone_tensor(host.state);
  out.cache = clone_tensor(host.cache);
  out.kv.assign(static_cast<size_t>(c.batch * c.head()), 0.0f);
  reference.write_state(x, out.state);
  const Matrix gamma = to_f32(host.norm_w);
  for (int64_t b = 0; b < c.batch; ++b) {
    out.compresses.push_back(reference.compresses(b));
    if (!out.compresses.back()) continue;
    Matrix row(static_cast<size_t>(c.head()));
    reference.pool(b, out.state, row.data());
    golden::rms_norm(row, 1, c.head(), gamma);
    reference.rotate(row.data(), cos.data() + b * kHalf, sin.data() + b * kHalf);
    if (c.kind == Kind::Indexer) {
      golden::round_to_bf16(row);
      row = golden::product(row, *host.hadamard, 1);
    }
    std::copy(row.begin(), row.end(), out.kv.begin() + b * c.head());
    reference.write_cache(b, row.data(), out.cache);
  }
  return out;
}

}  // namespace kernels::compressor
