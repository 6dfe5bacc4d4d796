#include "kernels/fixtures.h"

#include <algorithm>
#include <cmath>
#include <thread>

#include "isa/error.h"
#include "isa/numerics.h"
#include "kernels/multiversion.h"
#include "kernels/text.h"

namespace kernels {
namespace {

/// Columns quantised together: their amax and scales stay in the L1 cache.
constexpr int64_t kColumnPanel = 1024;

A2A3SIM_MULTIVERSION
void raise_amax(const float* w, int64_t n, float* amax) {
  for (int64_t j = 0; j < n; ++j) {
    const float magnitude = std::fabs(w[j]);
    amax[j] = amax[j] < magnitude ? magnitude : amax[j];
  }
}

/// Adding and subtracting 1.5 * 2^23 rounds to nearest even, also where rint is a library call.
A2A3SIM_MULTIVERSION
void quantise_row(const float* w, const float* sq, int64_t n, int8_t* q) {
  for (int64_t j = 0; j < n; ++j) {
    constexpr float kRound = 12582912.0f;
    float v = (w[j] * sq[j] + kRound) - kRound;
    v = v > 127.0f ? 127.0f : v;
    v = v < -127.0f ? -127.0f : v;
    q[j] = static_cast<int8_t>(static_cast<int32_t>(v));
  }
}

/// One column panel: `row(k, out)` yields the panel's part of row k and may be called twice.
template <class Row>
void quantise_panel(int64_t rows, int64_t cols, int64_t q_stride, Row&& row, int8_t* q,
                    float* scale) {
  std::vector<float> w(static_cast<size_t>(cols)), sq(static_cast<size_t>(cols), 1e-4f);
  for (int64_t k = 0; k < rows; ++k) {
    row(k, w.data());
    raise_amax(w.data(), cols, sq.data());
  }
  for (int64_t j = 0; j < cols; ++j) {
    sq[static_cast<size_t>(j)] = 127.0f / sq[static_cast<size_t>(j)];
    scale[j] = 1.0f / sq[static_cast<size_t>(j)];
  }
  for (int64_t k = 0; k < rows; ++k) {
    row(k, w.data());
    quantise_row(w.data(), sq.data(), cols, q + k * q_stride);
  }
}

template <class MakeRow>
void quantise_by_panels(int64_t k, int64_t n, MakeRow&& make_row, int8_t* q, float* scale) {
  parallel_pieces(n, kColumnPanel, [&](int64_t begin, int64_t end) {
    for (int64_t j = begin; j < end; j += kColumnPanel) {
      const int64_t cols = std::min(kColumnPanel, end - j);
      quantise_panel(k, cols, n, make_row(j, cols), q + j, scale + j);
    }
  });
}

}  // namespace

void Distribution::fill(RngKey key, uint32_t first, int64_t n, float* out) const {
  switch (kind) {
    case Kind::Uniform:
      return fill_uniform(key, first, n, a, b, out);
    case Kind::Normal:
      return fill_normal(key, first, n, a, b, out);
    case Kind::Constant:
      std::fill_n(out, n, a);
  }
}

Distribution uniform(float lo, float hi) { return {Distribution::Kind::Uniform, lo, hi}; }
Distribution normal(float scale, float shift) { return {Distribution::Kind::Normal, scale, shift}; }
Distribution constant(float value) { return {Distribution::Kind::Constant, value, 0}; }

A2A3SIM_MULTIVERSION
void f32_to_bf16(const float* in, int64_t n, uint16_t* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = isa::f32_to_bf16(in[i]);
}

A2A3SIM_MULTIVERSION
void bf16_to_f32(const uint16_t* in, int64_t n, float* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = isa::bf16_to_f32(in[i]);
}

void parallel_pieces(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
  const int64_t pieces = (n + grain - 1) / grain;
  const int64_t threads =
      std::clamp<int64_t>(static_cast<int64_t>(std::thread::hardware_concurrency()), 1, pieces);
  std::vector<std::thread> pool;
  const auto begin_of = [&](int64_t t) { return std::min(n, pieces * t / threads * grain); };
  for (int64_t t = 1; t < threads; ++t)
    pool.emplace_back([&body, a = begin_of(t), b = begin_of(t + 1)] { body(a, b); });
  body(begin_of(0), begin_of(1));
  for (std::thread& t : pool) t.join();
}

void fill(const HostTensor& t, uint64_t seed, const Distribution& d) {
  const RngKey key = rng_key(seed, t.name);
  if (t.dtype == isa::DType::F32) return d.fill(key, 0, t.numel(), t.as<float>());
  if (t.dtype != isa::DType::BF16)
    throw isa::Error("kernel.fixture", "cannot draw a " + std::string(isa::name(t.dtype)) +
                                           " tensor (" + t.name + ")");
  constexpr int64_t kPiece = 4096;
  float buffer[kPiece];
  for (int64_t i = 0; i < t.numel(); i += kPiece) {
    const int64_t n = std::min(kPiece, t.numel() - i);
    d.fill(key, static_cast<uint32_t>(i), n, buffer);
    f32_to_bf16(buffer, n, t.as<uint16_t>() + i);
  }
}

void fill_quantised_weight(const HostTensor& q, const HostTensor& scale, uint64_t seed,
                           const Distribution& d) {
  const int64_t k = q.shape.at(0), n = q.shape.at(1);
  const RngKey key = rng_key(seed, q.name);
  const auto make_row = [&](int64_t j, int64_t cols) {
    return [&, j, cols](int64_t row, float* out) {
      d.fill(key, static_cast<uint32_t>(row * n + j), cols, out);
    };
  };
  quantise_by_panels(k, n, make_row, q.as<int8_t>(), scale.as<float>());
}

void quantise_columns(const float* w, int64_t k, int64_t n, int8_t* q, float* scale) {
  const auto make_row = [&](int64_t j, int64_t cols) {
    return [=](int64_t row, float* out) { std::copy_n(w + row * n + j, cols, out); };
  };
  quantise_by_panels(k, n, make_row, q, scale);
}

std::vector<float> to_f32(const HostTensor& t) {
  std::vector<float> values(static_cast<size_t>(t.numel()));
  if (t.dtype == isa::DType::F32)
    std::copy_n(t.as<float>(), t.numel(), values.begin());
  else if (t.dtype == isa::DType::BF16)
    bf16_to_f32(t.as<uint16_t>(), t.numel(), values.data());
  else
    throw isa::Error("kernel.fixture", t.name + " is " + std::string(isa::name(t.dtype)) +
                                           ", not a floating-point tensor");
  return values;
}

}  // namespace kernels
