// The gates in front of attention and of the experts (kernels.md §2.9), on their own.
#include "kernels/hc/hc_pre.h"

#include "kernels/compare.h"
#include "kernels/declare.h"
#include "kernels/define.h"
#include "kernels/fixtures.h"
#include "kernels/model.h"

namespace kernels {

Program program_hc_pre();

namespace {

using isa::DType;

constexpr char kName[] = "hc_pre";

struct Config {
  hc::HcPreConfig kernel;
  hc::Layer layer;
};

KnobTable make_table() {
  std::vector<Knob> knobs = {
      choice_knob("era", {"p578", "p253", "p374", "pre570", "p570", "p584"},
                  "the kernel as it stood at a pull request"),
      int_knob("tokens", 128, 8, 1024, 8, "token rows T"),
      int_knob("hidden", kHidden, 64, 16384, 64, "model width D"),
      choice_knob("hc_layer", hc::layer_names(), "layer whose gate constants are used")};
  for (Knob& k : hc::hc_pre_knobs()) knobs.push_back(std::move(k));
  std::vector<Preset> presets;
  for (const char* era : {"p578", "p253", "p374", "pre570", "p570", "p584"})
    presets.push_back({"era", era, hc::hc_pre_era(era)});
  presets.push_back({"era", "p253", {{"tokens", "16"}}, "decode"});
  return KnobTable(kName, {"decode", "prefill"}, std::move(knobs), std::move(presets));
}

const KnobTable& knob_table() {
  static const KnobTable table = make_table();
  return table;
}

Config config(const Knobs& k, const std::string&) {
  return {hc::hc_pre_config(k, kName, k.integer("tokens"), k.integer("hidden")),
          hc::parse_layer(k.text("hc_layer"))};
}

std::vector<TensorSpec> inputs(const Config& c) {
  std::vector<TensorSpec> specs = {
      {"x_hc", DType::BF16, {c.kernel.tokens, hc::kStreams, c.kernel.hidden}}};
  for (TensorSpec& spec : hc::gate_specs(c.kernel.hidden)) specs.push_back(std::move(spec));
  return specs;
}

std::vector<TensorSpec> outputs(const Config& c) {
  return {{"x_mixed", DType::BF16, {c.kernel.tokens, c.kernel.hidden}, Role::Output},
          {"post", DType::F32, {c.kernel.tokens, hc::kStreams}, Role::Output},
          {"comb", DType::F32, {c.kernel.tokens, hc::kComb}, Role::Output}};
}

void fill_inputs(const Config& c, uint64_t seed, TensorSet& set) {
  fill(set.at("x_hc"), seed, normal(0.05f));
  hc::fill_gate(set, seed, c.layer);
}

std::vector<std::pair<std::string, pl::Tensor>> run(pl::Session& session, const TensorSet& in,
                                                    const Config& c) {
  hc::HcPreArgs a;
  a.x_hc = declare(session, in, "x_hc");
  a.hc_fn = declare(session, in, "hc_fn");
  a.hc_scale = declare(session, in, "hc_scale");
  a.hc_base = declare(session, in, "hc_base");
  a.x_mixed = session.output("x_mixed", DType::BF16, {c.kernel.tokens, c.kernel.hidden});
  a.post = session.output("post", DType::F32, {c.kernel.tokens, hc::kStreams});
  a.comb = session.output("comb", DType::F32, {c.kernel.tokens, hc::kComb});
  hc::hc_pre(c.kernel, a);
  return {{"x_mixed", a.x_mixed}, {"post", a.post}, {"comb", a.comb}};
}

void golden(const TensorSet& in, const Config&, TensorSet& out) {
  hc::golden_hc_pre(in.at("x_hc"), in.at("hc_fn"), in.at("hc_scale"), in.at("hc_base"),
                    out.at("x_mixed"), out.at("post"), out.at("comb"));
}

}  // namespace

Program program_hc_pre() {
  Definition<Config> d;
  d.name = kName;
  d.doc = "Hyper-connection gates: mixes four residual streams into a block's input";
  d.table = &knob_table();
  d.config = config;
  d.check = [](const Config& c) { hc::check_hc_pre(c.kernel); };
  d.inputs = inputs;
  d.outputs = outputs;
  d.fill_inputs = fill_inputs;
  d.run = run;
  d.golden = golden;
  d.comparators = {{"x_mixed", ratio_allclose(1e-4, 1.0 / 128)},
                   {"post", ratio_allclose(2.5e-5, 5e-3)},
                   {"comb", ratio_allclose(2.5e-5, 5e-3)}};
  return define(d);
}

}  // namespace kernels
