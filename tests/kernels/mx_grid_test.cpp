#include "kernels/mx_grid.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <set>
#include <vector>

using namespace kernels;
using isa::DType;

namespace {

/// All finite magnitudes of e4m3 by its definition.
std::vector<float> e4m3_values() {
  std::vector<float> v;
  for (int m = 0; m < 8; ++m) v.push_back(std::ldexp(static_cast<float>(m), -9));
  for (int e = -6; e <= 8; ++e)
    for (int m = 0; m < 8; ++m)
      if (e < 8 || m < 7) v.push_back(std::ldexp(1.0f + static_cast<float>(m) / 8, e));
  return v;
}

double deviation(const HostTensor& q, const HostTensor& scale) {
  const int64_t k = q.shape[0], n = q.shape[1];
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < k * n; ++i) {
    const double v = static_cast<double>(q.as<int8_t>()[i]) * scale.as<float>()[i % n];
    sum += v;
    squares += v * v;
  }
  const double count = static_cast<double>(k * n);
  return std::sqrt(squares / count - sum / count * sum / count);
}

}  // namespace

TEST_CASE("round_to_e4m3: values stay, midpoints go to the even neighbour") {
  const std::vector<float> values = e4m3_values();
  CHECK(values.back() == 448);
  for (size_t i = 0; i < values.size(); ++i) {
    CHECK(round_to_e4m3(values[i]) == values[i]);
    CHECK(round_to_e4m3(-values[i]) == -values[i]);
    if (i + 1 == values.size()) break;
    const float mid = (values[i] + values[i + 1]) / 2;
    INFO(values[i] << " and " << values[i + 1]);
    CHECK(round_to_e4m3(mid) == values[i % 2 == 0 ? i : i + 1]);  // mantissas count up from even
    CHECK(round_to_e4m3(std::nextafter(mid, 1e9f)) == values[i + 1]);
    CHECK(round_to_e4m3(std::nextafter(mid, 0.0f)) == values[i]);
  }
  CHECK(round_to_e4m3(1e6f) == 448);
  CHECK(round_to_e4m3(-1e6f) == -448);
  CHECK(std::isnan(round_to_e4m3(NAN)));
}

TEST_CASE("mx_scale: the smallest power of two that brings amax to 448") {
  CHECK(mx_scale(448) == 1);
  CHECK(mx_scale(449) == 2);
  CHECK(mx_scale(224) == 0.5f);
  CHECK(mx_scale(225) == 1);
  CHECK(mx_scale(0) == 1);
}

TEST_CASE("fill_mxfp8_weight: deviation, full range of every channel, few levels") {
  const HostTensor q = make_tensor("w", DType::I8, {256, 384}, Role::Input);
  const HostTensor scale = make_tensor("w_scale", DType::F32, {384}, Role::Input);
  fill_mxfp8_weight(q, scale, 3, {0.108f, 0.56f});
  CHECK(deviation(q, scale) == Approx(0.108).epsilon(1e-4));
  for (int64_t j = 0; j < 384; ++j) {
    int largest = 0;
    std::set<int> levels;
    for (int64_t i = 0; i < 256; ++i) {
      const int v = q.as<int8_t>()[i * 384 + j];
      largest = std::max(largest, std::abs(v));
      levels.insert(std::abs(v));
    }
    CHECK(largest == 127);
    // A normal draw of 256 would fill about 80 levels; e4m3 has eight per octave.
    CHECK(levels.size() < 60);
  }

  // Channels differ by the log-normal spread: the scales' logarithms deviate by about cv.
  double sum = 0, squares = 0;
  for (int64_t j = 0; j < 384; ++j) {
    const double l = std::log(static_cast<double>(scale.as<float>()[j]));
    sum += l;
    squares += l * l;
  }
  CHECK(std::sqrt(squares / 384 - sum / 384 * sum / 384) == Approx(0.57).margin(0.06));
}

TEST_CASE("fill_mxfp8_weight depends on seed and name only") {
  const auto draw = [](const char* name, uint64_t seed) {
    const HostTensor q = make_tensor(name, DType::I8, {128, 256}, Role::Input);
    const HostTensor scale = make_tensor("s", DType::F32, {256}, Role::Input);
    fill_mxfp8_weight(q, scale, seed, {1, 0.5f});
    return std::vector<int8_t>(q.as<int8_t>(), q.as<int8_t>() + q.numel());
  };
  CHECK(draw("a", 1) == draw("a", 1));
  CHECK(draw("a", 1) != draw("a", 2));
  CHECK(draw("a", 1) != draw("b", 1));
}
