// The residual update behind attention and the experts (kernels.md §2.9), on its own.
#include "kernels/hc/hc_post.h"

#include <cmath>

#include "kernels/compare.h"
#include "kernels/declare.h"
#include "kernels/define.h"
#include "kernels/fixtures.h"
#include "kernels/model.h"

namespace kernels {

Program program_hc_post();

namespace {

using isa::DType;

constexpr char kName[] = "hc_post";

const KnobTable& knob_table() {
  static const KnobTable table = [] {
    std::vector<Knob> knobs = {choice_knob("era", {"p578", "p374", "pre570", "p570", "p630"},
                                           "the kernel as it stood at a pull request"),
                               int_knob("tokens", 128, 8, 1024, 8, "token rows T"),
                               int_knob("hidden", kHidden, 64, 16384, 64, "model width D")};
    for (Knob& k : hc::hc_post_knobs()) knobs.push_back(std::move(k));
    return KnobTable(kName, {"decode", "prefill"}, std::move(knobs),
                     {{"era", "p630", {{"hc_post_t_stage", "2"}, {"hc_post_stream_stage", "2"}}}});
  }();
  return table;
}

hc::HcPostConfig config(const Knobs& k, const std::string&) {
  return hc::hc_post_config(k, kName, k.integer("tokens"), k.integer("hidden"));
}

std::vector<TensorSpec> inputs(const hc::HcPostConfig& c) {
  return {{"x", DType::BF16, {c.tokens, c.hidden}},
          {"residual", DType::BF16, {c.tokens, hc::kStreams, c.hidden}},
          {"post", DType::F32, {c.tokens, hc::kStreams}},
          {"comb", DType::F32, {c.tokens, hc::kComb}}};
}

std::vector<TensorSpec> outputs(const hc::HcPostConfig& c) {
  return {{"y", DType::BF16, {c.tokens, hc::kStreams, c.hidden}, Role::Output}};
}

/// post = 2 sigmoid(N); rows of comb are U(0,1) + .1, divided by their sum.
void fill_inputs(const hc::HcPostConfig& c, uint64_t seed, TensorSet& set) {
  fill(set.at("x"), seed, normal(0.05f));
  fill(set.at("residual"), seed, normal(0.05f));
  fill(set.at("post"), seed, normal(1));
  float* post = set.at("post").as<float>();
  for (int64_t i = 0; i < c.tokens * hc::kStreams; ++i) post[i] = 2 / (1 + std::exp(-post[i]));
  fill(set.at("comb"), seed, uniform(0.1f, 1.1f));
  float* comb = set.at("comb").as<float>();
  for (int64_t row = 0; row < c.tokens * hc::kStreams; ++row) {
    float* values = comb + row * hc::kStreams;
    float sum = 0;
    for (int64_t o = 0; o < hc::kStreams; ++o) sum += values[o];
    for (int64_t o = 0; o < hc::kStreams; ++o) values[o] /= sum;
  }
}

std::vector<std::pair<std::string, pl::Tensor>> run(pl::Session& session, const TensorSet& in,
                                                    const hc::HcPostConfig& c) {
  hc::HcPostArgs a;
  a.x = declare(session, in, "x");
  a.residual = declare(session, in, "residual");
  a.post = declare(session, in, "post");
  a.comb = declare(session, in, "comb");
  a.y = session.output("y", DType::BF16, {c.tokens, hc::kStreams, c.hidden});
  hc::hc_post(c, a);
  return {{"y", a.y}};
}

void golden(const TensorSet& in, const hc::HcPostConfig&, TensorSet& out) {
  hc::golden_hc_post(in.at("x"), in.at("residual"), in.at("post"), in.at("comb"), out.at("y"));
}

}  // namespace

Program program_hc_post() {
  Definition<hc::HcPostConfig> d;
  d.name = kName;
  d.doc = "Hyper-connection update of four residual streams";
  d.table = &knob_table();
  d.config = config;
  d.check = hc::check_hc_post;
  d.inputs = inputs;
  d.outputs = outputs;
  d.fill_inputs = fill_inputs;
  d.run = run;
  d.golden = golden;
  d.comparators = {{"y", allclose(1e-3, 1e-3)}};
  return define(d);
}

}  // namespace kernels
