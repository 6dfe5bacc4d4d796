#include <algorithm>

#include "kernels/attention/decode.h"
#include "kernels/model.h"

namespace kernels::attention {
namespace {

using rope::Layout;

void append(std::vector<Knob>& to, std::vector<Knob> more) {
  for (Knob& k : more) to.push_back(std::move(k));
}
void append(Settings& to, const Settings& more) { to.insert(to.end(), more.begin(), more.end()); }

const char* const kEras[] = {"p578", "pre570", "p570"};

}  // namespace

Layout era_layout(const std::string& era) {
  if (era == "p570") return Layout::SplitHalf;
  return era == "pre570" ? Layout::SwapGather : Layout::FusedSwapGather;
}

Layout DecodeConfig::part_layout() const {
  return layout == Layout::FusedSwapGather ? Layout::SwapGather : layout;
}

std::vector<int64_t> DecodeConfig::starts() const {
  if (start_pos >= 0) return {start_pos};
  return positions::start_positions(kind);
}

int64_t DecodeConfig::last_position() const {
  const std::vector<int64_t> all = starts();
  const auto used = std::min<std::ptrdiff_t>(batch, static_cast<std::ptrdiff_t>(all.size()));
  return *std::max_element(all.begin(), all.begin() + used) + seq - 1;
}

std::vector<Knob> decode_knobs() {
  std::vector<Knob> knobs = {
      choice_knob("era", {std::begin(kEras), std::end(kEras)},
                  "the block as it stood at a pull request; sets layout, tiling and tiles"),
      rope::layout_knob(
          {Layout::FusedSwapGather, Layout::SwapGather, Layout::SplitHalf, Layout::MaskScatter}),
      int_knob("batch", 64, 1, 256, 1, "requests B"),
      int_knob("seq", 2, 1, 4, 1, "tokens S of a request: the last one and the predicted ones"),
      int_knob("hidden", kHidden, 256, 16384, 256, "model width D"),
      int_knob("heads", kHeads, 8, 128, 8, "query heads of 512 lanes"),
      int_knob("start_pos", -1, -1, kMaxPosition - 8, 1,
               "position of every request's first token, -1 = the published pattern")};
  append(knobs, block_tile_knobs());
  return knobs;
}

std::vector<Knob> block_tile_knobs() {
  std::vector<Knob> knobs = {
      int_knob("norm_t_tile", 8, 8, 128, 8, "token rows of an rms_norm block"),
      int_knob("norm_chunk", 128, 16, 4096, 16, "columns of an rms_norm tile"),
      int_knob("norm_stage", 2, 1, 8, 1, "pipeline stages of its chunk loops")};
  for (Knob& k : qkv::part_knobs()) {
    if (k.name == "tiling") k.doc = "tiles of the projections: PR578, PR480, before PR578, PR718";
    knobs.push_back(std::move(k));
  }
  append(knobs, hc::hc_pre_knobs());
  append(knobs, hc::hc_post_knobs());
  return knobs;
}

std::vector<Preset> decode_presets() {
  std::vector<Preset> presets;
  for (const std::string era : kEras) {
    Settings settings = qkv::part_era(era);
    settings.emplace_back("layout", rope::to_string(era_layout(era)));
    append(settings, hc::hc_pre_era(era));
    presets.push_back({"era", era, std::move(settings)});
  }
  for (Preset& p : qkv::part_presets()) presets.push_back(std::move(p));
  return presets;
}

DecodeConfig decode_config(const Knobs& k, Kind kind) {
  const std::string program =
      "decode_attention_" + positions::kind_names()[static_cast<size_t>(kind)];
  DecodeConfig c = block_config(k, kind, program, k.integer("batch"), k.integer("seq"));
  c.start_pos = k.integer("start_pos");
  return c;
}

DecodeConfig block_config(const Knobs& k, Kind kind, const std::string& program, int64_t batch,
                          int64_t seq) {
  DecodeConfig c;
  c.kind = kind;
  c.program = program;
  c.batch = batch;
  c.seq = seq;
  c.hidden = k.integer("hidden");
  c.heads = k.integer("heads");
  c.layout = rope::parse_layout(k.text("layout"));
  c.hc_pre = hc::hc_pre_config(k, c.program, c.tokens(), c.hidden);
  c.norm = {k.integer("norm_t_tile"), k.integer("norm_chunk"),
            static_cast<int>(k.integer("norm_stage"))};
  c.qkv = qkv::part_config(k, c.program, {c.tokens(), c.hidden, c.heads}, c.layout);
  c.hc_post = hc::hc_post_config(k, c.program, c.tokens(), c.hidden);
  return c;
}

std::vector<ScopeGroup> decode_scope_groups(const std::vector<std::string>& own) {
  ScopeGroup rope{"RoPE",
                  {"q_head_rope_fused", "q_head_rms_nope_rope", "rope", "kv_rope_fused",
                   "kv_rms_norm_rope", "rmsnorm_rope", "rope_cs", "rope_pack"}};
  rope.scopes.insert(rope.scopes.end(), own.begin(), own.end());
  return {rope};
}

void check_decode(const DecodeConfig& c) {
  hc::check_hc_pre(c.hc_pre);
  check_rms_norm(c.norm, c.program, c.hidden);
  qkv::check(c.qkv);
  hc::check_hc_post(c.hc_post);
}

}  // namespace kernels::attention
