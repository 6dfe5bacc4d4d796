// The indexer of CSA prefill as a program of its own (kernels.md §2.12).
#include "kernels/indexer/prefill_indexer.h"

#include <algorithm>

#include "kernels/compare.h"
#include "kernels/declare.h"
#include "kernels/define.h"
#include "kernels/fixtures.h"
#include "kernels/prefill_compressor/host.h"
#include "kernels/rope_tables.h"

namespace kernels {

Program program_prefill_indexer();

namespace {

using compressor::Kind;
using isa::DType;
using pl::Tensor;
using Config = PrefillIndexerConfig;

constexpr char kName[] = "prefill_indexer";
constexpr char kCache[] = "idx_kv_cache";
constexpr char kSlots[] = "cmp_slot_mapping";
constexpr float kHadamardBound = 0.08838834764831845f;  // 1 / sqrt(128)

const KnobTable& knob_table() {
  static const KnobTable table = [] {
    std::vector<Knob> knobs = {
        choice_knob("era", {"p578", "p570", "pre570", "p580"},
                    "the kernel as it stood at a pull request; sets the layout"),
        rope::layout_knob(prefill_compressor::layouts(Kind::Indexer))};
    for (Knob& k : prefill_compressor::size_knobs(Kind::Indexer)) knobs.push_back(std::move(k));
    for (Knob& k : prefill_indexer_knobs()) knobs.push_back(std::move(k));
    std::vector<Preset> presets;
    for (const char* era : {"p578", "p570", "pre570"})
      presets.push_back({"era", era, {{"layout", "mask_scatter"}}});
    presets.push_back({"era", "p580", {{"layout", "swap_gather"}}});
    return KnobTable(kName, {"prefill"}, knobs, presets);
  }();
  return table;
}

Config config(const Knobs& k, const std::string&) { return prefill_indexer_config(k, kName); }

std::vector<TensorSpec> outputs(const Config& c) {
  return {{"topk_idxs", DType::I32, {c.tokens, c.columns}, Role::Output},
          {kCache, DType::BF16, {c.inner.cmp_pages, kPage, 1, c.inner.head()}, Role::Output}};
}

std::vector<TensorSpec> inputs(const Config& c) {
  const int64_t head = c.inner.head();
  std::vector<TensorSpec> specs = {
      {"x", DType::BF16, {c.tokens, c.inner.hidden}},
      {"hadamard", DType::BF16, {head, head}},
      {"freqs_cos", DType::BF16, {kMaxPosition, kRope}},
      {"freqs_sin", DType::BF16, {kMaxPosition, kRope}},
      {"position_ids", DType::I32, {c.tokens}},
      {kSlots, DType::I64, {c.tokens}},
      {kCache, DType::BF16, {c.inner.cmp_pages, kPage, 1, head}, Role::InOut},
      {"inner_kv", DType::F32, {c.inner.writes(), head}, Role::InOut}};
  for (TensorSpec& spec : prefill_compressor::own_specs(c.inner)) specs.push_back(std::move(spec));
  return specs;
}

void fill_inputs(const Config& c, uint64_t seed, TensorSet& set) {
  fill(set.at("x"), seed, uniform(-0.05f, 0.05f));
  prefill_compressor::fill_weights(c.inner, seed, set);
  prefill_compressor::fill_state(c.inner, seed, set);
  fill_rope_tables(RopeProfile::Compressed, set.at("freqs_cos"), set.at("freqs_sin"));
  prefill_compressor::fill_positions(c.inner, set.at("position_ids"));
  prefill_compressor::fill_cmp_slots(c.inner, nullptr, set.at(kSlots));
  fill(set.at("hadamard"), seed, uniform(0, kHadamardBound));
}

std::vector<std::pair<std::string, Tensor>> run(pl::Session& session, const TensorSet& in,
                                                const Config& c) {
  const auto argument = [&](const char* name) { return declare(session, in, name); };
  prefill_compressor::Args a;
  a.x = argument("x");
  prefill_compressor::declare_own(session, in, c.inner, a);
  a.hadamard = argument("hadamard");
  a.freqs_cos = argument("freqs_cos");
  a.freqs_sin = argument("freqs_sin");
  a.positions = argument("position_ids");
  a.cmp_slots = argument(kSlots);
  a.cache = argument(kCache);
  a.kv = argument("inner_kv");
  const Tensor topk_idxs = session.output("topk_idxs", DType::I32, {c.tokens, c.columns});
  prefill_indexer(c, a, topk_idxs);
  return {{"topk_idxs", topk_idxs}, {kCache, a.cache}};
}

void reference(const TensorSet& in, const Config& c, TensorSet& out) {
  const prefill_compressor::Expected keys = prefill_compressor::golden_compressor(
      c.inner, to_f32(in.at("x")), prefill_compressor::host_of(c.inner, in, kSlots, kCache));
  out.at(kCache).bytes = keys.cache.bytes;
  const std::vector<int32_t> list = golden_prefill_idx_topk(c, in.at("position_ids"));
  std::copy(list.begin(), list.end(), out.at("topk_idxs").as<int32_t>());
}

}  // namespace

Program program_prefill_indexer() {
  Definition<Config> d;
  d.name = kName;
  d.doc = "Index keys and index list of CSA prefill: every complete group in order";
  d.table = &knob_table();
  d.config = config;
  d.check = check_prefill_indexer;
  d.inputs = inputs;
  d.outputs = outputs;
  d.fill_inputs = fill_inputs;
  d.run = run;
  d.golden = reference;
  d.comparators = {{"topk_idxs", allclose(0, 0)}, {kCache, all_but(1e-4, 1.0 / 128, 16)}};
  d.refused_on_chip = [](const Config& c, const std::string& chip) {
    return rope::refused_on_chip(kName, c.inner.layout, chip);
  };
  return define(d);
}

}  // namespace kernels
