// Every comparator on cases small enough to decide by hand.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>

#include "error_id.h"
#include "isa/numerics.h"
#include "kernels/compare.h"

using namespace kernels;
using isa::DType;

namespace {

HostTensor floats(std::vector<float> v, std::vector<int64_t> shape = {}) {
  if (shape.empty()) shape = {static_cast<int64_t>(v.size())};
  HostTensor t = make_tensor("t", DType::F32, shape, Role::Output);
  std::copy(v.begin(), v.end(), t.as<float>());
  return t;
}

HostTensor ints(const std::string& name, std::vector<int32_t> v, std::vector<int64_t> shape) {
  HostTensor t = make_tensor(name, DType::I32, shape, Role::Output);
  std::copy(v.begin(), v.end(), t.as<int32_t>());
  return t;
}

OutputVerdict apply(const Comparator& c, std::vector<float> actual, std::vector<float> expected,
                    const TensorSet& context = {}) {
  return c(floats(std::move(actual)), floats(std::move(expected)), context);
}

const float kNan = std::numeric_limits<float>::quiet_NaN();
const float kInf = std::numeric_limits<float>::infinity();

}  // namespace

TEST_CASE("allclose: atol plus rtol times the expected value, every element") {
  // tolerance at 2: 0.5 + 0.25 * 2 = 1
  CHECK(apply(allclose(0.25, 0.5), {3, 1}, {2, 2}).passed);
  CHECK_FALSE(apply(allclose(0.25, 0.5), {3.0625f, 1}, {2, 2}).passed);
  CHECK_FALSE(apply(allclose(0.25, 0.5), {kNan}, {kNan}).passed);
  CHECK(apply(allclose(), {kInf, -kInf}, {kInf, -kInf}).passed);
  CHECK_FALSE(apply(allclose(), {kInf}, {-kInf}).passed);
  const OutputVerdict v = apply(allclose(0, 0.5), {0, 5, 0, 1}, {0, 1, 0, 0});
  CHECK(v.bad == 2);
  CHECK(v.total == 4);
  CHECK(v.max_abs_err == 4);
  CHECK(v.detail == "[1]: 5, expected 1");
}

TEST_CASE("ratio_allclose: a rounded share may be out of tolerance") {
  // 10 elements, ratio 0.25: round(2.5) = 2 (half to even)
  std::vector<float> expected(10, 1), two = expected, three = expected;
  two[3] = two[7] = 2;
  three[3] = three[7] = three[9] = 2;
  CHECK(apply(ratio_allclose(0.5, 0, 0.25), two, expected).passed);
  CHECK_FALSE(apply(ratio_allclose(0.5, 0, 0.25), three, expected).passed);
  // ratio 0.35: round(3.5) = 4
  CHECK(apply(ratio_allclose(0.5, 0, 0.35), three, expected).passed);
  // 0 tolerated, +-1 allowed: the rule of int8 outputs
  CHECK(apply(ratio_allclose(1, 0, 0), {4, -3}, {5, -2}).passed);
  CHECK_FALSE(apply(ratio_allclose(1, 0, 0), {4, -3}, {6, -2}).passed);
  CHECK(apply(ratio_allclose(1, 0, 0), {4}, {5}).rule == "ratio_allclose(1, 0, 0)");
}

TEST_CASE("ratio_allclose: NaN or Inf in the actual tensor fails whatever the ratio") {
  CHECK_FALSE(apply(ratio_allclose(1, 1, 1), {kNan, 0}, {0, 0}).passed);
  CHECK_FALSE(apply(ratio_allclose(1, 1, 1), {kInf, 0}, {kInf, 0}).passed);
  CHECK(apply(ratio_allclose(1, 1, 1), {9, 0}, {0, 0}).passed);
}

TEST_CASE("ratio_reldiff: absolute below the threshold, relative above") {
  const Comparator rule = ratio_reldiff(0.01, 0.5, 1.0);
  CHECK(apply(rule, {0.009f}, {0}).bad == 0);  // |d| < thd: rd = |d|
  CHECK(apply(rule, {1.009f}, {1}).bad == 0);  // |d| < thd
  CHECK(apply(rule, {101}, {100}).bad == 0);   // 1 / 101 < 0.01
  CHECK(apply(rule, {102}, {100}).bad == 1);   // 2 / 102 > 0.01
  CHECK(apply(rule, {0.02f}, {0}).bad == 1);   // 0.02 / 0.02 = 1
  // pct: 1 of 2 may be bad; 2 of 2 may not
  CHECK(apply(rule, {102, 5}, {100, 5}).passed);
  CHECK_FALSE(apply(rule, {102, 10.2f}, {100, 10}).passed);
  // max: 0.02 against 0 is rd = 0.02 / (0.02 + 1e-9), just below 1
  CHECK(apply(rule, {0.02f, 5}, {0, 5}).passed);
  CHECK_FALSE(apply(ratio_reldiff(0.01, 0.5, 0.99), {0.02f, 5}, {0, 5}).passed);
  CHECK_FALSE(apply(ratio_reldiff(0.01, 1.0), {kNan, 5}, {0, 5}).passed);
  CHECK_FALSE(apply(ratio_reldiff(0.01, 1.0), {5, kNan, 5, 9}, {5, 0, 5, 5}).passed);
}

TEST_CASE("ratio_reldiff: the denominator has a floor of 2^-14 / thd") {
  // thd 0.01: floor 0.0061; 0.0055 against -0.0055 gives 0.011 / 0.0061 = 1.80, not 2
  CHECK(apply(ratio_reldiff(0.01, 1, 1.9), {0.0055f}, {-0.0055f}).passed);
  CHECK_FALSE(apply(ratio_reldiff(0.01, 1, 1.7), {0.0055f}, {-0.0055f}).passed);
  CHECK_FALSE(apply(ratio_reldiff(0.01, 1, 1.9), {0.0065f}, {-0.0065f}).passed);  // above the floor
}

TEST_CASE("valid_ratio_reldiff: rows past the count are padding") {
  const HostTensor actual = floats({1, 1, 9, 9}, {2, 2}), expected = floats({1, 1, 1, 1}, {2, 2});
  TensorSet context;
  context.add(ints("n", {1}, {1}));
  CHECK(valid_ratio_reldiff(1, 0.01, 0)(actual, expected, context).passed);
  CHECK_FALSE(valid_ratio_reldiff(2, 0.01, 0)(actual, expected, context).passed);
  const OutputVerdict v = valid_ratio_reldiff("n", 0.01, 0)(actual, expected, context);
  CHECK(v.passed);
  CHECK(v.total == 2);
  CHECK(valid_ratio_reldiff(99, 0.01, 0)(actual, expected, context).total == 4);
  CHECK(kernels_test::error_id([&] {
          valid_ratio_reldiff("missing", 0.01, 0)(actual, expected, context);
        }) == "kernel.no-tensor");
}

TEST_CASE("topk_pair_compare: swapped ties pass, wrong indices do not") {
  TensorSet context;
  HostTensor values = floats({9, 7, 7, 1, 9, 3, 5, 1}, {2, 4});
  values.name = "vals";
  context.add(values);
  const Comparator rule = topk_pair_compare("vals");
  const HostTensor expected = ints("idx", {0, 1, 2, 3, 0, 1, 2, 3}, {2, 4});
  CHECK(rule(ints("idx", {0, 2, 1, 3, 0, 1, 2, 3}, {2, 4}), expected, context).passed);
  // row 1: values 9 3 5 1 are not descending around positions 1 and 2
  const OutputVerdict v = rule(ints("idx", {0, 1, 2, 3, 0, 2, 1, 3}, {2, 4}), expected, context);
  CHECK_FALSE(v.passed);
  CHECK(v.bad == 2);
  CHECK(kernels_test::error_id([&] {
          rule(ints("idx", {0}, {1}), ints("idx", {0}, {1}), context);
        }) == "kernel.shape");
}

TEST_CASE("topk_lookup_compare: indices stand for the values they point at") {
  TensorSet context;
  HostTensor values = floats({1, 7, 9, 7, 3, 5, 4, 2}, {2, 4});
  values.name = "vals";
  context.add(values);
  context.add(ints("offset", {10}, {1}));
  const Comparator rule = topk_lookup_compare("vals", "offset");
  const HostTensor expected = ints("idx", {12, 11, 13, -1, 11, 12, 10, -1}, {2, 4});
  const auto bad = [&](std::vector<int32_t> idx) {
    return rule(ints("idx", std::move(idx), {2, 4}), expected, context).bad;
  };
  CHECK(bad({12, 11, 13, -1, 11, 12, 10, -1}) == 0);
  CHECK(bad({12, 13, 11, -1, 11, 12, 10, -1}) == 0);  // a tie
  CHECK(bad({12, 11, 13, -1, 12, 11, 10, -1}) == 2);  // 4, 5 do not descend
  CHECK(bad({12, 11, 11, -1, 11, 12, 10, -1}) == 1);  // an index twice
  CHECK(bad({12, 11, 10, -1, 11, 12, 10, -1}) == 0);  // what the published rule lets through
  CHECK(bad({12, 11, -1, -1, 11, 12, 10, -1}) == 1);  // one too few
  CHECK(bad({12, 11, 13, 10, 11, 12, 10, -1}) == 1);  // one too many
  CHECK(bad({12, 11, 14, -1, 11, 12, 9, -1}) == 2);   // outside the row
  CHECK(kernels_test::error_id([&] {
          rule(ints("idx", {0}, {1}), ints("idx", {0}, {1}), context);
        }) == "kernel.shape");
}

TEST_CASE("valid_rows_compare: only slots below the lane's count") {
  TensorSet context;
  context.add(ints("count", {1, 0}, {2}));
  const HostTensor expected = floats({1, 2, 3, 4, 5, 6, 7, 8}, {2, 2, 2});
  CHECK(valid_rows_compare("count")(floats({1, 2, 0, 0, 0, 0, 0, 0}, {2, 2, 2}), expected, context)
            .passed);
  CHECK_FALSE(
      valid_rows_compare("count")(floats({1, 0, 3, 4, 5, 6, 7, 8}, {2, 2, 2}), expected, context)
          .passed);
  CHECK(valid_rows_compare("count")(expected, expected, context).total == 2);
  CHECK(kernels_test::error_id([&] {
          valid_rows_compare("count")(floats({1}), floats({1}), context);
        }) == "kernel.shape");
}

TEST_CASE("tensors of another dtype or shape are an error, not a failure") {
  const HostTensor f = floats({1, 2}), i = ints("t", {1, 2}, {2});
  CHECK(kernels_test::error_id([&] { allclose()(f, i, {}); }) == "kernel.shape");
  CHECK(kernels_test::error_id([&] {
          allclose()(f, floats({1, 2}, {2, 1}), {});
        }) == "kernel.shape");
}

TEST_CASE("every dtype is read as the number it stands for") {
  const auto bits = [](DType t, auto value) {
    HostTensor h = make_tensor("t", t, {1}, Role::Output);
    std::memcpy(h.bytes.get(), &value, sizeof value);
    return h;
  };
  const auto error = [](const HostTensor& a, const HostTensor& b) {
    return allclose()(a, b, {}).max_abs_err;
  };
  CHECK(error(bits(DType::BF16, uint16_t{0x4040}), bits(DType::BF16, uint16_t{0x3f80})) ==
        2);  // 3 - 1
  CHECK(error(bits(DType::F16, uint16_t{0x4200}), bits(DType::F16, uint16_t{0x3c00})) == 2);
  CHECK(error(bits(DType::I8, int8_t{-128}), bits(DType::I8, int8_t{127})) == 255);
  CHECK(error(bits(DType::U8, uint8_t{255}), bits(DType::U8, uint8_t{0})) == 255);
  CHECK(error(bits(DType::I16, int16_t{-2}), bits(DType::I16, int16_t{1})) == 3);
  CHECK(error(bits(DType::U16, uint16_t{65535}), bits(DType::U16, uint16_t{0})) == 65535);
  CHECK(error(bits(DType::U32, uint32_t{4000000000u}), bits(DType::U32, uint32_t{0})) == 4e9);
  CHECK(error(bits(DType::I64, int64_t{-5}), bits(DType::I64, int64_t{5})) == 10);
}

TEST_CASE("judge applies the program's rule to each output and allclose to the rest") {
  Program p;
  p.comparators = {{"a", ratio_allclose(1, 0, 0)}};
  TensorSet actual, expected;
  for (const char* name : {"a", "b"}) {
    HostTensor x = floats({1}), y = floats({2});
    x.name = y.name = name;
    actual.add(x);
    expected.add(y);
  }
  const std::vector<OutputVerdict> v = judge(p, {}, actual, expected);
  REQUIRE(v.size() == 2);
  CHECK(v[0].passed);
  CHECK_FALSE(v[1].passed);
  CHECK(kernels_test::error_id([&] { judge(p, {}, {}, expected); }) == "kernel.no-tensor");
}
