#include "kernels/qkv/family.h"

#include "kernels/declare.h"
#include "kernels/fixtures.h"

namespace kernels::qkv {
namespace {

using isa::DType;

/// x -> qr, qr_scale.
void qr_path(const Config& c, const Tensor& x, const Weights& w, const Outputs& out) {
  const Tensor qr_fp32 = qr_projection(c, x, w.wq_a);
  if (c.staged_norms)
    staged_qr_norm_quant(c, qr_fp32, w.gamma_cq, out.qr, out.qr_scale);
  else
    qr_rms_norm_quant(c, qr_fp32, w.gamma_cq, out.qr, out.qr_scale);
}

/// qr -> q_proj_fp32.
Tensor q_projection(const Config& c, const Weights& w, const Outputs& out) {
  const pl::Dims shape = {out.q.dim(0), c.q_width()};
  const Tensor q_proj_fp32 = pl::create_tensor(shape, DType::F32);
  if (c.mixed_qproj) {
    qproj(c, out.qr, w.wq_b, out.qr_scale, w.wq_b_scale, q_proj_fp32);
  } else {
    const Tensor q_proj_i32 = pl::create_tensor(shape, DType::I32);
    qproj_matmul(c, out.qr, w.wq_b, q_proj_i32);
    qproj_dequant(c, q_proj_i32, out.qr_scale, w.wq_b_scale, q_proj_fp32);
  }
  return q_proj_fp32;
}

/// q_proj_fp32 -> q.
void q_heads(const Config& c, const Tensor& q_proj_fp32, const RopeTensors& rope, const Tensor& q) {
  if (c.layout == rope::Layout::FusedSwapGather)
    return q_head_rms_nope_rope(c, q_proj_fp32, rope, q);

  const int64_t tokens = q.dim(0), rows = c.heads * tokens;
  const Tensor q_head_inv_rms_all = pl::create_tensor({c.heads, tokens}, DType::F32);
  q_head_rms_nope(c, q_proj_fp32, q, q_head_inv_rms_all);
  const bool staged = c.layout == rope::Layout::SelectorMatmul || c.rope_writeback;
  Tensor q_rope_stage;
  if (staged) q_rope_stage = pl::create_tensor({rows, kRope}, DType::F32);
  if (c.layout == rope::Layout::SelectorMatmul) {
    const Tensor q_rope_pair = pl::create_tensor({rows, kRope}, DType::BF16);
    q_head_rope(c, q_proj_fp32, q_head_inv_rms_all, rope, q_rope_pair);
    q_rope_reassemble(c, q_rope_pair, rope, q_rope_stage);
    q_rope_write(c, q_rope_stage, q);
  } else {
    q_head_rope_fused(c, q_proj_fp32, q_head_inv_rms_all, rope, q, q_rope_stage);
    if (c.rope_writeback) q_rope_writeback(c, q_rope_stage, q);
  }
}

/// qr -> q.
void q_path(const Config& c, const Weights& w, const RopeTensors& rope, const Outputs& out) {
  if (!c.hoisted()) return q_heads(c, q_projection(c, w, out), rope, out.q);
  const Tensor q_proj_i32 = pl::create_tensor({out.q.dim(0), c.q_width()}, DType::I32);
  qproj_matmul(c, out.qr, w.wq_b, q_proj_i32);
  qproj_dequant_rms_nope_rope(c, q_proj_i32, out.qr_scale, w.wq_b_scale, rope, out.q);
}

/// The tables every block of layout hoisted reads.
RopeTensors prepared(const Config& c, RopeTensors rope) {
  const pl::Dims shape = {rope.cos.dim(0), kRope};
  rope.cos_il = pl::create_tensor("cos_il", shape, DType::F32);
  rope.sin_signed = pl::create_tensor("sin_signed", shape, DType::F32);
  rope.swap_idx = pl::create_tensor("swap_idx", shape, DType::I32);
  q_rope_prepare(c, rope);
  return rope;
}

/// x -> kv.
void kv_path(const Config& c, const Tensor& x, const Weights& w, const RopeTensors& rope,
             const Tensor& kv) {
  const int64_t tokens = x.dim(0);
  const Tensor kv_fp32 = kv_projection(c, x, w.wkv);
  if (c.fused_rope()) return kv_rms_norm_rope(c, kv_fp32, w.gamma_ckv, rope, kv);

  const Tensor kv_inv_rms = pl::create_tensor({1, tokens}, DType::F32);
  if (c.staged_norms) {
    kv_rms(c, kv_fp32, kv_inv_rms);
    kv_norm_nope(c, kv_fp32, w.gamma_ckv, kv_inv_rms, kv);
  } else {
    kv_rms_norm(c, kv_fp32, w.gamma_ckv, kv, kv_inv_rms);
  }
  if (c.layout == rope::Layout::SelectorMatmul) {
    const Tensor kv_rope_pair = pl::create_tensor({tokens, kRope}, DType::BF16);
    const Tensor kv_rope_stage = pl::create_tensor({tokens, kRope}, DType::F32);
    kv_rope_apply(c, kv_fp32, w.gamma_ckv, kv_inv_rms, rope, kv_rope_pair);
    kv_rope_reassemble(c, kv_rope_pair, rope, kv_rope_stage);
    kv_rope_write(c, kv_rope_stage, kv);
  } else {
    kv_rope_fused(c, kv_fp32, w.gamma_ckv, kv_inv_rms, rope, kv);
  }
}

}  // namespace

std::vector<TensorSpec> weight_specs(const Config& c) {
  std::vector<TensorSpec> specs = {
      {"wq_a", DType::BF16, {c.hidden, c.q_lora}}, {"wq_b", DType::I8, {c.q_lora, c.q_width()}},
      {"wq_b_scale", DType::F32, {c.q_width()}},   {"wkv", DType::BF16, {c.hidden, kHead}},
      {"gamma_cq", DType::BF16, {c.q_lora}},       {"gamma_ckv", DType::BF16, {kHead}}};
  if (c.attn_norm) specs.push_back({"norm_w", DType::F32, {c.hidden}});
  if (c.layout == rope::Layout::SelectorMatmul) {
    specs.push_back({"even_select_t", DType::BF16, {kRope / 2, kRope}});
    specs.push_back({"odd_select_t", DType::BF16, {kRope / 2, kRope}});
  }
  return specs;
}

void make_weights(const Config& c, uint64_t seed, TensorSet& set) {
  for (const TensorSpec& spec : weight_specs(c)) set.add(make_tensor(spec));
  const bool p253 = c.p253_inputs;
  fill(set.at("wq_a"), seed, p253 ? normal(1.0f / 64, -0.5f / 64) : uniform(-0.1f, 0.1f));
  fill(set.at("wkv"), seed, p253 ? normal(1.0f / 64) : uniform(-0.1f, 0.1f));
  constexpr float kInvRoot32768 = 0.00552427173f;
  fill_quantised_weight(set.at("wq_b"), set.at("wq_b_scale"), seed,
                        p253 ? normal(kInvRoot32768, -0.5f * kInvRoot32768) : uniform(-0.1f, 0.1f));
  fill(set.at("gamma_cq"), seed, p253 ? constant(1) : uniform(-1, 1));
  fill(set.at("gamma_ckv"), seed, p253 ? constant(1) : uniform(-1, 1));
  if (c.attn_norm) fill(set.at("norm_w"), seed, constant(1));
  if (c.layout == rope::Layout::SelectorMatmul) {
    constexpr uint16_t kOneBf16 = 0x3f80;
    for (int64_t i = 0; i < kRope / 2; ++i) {
      set.at("even_select_t").as<uint16_t>()[i * kRope + 2 * i] = kOneBf16;
      set.at("odd_select_t").as<uint16_t>()[i * kRope + 2 * i + 1] = kOneBf16;
    }
  }
}

Weights declare_weights(pl::Session& session, const TensorSet& inputs, const Config& c) {
  const auto matrix = [&](const char* name) { return declare(session, inputs, name); };
  const auto row = [&](const char* name) { return declare_row(session, inputs, name); };
  Weights w;
  w.wq_a = matrix("wq_a");
  w.wq_b = matrix("wq_b");
  w.wq_b_scale = row("wq_b_scale");
  w.wkv = matrix("wkv");
  w.gamma_cq = row("gamma_cq");
  w.gamma_ckv = row("gamma_ckv");
  if (c.attn_norm) w.norm_w = row("norm_w");
  return w;
}

void qkv_rows(const Config& c, Tensor x, const Weights& w, RopeTensors rope, const Outputs& out) {
  if (c.task_per_head) return task_per_head_rows(c, x, w, rope, out);
  if (c.attn_norm) {
    const Tensor x_normed = pl::create_tensor({x.dim(0), x.dim(1)}, DType::BF16);
    attn_norm(c, x, w.norm_w, x_normed);
    x = x_normed;
  }
  if (c.hoisted()) rope = prepared(c, rope);
  qr_path(c, x, w, out);
  if (c.staged_norms) kv_path(c, x, w, rope, out.kv);  // P374 has kv in front of q
  q_path(c, w, rope, out);
  if (!c.staged_norms) kv_path(c, x, w, rope, out.kv);
}

}  // namespace kernels::qkv
