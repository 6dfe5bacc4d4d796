#include "kernels/compressor/config.h"
#include "kernels/limits.h"

#include <algorithm>

namespace kernels::compressor {
namespace {

// What the authors' kernels are built against (kernels.md §0.1).
constexpr int64_t kCubeRows = 16;  // granularity of a matmul

std::string s(int64_t v) { return std::to_string(v); }

/// Requests of a norm or write-back block.
int64_t requests_per_block(Kind kind) { return kind == Kind::Ratio128 ? 8 : 16; }

void check_projection(const Config& c) {
  divides(c, "hidden", c.hidden, "kv_score_k_tile", c.proj_k_tile);
  divides(c, "the width", c.width(), "kv_score_n_tile", c.proj_n_tile);
  fits(c, "L0C", "a value and a score accumulator of kv_score_m_tile x kv_score_n_tile",
       2 * c.proj_m_tile * c.proj_n_tile * 4, kAccBytes);
  const int64_t stages = std::min<int64_t>(c.proj_stage, c.hidden / c.proj_k_tile);
  fits(c, "Mat", "x, wkv and wgate tiles of kv_score in " + s(stages) + " stages",
       stages * c.proj_k_tile * (c.proj_m_tile + 2 * c.proj_n_tile) * 2, kMatBytes);
}

void check_vector_tiles(const Config& c) {
  divides(c, "the head of " + s(c.head()) + " lanes", c.head(), "pool_chunk", c.pool_chunk);
  divides(c, "the head of " + s(c.head()) + " lanes", c.head(), "cmp_norm_chunk", c.norm_chunk);
  divides(c, "the lanes without position,", c.nope(), "cmp_norm_chunk", c.norm_chunk);
  if (c.kind == Kind::Ratio128)
    fits(c, "UB", "the two gathered windows of softmax_pool and one transposed",
         3 * c.ratio() * c.pool_chunk * 4, kVecBytes);
  fits(c, "UB", "three FP32 tiles of cmp_norm_requests x cmp_norm_chunk",
       3 * std::min(c.norm_requests, c.batch) * c.norm_chunk * 4, kVecBytes);
}

void check_cube_rows(const Config& c) {
  if (c.layout != rope::Layout::SelectorMatmul) return;
  const int64_t last = c.batch % c.norm_requests;
  if (c.norm_requests % kCubeRows != 0 || last % kCubeRows != 0)
    conflict(c.program, "layout=selector_matmul rotates blocks of cmp_norm_requests (" +
                            s(c.norm_requests) + ") of " + s(c.batch) +
                            " requests on the cube, in multiples of " + s(kCubeRows) + " rows");
}

void check_positions(const Config& c) {
  const int64_t positions = c.state_pages * c.state_page_rows();
  if (c.start_pos + c.seq > positions)
    conflict(c.program, "start_pos " + s(c.start_pos) + " + seq " + s(c.seq) + " is past the " +
                            s(positions) + " positions of state_pages pages");
}

}  // namespace

std::vector<Knob> size_knobs(Kind kind) {
  // 65 pages of 4 positions, 64 pages of 8 (kernels.md §1.3); published starts reach 127 and 255.
  const bool ratio128 = kind == Kind::Ratio128;
  return {int_knob("batch", 64, 1, 256, 1, "requests B"),
          int_knob("seq", 2, 1, 8, 1, "tokens of a request in this step, S"),
          int_knob("hidden", 4096, 256, 16384, 256, "model width D"),
          int_knob("state_pages", ratio128 ? 64 : 65, 33, 1024, 1, "state pages of a request"),
          int_knob("cmp_pages", 64, 1, 64, 1, "compressed pages of 128 rows of a request"),
          int_knob("start_pos", -1, -1, 8191, 1,
                   "position of every request's first token, -1: the published mix")};
}

std::vector<Knob> tile_knobs(Kind kind, const std::string& prefix) {
  const auto knob = [&](const char* name, int64_t value, int64_t min, int64_t max, int64_t multiple,
                        const char* doc) {
    return int_knob(prefix + name, value, min, max, multiple, doc);
  };
  const int64_t requests = requests_per_block(kind);
  std::vector<Knob> knobs = {
      knob("kv_score_m_tile", 64, 16, 256, 16, "token rows of a kv_score_proj tile"),
      knob("kv_score_n_tile", 64, 16, 256, 16, "columns of a kv_score_proj tile"),
      knob("kv_score_k_tile", 512, 64, 2048, 16, "K of one kv_score_proj load"),
      knob("kv_score_stage", 2, 1, 8, 1, "pipeline stages of its K loop, 1 = range"),
      knob("state_stage", 2, 1, 8, 1, "pipeline stages of the state scatter's token loop"),
      knob("pool_chunk", 64, 16, 512, 16, "columns of a softmax_pool tile"),
      knob("cmp_norm_requests", requests, 1, 128, 1, "requests of a rmsnorm_rope block"),
      knob("cmp_norm_chunk", 64, 16, 512, 16, "columns of a rmsnorm_rope tile"),
      knob("cmp_norm_stage", kind == Kind::Ratio128 ? 2 : 1, 1, 8, 1, "pipeline stages of its chunk loops, 1 = range"),
      knob("cmp_write_requests", requests, 1, 128, 1, "requests of a write-back block")};
  if (kind == Kind::Ratio128)
    knobs.push_back(knob("pool_stage", 2, 1, 8, 1, "pipeline stages of softmax_pool's gathers"));
  if (kind == Kind::Indexer)
    knobs.push_back(knob("hadamard_n_tile", 64, 16, 128, 16, "columns of a kv_hadamard tile"));
  return in_part(kind == Kind::Indexer ? "indexer compressor" : "compressor", std::move(knobs));
}

std::vector<rope::Layout> layouts(Kind kind) {
  using rope::Layout;
  if (kind == Kind::Indexer)
    return {Layout::SwapGather, Layout::MaskScatter, Layout::IndexScatter, Layout::SelectorMatmul};
  return {Layout::SwapGather, Layout::SplitHalf, Layout::MaskScatter, Layout::IndexScatter,
          Layout::SelectorMatmul};
}

std::vector<Preset> layout_presets(Kind kind, const std::string& prefix) {
  if (requests_per_block(kind) % kCubeRows == 0) return {};
  return {{"layout", "selector_matmul", {{prefix + "cmp_norm_requests", "16"}}}};
}

Config config(const Knobs& k, Kind kind, const std::string& program, const std::string& prefix) {
  const auto integer = [&](const char* name) { return k.integer(prefix + name); };
  const auto stage = [&](const char* name) { return static_cast<int>(integer(name)); };
  Config c;
  c.kind = kind;
  c.program = program;
  c.batch = k.integer("batch");
  c.seq = k.integer("seq");
  c.hidden = k.integer("hidden");
  c.state_pages = kind == Kind::Ratio128 ? 64 : 65;
  if (k.has("state_pages")) c.state_pages = k.integer("state_pages");
  c.cmp_pages = k.has("cmp_pages") ? k.integer("cmp_pages") : 64;
  if (k.has("start_pos")) c.start_pos = k.integer("start_pos");
  c.layout = rope::parse_layout(k.text("layout"));
  if (kind == Kind::Indexer && c.layout == rope::Layout::SplitHalf)
    c.layout = rope::Layout::SwapGather;
  c.proj_m_tile = integer("kv_score_m_tile");
  c.proj_n_tile = integer("kv_score_n_tile");
  c.proj_k_tile = integer("kv_score_k_tile");
  c.proj_stage = stage("kv_score_stage");
  c.state_stage = stage("state_stage");
  c.pool_chunk = integer("pool_chunk");
  if (kind == Kind::Ratio128) c.pool_stage = stage("pool_stage");
  c.norm_requests = integer("cmp_norm_requests");
  c.norm_chunk = integer("cmp_norm_chunk");
  c.norm_stage = stage("cmp_norm_stage");
  if (kind == Kind::Indexer) c.hadamard_n_tile = integer("hadamard_n_tile");
  c.write_requests = integer("cmp_write_requests");
  return c;
}

void check(const Config& c) {
  check_projection(c);
  check_vector_tiles(c);
  check_cube_rows(c);
  check_positions(c);
}

}  // namespace kernels::compressor
