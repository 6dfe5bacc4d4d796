// The goldens against the formulas of the specification in slow double-precision loops.
#include <catch2/catch.hpp>
#include <cmath>

#include "kernels/fixtures.h"
#include "run_program.h"

using namespace kernels;
using kernels_test::small;

namespace {

using Row = std::vector<double>;

Row normalised(const Row& x, const std::vector<float>& gamma) {
  double sum = 0;
  for (double v : x) sum += v * v;
  Row y = x;
  for (size_t j = 0; j < x.size(); ++j)
    y[j] *= (gamma.empty() ? 1.0 : static_cast<double>(gamma[j])) /
            std::sqrt(sum / static_cast<double>(x.size()) + 1e-6);
  return y;
}

Row times(const Row& x, const std::vector<float>& w) {
  const size_t n = w.size() / x.size();
  Row y(n);
  for (size_t k = 0; k < x.size(); ++k)
    for (size_t j = 0; j < n; ++j) y[j] += x[k] * static_cast<double>(w[k * n + j]);
  return y;
}

void rotate(Row& head, size_t at, const float* c, const float* s, bool halves) {
  for (size_t i = 0; i < 32; ++i) {
    double& a = head[at + 448 + (halves ? i : 2 * i)];
    double& b = head[at + 448 + (halves ? i + 32 : 2 * i + 1)];
    const double a0 = a, b0 = b;
    a = a0 * static_cast<double>(c[i]) - b0 * static_cast<double>(s[i]);
    b = a0 * static_cast<double>(s[i]) + b0 * static_cast<double>(c[i]);
  }
}

/// Everything for one token, as kernels.md §2.2 states it.
struct Token {
  Row q, kv;
  std::vector<int> qr;
  double qr_scale = 0;
};
Token reference(const TensorSet& in, size_t t, size_t heads, bool halves, bool attn_norm) {
  const std::vector<float> x = to_f32(in.at("x")), wq_a = to_f32(in.at("wq_a"));
  const size_t hidden = static_cast<size_t>(in.at("x").shape[1]);
  Row row(x.begin() + static_cast<std::ptrdiff_t>(t * hidden),
          x.begin() + static_cast<std::ptrdiff_t>((t + 1) * hidden));
  if (attn_norm) {
    row = normalised(row, to_f32(in.at("norm_w")));
    for (double& v : row) {  // BF16
      const double ulp = std::ldexp(1.0, std::ilogb(v) - 7);
      v = std::nearbyint(v / ulp) * ulp;
    }
  }
  const Row n = normalised(times(row, wq_a), to_f32(in.at("gamma_cq")));
  Token out;
  double amax = 1e-4;
  for (double v : n) amax = std::max(amax, std::fabs(v));
  out.qr_scale = amax / 127;
  for (double v : n) out.qr.push_back(static_cast<int>(std::nearbyint(v * 127 / amax)));

  const int8_t* wq_b = in.at("wq_b").as<int8_t>();
  const float* scale = in.at("wq_b_scale").as<float>();
  const std::vector<float> cos = to_f32(in.at("rope_cos")), sin = to_f32(in.at("rope_sin"));
  for (size_t h = 0; h < heads; ++h) {
    Row head(512);
    for (size_t j = 0; j < 512; ++j) {
      int64_t sum = 0;
      for (size_t k = 0; k < out.qr.size(); ++k)
        sum += out.qr[k] * static_cast<int64_t>(wq_b[k * heads * 512 + h * 512 + j]);
      head[j] = static_cast<double>(sum) * out.qr_scale * static_cast<double>(scale[h * 512 + j]);
    }
    head = normalised(head, {});
    rotate(head, 0, cos.data() + t * 64, sin.data() + t * 64, halves);
    out.q.insert(out.q.end(), head.begin(), head.end());
  }
  out.kv = normalised(times(row, to_f32(in.at("wkv"))), to_f32(in.at("gamma_ckv")));
  rotate(out.kv, 0, cos.data() + t * 64, sin.data() + t * 64, halves);
  return out;
}

/// Within a BF16 rounding of the value: half an ulp, with room for FP32 arithmetic.
void check_close(float actual, double expected) {
  const double tolerance = std::fabs(expected) * (1.0 / 256) * 1.02 + 2e-6;
  REQUIRE(std::fabs(static_cast<double>(actual) - expected) <= tolerance);
}

void check_golden(const Settings& settings, bool halves, bool attn_norm) {
  const Program& p = find_program("qkv_proj_rope");
  const Knobs k = p.resolve("decode", settings);
  const TensorSet in = p.make_inputs(k, "decode", 3);
  if (attn_norm) fill(in.at("norm_w"), 3, normal(0.1f, 1));  // the fixture's are all one
  const TensorSet golden = p.golden(in, k, "decode");
  const size_t heads = static_cast<size_t>(k.integer("heads"));
  const std::vector<float> q = to_f32(golden.at("q")), kv = to_f32(golden.at("kv"));
  for (size_t t : {size_t{0}, size_t{7}}) {
    const Token r = reference(in, t, heads, halves, attn_norm);
    CHECK(golden.at("qr_scale").as<float>()[t] == Approx(r.qr_scale).epsilon(1e-6));
    for (size_t j = 0; j < r.qr.size(); ++j)
      REQUIRE(static_cast<int>(golden.at("qr").as<int8_t>()[t * r.qr.size() + j]) == r.qr[j]);
    for (size_t j = 0; j < r.q.size(); ++j) check_close(q[t * r.q.size() + j], r.q[j]);
    for (size_t j = 0; j < 512; ++j) check_close(kv[t * 512 + j], r.kv[j]);
  }
}

const Settings kTiny = {{"hidden", "1024"},      {"q_lora", "256"},
                        {"heads", "2"},          {"tokens", "8"},
                        {"qproj_k_tile", "256"}, {"q_rope_heads_per_block", "2"}};

Settings tiny(Settings more) {
  more.insert(more.end(), kTiny.begin(), kTiny.end());
  return more;
}

}  // namespace

TEST_CASE("the golden is the specification's formula, interleaved") {
  check_golden(tiny({}), false, false);
  check_golden(tiny({{"layout", "selector_matmul"}}), false, false);
}

TEST_CASE("the golden is the specification's formula, split halves") {
  check_golden(tiny({{"layout", "split_half"}}), true, false);
}

TEST_CASE("the golden is the specification's formula, with the attention norm") {
  check_golden(tiny({{"attn_norm", "true"}}), false, true);
}

TEST_CASE("K above 1024 is summed exactly in pieces") {
  Settings s = {{"hidden", "1024"},
                {"q_lora", "1536"},
                {"heads", "1"},
                {"tokens", "8"},
                {"q_heads_per_block", "1"}};
  check_golden(s, false, false);
}

TEST_CASE("before PR556 qr is quantised from BF16") {
  const Program& p = find_program("qkv_proj_rope");
  const Knobs fp32 = p.resolve("decode", tiny({})),
              bf16 = p.resolve("decode", tiny({{"qr_bf16", "true"}}));
  const TensorSet in = p.make_inputs(fp32, "decode", 1);
  const TensorSet a = p.golden(in, fp32, "decode"), b = p.golden(in, bf16, "decode");
  // amax is then a BF16 value: stored scale * 127 has at most 8 significant bits
  for (int t = 0; t < 8; ++t) {
    const double amax = static_cast<double>(b.at("qr_scale").as<float>()[t]) * 127;
    const double steps = amax / std::ldexp(1.0, std::ilogb(amax) - 7);
    CHECK(steps == Approx(std::nearbyint(steps)).epsilon(1e-6));
  }
  CHECK_FALSE(kernels_test::same_bytes(a.at("qr_scale"), b.at("qr_scale")));
}

TEST_CASE("inputs follow upstream's distributions and depend on the seed only") {
  const Program& p = find_program("qkv_proj_rope");
  const Knobs k = p.resolve("decode", small());
  const TensorSet a = p.make_inputs(k, "decode", 1), b = p.make_inputs(k, "decode", 1),
                  c = p.make_inputs(k, "decode", 2);
  const std::vector<TensorSpec> specs = p.inputs(k, "decode");
  REQUIRE(a.all().size() == specs.size());
  for (size_t i = 0; i < specs.size(); ++i) {
    CHECK(a.all()[i].name == specs[i].name);
    CHECK(a.all()[i].shape == specs[i].shape);
    CHECK(kernels_test::same_bytes(a.all()[i], b.all()[i]));
    CHECK_FALSE(kernels_test::same_bytes(a.all()[i], c.all()[i]));
  }
  const auto bounds = [&](const char* name, double limit) {
    double largest = 0, sum = 0;
    const std::vector<float> v = to_f32(a.at(name));
    for (float x : v) {
      largest = std::max(largest, std::fabs(static_cast<double>(x)));
      sum += static_cast<double>(x);
    }
    CHECK(largest <= limit * (1 + 1.0 / 256));
    CHECK(largest > 0.98 * limit);
    CHECK(std::fabs(sum / static_cast<double>(v.size())) < 0.2 * limit);
  };
  for (const char* name : {"x", "rope_cos", "rope_sin", "gamma_cq", "gamma_ckv"}) bounds(name, 1);
  for (const char* name : {"wq_a", "wkv"}) bounds(name, 0.1);
  for (int64_t j = 0; j < 100; ++j)  // amax of 512 draws from U(-.1, .1)
    CHECK(static_cast<double>(a.at("wq_b_scale").as<float>()[j]) ==
          Approx(0.1 / 127).epsilon(0.02));
}
