// Knobs, their checks and the weights of the lightning indexer.
#include <cmath>

#include "isa/numerics.h"
#include "kernels/fixtures.h"
#include "kernels/indexer/decode_indexer.h"
#include "kernels/launch.h"
#include "kernels/limits.h"
#include "kernels/mx_grid.h"

namespace kernels {
namespace {

using isa::DType;
using Config = DecodeIndexerConfig;

constexpr char kInnerKnobs[] = "idx_";

std::string s(int64_t v) { return std::to_string(v); }

/// One-hot [64, 32]: row 2i (even) or 2i + 1 (odd) has its 1 in column i.
void fill_selector(const HostTensor& t, int64_t first) {
  for (int64_t i = 0; i < kHalf; ++i)
    t.as<uint16_t>()[(2 * i + first) * kHalf + i] = isa::f32_to_bf16(1);
}

}  // namespace

std::vector<Knob> decode_indexer_sizes() {
  return in_part("indexer",
                 {int_knob("idx_heads", 64, 16, 64, 16, "index heads"),
                  int_knob("idx_topk", 512, 32, 2048, 32, "index keys kept"),
                  int_knob("idx_pages", 64, 1, 64, 1, "index key pages of a request"),
                  int_knob("max_position", kMaxPosition, 512, 16384, 128, "longest context")});
}

std::vector<Knob> decode_indexer_knobs() {
  std::vector<Knob> knobs = {
      int_knob("idx_q_m_tile", 128, 16, 128, 16, "token rows of a qr_proj tile"),
      int_knob("idx_q_n_tile", 256, 16, 512, 16, "columns of a qr_proj tile"),
      int_knob("idx_q_k_tile", 128, 32, 1024, 32, "depth of a qr_proj tile"),
      int_knob("idx_q_stage", 2, 1, 8, 1, "pipeline stages of its K loop"),
      int_knob("idx_q_dequant_rows", 16, 16, 128, 16, "rows dequantised at once"),
      int_knob("qr_rope_rows", 32, 8, 128, 8, "(token, head) rows of a qr_rope tile"),
      int_knob("hadamard_rows", 64, 16, 128, 16, "(token, head) rows of a Hadamard tile"),
      int_knob("hadamard_tiles", 4, 1, 64, 1, "Hadamard tiles of one block"),
      int_knob("hadamard_chunk", 32, 32, 128, 32, "columns quantised at once"),
      int_knob("weights_t_tile", 32, 16, 128, 16, "token rows of a weights_proj tile"),
      int_knob("weights_k_tile", 128, 16, 1024, 16, "depth of a weights_proj tile"),
      int_knob("weights_stage", 2, 1, 8, 1, "pipeline stages of its K loop"),
      int_knob("score_init_rows", 16, 1, 128, 1, "token rows filled at once"),
      int_knob("score_requests", 4, 1, 64, 1, "requests of one score block"),
      int_knob("score_key_tile", 32, 16, 128, 16, "index keys of a score tile"),
      int_knob("topk_tokens", 4, 1, 128, 1, "tokens of one topk block")};
  for (Knob& k : compressor::tile_knobs(compressor::Kind::Indexer, kInnerKnobs))
    knobs.push_back(std::move(k));
  return in_part("indexer", std::move(knobs));
}

Config decode_indexer_config(const Knobs& k, const std::string& program) {
  Config c;
  c.program = program;
  c.layout = rope::parse_layout(k.text("layout"));
  if (c.layout != rope::Layout::SelectorMatmul && c.layout != rope::Layout::Hoisted)
    c.layout = rope::Layout::SwapGather;
  c.batch = k.integer("batch");
  c.seq = k.integer("seq");
  c.hidden = k.integer("hidden");
  c.q_lora = k.integer("q_lora");
  c.heads = k.integer("idx_heads");
  c.topk = k.integer("idx_topk");
  c.pages_per_request = k.integer("idx_pages");
  c.keys = k.integer("max_position") / kIdxRatio;
  c.q_m_tile = k.integer("idx_q_m_tile");
  c.q_n_tile = k.integer("idx_q_n_tile");
  c.q_k_tile = k.integer("idx_q_k_tile");
  c.q_stage = static_cast<int>(k.integer("idx_q_stage"));
  c.q_dequant_rows = k.integer("idx_q_dequant_rows");
  c.rope_rows = k.integer("qr_rope_rows");
  c.hadamard_rows = k.integer("hadamard_rows");
  c.hadamard_tiles = k.integer("hadamard_tiles");
  c.hadamard_chunk = k.integer("hadamard_chunk");
  c.weights_t_tile = k.integer("weights_t_tile");
  c.weights_k_tile = k.integer("weights_k_tile");
  c.weights_stage = static_cast<int>(k.integer("weights_stage"));
  c.init_rows = k.integer("score_init_rows");
  c.score_requests = k.integer("score_requests");
  c.score_key_tile = k.integer("score_key_tile");
  c.topk_tokens = k.integer("topk_tokens");
  c.inner = compressor::config(k, compressor::Kind::Indexer, program, kInnerKnobs);
  c.inner.prefix = "inner_";
  c.inner.cmp_pages = c.pages_per_request;
  c.inner.layout = c.layout == rope::Layout::SelectorMatmul ? c.layout : rope::Layout::SwapGather;
  return c;
}

void check_decode_indexer(const Config& c) {
  compressor::check(c.inner);
  const int64_t tokens = c.tokens(), rows = tokens * c.heads;
  divides(c, "N of qr_proj", c.width(), "idx_q_n_tile", c.q_n_tile);
  divides(c, "K of qr_proj", c.q_lora, "idx_q_k_tile", c.q_k_tile);
  divides(c, "tokens", tokens, "idx_q_dequant_rows", c.q_dequant_rows);
  divides(c, "idx_q_m_tile", c.q_m_tile, "idx_q_dequant_rows", c.q_dequant_rows);
  fits(c, "L0C", "a qr_proj accumulator of idx_q_m_tile x idx_q_n_tile",
       c.q_m_tile * c.q_n_tile * 4, kAccBytes);
  fits(c, "UB", "qr_proj, idx_q_dequant_rows x idx_q_n_tile in INT32 and FP32",
       c.q_dequant_rows * c.q_n_tile * 8, kVecBytes);
  divides(c, "rows of a request (seq x idx_heads)", c.seq * c.heads, "qr_rope_rows", c.rope_rows);
  divides(c, "rows of Q (tokens x idx_heads)", rows, "hadamard_rows x hadamard_tiles",
          c.hadamard_rows * c.hadamard_tiles);
  divides(c, "lanes of an index head", kIdxHead, "hadamard_chunk", c.hadamard_chunk);
  divides(c, "tokens", tokens, "weights_t_tile", c.weights_t_tile);
  divides(c, "hidden", c.hidden, "weights_k_tile", c.weights_k_tile);
  fits(c, "UB", "score_init, score_init_rows x keys in FP32", c.init_rows * c.keys * 4, kVecBytes);
  divides(c, "batch", c.batch, "score_requests", c.score_requests);
  divides(c, "rows of a page", kPage, "score_key_tile", c.score_key_tile);
  divides(c, "keys (max_position / 4)", c.keys, "score_key_tile", c.score_key_tile);
  divides(c, "tokens", tokens, "topk_tokens", c.topk_tokens);
  divides(c, "keys (max_position / 4)", c.keys, "the width of sort32", 32);
  if (c.topk > c.keys)
    conflict(c.program, "idx_topk " + s(c.topk) + " exceeds the " + s(c.keys) +
                            " keys of a request (max_position / 4)");
  if (c.pages_per_request * kPage < c.keys)
    conflict(c.program, s(c.pages_per_request) + " pages of " + s(kPage) +
                            " index keys hold less than the " + s(c.keys) + " keys of a request");
}

std::vector<TensorSpec> decode_indexer_weights(const Config& c) {
  std::vector<TensorSpec> specs = {{"idx_wq_b", DType::I8, {c.q_lora, c.width()}},
                                   {"idx_wq_b_scale", DType::F32, {c.width()}},
                                   {"weights_proj", DType::BF16, {c.hidden, c.heads}},
                                   {"hadamard", DType::BF16, {kIdxHead, kIdxHead}}};
  if (c.layout == rope::Layout::SelectorMatmul) {
    specs.push_back({"even_select", DType::BF16, {kRope, kHalf}});
    specs.push_back({"odd_select", DType::BF16, {kRope, kHalf}});
  }
  return specs;
}

void fill_decode_indexer_weights(const Config& c, uint64_t seed, TensorSet& set) {
  fill_mxfp8_weight(set.at("idx_wq_b"), set.at("idx_wq_b_scale"), seed, {0.108f, 0.56f});
  fill(set.at("weights_proj"), seed, normal(0.2313f));
  fill_hadamard(set.at("hadamard"));
  if (c.layout == rope::Layout::SelectorMatmul) {
    fill_selector(set.at("even_select"), 0);
    fill_selector(set.at("odd_select"), 1);
  }
}

void fill_hadamard(const HostTensor& t) {
  const int64_t n = t.shape.at(0);
  const float value = static_cast<float>(1 / std::sqrt(static_cast<double>(n)));
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) {
      bool negative = false;  // the parity of the common bits
      for (int64_t common = i & j; common != 0; common &= common - 1) negative = !negative;
      t.as<uint16_t>()[i * n + j] = isa::f32_to_bf16(negative ? -value : value);
    }
}

}  // namespace kernels
