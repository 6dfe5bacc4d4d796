#include "kernels/compressor/program.h"

#include <algorithm>
#include <limits>

#include "kernels/compare.h"
#include "kernels/compressor/host.h"
#include "kernels/declare.h"
#include "kernels/fixtures.h"
#include "kernels/positions/golden.h"

namespace kernels::compressor {
namespace {

using isa::DType;

/// The fixture swaps two logical pages of every request's tables (kernels.md §2.4).
constexpr int64_t kSwappedStatePage = 31, kSwappedCmpPage = 1;

const char* cache_name(const Config& c) {
  return c.kind == Kind::Indexer ? "idx_kv_cache" : "cmp_kv_cache";
}

std::vector<int64_t> starts(const Config& c) {
  if (c.start_pos >= 0) return {c.start_pos};
  if (c.kind == Kind::Ratio128) return {7, 10, 126, 127, 254, 255};
  return {0, 1, 2, 3, 6, 7, 127};
}

std::vector<TensorSpec> outputs(const Config& c) {
  return {{"kv", DType::F32, {c.batch, c.seq, c.head()}, Role::Output},
          {"compress_state",
           DType::F32,
           {c.batch * c.state_pages, c.state_page_rows(), 2 * c.width()},
           Role::Output},
          {cache_name(c), DType::BF16, {c.batch * c.cmp_pages, kPage, 1, c.head()}, Role::Output}};
}

std::vector<TensorSpec> inputs(const Config& c) {
  std::vector<TensorSpec> specs = {{"x", DType::BF16, {c.batch, c.seq, c.hidden}}};
  for (TensorSpec& spec : own_specs(c)) specs.push_back(std::move(spec));
  if (c.kind == Kind::Indexer) specs.push_back({"hadamard", DType::BF16, {c.head(), c.head()}});
  specs.push_back({"cos", DType::F32, {c.batch, kHalf}});
  specs.push_back({"sin", DType::F32, {c.batch, kHalf}});
  specs.push_back({"position_ids", DType::I32, {c.batch, c.seq}});
  specs.push_back({"cmp_slot_mapping", DType::I64, {c.batch, c.seq}});
  for (TensorSpec& spec : outputs(c)) {
    if (spec.name == "compress_state") continue;  // is one of own_specs
    spec.role = Role::InOut;                      // kv of requests that pool nothing stays 0
    specs.push_back(std::move(spec));
  }
  return specs;
}

/// History before the step: values 0; scores 0 for ratio 128, else the lowest finite number.
void fill_state(const Config& c, const HostTensor& state) {
  if (c.kind == Kind::Ratio128) return;
  const int64_t width = c.width(), rows = state.numel() / (2 * width);
  for (int64_t r = 0; r < rows; ++r)
    std::fill_n(state.as<float>() + (2 * r + 1) * width, width,
                std::numeric_limits<float>::lowest());
}

void fill_inputs(const Config& c, uint64_t seed, TensorSet& set) {
  const bool swaps = c.kind == Kind::Ratio128;
  const PageTable state{c.state_pages, c.state_page_rows(), swaps ? kSwappedStatePage : 0};
  const PageTable cmp{c.cmp_pages, kPage, swaps ? std::min(kSwappedCmpPage, c.cmp_pages - 1) : 0};
  fill(set.at("x"), seed, uniform(0, 1));
  fill_weights(c, seed, set);
  fill_state(c, set.at("compress_state"));
  const HostTensor& positions = set.at("position_ids");
  positions::fill_decode_positions(positions, starts(c));
  fill_state_paging(c, positions, state, set);
  fill_cmp_slots(c, positions, cmp, set.at("cmp_slot_mapping"));
  fill_window_tables(c, positions, set.at("cos"), set.at("sin"));
  if (c.kind == Kind::Indexer) fill(set.at("hadamard"), seed, uniform(0, 0.08838834764831845f));
}

std::vector<std::pair<std::string, pl::Tensor>> run(pl::Session& session, const TensorSet& in,
                                                    const Config& c) {
  const char* cache = cache_name(c);
  Args a;
  a.x = declare(session, in, "x");
  declare_own(session, in, c, a);
  if (c.kind == Kind::Indexer) a.hadamard = declare(session, in, "hadamard");
  a.cos = declare(session, in, "cos");
  a.sin = declare(session, in, "sin");
  a.positions = declare(session, in, "position_ids");
  a.cmp_slots = declare(session, in, "cmp_slot_mapping");
  a.kv = declare(session, in, "kv");
  a.cache = declare(session, in, cache);
  switch (c.kind) {
    case Kind::Ratio4:
      decode_compressor_ratio4(c, a);
      break;
    case Kind::Ratio128:
      decode_compressor_ratio128(c, a);
      break;
    case Kind::Indexer:
      decode_indexer_compressor(c, a);
      break;
  }
  return {{"kv", a.kv}, {"compress_state", a.state}, {cache, a.cache}};
}

void reference(const TensorSet& in, const Config& c, TensorSet& out) {
  const Expected e = golden_compressor(c, to_f32(in.at("x")), host_of(c, in, cache_name(c)),
                                       to_f32(in.at("cos")), to_f32(in.at("sin")));
  out.at("compress_state").bytes = e.state.bytes;
  out.at(cache_name(c)).bytes = e.cache.bytes;
  float* kv = out.at("kv").as<float>();
  for (int64_t b = 0; b < c.batch; ++b)
    std::copy_n(e.kv.data() + b * c.head(), c.head(), kv + b * c.seq * c.head());
}

std::string refused(const Config& c, const std::string& chip) {
  return rope::refused_on_chip(c.program, c.layout, chip);
}

std::vector<Preset> presets(Kind kind) {
  const bool splits = kind != Kind::Indexer;
  std::vector<Preset> list = {{"era", "p578", {{"layout", "swap_gather"}}},
                              {"era", "p575", {{"layout", "swap_gather"}}},
                              {"era", "pre570", {{"layout", "swap_gather"}}},
                              {"era", "p570", {{"layout", splits ? "split_half" : "swap_gather"}}},
                              {"era", "p432", {{"layout", "mask_scatter"}}},
                              {"era", "p425", {{"layout", "index_scatter"}}}};
  for (Preset& p : layout_presets(kind)) list.push_back(std::move(p));
  return list;
}

}  // namespace

KnobTable knob_table(Kind kind, const std::string& program) {
  std::vector<Knob> knobs = {
      choice_knob("era", {"p578", "p575", "p570", "pre570", "p432", "p425"},
                  "the kernel as it stood at a pull request; sets the layout"),
      rope::layout_knob(layouts(kind))};
  for (Knob& k : size_knobs(kind)) knobs.push_back(std::move(k));
  for (Knob& k : tile_knobs(kind)) knobs.push_back(std::move(k));
  return {program, {"decode"}, std::move(knobs), presets(kind)};
}

Definition<Config> standalone(Kind kind) {
  Definition<Config> d;
  d.check = check;
  d.inputs = inputs;
  d.outputs = outputs;
  d.fill_inputs = fill_inputs;
  d.run = run;
  d.golden = reference;
  const Comparator strict = ratio_allclose(1e-4, 1.0 / 128, 0);
  d.comparators = {{"kv", strict}, {"compress_state", ratio_allclose(1e-3, 1e-3, 0)}};
  if (kind == Kind::Indexer)
    d.comparators["idx_kv_cache"] = all_but(1e-4, 1.0 / 128, 4);
  else
    d.comparators["cmp_kv_cache"] = strict;
  d.refused_on_chip = refused;
  return d;
}

}  // namespace kernels::compressor
