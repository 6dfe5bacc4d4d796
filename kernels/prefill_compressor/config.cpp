#include "kernels/prefill_compressor/config.h"
#include "kernels/limits.h"

#include <algorithm>

namespace kernels::prefill_compressor {
namespace {

std::string s(int64_t v) { return std::to_string(v); }

void check_projection(const Config& c) {
  divides(c, "hidden", c.hidden, "state_proj_k_tile", c.proj_k_tile);
  divides(c, "the width", c.width(), "state_proj_n_tile", c.proj_n_tile);
  fits(c, "L0C", "a value and a score accumulator of state_proj_m_tile x state_proj_n_tile",
       2 * c.proj_m_tile * c.proj_n_tile * 4, kAccBytes);
  const int64_t stages = std::min<int64_t>(c.proj_stage, c.hidden / c.proj_k_tile);
  fits(c, "Mat", "x, wkv and wgate tiles of state_proj in " + s(stages) + " stages",
       stages * c.proj_k_tile * (c.proj_m_tile + 2 * c.proj_n_tile) * 2, kMatBytes);
}

void check_vector_tiles(const Config& c) {
  const std::string head = "the head of " + s(c.head()) + " lanes,";
  divides(c, head, c.head(), "pool_chunk", c.pool_chunk);
  divides(c, head, c.head(), "cmp_norm_chunk", c.norm_chunk);
  divides(c, "the lanes without position,", c.nope(), "cmp_norm_chunk", c.norm_chunk);
  divides(c, "the width", c.width(), "state_update_chunk", c.state_chunk);
  fits(c, "UB", "three FP32 tiles of cmp_norm_writes x cmp_norm_chunk",
       3 * c.norm_writes * c.norm_chunk * 4, kVecBytes);
}

void check_positions(const Config& c) {
  if (c.num_tokens > c.tokens)
    conflict(c.program, "num_tokens " + s(c.num_tokens) + " of tokens " + s(c.tokens));
  const int64_t end = c.start_pos + c.tokens;
  const int64_t state_rows = c.state_pages * c.state_page_rows();
  if (end > state_rows)
    conflict(c.program, "start_pos " + s(c.start_pos) + " + tokens " + s(c.tokens) +
                            " is past the " + s(state_rows) + " positions of the state pool");
  const int64_t cmp_rows = c.cmp_pages * kPage;
  if (end / c.ratio() > cmp_rows)
    conflict(c.program, "start_pos " + s(c.start_pos) + " + tokens " + s(c.tokens) +
                            " completes more windows than the " + s(cmp_rows) +
                            " rows of the compressed pool");
  if (end > kMaxPosition)
    conflict(c.program, "start_pos " + s(c.start_pos) + " + tokens " + s(c.tokens) +
                            " is past the tables' " + s(kMaxPosition) + " rows");
}

}  // namespace

std::vector<Knob> size_knobs(Kind kind) {
  const int64_t pages = kind == Kind::Ratio128 ? 1024 : 2048;  // kernels.md §1.3
  return {int_knob("tokens", 128, 16, 128, 16, "token rows T"),
          int_knob("hidden", kHidden, 256, 16384, 256, "model width D"),
          int_knob("num_tokens", -1, -1, 128, 1, "active token rows, the rest is padding; -1: all"),
          int_knob("start_pos", 0, 0, kMaxPosition - 1, 1, "position of the first token"),
          int_knob("state_pages", pages, 32, 2048, 1, "pages of the state pool"),
          int_knob("cmp_pages", 2, 2, 64, 1, "compressed pages of 128 rows")};
}

std::vector<Knob> tile_knobs(Kind kind, const std::string& prefix) {
  const auto knob = [&](const char* name, int64_t value, int64_t min, int64_t max, int64_t multiple,
                        const char* doc) {
    return int_knob(prefix + name, value, min, max, multiple, doc);
  };
  const bool indexer = kind == Kind::Indexer;
  const int64_t pool = kind == Kind::Ratio4 ? 256 : indexer ? 32 : 64;
  const int64_t state = kind == Kind::Ratio4 ? 1024 : indexer ? 64 : 512;
  std::vector<Knob> knobs = {
      knob("state_proj_m_tile", 128, 16, 256, 16, "token rows of a state_proj tile"),
      knob("state_proj_n_tile", indexer ? 64 : 32, 16, 256, 16, "columns of a state_proj tile"),
      knob("state_proj_k_tile", 512, 64, 2048, 16, "K of one state_proj load"),
      knob("state_proj_stage", 2, 1, 8, 1, "pipeline stages of its K loop, 1 = range"),
      knob("pool_chunk", pool, 16, 512, 16, "columns of a softmax_pool block"),
      knob("cmp_norm_writes", 16, 8, 32, 8, "pooled rows of a norm block"),
      knob("cmp_norm_chunk", 64, 16, 512, 16, "columns of a norm tile"),
      knob("cmp_norm_stage", 1, 1, 8, 1, "pipeline stages of its chunk loops, 1 = range"),
      knob("cache_writes", 16, 1, 32, 1, "compressed rows of a cache_write block"),
      knob("state_update_chunk", state, 16, 1024, 16, "columns of a state_update block")};
  if (indexer)
    knobs.push_back(knob("hadamard_n_tile", 64, 16, 128, 16, "columns of a hadamard tile"));
  return knobs;
}

std::vector<rope::Layout> layouts(Kind kind) {
  using rope::Layout;
  if (kind == Kind::Indexer) return {Layout::MaskScatter, Layout::SwapGather};
  return {Layout::MaskScatter, Layout::SwapGather, Layout::SplitHalf};
}

Config config(const Knobs& k, Kind kind, const std::string& program, const std::string& prefix) {
  const auto integer = [&](const char* name) { return k.integer(prefix + name); };
  Config c;
  c.kind = kind;
  c.program = program;
  c.tokens = k.integer("tokens");
  c.hidden = k.integer("hidden");
  c.num_tokens = k.integer("num_tokens") < 0 ? c.tokens : k.integer("num_tokens");
  c.start_pos = k.integer("start_pos");
  c.state_pages = kind == Kind::Ratio128 ? 1024 : 2048;
  if (k.has("state_pages")) c.state_pages = k.integer("state_pages");
  c.cmp_pages = k.integer("cmp_pages");
  c.layout = rope::parse_layout(k.text("layout"));
  if (kind == Kind::Indexer && c.layout == rope::Layout::SplitHalf)
    c.layout = rope::Layout::MaskScatter;
  if (k.has("fixture") && k.text("fixture") == "holes") c.fixture = Fixture::Holes;
  c.proj_m_tile = integer("state_proj_m_tile");
  c.proj_n_tile = integer("state_proj_n_tile");
  c.proj_k_tile = integer("state_proj_k_tile");
  c.proj_stage = static_cast<int>(integer("state_proj_stage"));
  c.pool_chunk = integer("pool_chunk");
  c.norm_writes = integer("cmp_norm_writes");
  c.norm_chunk = integer("cmp_norm_chunk");
  c.norm_stage = static_cast<int>(integer("cmp_norm_stage"));
  c.cache_writes = integer("cache_writes");
  c.state_chunk = integer("state_update_chunk");
  if (kind == Kind::Indexer) c.hadamard_n_tile = integer("hadamard_n_tile");
  return c;
}

void check(const Config& c) {
  check_projection(c);
  check_vector_tiles(c);
  check_positions(c);
}

}  // namespace kernels::prefill_compressor
