#include "kernels/attention/decode.h"

#include <algorithm>
#include <cmath>

#include "kernels/attention/decode_fixture.h"
#include "kernels/compare.h"
#include "kernels/declare.h"
#include "kernels/fixtures.h"
#include "kernels/golden_math.h"
#include "kernels/model.h"
#include "kernels/qkv/golden.h"

namespace kernels::attention {
namespace {

using isa::DType;
using pl::Tensor;

hc::Layer layer_of(Kind kind) {
  if (kind == Kind::Csa) return hc::Layer::Csa;
  return kind == Kind::Hca ? hc::Layer::Hca : hc::Layer::Swa;
}

float inverse_root(int64_t n) { return static_cast<float>(1 / std::sqrt(static_cast<double>(n))); }

}  // namespace

std::vector<TensorSpec> front_specs(const DecodeConfig& c) {
  std::vector<TensorSpec> specs = {
      {"x_hc", DType::BF16, {c.tokens(), kHyperStreams, c.hidden}},
  };
  for (TensorSpec& s : hc::gate_specs(c.hidden)) specs.push_back(std::move(s));
  specs.push_back({"attn_norm_w", DType::BF16, {c.hidden}});
  for (TensorSpec& s : qkv::weight_specs(c.qkv)) specs.push_back(std::move(s));
  specs.push_back({"freqs_cos", DType::BF16, {kMaxPosition, kRope}});
  specs.push_back({"freqs_sin", DType::BF16, {kMaxPosition, kRope}});
  return specs;
}

std::vector<TensorSpec> window_specs(const DecodeConfig& c) {
  return {{"kv_cache", DType::BF16, {c.batch, kPage, 1, kHead}, Role::InOut},
          {"ori_block_table", DType::I32, {c.batch, 1}},
          {"ori_slot_mapping", DType::I64, {c.tokens()}},
          {"position_ids", DType::I32, {c.batch, c.seq}},
          {"kv_seq_lens", DType::I32, {c.batch}}};
}

Distribution normal_weight(float scale) { return normal(scale); }

void fill_front(const DecodeConfig& c, uint64_t seed, TensorSet& set, WeightDraw weight) {
  fill(set.at("x_hc"), seed, uniform(-1, 1));
  hc::fill_gate(set, seed, layer_of(c.kind));
  for (const char* ones : {"attn_norm_w", "gamma_cq", "gamma_ckv"})
    fill(set.at(ones), seed, constant(1));
  fill(set.at("wq_a"), seed, weight(inverse_root(c.hidden)));
  fill(set.at("wkv"), seed, weight(inverse_root(c.hidden)));
  fill_quantised_weight(set.at("wq_b"), set.at("wq_b_scale"), seed,
                        weight(inverse_root(c.qkv.q_lora)));
  fill_rope_tables(positions::profile_of(c.kind), set.at("freqs_cos"), set.at("freqs_sin"));
}

void fill_window(const DecodeConfig& c, uint64_t seed, TensorSet& set) {
  positions::fill_decode_positions(set.at("position_ids"), c.starts());
  fill_seq_lens(set.at("position_ids"), set.at("kv_seq_lens"));
  const HostTensor& table = set.at("ori_block_table");
  fill_block_table(table);
  fill_window_slots(set.at("position_ids"), table, set.at("ori_slot_mapping"));
  fill_normalised_cache(set.at("kv_cache"), table, kWindow, seed);
}

Front declare_front(pl::Session& session, const TensorSet& in, const DecodeConfig& c) {
  const int64_t tokens = c.tokens();
  Front f;
  f.hc.x_hc = declare(session, in, "x_hc");
  f.hc.hc_fn = declare(session, in, "hc_fn");
  f.hc.hc_scale = declare(session, in, "hc_scale");
  f.hc.hc_base = declare(session, in, "hc_base");
  f.hc.x_mixed = pl::create_tensor("x_mixed", {tokens, c.hidden}, DType::BF16);
  f.hc.post = pl::create_tensor("post_t", {tokens, kHyperStreams}, DType::F32);
  f.hc.comb = pl::create_tensor("comb_t", {tokens, kHyperStreams * kHyperStreams}, DType::F32);
  f.step.freqs = {declare(session, in, "freqs_cos"), declare(session, in, "freqs_sin")};
  f.step.position_ids = declare(session, in, "position_ids");
  f.rope_rows = positions::create_pair("rope", tokens, kRope, DType::BF16);
  f.attn_norm_w = declare_row(session, in, "attn_norm_w");
  f.x_normed = pl::create_tensor("x_normed", {tokens, c.hidden}, DType::BF16);
  f.weights = qkv::declare_weights(session, in, c.qkv);
  f.q = pl::create_tensor("q", {tokens, c.heads * kHead}, DType::BF16);
  f.kv = pl::create_tensor("kv", {tokens, kHead}, DType::BF16);
  f.qr = pl::create_tensor("qr", {tokens, c.qkv.q_lora}, DType::I8);
  f.qr_scale = pl::create_tensor("qr_scale", {1, tokens}, DType::F32);
  return f;
}

void normed_projections(const DecodeConfig& c, const Front& f) {
  rms_norm(c.norm, f.hc.x_mixed, f.attn_norm_w, f.x_normed);
  qkv::qkv_rows(c.qkv, f.x_normed, f.weights, rope_tensors(f.rope_rows),
                {f.q, f.kv, f.qr, f.qr_scale});
}

qkv::RopeTensors rope_tensors(const positions::CosSin& rows) {
  qkv::RopeTensors rope;
  rope.cos = rows.cos;
  rope.sin = rows.sin;
  return rope;
}

GoldenFront golden_front(const TensorSet& in, const DecodeConfig& c) {
  const int64_t tokens = c.tokens();
  GoldenFront g;
  HostTensor x = make_tensor("x_mixed", DType::BF16, {tokens, c.hidden}, Role::Output);
  g.post = make_tensor("post", DType::F32, {tokens, kHyperStreams}, Role::Output);
  g.comb = make_tensor("comb", DType::F32, {tokens, kHyperStreams * kHyperStreams}, Role::Output);
  hc::golden_hc_pre(in.at("x_hc"), in.at("hc_fn"), in.at("hc_scale"), in.at("hc_base"), x, g.post,
                    g.comb);

  golden::Matrix normed = to_f32(x);
  golden::rms_norm(normed, tokens, c.hidden, to_f32(in.at("attn_norm_w")));
  g.x_normed = make_tensor("x", DType::BF16, {tokens, c.hidden}, Role::Input);
  f32_to_bf16(normed.data(), tokens * c.hidden, g.x_normed.as<uint16_t>());

  const std::vector<int64_t> positions = positions::position_list(in.at("position_ids"));
  g.cos = positions::golden_rows(in.at("freqs_cos"), positions);
  g.sin = positions::golden_rows(in.at("freqs_sin"), positions);

  TensorSet qkv_inputs;
  qkv_inputs.add(g.x_normed);
  for (const TensorSpec& s : qkv::weight_specs(c.qkv)) qkv_inputs.add(in.at(s.name));
  const TensorSet projected = qkv::golden(qkv_inputs, c.qkv, g.cos, g.sin);
  g.q = projected.at("q");
  g.kv = projected.at("kv");
  g.qr = projected.at("qr");
  g.qr_scale = projected.at("qr_scale");
  return g;
}

std::map<std::string, Comparator> decode_comparators() {
  return {{"x_out", ratio_reldiff(3e-3, 0.005, 1)}, {"kv_cache", ratio_allclose(1e-4, 1.0 / 128)}};
}

}  // namespace kernels::attention
