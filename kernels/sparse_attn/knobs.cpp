// Declared knobs, and the combinations that are refused before anything runs.
#include "kernels/limits.h"
#include "kernels/sparse_attn/config.h"

namespace kernels::sparse {
namespace {

std::string s(int64_t v) { return std::to_string(v); }

void check_attention(const Config& c) {
  divides(c, "the window", kWindow, "kv_block", c.kv_block);
  divides(c, "heads", c.heads, "qk_head_tile", c.qk_head_tile);
  divides(c, "qk_head_tile", c.qk_head_tile, "merge_head_tile", c.merge_head_tile);
  fits(c, "UB", "the zeroed kv_block x 512 tile of gather_kv in BF16", c.kv_block * kHead * 2,
       kVecBytes);
  fits(c, "L0C", "the products of qk_head_tile x kv_block and qk_head_tile x 512 in FP32",
       c.qk_head_tile * (c.kv_block + kHead) * 4, kAccBytes);
  fits(c, "UB", "two FP32 tiles of merge_head_tile x 512", 2 * c.merge_head_tile * kHead * 4,
       kVecBytes);
}

void check_projections(const Config& c) {
  divides(c, "o_lora", c.o_lora, "proj_a_n_tile", c.proj_a_n_tile);
  divides(c, "K of proj_a", kGroupWidth, "proj_a_k_tile", c.proj_a_k_tile);
  divides(c, "N of proj_b, hidden", c.hidden, "proj_b_n_tile", c.proj_b_n_tile);
  divides(c, "K of proj_b", c.o_width(), "proj_b_k_tile", c.proj_b_k_tile);
  divides(c, "K of proj_b", c.o_width(), "quant_split x quant_chunk",
          c.quant_split * c.quant_chunk);
  const int64_t rows = std::min(c.proj_m_tile, c.tokens());
  for (const auto& [name, n, slots] : {std::tuple("proj_a", c.proj_a_n_tile, c.proj_a_slot_num),
                                       std::tuple("proj_b", c.proj_b_n_tile, c.proj_b_slot_num)}) {
    const std::string p = name;
    fits(c, "L0C", "a " + p + " accumulator of " + s(rows) + " x " + s(n), rows * n * 4, kAccBytes);
    fits(c, "UB", s(slots) + " ring slots (" + p + "_slot_num) of " + s(rows) + " x " + s(n),
         slots * rows * n * 4, kVecBytes);
  }
}

const char* const kPart = "sparse_attn";

}  // namespace

std::vector<rope::Layout> layouts() {
  using rope::Layout;
  return {Layout::SwapGather, Layout::SplitHalf, Layout::MaskScatter, Layout::Hoisted};
}

std::vector<Preset> presets() { return {{"layout", "mask_scatter", {{"rope_t_tile", "4"}}}}; }

std::vector<Knob> size_knobs(Kind kind) {
  // Prefill reads 384 of 640 columns and has two compressed pages (kernels.md §2.12).
  const bool prefill = kind == Kind::Prefill;
  const int64_t columns = kind == Kind::Csa ? 512 : kind == Kind::Hca ? 64 : prefill ? 256 : 0;
  return in_part(
      kPart,
      {int_knob("o_lora", 1024, 128, 1536, 128, "rank of the output projection of a head group"),
       int_knob("cmp_columns", columns, 0, 1024, kind == Kind::Csa ? 128 : 1,
                "compressed columns of the index list: CSA the indexer's top-k, HCA 8192 / 128"),
       int_knob("cmp_pages", prefill ? 2 : 64, 1, 1024, 1, "compressed KV pages of a request")});
}

std::vector<Knob> tile_knobs(Kind kind) {
  const bool drains_halves = kind == Kind::Csa || kind == Kind::Prefill;
  std::vector<Knob> knobs = {
      int_knob("kv_block", 128, 32, 128, 32, "KV rows of one softmax block"),
      int_knob("valid_t_tile", 16, 8, 128, 8, "tokens of a build_valid block"),
      int_knob("gather_stage", 4, 1, 8, 1, "pipeline stages of gather_kv's row loop, 1 = range"),
      int_knob("gather_cmp_stage", 1, 1, 8, 1, "of the row loop over a compressed block"),
      int_knob("qk_head_tile", 32, 16, 64, 16, "heads of one QK / PV product"),
      int_knob("qk_stage", 2, 1, 4, 1, "pipeline stages of qk_pv's loop over head batches"),
      int_knob("merge_head_tile", 16, 8, 32, 8, "heads of a merge_norm tile"),
      int_knob("rope_cs_frequencies", 16, 8, 32, 8, "frequencies of a rope_cs block"),
      int_knob("rope_t_tile", 64, 4, 128, 4, "tokens of a rope block"),
      int_knob("rope_heads", 4, 1, 8, 1, "heads of a rope block"),
      int_knob("rope_pack_t_tile", 32, 8, 128, 8, "tokens of a rope_pack block (mask_scatter)"),
      int_knob("proj_m_tile", 128, 16, 128, 16, "token rows of a proj_a / proj_b product"),
      int_knob("proj_row_tile", 32, 16, 128, 16, "rows of their vector parts' slices"),
      int_knob("proj_a_n_tile", 128, 32, 256, 32, "columns of a proj_a block"),
      int_knob("proj_a_k_tile", 128, 32, 1024, 32, "K of one proj_a load"),
      int_knob("proj_a_stage", 2, 1, 8, 1, "pipeline stages of its K loop, 1 = range"),
      int_knob("proj_a_slot_num", 0, 0, 8, 1,
               "ring depth of its hand-over to the vector cores, 0 = the chip's"),
      int_knob("quant_t_tile", 8, 8, 128, 8, "tokens of a quant block"),
      int_knob("quant_chunk", 512, 32, 4096, 32, "columns of a quant tile"),
      int_knob("quant_split", 2, 1, 16, 1, "quant blocks that share some tokens"),
      int_knob("quant_stage", 1, 1, 8, 1, "pipeline stages of its chunk loop, 1 = range"),
      int_knob("proj_b_n_tile", 128, 32, 256, 32, "columns of a proj_b block"),
      int_knob("proj_b_k_tile", 256, 32, 2048, 32, "K of one proj_b load"),
      int_knob("proj_b_stage", 2, 1, 8, 1, "pipeline stages of its K loop, 1 = range"),
      int_knob("proj_b_slot_num", 0, 0, 8, 1,
               "ring depth of its hand-over to the vector cores, 0 = the chip's"),
      flag_knob("proj_b_split", drains_halves,
                "UP_DOWN: each vector lane dequantises half of proj_b's rows"),
      flag_knob("proj_b_peel", kind == Kind::Prefill,
                "the first K tile of proj_b in front of its loop")};
  if (kind == Kind::Prefill)
    knobs.push_back(int_knob("gather_tokens", 4, 1, 128, 1, "tokens of a gather_kv block"));
  return in_part(kPart, std::move(knobs));
}

Config config(const Knobs& k, Kind kind, const std::string& program) {
  const auto stage = [&](const char* name) { return static_cast<int>(k.integer(name)); };
  Config c;
  c.program = program;
  c.kind = kind;
  c.layout = rope::parse_layout(k.text("layout"));
  c.batch = kind == Kind::Prefill ? 1 : k.integer("batch");
  c.seq = k.integer(kind == Kind::Prefill ? "tokens" : "seq");
  c.heads = k.integer("heads");
  c.hidden = k.integer("hidden");
  c.o_lora = k.integer("o_lora");
  c.cmp_columns = k.integer("cmp_columns");
  c.cmp_pages = k.integer("cmp_pages");
  c.min_blocks = kind == Kind::Swa ? 2 : 1;
  c.kv_block = k.integer("kv_block");
  c.valid_t_tile = k.integer("valid_t_tile");
  c.gather_stage = stage("gather_stage");
  c.gather_cmp_stage = stage("gather_cmp_stage");
  c.qk_head_tile = k.integer("qk_head_tile");
  c.qk_stage = stage("qk_stage");
  c.merge_head_tile = k.integer("merge_head_tile");
  c.rope_cs_frequencies = k.integer("rope_cs_frequencies");
  c.rope_t_tile = k.integer("rope_t_tile");
  c.rope_heads = k.integer("rope_heads");
  c.rope_pack_t_tile = k.integer("rope_pack_t_tile");
  c.proj_m_tile = k.integer("proj_m_tile");
  c.proj_row_tile = k.integer("proj_row_tile");
  c.proj_a_n_tile = k.integer("proj_a_n_tile");
  c.proj_a_k_tile = k.integer("proj_a_k_tile");
  c.proj_a_stage = stage("proj_a_stage");
  c.proj_a_slot_num = stage("proj_a_slot_num");
  c.quant_t_tile = k.integer("quant_t_tile");
  c.quant_chunk = k.integer("quant_chunk");
  c.quant_split = k.integer("quant_split");
  c.quant_stage = stage("quant_stage");
  c.proj_b_n_tile = k.integer("proj_b_n_tile");
  c.proj_b_k_tile = k.integer("proj_b_k_tile");
  c.proj_b_stage = stage("proj_b_stage");
  c.proj_b_slot_num = stage("proj_b_slot_num");
  c.proj_b_split = k.flag("proj_b_split");
  c.proj_b_peel = k.flag("proj_b_peel");
  if (kind != Kind::Prefill) return c;
  c.num_tokens = k.integer("num_tokens");
  c.gather_tokens = k.integer("gather_tokens");
  return c;
}

void check(const Config& c) {
  divides(c, "heads", c.heads, "the heads of an output group", kHeadsPerGroup);
  divides(c, "the heads of an output group", kHeadsPerGroup, "rope_heads", c.rope_heads);
  if (c.seq > kWindow)
    conflict(c.program, "seq " + s(c.seq) + " is above the window of " + s(kWindow) + " slots");
  if (c.num_tokens > c.tokens())
    conflict(c.program,
             "num_tokens " + s(c.num_tokens) + " is above the " + s(c.tokens()) + " token rows");
  if (c.cmp_columns > c.cmp_pages * kPage)
    conflict(c.program, "cmp_columns " + s(c.cmp_columns) + " is above the " +
                            s(c.cmp_pages * kPage) + " rows of cmp_pages");
  if (c.kind == Kind::Swa && c.cmp_columns > 0)
    conflict(c.program, "a sliding-window layer has no compressed columns, cmp_columns is " +
                            s(c.cmp_columns));
  check_attention(c);
  check_projections(c);
}

}  // namespace kernels::sparse
