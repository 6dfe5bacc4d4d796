#include <algorithm>

#include "kernels/attention/decode_own.h"
#include "kernels/attention/prefill.h"

namespace kernels::attention {
namespace {

using rope::Layout;

const char* const kEras[] = {"p578", "pre570", "p570", "p580"};

/// PR580 touched only the compressors.
std::string common_era(const std::string& era) { return era == "p580" ? "p578" : era; }

std::vector<Preset> prefill_presets() {
  std::vector<Preset> presets;
  for (const std::string era : kEras) {
    const std::string common = common_era(era);
    Settings settings = qkv::part_era(common);
    settings.emplace_back("layout", rope::to_string(era_layout(common)));
    settings.emplace_back("cmp_layout", era == "p580" ? "swap_gather" : "mask_scatter");
    const Settings gates = hc::hc_pre_era(common);
    settings.insert(settings.end(), gates.begin(), gates.end());
    presets.push_back({"era", era, std::move(settings)});
  }
  for (Preset& p : qkv::part_presets()) presets.push_back(std::move(p));
  for (Preset& p : sparse::presets()) presets.push_back(std::move(p));
  return presets;
}

std::vector<Knob> common_knobs(Kind kind) {
  Knob cmp_layout = rope::layout_knob({Layout::MaskScatter, Layout::SwapGather});
  cmp_layout.name = "cmp_layout";
  cmp_layout.doc = "RoPE form of compressors whose lanes are interleaved (PR580: swap_gather)";
  std::vector<Knob> knobs = {
      choice_knob("era", {std::begin(kEras), std::end(kEras)},
                  "the block as it stood at a pull request; sets layouts, tiling and tiles"),
      rope::layout_knob(
          {Layout::FusedSwapGather, Layout::SwapGather, Layout::SplitHalf, Layout::MaskScatter})};
  if (kind != Kind::Swa) knobs.push_back(std::move(cmp_layout));
  knobs.push_back(flag_knob("identity_padding", true,
                            "rope rows of padding tokens hold the identity rotation; off: nobody "
                            "writes them, as in upstream's interleaved kernels"));
  knobs.push_back(int_knob("heads", kHeads, 8, 128, 8, "query heads of 512 lanes"));
  knobs.push_back(int_knob("rope_rows_tile", 16, 1, 128, 1, "tokens of a qkv_rope_rows block"));
  return knobs;
}

bool has_knob(const std::vector<Knob>& knobs, const std::string& name) {
  return std::any_of(knobs.begin(), knobs.end(), [&](const Knob& k) { return k.name == name; });
}

prefill_compressor::Kind compressor_kind(Kind kind) {
  return kind == Kind::Hca ? prefill_compressor::Kind::Ratio128 : prefill_compressor::Kind::Ratio4;
}

}  // namespace

std::string PrefillConfig::kind_name() const {
  return positions::kind_names()[static_cast<size_t>(kind())];
}

int64_t PrefillConfig::ratio() const {
  if (kind() == Kind::Swa) return 0;
  return kind() == Kind::Hca ? positions::kHcaRatio : positions::kCsaRatio;
}

KnobTable prefill_knob_table(Kind kind, const std::vector<std::vector<Knob>>& own) {
  std::vector<Knob> knobs = common_knobs(kind);
  std::vector<std::vector<Knob>> parts = {
      prefill_compressor::size_knobs(compressor_kind(kind)), block_tile_knobs(),
      sparse::size_knobs(sparse::Kind::Prefill), sparse::tile_knobs(sparse::Kind::Prefill)};
  parts.insert(parts.end(), own.begin(), own.end());
  for (const std::vector<Knob>& part : parts)
    for (const Knob& k : part)
      if (!has_knob(knobs, k.name) && !(kind == Kind::Swa && k.name == "state_pages"))
        knobs.push_back(k);
  std::vector<Preset> presets = prefill_presets();
  if (kind == Kind::Swa)
    for (Preset& p : presets)
      p.settings.erase(std::remove_if(p.settings.begin(), p.settings.end(),
                                      [](const auto& s) { return s.first == "cmp_layout"; }),
                       p.settings.end());
  const std::string name =
      "prefill_attention_" + positions::kind_names()[static_cast<size_t>(kind)];
  return KnobTable(name, {"prefill"}, std::move(knobs), std::move(presets));
}

PrefillConfig prefill_config(const Knobs& k, Kind kind) {
  PrefillConfig c;
  const std::string program =
      "prefill_attention_" + positions::kind_names()[static_cast<size_t>(kind)];
  c.block = block_config(k, kind, program, 1, k.integer("tokens"));
  const int64_t active = k.integer("num_tokens");
  c.num_tokens = active < 0 ? c.tokens() : active;
  c.start_pos = k.integer("start_pos");
  c.identity_padding = k.flag("identity_padding");
  c.rope_rows_tile = k.integer("rope_rows_tile");
  if (k.has("cmp_layout")) c.cmp_layout = rope::parse_layout(k.text("cmp_layout"));
  c.sparse = sparse::config(part_settings(k, c.block), sparse::Kind::Prefill, program);
  return c;
}

Knobs compressor_settings(Knobs k, const PrefillConfig& c, bool indexer) {
  const bool split = c.block.split_half() && !indexer;
  k.set("layout", rope::to_string(split ? Layout::SplitHalf : c.cmp_layout));
  return k;
}

void check_prefill(const PrefillConfig& c) {
  check_decode(c.block);
  sparse::check(c.sparse);
  if (c.start_pos + c.tokens() > kMaxPosition)
    conflict(c.block.program, "start_pos " + std::to_string(c.start_pos) + " + tokens " +
                                  std::to_string(c.tokens()) + " is past the tables' " +
                                  std::to_string(kMaxPosition) + " rows");
}

std::string prefill_refused(const PrefillConfig& c, const std::string& chip) {
  const std::string reason = rope::refused_on_chip(c.block.program, c.block.layout, chip);
  const bool compresses = c.kind() == Kind::Csa || (c.kind() == Kind::Hca && !c.block.split_half());
  if (!reason.empty() || !compresses || c.cmp_layout != Layout::MaskScatter || chip != "a5")
    return reason;
  return c.block.program +
         ": cmp_layout=mask_scatter needs the mask form of scatter, which a5 does not have; use "
         "cmp_layout=swap_gather";
}

}  // namespace kernels::attention
