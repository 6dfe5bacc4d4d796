#include "kernels/rope_tables.h"

#include <algorithm>
#include <cmath>

#include "isa/numerics.h"

namespace kernels {
namespace {

constexpr int kRopeDim = 64;
constexpr int kHalf = kRopeDim / 2;

/// The lane at which a frequency makes `rotations` turns within the original context (YaRN).
double yarn_lane(double rotations, double base) {
  constexpr double kOriginalContext = 65536, kTwoPi = 6.283185307179586;
  return kRopeDim * std::log(kOriginalContext / (rotations * kTwoPi)) / (2 * std::log(base));
}

}  // namespace

std::vector<double> rope_frequencies(RopeProfile profile) {
  const bool yarn = profile == RopeProfile::Compressed;
  const double base = yarn ? 1.6e5 : 1e4;
  const double low = std::floor(yarn_lane(32, base)), high = std::ceil(yarn_lane(1, base));
  std::vector<double> f(kHalf);
  for (int i = 0; i < kHalf; ++i) {
    double& fi = f[static_cast<size_t>(i)];
    fi = std::pow(base, -2.0 * i / kRopeDim);
    if (!yarn) continue;
    const double smooth = 1 - std::clamp((i - low) / (high - low), 0.0, 1.0);
    fi = fi / 16 * (1 - smooth) + fi * smooth;
  }
  return f;
}

void fill_rope_tables(RopeProfile profile, const HostTensor& cos, const HostTensor& sin) {
  const std::vector<double> f = rope_frequencies(profile);
  for (int64_t p = 0; p < cos.shape[0]; ++p) {
    for (int64_t j = 0; j < kRopeDim; ++j) {
      const float angle =
          static_cast<float>(p) * static_cast<float>(f[static_cast<size_t>(j % kHalf)]);
      cos.as<uint16_t>()[p * kRopeDim + j] = isa::f32_to_bf16(static_cast<float>(std::cos(angle)));
      sin.as<uint16_t>()[p * kRopeDim + j] = isa::f32_to_bf16(static_cast<float>(std::sin(angle)));
    }
  }
}

void fill_arange_tables(const HostTensor& cos, const HostTensor& sin) {
  for (int64_t i = 0; i < cos.numel(); ++i) {
    const float angle = static_cast<float>(i) * 1e-3f;
    cos.as<uint16_t>()[i] =
        isa::f32_to_bf16(static_cast<float>(std::cos(static_cast<double>(angle))));
    sin.as<uint16_t>()[i] =
        isa::f32_to_bf16(static_cast<float>(std::sin(static_cast<double>(angle))));
  }
}

}  // namespace kernels
