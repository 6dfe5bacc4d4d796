#include "kernels/qkv/golden.h"

#include "kernels/compare.h"
#include "kernels/fixtures.h"
#include "kernels/golden_math.h"

namespace kernels::qkv {
namespace {

using golden::Matrix;
using isa::DType;

struct Tables {
  Matrix cos, sin;  ///< [T, 64]
};

void golden_q(const TensorSet& in, const Config& c, const Tables& tables, TensorSet& out) {
  const int8_t* qr = out.at("qr").as<int8_t>();
  const float* qr_scale = out.at("qr_scale").as<float>();
  const float* column_scale = in.at("wq_b_scale").as<float>();
  const Matrix quantised = golden::widen(qr, c.tokens * c.q_lora);
  for (int64_t h = 0; h < c.heads; ++h) {
    Matrix head = golden::product(quantised, in.at("wq_b"), c.tokens, h * kHead, kHead);
    for (int64_t t = 0; t < c.tokens; ++t) {
      float* row = head.data() + t * kHead;
      golden::dequantise_row(row, qr_scale[t], column_scale + h * kHead, kHead);
      golden::scale_row(row, golden::inverse_rms(row, kHead), kHead);
      golden::rotate(row + kNope, tables.cos.data() + t * kRope, tables.sin.data() + t * kRope,
                     c.layout == rope::Layout::SplitHalf);
      f32_to_bf16(row, kHead, out.at("q").as<uint16_t>() + (t * c.heads + h) * kHead);
    }
  }
}

}  // namespace

TensorSet golden(const TensorSet& in, const Config& c, const HostTensor& cos,
                 const HostTensor& sin) {
  TensorSet out;
  for (const TensorSpec& spec : output_specs(c)) out.add(make_tensor(spec));
  const Tables tables{to_f32(cos), to_f32(sin)};

  Matrix x = to_f32(in.at("x"));
  if (c.attn_norm) {
    golden::rms_norm(x, c.tokens, c.hidden, to_f32(in.at("norm_w")));
    golden::round_to_bf16(x);
  }
  Matrix n = golden::product(x, in.at("wq_a"), c.tokens, 0, c.q_lora);
  golden::rms_norm(n, c.tokens, c.q_lora, to_f32(in.at("gamma_cq")));
  if (c.qr_bf16) golden::round_to_bf16(n);
  golden::quantise_rows(n, c.tokens, c.q_lora, out.at("qr").as<int8_t>(),
                        out.at("qr_scale").as<float>(), /*half_away=*/c.task_per_head);
  golden_q(in, c, tables, out);

  Matrix kv = golden::product(x, in.at("wkv"), c.tokens, 0, kHead);
  golden::rms_norm(kv, c.tokens, kHead, to_f32(in.at("gamma_ckv")));
  for (int64_t t = 0; t < c.tokens; ++t)
    golden::rotate(kv.data() + t * kHead + kNope, tables.cos.data() + t * kRope,
                   tables.sin.data() + t * kRope, c.layout == rope::Layout::SplitHalf);
  f32_to_bf16(kv.data(), c.tokens * kHead, out.at("kv").as<uint16_t>());
  return out;
}

std::map<std::string, Comparator> comparators() {
  const Comparator bf16 = ratio_allclose(1e-4, 1.0 / 128);
  return {{"q", bf16},
          {"kv", bf16},
          {"qr", ratio_allclose(1, 0, 0)},
          {"qr_scale", ratio_allclose(2.5e-5, 5e-3)}};
}

std::vector<TensorSpec> output_specs(const Config& c) {
  return {{"q", DType::BF16, {c.tokens, c.heads, kHead}, Role::Output},
          {"kv", DType::BF16, {c.tokens, kHead}, Role::Output},
          {"qr", DType::I8, {c.tokens, c.q_lora}, Role::Output},
          {"qr_scale", DType::F32, {c.tokens, 1}, Role::Output}};
}

}  // namespace kernels::qkv
