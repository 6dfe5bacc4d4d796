#include <algorithm>

#include "kernels/hc/hc_pre.h"
#include "kernels/limits.h"

namespace kernels::hc {
namespace {

// What the authors' kernels are built against (kernels.md §0.1).
constexpr int64_t kMatBytes = 524288;  // L1
constexpr int64_t kWeightRows = 32;    // of hc_fn in L1, 24 valid

std::string s(int64_t v) { return std::to_string(v); }

}  // namespace

std::vector<Knob> hc_pre_knobs() {
  return in_part(
      "hc_pre",
      {choice_knob("hc_pre_form", {"1spmd", "staged"},
                   "one mixed scope, or seven scopes of single tasks (P253, P374)"),
       int_knob("hc_pre_t_tile", 16, 8, 64, 8, "token rows of an hc_pre block"),
       int_knob("hc_pre_k_tile", 128, 16, 1024, 16, "K of one gate product (P584: 256)"),
       int_knob("hc_pre_k_stage", 2, 1, 8, 1, "pipeline stages of its K loop, 1 = range"),
       int_knob("hc_pre_d_tile", 256, 16, 4096, 16,
                "columns of an x_mixed tile (before P533: 512)"),
       int_knob("hc_pre_d_stage", 1, 1, 8, 1, "pipeline stages of the mixing loop"),
       int_knob("hc_pre_sinkhorn_stage", 2, 1, 8, 1, "pipeline stages of the Sinkhorn loop")});
}

Settings hc_pre_era(const std::string& era) {
  if (era == "p253" || era == "p374") return {{"hc_pre_form", "staged"}, {"hc_pre_d_tile", "512"}};
  return {{"hc_pre_form", "1spmd"},
          {"hc_pre_d_tile", "256"},
          {"hc_pre_k_tile", era == "p584" ? "256" : "128"}};
}

HcPreConfig hc_pre_config(const Knobs& k, const std::string& program, int64_t tokens,
                          int64_t hidden) {
  HcPreConfig c;
  const auto stage = [&](const char* name) { return static_cast<int>(k.integer(name)); };
  c.program = program;
  c.tokens = tokens;
  c.hidden = hidden;
  c.staged = k.text("hc_pre_form") == "staged";
  c.t_tile = k.integer("hc_pre_t_tile");
  c.k_tile = k.integer("hc_pre_k_tile");
  c.k_stage = stage("hc_pre_k_stage");
  c.d_tile = std::min(k.integer("hc_pre_d_tile"), hidden);
  c.d_stage = stage("hc_pre_d_stage");
  c.sinkhorn_stage = stage("hc_pre_sinkhorn_stage");
  return c;
}

void check_hc_pre(const HcPreConfig& c) {
  const int64_t depth = kStreams * c.hidden;
  if (depth % c.k_tile != 0)
    conflict(c.program,
             "4 x hidden " + s(depth) + " is not divisible by hc_pre_k_tile " + s(c.k_tile));
  if (c.hidden % c.d_tile != 0)
    conflict(c.program,
             "hidden " + s(c.hidden) + " is not divisible by hc_pre_d_tile " + s(c.d_tile));
  const int64_t rows = std::min(c.t_tile, c.tokens);
  const int64_t mix = rows * c.d_tile * 4 * 2;
  if (mix > kVecBytes)
    conflict(c.program, "UB: two FP32 tiles of hc_pre_t_tile x hc_pre_d_tile need " + s(mix) +
                            " B, the limit is " + s(kVecBytes) + " B");
  const int64_t weights = c.k_stage * kWeightRows * c.k_tile * 4;
  if (weights > kMatBytes)
    conflict(c.program, "Mat: 32 rows of hc_fn x hc_pre_k_tile in " + s(c.k_stage) +
                            " stages need " + s(weights) + " B of L1, the limit is " +
                            s(kMatBytes) + " B");
}

}  // namespace kernels::hc
