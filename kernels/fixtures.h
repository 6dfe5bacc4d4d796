// Host-side material of inputs: fills, int8 weight quantisation, bf16 conversion.
#pragma once

#include <cstdint>
#include <functional>

#include "kernels/program.h"
#include "kernels/rng.h"

namespace kernels {

/// How the elements of a tensor are drawn before they are rounded to its dtype.
struct Distribution {
  enum class Kind : uint8_t { Uniform, Normal, Constant };
  Kind kind = Kind::Uniform;
  float a = 0;  ///< Uniform: lower bound; Normal: scale; Constant: the value
  float b = 1;  ///< Uniform: upper bound; Normal: shift (added after scaling)

  void fill(RngKey key, uint32_t first, int64_t n, float* out) const;
};
Distribution uniform(float lo, float hi);
Distribution normal(float scale, float shift = 0);
Distribution constant(float value);

/// Fills an FP32 or BF16 tensor; the stream is named after it. Error "kernel.fixture" otherwise.
void fill(const HostTensor& t, uint64_t seed, const Distribution& d);

/// Draws an FP32 weight [K, N] and quantises it per output channel (kernels.md §1.4, half-even):
/// amax = max(max|w|, 1e-4) over K, q = clamp(round(w * 127 / amax), +-127), scale = 1 / (127 /
/// amax). `q` is INT8 [K, N]; `scale` FP32 with N elements.
void fill_quantised_weight(const HostTensor& q, const HostTensor& scale, uint64_t seed,
                           const Distribution& d);

/// The same quantisation of given values, row-major [k, n].
void quantise_columns(const float* w, int64_t k, int64_t n, int8_t* q, float* scale);

/// Any float tensor as FP32 values.
std::vector<float> to_f32(const HostTensor& t);
void f32_to_bf16(const float* in, int64_t n, uint16_t* out);
void bf16_to_f32(const uint16_t* in, int64_t n, float* out);

/// Runs body(begin, end) over [0, n) split in pieces that are multiples of `grain`, on all cores.
void parallel_pieces(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& body);

}  // namespace kernels
