// Token RMSNorm (kernels.md §2.1): y = bf16(x / sqrt(mean(x^2) + 1e-6) * w), FP32 inside.
#include "kernels/compare.h"
#include "kernels/declare.h"
#include "kernels/define.h"
#include "kernels/fixtures.h"
#include "kernels/golden_math.h"
#include "kernels/norm.h"

namespace kernels {

Program program_rmsnorm();

namespace {

using isa::DType;
using pl::Tensor;

const KnobTable& knob_table() {
  static const KnobTable table(
      "rmsnorm", {"decode", "prefill"},
      {int_knob("tokens", 128, 8, 1024, 8, "token rows T"),
       int_knob("hidden", 4096, 128, 16384, 128, "model width D"),
       int_knob("t_tile", 8, 8, 128, 8, "token rows of a block"),
       int_knob("chunk", 128, 16, 4096, 16, "columns of a tile"),
       int_knob("stage", 2, 1, 8, 1, "pipeline stages of the chunk loops, 1 = range")});
  return table;
}

struct Config {
  int64_t tokens = 0, hidden = 0, t_tile = 0, chunk = 0;
  int stage = 0;
};

Config config(const Knobs& k, const std::string&) {
  return {k.integer("tokens"), k.integer("hidden"), k.integer("t_tile"), k.integer("chunk"),
          static_cast<int>(k.integer("stage"))};
}

void check(const Config& c) { check_rms_norm({c.t_tile, c.chunk, c.stage}, "rmsnorm", c.hidden); }

std::vector<TensorSpec> inputs(const Config& c) {
  return {{"x", DType::BF16, {c.tokens, c.hidden}}, {"w", DType::BF16, {c.hidden}}};
}

std::vector<TensorSpec> outputs(const Config& c) {
  return {{"y", DType::BF16, {c.tokens, c.hidden}, Role::Output}};
}

void fill_inputs(const Config&, uint64_t seed, TensorSet& set) {
  fill(set.at("x"), seed, normal(1, -0.5f));
  fill(set.at("w"), seed, normal(0.1f, 1));
}

std::vector<std::pair<std::string, pl::Tensor>> run(pl::Session& session, const TensorSet& in,
                                                    const Config& c) {
  const Tensor x = declare(session, in, "x");
  const Tensor w = declare_row(session, in, "w");
  const Tensor y = session.output("y", DType::BF16, {c.tokens, c.hidden});
  rms_norm({c.t_tile, c.chunk, c.stage}, x, w, y);
  return {{"y", y}};
}

void reference(const TensorSet& in, const Config& c, TensorSet& out) {
  golden::Matrix x = to_f32(in.at("x"));
  golden::rms_norm(x, c.tokens, c.hidden, to_f32(in.at("w")));
  f32_to_bf16(x.data(), c.tokens * c.hidden, out.at("y").as<uint16_t>());
}

}  // namespace

Program program_rmsnorm() {
  Definition<Config> d;
  d.name = "rmsnorm";
  d.doc = "Token RMSNorm of DeepSeek-V4 layers";
  d.table = &knob_table();
  d.config = config;
  d.check = check;
  d.inputs = inputs;
  d.outputs = outputs;
  d.fill_inputs = fill_inputs;
  d.run = run;
  d.golden = reference;
  d.comparators = {{"y", ratio_allclose(1e-4, 1.0 / 128)}};
  return define(d);
}

}  // namespace kernels
