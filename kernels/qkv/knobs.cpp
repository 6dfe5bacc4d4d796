// Knobs of the family and the presets that reproduce historical states (kernels.md §2.2, §4.1,
// §4.2).
#include "kernels/knobs.h"

#include <algorithm>
#include <iterator>

#include "kernels/qkv/config.h"

namespace kernels::qkv {
namespace {

void append(std::vector<Knob>& to, std::vector<Knob> more) {
  for (Knob& k : more) to.push_back(std::move(k));
}

/// Tiles of one projection; defaults are those of PR578.
std::vector<Knob> cube_knobs(const std::string& p, int64_t n, int64_t k, int64_t split_k,
                             int64_t tiles, int64_t k_multiple, int n_stage, bool peel) {
  std::vector<Knob> knobs = {
      int_knob(p + "_m_tile", 128, 16, 1024, 16, "rows of a " + p + " output tile"),
      int_knob(p + "_n_tile", n, 16, 4096, 16, "columns of a " + p + " output tile"),
      int_knob(p + "_k_tile", k, k_multiple, 4096, k_multiple, "K of one " + p + " load"),
      int_knob(p + "_tiles_per_block", tiles, 1, 4096, 1, "consecutive N tiles of one block"),
      int_knob(p + "_k_stage", 2, 1, 8, 1, "pipeline stages of the K loop, 1 = range"),
      int_knob(p + "_n_stage", n_stage, 1, 8, 1, "pipeline stages of the N loop, 1 = range"),
      flag_knob(p + "_peel", peel, "first K tile in front of the loop, not a branch in it")};
  if (split_k > 0)
    knobs.push_back(int_knob(p + "_split_k", split_k, 1, 64, 1,
                             "blocks that share an output tile by atomic add"));
  return knobs;
}

std::vector<Knob> size_knobs(int64_t tokens) {
  return {int_knob("tokens", tokens, 8, 1024, 8, "token rows T"),
          int_knob("hidden", 4096, 256, 16384, 256, "model width D"),
          int_knob("q_lora", 1024, 128, 1536, 128, "rank of the Q projection"),
          int_knob("heads", 64, 1, 128, 1, "query heads of 512 lanes")};
}

std::vector<Knob> structure_knobs() {
  return {
      choice_knob("grid", {"spmd", "tasks"}, "one launch of N blocks, or N single tasks (P374)"),
      choice_knob("inputs", {"uniform", "p253"},
                  "input distribution: U(-1,1) / U(-.1,.1), or the normals of P253"),
      flag_knob("attn_norm", false, "RMSNorm of x in front (before 18256fed)"),
      flag_knob("staged_norms", false, "partial / final / apply norm scopes (P374)"),
      flag_knob("qr_bf16", false, "qr rounded to BF16 before quantisation (before PR556)"),
      flag_knob("task_per_head", false, "single tasks, one per head and N tile (P253)"),
      flag_knob("qr_amax_folded", false, "amax found in the sum-of-squares pass (PR653)"),
      choice_knob("qproj_form", {"split", "mixed"},
                  "matmul and dequantisation in two scopes, or one mixed scope (before PR506)"),
      int_knob("qproj_slot_num", 0, 0, 8, 1, "ring depth of the mixed scope, 0 = the chip's"),
      choice_knob("q_head_load", {"chunks", "whole"}, "a q head chunk by chunk, or once (PR672)"),
      flag_knob("q_rope_writeback", false, "q rope lanes through an FP32 stage (PR425)"),
      choice_knob("split_k_sum", {"seed", "alloc", "partials"},
                  "split-K slices: atomic add onto a scope's zeros, onto the runtime's (PR823), or "
                  "one buffer each and a reduce scope (PR953)"),
      choice_knob("norm_root", {"recip_sqrt", "rsqrt"},
                  "1 / rms as reciprocal of the root, or by high-precision rsqrt (PR771)"),
      choice_knob("q_rope_order", {"normalise_first", "rotate_first"},
                  "layout hoisted: q times 1 / rms before (PR792) or after the rotation"),
      flag_knob("kv_hoisted_tables", true,
                "layout hoisted: kv uses the tables of q_rope_prepare too (PR845)")};
}

std::vector<Knob> vector_knobs() {
  return {
      int_knob("attn_norm_t_tile", 64, 8, 128, 8, "token rows of an attn_norm tile"),
      int_knob("qr_norm_t_tile", 8, 8, 128, 8, "token rows of qr_rms_norm_quant"),
      int_knob("qr_norm_chunk", 32, 32, 1024, 32, "columns of a qr norm / quant tile"),
      int_knob("qr_norm_stage", 2, 1, 8, 1, "pipeline stages of its chunk loops"),
      int_knob("dequant_t_tile", 128, 8, 128, 8, "token rows of qproj_dequant"),
      int_knob("dequant_n_tile", 128, 16, 512, 16, "columns of a qproj_dequant tile"),
      int_knob("dequant_tiles_per_block", 16, 1, 4096, 1, "N tiles of one qproj_dequant block"),
      int_knob("dequant_n_stage", 2, 1, 8, 1, "pipeline stages of its N loop"),
      int_knob("dequant_t_stage", 2, 1, 8, 1, "pipeline stages of its token loop"),
      int_knob("q_head_t_tile", 32, 8, 128, 8, "token rows of the q head scopes"),
      int_knob("q_head_chunk", 64, 16, 64, 16, "columns of a q head tile"),
      int_knob("q_heads_per_block", 2, 1, 64, 1, "heads of one q head block"),
      int_knob("q_head_stage", 2, 1, 8, 1,
               "pipeline stages of its chunk loops; layout hoisted: of its head loop"),
      int_knob("q_rope_prepare_t_tile", 8, 8, 128, 8, "token rows of a q_rope_prepare block"),
      int_knob("q_rope_t_tile", 64, 8, 128, 8, "token rows of the staged q rope scopes"),
      int_knob("q_rope_heads_per_block", 8, 1, 64, 1, "heads of one staged q rope block"),
      int_knob("kv_norm_t_tile", 16, 8, 128, 8, "token rows of the kv norm scopes"),
      int_knob("kv_norm_chunk", 32, 16, 64, 16, "columns of a kv norm tile"),
      int_knob("kv_norm_stage", 2, 1, 8, 1, "pipeline stages of its chunk loops"),
      int_knob("kv_rope_t_tile", 32, 8, 128, 8, "token rows of a kv rope tile"),
      int_knob("kv_rope_tiles_per_block", 1, 1, 16, 1, "token tiles of one kv_rope_fused block")};
}

std::vector<Knob> all_knobs() {
  std::vector<Knob> knobs = {
      choice_knob("era",
                  {"p578", "p253", "p374", "p425", "p441", "p480", "pre570", "p570", "p718", "p771",
                   "p792", "p823", "p845", "p953", "head"},
                  "the kernel as it stood at a pull request; sets every other knob"),
      choice_knob(
          "tiling", {"m128n256", "m128n32", "m16n32", "m16n1024", "m16n512"},
          "projection tiles: PR578, PR480, before PR578, PR718, PR863; sets the tile knobs"),
      rope::layout_knob({rope::Layout::FusedSwapGather, rope::Layout::SelectorMatmul,
                         rope::Layout::MaskScatter, rope::Layout::SwapGather,
                         rope::Layout::SplitHalf, rope::Layout::Hoisted})};
  append(knobs, size_knobs(128));
  append(knobs, structure_knobs());
  append(knobs, cube_knobs("qr", 256, 256, 2, 1, 16, 1, false));
  append(knobs, cube_knobs("kv", 256, 256, 4, 1, 16, 1, false));
  append(knobs, cube_knobs("qproj", 256, 512, 0, 8, 32, 2, true));
  append(knobs, vector_knobs());
  return knobs;
}

/// Settings `name` = `value` under the prefix of one projection.
Settings tiles(const std::string& p, int64_t m, int64_t n, int64_t k, int64_t split_k,
               int64_t per_block, int n_stage, bool peel) {
  Settings s = {{p + "_m_tile", std::to_string(m)},
                {p + "_n_tile", std::to_string(n)},
                {p + "_k_tile", std::to_string(k)},
                {p + "_tiles_per_block", std::to_string(per_block)},
                {p + "_k_stage", "2"},
                {p + "_n_stage", std::to_string(n_stage)},
                {p + "_peel", peel ? "true" : "false"}};
  if (split_k > 0) s.emplace_back(p + "_split_k", std::to_string(split_k));
  return s;
}

Settings operator+(Settings a, const Settings& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Settings dequant(int64_t t_tile, int stage) {
  return {{"qproj_form", "split"},
          {"qproj_slot_num", "0"},
          {"dequant_t_tile", std::to_string(t_tile)},
          {"dequant_n_tile", "128"},
          {"dequant_tiles_per_block", "16"},
          {"dequant_n_stage", std::to_string(stage)},
          {"dequant_t_stage", std::to_string(stage)}};
}

Settings m128n256() {
  return tiles("qr", 128, 256, 256, 2, 1, 1, false) + tiles("kv", 128, 256, 256, 4, 1, 1, false) +
         tiles("qproj", 128, 256, 512, 0, 8, 2, true) + dequant(128, 2);
}
/// A [128, 128] INT32 slot is 64 KB: only one fits into UB beside the tile being dequantised.
Settings m128n32() {
  return tiles("qr", 128, 32, 128, 1, 2, 2, true) + tiles("kv", 128, 32, 128, 1, 2, 2, true) +
         tiles("qproj", 128, 128, 512, 0, 16, 2, true) + dequant(128, 2) +
         Settings{{"qproj_form", "mixed"}, {"qproj_slot_num", "1"}};
}
Settings m16n32() {
  return tiles("qr", 16, 32, 128, 1, 2, 2, true) + tiles("kv", 16, 32, 128, 1, 2, 2, true) +
         tiles("qproj", 16, 128, 512, 0, 16, 2, true) + dequant(16, 2);
}
Settings m16n1024() {
  return tiles("qr", 16, 128, 256, 2, 1, 1, false) + tiles("kv", 16, 128, 256, 4, 1, 1, false) +
         tiles("qproj", 16, 1024, 128, 0, 2, 1, false) + dequant(8, 1);
}

Settings m16n512() {
  Settings s = m16n1024();
  const Settings qproj = tiles("qproj", 16, 512, 128, 0, 1, 1, false);
  s.insert(s.end(), qproj.begin(), qproj.end());
  return s;
}

/// State of PR480: M=128, N=32, mixed qproj, separate norm and swap-gather scopes.
Settings p480() {
  return {{"tiling", "m128n32"},  {"layout", "swap_gather"}, {"qr_bf16", "true"},
          {"attn_norm", "false"}, {"kv_rope_t_tile", "32"},  {"kv_rope_tiles_per_block", "1"}};
}
Settings p441() { return p480() + Settings{{"layout", "mask_scatter"}, {"attn_norm", "true"}}; }
Settings p425() {
  return p441() + Settings{{"q_rope_writeback", "true"}, {"kv_rope_tiles_per_block", "4"}};
}
/// One task per block, staged norms, selector reassembly (§2.14).
Settings p374() {
  return p480() + Settings{{"layout", "selector_matmul"},
                           {"attn_norm", "true"},
                           {"grid", "tasks"},
                           {"inputs", "p253"},
                           {"staged_norms", "true"},
                           {"qr_tiles_per_block", "1"},
                           {"qr_k_stage", "4"},
                           {"qr_n_stage", "1"},
                           {"kv_tiles_per_block", "1"},
                           {"kv_k_stage", "4"},
                           {"kv_n_stage", "1"},
                           {"qproj_form", "split"},
                           {"qproj_slot_num", "0"},
                           {"qproj_tiles_per_block", "8"},
                           {"qproj_n_stage", "1"},
                           {"dequant_t_tile", "64"},
                           {"dequant_tiles_per_block", "32"},
                           {"q_heads_per_block", "1"},
                           {"q_head_t_tile", "64"},
                           {"kv_norm_t_tile", "64"}};
}
/// 16 tokens, a task per head and N tile, selector sub-blocks (§2.13).
Settings p253() {
  return p374() + tiles("qr", 16, 32, 512, 1, 1, 1, true) +
         tiles("kv", 16, 32, 512, 1, 1, 1, true) + tiles("qproj", 16, 128, 128, 0, 1, 1, true) +
         Settings{
             {"task_per_head", "true"}, {"staged_norms", "false"},        {"dequant_t_tile", "16"},
             {"dequant_n_tile", "128"}, {"dequant_tiles_per_block", "1"}, {"q_head_t_tile", "16"},
             {"kv_norm_t_tile", "16"},  {"qr_norm_t_tile", "16"},         {"qr_norm_chunk", "512"}};
}
Settings p718() {
  return {{"tiling", "m16n1024"},     {"layout", "fused_swap_gather"}, {"qr_norm_chunk", "256"},
          {"qr_amax_folded", "true"}, {"q_head_load", "whole"},        {"q_head_t_tile", "8"},
          {"kv_norm_t_tile", "8"},    {"kv_norm_chunk", "64"}};
}

/// What layout hoisted came with: a head is loaded whole, so its token tile must be short.
Settings hoisted() {
  return {{"q_head_t_tile", "8"}, {"q_heads_per_block", "4"}, {"q_head_stage", "2"}};
}
Settings head() {
  return p718() + Settings{{"tiling", "m16n512"}, {"layout", "hoisted"}, {"norm_root", "rsqrt"}} +
         hoisted();
}
Settings p845() { return head() + Settings{{"tiling", "m16n1024"}}; }
Settings p792() { return p845() + Settings{{"kv_hoisted_tables", "false"}}; }
Settings p823() { return p792() + Settings{{"split_k_sum", "alloc"}}; }
Settings p953() { return head() + Settings{{"split_k_sum", "partials"}}; }
Settings p771() { return p792() + Settings{{"q_rope_order", "rotate_first"}}; }

std::vector<Preset> presets() {
  return {{"era", "p578", {{"tiling", "m128n256"}, {"layout", "fused_swap_gather"}}},
          {"era", "pre570", {{"tiling", "m16n32"}, {"layout", "swap_gather"}}},
          {"era", "p570", {{"tiling", "m16n32"}, {"layout", "split_half"}}},
          {"era", "p480", p480()},
          {"era", "p441", p441()},
          {"era", "p425", p425()},
          {"era", "p374", p374()},
          {"era", "p253", p253()},
          {"era", "p718", p718()},
          {"era", "p771", p771()},
          {"era", "p792", p792()},
          {"era", "p823", p823()},
          {"era", "p845", p845()},
          {"era", "p953", p953()},
          {"era", "head", head()},
          {"era", "p253", {{"tokens", "16"}}, "decode"},
          {"era", "p718", {{"tokens", "8"}}, "decode"},
          {"era", "p771", {{"tokens", "8"}}, "decode"},
          {"era", "p792", {{"tokens", "8"}}, "decode"},
          {"era", "p823", {{"tokens", "8"}}, "decode"},
          {"era", "p845", {{"tokens", "8"}}, "decode"},
          {"era", "p953", {{"tokens", "8"}}, "decode"},
          {"era", "head", {{"tokens", "8"}}, "decode"},
          {"layout", "hoisted", hoisted()},
          {"tiling", "m128n256", m128n256()},
          {"tiling", "m128n32", m128n32()},
          {"tiling", "m16n32", m16n32()},
          {"tiling", "m16n1024", m16n1024()},
          {"tiling", "m16n512", m16n512()}};
}

CubeTiles cube_tiles(const Knobs& k, const std::string& p) {
  CubeTiles t;
  t.m = k.integer(p + "_m_tile");
  t.n = k.integer(p + "_n_tile");
  t.k = k.integer(p + "_k_tile");
  t.split_k = k.has(p + "_split_k") ? k.integer(p + "_split_k") : 1;
  t.tiles_per_block = k.integer(p + "_tiles_per_block");
  t.k_stage = static_cast<int>(k.integer(p + "_k_stage"));
  t.n_stage = static_cast<int>(k.integer(p + "_n_stage"));
  t.peel = k.flag(p + "_peel");
  return t;
}

}  // namespace

const KnobTable& knob_table() {
  static const KnobTable table("qkv_proj_rope", {"decode", "prefill"}, all_knobs(), presets());
  return table;
}

const KnobTable& prefill_knob_table() {
  // The same knobs with P374's values; the preset only serves to state them once.
  static const KnobTable table = [] {
    std::vector<Knob> knobs = all_knobs();
    for (Knob& k : knobs)
      if (k.name == "era") k = choice_knob("era", {"p374"}, "this program exists at P374 only");
    append(knobs, {int_knob("token_chunk", 64, 8, 1024, 8, "token rows of one chunk"),
                   int_knob("start_pos", 0, 0, 8192, 1, "position of the first token")});
    std::vector<Preset> all = presets(), kept;
    for (const Preset& p : all)
      if (p.knob != "era" || p.value == "p374") kept.push_back(p);
    kept.front().settings =
        kept.front().settings +
        Settings{{"qr_m_tile", "64"}, {"kv_m_tile", "64"}, {"qproj_m_tile", "64"}};
    return KnobTable("prefill_qkv_proj_rope", {"prefill"}, std::move(knobs), std::move(kept));
  }();
  return table;
}

Config config(const Knobs& k, const std::string& program) {
  Config c;
  const auto stage = [&](const char* name) { return static_cast<int>(k.integer(name)); };
  c.program = program;
  c.prefix = program == "prefill_qkv_proj_rope" ? "prefill_" : "";
  c.tasks = k.text("grid") == "tasks";
  c.tokens = k.integer("tokens");
  c.hidden = k.integer("hidden");
  c.q_lora = k.integer("q_lora");
  c.heads = k.integer("heads");
  c.p253_inputs = k.text("inputs") == "p253";
  c.layout = rope::parse_layout(k.text("layout"));
  c.attn_norm = k.flag("attn_norm");
  c.staged_norms = k.flag("staged_norms");
  c.qr_bf16 = k.flag("qr_bf16");
  c.task_per_head = k.flag("task_per_head");
  c.amax_folded = k.flag("qr_amax_folded");
  c.mixed_qproj = k.text("qproj_form") == "mixed";
  c.qproj_slot_num = stage("qproj_slot_num");
  c.whole_head = k.text("q_head_load") == "whole";
  c.rope_writeback = k.flag("q_rope_writeback");
  c.rsqrt_norms = k.text("norm_root") == "rsqrt";
  const std::string& sum = k.text("split_k_sum");
  c.split_k_sum = sum == "seed"    ? SplitKSum::Seed
                  : sum == "alloc" ? SplitKSum::Alloc
                                   : SplitKSum::Partials;
  c.normalise_first = k.text("q_rope_order") == "normalise_first";
  c.kv_hoisted = k.flag("kv_hoisted_tables");
  c.prepare_t_tile = k.integer("q_rope_prepare_t_tile");
  c.qr = cube_tiles(k, "qr");
  c.kv = cube_tiles(k, "kv");
  c.qproj = cube_tiles(k, "qproj");
  c.attn_t_tile = k.integer("attn_norm_t_tile");
  c.qr_norm_t_tile = k.integer("qr_norm_t_tile");
  c.qr_norm_chunk = k.integer("qr_norm_chunk");
  c.qr_norm_stage = stage("qr_norm_stage");
  c.dequant_t_tile = k.integer("dequant_t_tile");
  c.dequant_n_tile = k.integer("dequant_n_tile");
  c.dequant_tiles_per_block = k.integer("dequant_tiles_per_block");
  c.dequant_n_stage = stage("dequant_n_stage");
  c.dequant_t_stage = stage("dequant_t_stage");
  c.q_head_t_tile = k.integer("q_head_t_tile");
  c.q_head_chunk = k.integer("q_head_chunk");
  c.q_heads_per_block = k.integer("q_heads_per_block");
  c.q_head_stage = stage("q_head_stage");
  c.q_rope_t_tile = k.integer("q_rope_t_tile");
  c.q_rope_heads_per_block = k.integer("q_rope_heads_per_block");
  c.kv_norm_t_tile = k.integer("kv_norm_t_tile");
  c.kv_norm_chunk = k.integer("kv_norm_chunk");
  c.kv_norm_stage = stage("kv_norm_stage");
  c.kv_rope_t_tile = k.integer("kv_rope_t_tile");
  c.kv_rope_tiles_per_block = k.integer("kv_rope_tiles_per_block");
  return c;
}

namespace {

/// Knobs that belong to the program that contains the projections, or make no sense inside one.
const char* const kOuterKnobs[] = {"era",  "layout", "tokens",    "hidden",       "heads",
                                   "grid", "inputs", "attn_norm", "staged_norms", "task_per_head"};

bool is_outer(const std::string& name) {
  return std::find(std::begin(kOuterKnobs), std::end(kOuterKnobs), name) != std::end(kOuterKnobs);
}

}  // namespace

std::vector<Knob> part_knobs() {
  std::vector<Knob> knobs = all_knobs();
  knobs.erase(
      std::remove_if(knobs.begin(), knobs.end(), [](const Knob& k) { return is_outer(k.name); }),
      knobs.end());
  return in_part("qkv_proj_rope", std::move(knobs));
}

std::vector<Preset> part_presets() {
  std::vector<Preset> kept;
  for (Preset& p : presets())
    if (p.knob == "tiling") kept.push_back(std::move(p));
  return kept;
}

Settings part_era(const std::string& era) {
  Settings kept;
  for (const Preset& p : presets())
    if (p.knob == "era" && p.value == era && p.mode.empty())
      for (const auto& setting : p.settings)
        if (!is_outer(setting.first)) kept.push_back(setting);
  return kept;
}

Config part_config(Knobs knobs, const std::string& program, const PartSizes& sizes,
                   rope::Layout layout) {
  knobs.set("tokens", std::to_string(sizes.tokens));
  knobs.set("hidden", std::to_string(sizes.hidden));
  knobs.set("heads", std::to_string(sizes.heads));
  knobs.set("layout", rope::to_string(layout));
  knobs.set("grid", "spmd");
  knobs.set("inputs", "uniform");
  knobs.set("attn_norm", "false");
  knobs.set("staged_norms", "false");
  knobs.set("task_per_head", "false");
  return config(knobs, program);
}

}  // namespace kernels::qkv
