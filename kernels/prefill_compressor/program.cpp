#include "kernels/prefill_compressor/program.h"

#include <algorithm>

#include "kernels/compare.h"
#include "kernels/declare.h"
#include "kernels/fixtures.h"
#include "kernels/prefill_compressor/host.h"
#include "kernels/rope_tables.h"

namespace kernels::prefill_compressor {
namespace {

using isa::DType;

bool indexer(const Config& c) { return c.kind == Kind::Indexer; }
const char* cache_name(const Config& c) { return indexer(c) ? "idx_kv_cache" : "cmp_kv"; }
constexpr char kCmpSlots[] = "cmp_slot_mapping";

TensorSpec cache_spec(const Config& c, Role role) {
  return {cache_name(c), DType::BF16, {c.cmp_pages, kPage, 1, c.head()}, role};
}

TensorSpec kv_spec(const Config& c, Role role) {
  return {"kv", DType::F32, {c.writes(), c.head()}, role};
}

std::vector<TensorSpec> outputs(const Config& c) {
  std::vector<TensorSpec> specs;
  for (TensorSpec& spec : own_specs(c)) {
    if (spec.role != Role::InOut) continue;
    spec.role = Role::Output;
    specs.push_back(std::move(spec));
  }
  specs.push_back(cache_spec(c, Role::Output));
  if (indexer(c)) specs.push_back(kv_spec(c, Role::Output));
  return specs;
}

std::vector<TensorSpec> inputs(const Config& c) {
  std::vector<TensorSpec> specs = {{"x", DType::BF16, {c.tokens, c.hidden}}};
  for (TensorSpec& spec : own_specs(c)) specs.push_back(std::move(spec));
  if (indexer(c)) specs.push_back({"hadamard", DType::BF16, {c.head(), c.head()}});
  specs.push_back({"freqs_cos", DType::BF16, {kMaxPosition, kRope}});
  specs.push_back({"freqs_sin", DType::BF16, {kMaxPosition, kRope}});
  specs.push_back({"position_ids", DType::I32, {c.tokens}});
  specs.push_back({kCmpSlots, DType::I64, {c.tokens}});
  specs.push_back(cache_spec(c, Role::InOut));
  if (indexer(c)) specs.push_back(kv_spec(c, Role::InOut));  // rows of absent writes stay 0
  return specs;
}

void fill_inputs(const Config& c, uint64_t seed, TensorSet& set) {
  fill(set.at("x"), seed, uniform(-0.05f, 0.05f));
  fill_weights(c, seed, set);
  fill_state(c, seed, set);
  fill_rope_tables(RopeProfile::Compressed, set.at("freqs_cos"), set.at("freqs_sin"));
  fill_positions(c, set.at("position_ids"));
  fill_cmp_slots(c, nullptr, set.at(kCmpSlots));
  if (indexer(c)) fill(set.at("hadamard"), seed, uniform(0, 0.08838834764831845f));
}

std::vector<std::pair<std::string, pl::Tensor>> run(pl::Session& session, const TensorSet& in,
                                                    const Config& c) {
  Args a;
  a.x = declare(session, in, "x");
  declare_own(session, in, c, a);
  if (indexer(c)) a.hadamard = declare(session, in, "hadamard");
  a.freqs_cos = declare(session, in, "freqs_cos");
  a.freqs_sin = declare(session, in, "freqs_sin");
  a.positions = declare(session, in, "position_ids");
  a.cmp_slots = declare(session, in, kCmpSlots);
  a.cache = declare(session, in, cache_name(c));
  if (indexer(c)) a.kv = declare(session, in, "kv");
  prefill_compressor(c, a);
  std::vector<std::pair<std::string, pl::Tensor>> out = {
      {"kv_state", a.kv_state}, {"score_state", a.score_state}, {cache_name(c), a.cache}};
  if (indexer(c)) out.emplace_back("kv", a.kv);
  return out;
}

void reference(const TensorSet& in, const Config& c, TensorSet& out) {
  const Expected e =
      golden_compressor(c, to_f32(in.at("x")), host_of(c, in, kCmpSlots, cache_name(c)));
  out.at("kv_state").bytes = e.kv_state.bytes;
  out.at("score_state").bytes = e.score_state.bytes;
  out.at(cache_name(c)).bytes = e.cache.bytes;
  if (indexer(c)) std::copy(e.kv.begin(), e.kv.end(), out.at("kv").as<float>());
}

std::string refused(const Config& c, const std::string& chip) {
  return rope::refused_on_chip(c.program, c.layout, chip);
}

}  // namespace

KnobTable knob_table(Kind kind, const std::string& program) {
  const bool splits = kind != Kind::Indexer;
  std::vector<Knob> knobs = {choice_knob("era", {"p578", "p575", "p570", "pre570", "p580"},
                                         "the kernel as it stood at a pull request; sets the "
                                         "layout"),
                             rope::layout_knob(prefill_compressor::layouts(kind))};
  for (Knob& k : prefill_compressor::size_knobs(kind)) knobs.push_back(std::move(k));
  knobs.push_back(choice_knob("fixture", {"full", "holes"},
                              "holes: some tokens and completed windows have no slot (-1)"));
  for (Knob& k : prefill_compressor::tile_knobs(kind)) knobs.push_back(std::move(k));
  std::vector<Preset> presets = {
      {"era", "p578", {{"layout", "mask_scatter"}}},
      {"era", "p575", {{"layout", "mask_scatter"}}},
      {"era", "pre570", {{"layout", "mask_scatter"}}},
      {"era", "p570", {{"layout", splits ? "split_half" : "mask_scatter"}}},
      {"era", "p580", {{"layout", "swap_gather"}}}};
  return {program, {"prefill"}, std::move(knobs), std::move(presets)};
}

Definition<Config> standalone(Kind kind) {
  Definition<Config> d;
  d.check = check;
  d.inputs = inputs;
  d.outputs = outputs;
  d.fill_inputs = fill_inputs;
  d.run = run;
  d.golden = reference;
  const Comparator state = ratio_allclose(1e-3, 1e-3, 0);
  d.comparators = {{"kv_state", state}, {"score_state", state}};
  if (kind == Kind::Indexer) {
    d.comparators["kv"] = all_but(1e-4, 1.0 / 128, 16);
    d.comparators["idx_kv_cache"] = all_but(1e-4, 1.0 / 128, 16);
  } else {
    d.comparators["cmp_kv"] = ratio_allclose(1e-4, 1.0 / 128, 0);
  }
  d.refused_on_chip = refused;
  return d;
}

}  // namespace kernels::prefill_compressor
