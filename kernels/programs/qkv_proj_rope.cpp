// Q/KV LoRA projections with RoPE (kernels.md §2.2): the first kernel of every attention block.
//
//   a = x wq_a; n = a / rms(a) gamma_cq; (qr, qr_scale) = rowquant(n)
//   P = (qr wq_b) qr_scale wq_b_scale as [T, H, 512]; h = h / rms(h) per head
//   q = h[:448] ‖ R(h[448:])
//   b = x wkv; m = b / rms(b) gamma_ckv; kv = m[:448] ‖ R(m[448:])
//
// Decode is 64 x 2 tokens, prefill 1 x 128; both run the same scopes.
#include "kernels/declare.h"
#include "kernels/fixtures.h"
#include "kernels/qkv/family.h"
#include "kernels/qkv/golden.h"
#include "kernels/rope_tables.h"

namespace kernels {

Program program_qkv_proj_rope();

namespace {

using isa::DType;

constexpr char kName[] = "qkv_proj_rope";

qkv::Config config_of(const Knobs& knobs) { return qkv::config(knobs, kName); }

std::vector<TensorSpec> inputs_of(const qkv::Config& c) {
  std::vector<TensorSpec> specs = {{"x", DType::BF16, {c.tokens, c.hidden}},
                                   {"rope_cos", DType::BF16, {c.tokens, kRope}},
                                   {"rope_sin", DType::BF16, {c.tokens, kRope}}};
  for (TensorSpec& spec : qkv::weight_specs(c)) specs.push_back(std::move(spec));
  return specs;
}

TensorSet make_inputs(const qkv::Config& c, uint64_t seed) {
  TensorSet set;
  for (const TensorSpec& spec : {inputs_of(c)[0], inputs_of(c)[1], inputs_of(c)[2]})
    set.add(make_tensor(spec));
  if (c.p253_inputs) {
    fill(set.at("x"), seed, normal(1, -0.5f));
    fill_arange_tables(set.at("rope_cos"), set.at("rope_sin"));
  } else {  // not on the unit circle: the fixture mimics a vendor test of the fused operator
    for (const char* name : {"x", "rope_cos", "rope_sin"}) fill(set.at(name), seed, uniform(-1, 1));
  }
  qkv::make_weights(c, seed, set);
  return set;
}

std::vector<std::pair<std::string, pl::Tensor>> run(pl::Session& session, const TensorSet& inputs,
                                                    const qkv::Config& c) {
  using pl::Tensor;
  const Tensor x = declare(session, inputs, "x");
  qkv::RopeTensors rope;
  rope.cos = declare(session, inputs, "rope_cos");
  rope.sin = declare(session, inputs, "rope_sin");
  const qkv::Weights weights = qkv::declare_weights(session, inputs, c);
  if (c.layout == rope::Layout::SelectorMatmul) {
    rope.even_select = declare(session, inputs, "even_select_t");
    rope.odd_select = declare(session, inputs, "odd_select_t");
  }
  const Tensor q = session.output("q", DType::BF16, {c.tokens, c.heads, kHead});
  const Tensor kv = session.output("kv", DType::BF16, {c.tokens, kHead});
  const Tensor qr = session.output("qr", DType::I8, {c.tokens, c.q_lora});
  const Tensor qr_scale = session.output("qr_scale", DType::F32, {c.tokens, 1});

  qkv::qkv_rows(c, x, weights, rope,
                {q.reshape({c.tokens, c.q_width()}), kv, qr, qr_scale.reshape({1, c.tokens})});
  return {{"q", q}, {"kv", kv}, {"qr", qr}, {"qr_scale", qr_scale}};
}

}  // namespace

Program program_qkv_proj_rope() {
  Program p;
  p.name = kName;
  p.doc = "Q/KV LoRA projections, int8 quantisation and RoPE of DeepSeek-V4 attention";
  p.modes = qkv::knob_table().modes();
  p.knobs = qkv::knob_table().knobs();
  p.resolve = [](const std::string& mode, const Settings& settings) {
    Knobs knobs = qkv::knob_table().resolve(mode, settings);
    qkv::check(config_of(knobs));
    return knobs;
  };
  p.inputs = [](const Knobs& k, const std::string&) { return inputs_of(config_of(k)); };
  p.outputs = [](const Knobs& k, const std::string&) { return qkv::output_specs(config_of(k)); };
  p.make_inputs = [](const Knobs& k, const std::string&, uint64_t seed) {
    return make_inputs(config_of(k), seed);
  };
  p.run = [](pl::Session& session, const TensorSet& inputs, const Knobs& k, const std::string&) {
    return run(session, inputs, config_of(k));
  };
  p.golden = [](const TensorSet& inputs, const Knobs& k, const std::string&) {
    return qkv::golden(inputs, config_of(k), inputs.at("rope_cos"), inputs.at("rope_sin"));
  };
  p.comparators = qkv::comparators();
  // Fused or not, from one era to the next.
  p.scope_groups = {{"q norm and RoPE",
                     {"q_head_rms_nope_rope", "q_head_rms_nope", "q_head_rope_fused", "q_head_rope",
                      "q_rope_reassemble", "q_rope_write", "q_rope_writeback"}},
                    {"kv norm and RoPE",
                     {"kv_rms_norm_rope", "kv_rms_norm", "kv_rms", "kv_norm_nope", "kv_rope_fused",
                      "kv_rope_apply", "kv_rope_reassemble", "kv_rope_write"}}};
  p.refused_on_chip = [](const Knobs& k, const std::string& chip) {
    return qkv::refused_on_chip(config_of(k), chip);
  };
  return p;
}

}  // namespace kernels
