// Token RMSNorm (kernels.md §2.1): y = bf16(x / sqrt(mean(x^2) + 1e-6) * w), FP32 inside.
#include <algorithm>
#include <cmath>

#include "isa/numerics.h"
#include "kernels/compare.h"
#include "kernels/fixtures.h"
#include "kernels/knobs.h"
#include "kernels/norm.h"
#include "lang/pl.h"

namespace kernels {

Program program_rmsnorm();

namespace {

using isa::DType;
using pl::Tensor;
using pl::Tile;

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

Knobs resolve(const std::string& mode, const Settings& settings) {
  Knobs k = knob_table().resolve(mode, settings);
  const int64_t hidden = k.integer("hidden"), chunk = k.integer("chunk");
  if (hidden % chunk != 0)
    conflict("rmsnorm", "hidden " + std::to_string(hidden) + " is not divisible by chunk " +
                            std::to_string(chunk));
  constexpr int64_t kVecBytes = 188416;
  const int64_t bytes = k.integer("t_tile") * chunk * (2 + 4 + 4);
  if (bytes > kVecBytes)
    conflict("rmsnorm", "UB: a tile of t_tile x chunk in BF16 and twice in FP32 needs " +
                            std::to_string(bytes) + " B, the limit is " +
                            std::to_string(kVecBytes) + " B");
  return k;
}

std::vector<TensorSpec> inputs(const Knobs& k, const std::string&) {
  const int64_t hidden = k.integer("hidden");
  return {{"x", DType::BF16, {k.integer("tokens"), hidden}}, {"w", DType::BF16, {hidden}}};
}

std::vector<TensorSpec> outputs(const Knobs& k, const std::string&) {
  return {{"y", DType::BF16, {k.integer("tokens"), k.integer("hidden")}, Role::Output}};
}

TensorSet make_inputs(const Knobs& k, const std::string& mode, uint64_t seed) {
  TensorSet set;
  for (const TensorSpec& spec : inputs(k, mode)) set.add(make_tensor(spec));
  fill(set.at("x"), seed, normal(1, -0.5f));
  fill(set.at("w"), seed, normal(0.1f, 1));
  return set;
}

void rms_norm(const Tensor& x, const Tensor& w, const Tensor& y, int64_t t_tile, int64_t chunk,
              int stage) {
  const int64_t tokens = x.dim(0), hidden = x.dim(1);
  pl::spmd((tokens + t_tile - 1) / t_tile, {"rms_norm"}, [&](int64_t block) {
    const int64_t t0 = block * t_tile, rows = std::min(t_tile, tokens - t0);
    const auto load_x = [&](int64_t j) {
      return pl::cast(pl::load(x, {t0, j * chunk}, {rows, chunk}), DType::F32);
    };
    Tile sum = pl::full(1, rows, DType::F32, 0.0);
    for (int64_t j : pl::pipeline(hidden / chunk, stage)) sum = add_row_squares(sum, load_x(j));
    const Tile inv = inverse_rms(sum, hidden);
    for (int64_t j : pl::pipeline(hidden / chunk, stage)) {
      const Tile xj = load_x(j), wj = pl::load(w, {0, j * chunk}, {1, chunk});
      pl::store(to_bf16(scale_columns(scale_rows(xj, inv), wj)), {t0, j * chunk}, y);
    }
  });
}

std::vector<std::pair<std::string, Tensor>> run(pl::Session& session, const TensorSet& in,
                                                const Knobs& k, const std::string&) {
  const int64_t tokens = k.integer("tokens"), hidden = k.integer("hidden");
  const Tensor x = session.input("x", DType::BF16, {tokens, hidden}, in.at("x").bytes);
  const Tensor w = session.input("w", DType::BF16, {hidden}, in.at("w").bytes);
  const Tensor y = session.output("y", DType::BF16, {tokens, hidden});
  rms_norm(x, w.reshape({1, hidden}), y, k.integer("t_tile"), k.integer("chunk"),
           static_cast<int>(k.integer("stage")));
  return {{"y", y}};
}

TensorSet golden(const TensorSet& in, const Knobs& k, const std::string& mode) {
  TensorSet out;
  const HostTensor& y = out.add(make_tensor(outputs(k, mode).front()));
  const std::vector<float> x = to_f32(in.at("x")), w = to_f32(in.at("w"));
  const size_t hidden = w.size();
  for (size_t row = 0; row < x.size(); row += hidden) {
    double sum = 0;
    for (size_t j = 0; j < hidden; ++j) sum += static_cast<double>(x[row + j]) * x[row + j];
    const float inv = static_cast<float>(1 / std::sqrt(sum / static_cast<double>(hidden) + 1e-6));
    for (size_t j = 0; j < hidden; ++j)
      y.as<uint16_t>()[row + j] = isa::f32_to_bf16(x[row + j] * inv * w[j]);
  }
  return out;
}

}  // namespace

Program program_rmsnorm() {
  Program p;
  p.name = "rmsnorm";
  p.doc = "Token RMSNorm of DeepSeek-V4 layers";
  p.modes = knob_table().modes();
  p.knobs = knob_table().knobs();
  p.resolve = resolve;
  p.inputs = inputs;
  p.outputs = outputs;
  p.make_inputs = make_inputs;
  p.run = run;
  p.golden = golden;
  p.comparators = {{"y", ratio_allclose(1e-4, 1.0 / 128)}};
  p.refused_on_chip = [](const Knobs&, const std::string&) { return std::string(); };
  return p;
}

}  // namespace kernels
