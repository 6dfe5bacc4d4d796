// Knobs, refusals and seeded inputs of P374's sparse attention.
#include <algorithm>
#include <cmath>

#include "isa/numerics.h"
#include "kernels/fixtures.h"
#include "kernels/limits.h"
#include "kernels/p374/scopes.h"
#include "kernels/rope_tables.h"
#include "kernels/sparse_attn/sparse_attn.h"

namespace kernels::p374 {
namespace {

constexpr char kName[] = "p374_sparse_attn";

std::string s(int64_t v) { return std::to_string(v); }

void divides(const std::string& what, int64_t total, const std::string& by, int64_t part) {
  require_divides(kName, what, total, by, part);
}

void fits(const std::string& what, int64_t bytes, int64_t limit) {
  if (bytes > limit)
    conflict(kName, what + " needs " + s(bytes) + " B, the limit is " + s(limit) + " B");
}

/// The weights are those of the later kernels.
sparse::Config weights_of(const SparseAttnConfig& c) {
  sparse::Config w;
  w.heads = c.heads;
  w.hidden = c.hidden;
  w.o_lora = c.o_lora;
  return w;
}

/// Compressed slots a ratio leaves valid (kernels.md §2.7: 0 -> 0, 4 -> 512, 128 -> 64).
int64_t compressed_keys(const Knobs& k) {
  const std::string& ratio = k.text("compress_ratio");
  const int64_t slots = ratio == "0" ? 0 : ratio == "128" ? 64 : 512;
  return std::min(slots, k.integer("topk") - kWindow);
}

void fill_indices(const SparseAttnConfig& c, TensorSet& set) {
  int32_t* indices = set.at("cmp_sparse_indices").as<int32_t>();
  std::fill_n(indices, c.tokens() * c.topk, -1);
  for (int64_t t = 0; t < c.tokens(); ++t)
    for (int64_t k = 0; k < kWindow + c.compressed_keys; ++k)
      indices[t * c.topk + k] = static_cast<int32_t>(k);
  for (int64_t b = 0; b < c.batch; ++b) {
    const int64_t part = std::max<int64_t>(1, c.keys() * (b + 1) / c.batch);
    set.at("seqused_kv").as<int32_t>()[b] = static_cast<int32_t>(c.ragged ? part : c.keys());
  }
}

void fill_identity(const HostTensor& table) {
  for (int64_t i = 0; i < table.numel(); ++i) table.as<int32_t>()[i] = static_cast<int32_t>(i);
}

/// Pages hold data as far as some request can name them.
void fill_compressed(const SparseAttnConfig& c, uint64_t seed, const HostTensor& pool) {
  const RngKey key = rng_key(seed, pool.name);
  std::vector<float> row(static_cast<size_t>(kHead));
  for (int64_t b = 0; b < c.batch; ++b)
    for (int64_t slot = 0; slot < c.compressed_keys; ++slot) {
      const int64_t at = (b * c.cmp_pages * kPage + slot) * kHead;
      fill_uniform(key, static_cast<uint32_t>(at), kHead, -0.5f, 0.5f, row.data());
      f32_to_bf16(row.data(), kHead, pool.as<uint16_t>() + at);
    }
}

/// E[2i, i] = 1, O[2i + 1, i] = 1.
void fill_selectors(TensorSet& set) {
  const uint16_t one = isa::f32_to_bf16(1);
  for (int64_t i = 0; i < kHalf; ++i) {
    set.at("even_select").as<uint16_t>()[2 * i * kHalf + i] = one;
    set.at("odd_select").as<uint16_t>()[(2 * i + 1) * kHalf + i] = one;
  }
}

}  // namespace

const KnobTable& sparse_attn_knobs() {
  static const KnobTable table(
      kName, {"decode"},
      {int_knob("batch", 64, 1, 64, 1, "requests B"),
       int_knob("seq", 2, 1, 2, 1, "tokens S of a request"),
       int_knob("heads", kHeads, 16, 128, 16, "query heads of 512 lanes"),
       int_knob("hidden", kHidden, 128, 16384, 128, "model width D"),
       int_knob("o_lora", 1024, 128, 1024, 128, "rank of the output projection, per group"),
       int_knob("topk", 640, 128, 1280, 64, "key rows of a token, padded"),
       choice_knob("compress_ratio", {"4", "128", "0"}, "512, 64 or no compressed rows are valid"),
       int_knob("cmp_pages", 64, 1, 1024, 1, "pages of 128 compressed rows a request owns"),
       int_knob("window_keys", 128, 1, 128, 1,
                "valid rows of the window; below 128 nothing follows"),
       choice_knob("lengths", {"full", "ragged"},
                   "seqused_kv: all keys, or another number for each request"),
       int_knob("gather_t_tile", 4, 1, 128, 1, "tokens of a gather_kv_topk_tile task"),
       int_knob("pad_tile", 32, 1, 48, 1, "zero rows of one of its stores"),
       int_knob("pair_t_tile", 8, 1, 128, 1, "tokens of the four attention tasks"),
       int_knob("head_tile", 16, 16, 32, 16, "heads of the four attention tasks"),
       int_knob("k_block", 64, 32, 128, 32, "keys of a softmax block"),
       int_knob("rope_t_tile", 4, 1, 128, 1, "tokens of the rope tasks"),
       int_knob("pack_t_tile", 32, 1, 128, 1, "tokens of a rope_pack_group_spmd block"),
       int_knob("stage_a_n_tile", 128, 16, 256, 16, "columns of a stage_a task"),
       int_knob("stage_a_k_tile", 128, 16, 1024, 16, "K of one stage_a load"),
       int_knob("stage_a_k_stage", 2, 1, 8, 1, "pipeline stages of its K loop, 1 = range"),
       int_knob("quant_t_tile", 8, 8, 128, 8, "tokens of a stage_b_quant_tile task"),
       int_knob("quant_chunk", 32, 32, 1024, 32, "columns of a stage_b_quant_tile tile"),
       int_knob("quant_stage", 2, 1, 8, 1, "pipeline stages of its chunk loop, 1 = range"),
       int_knob("stage_b_n_tile", 128, 16, 256, 16, "columns of a stage_b task"),
       int_knob("stage_b_k_tile", 128, 32, 1024, 32, "K of one stage_b load"),
       int_knob("stage_b_k_stage", 2, 1, 8, 1, "pipeline stages of its K loop, 1 = range"),
       int_knob("drain_rows", 32, 16, 128, 16, "rows of a slice in the _store tasks")});
  return table;
}

SparseAttnConfig sparse_attn_config(const Knobs& k, const std::string&) {
  SparseAttnConfig c;
  c.batch = k.integer("batch");
  c.seq = k.integer("seq");
  c.heads = k.integer("heads");
  c.hidden = k.integer("hidden");
  c.o_lora = k.integer("o_lora");
  c.topk = k.integer("topk");
  c.window_keys = k.integer("window_keys");
  c.compressed_keys = c.window_keys < kWindow ? 0 : compressed_keys(k);
  c.cmp_pages = k.integer("cmp_pages");
  c.ragged = k.text("lengths") == "ragged";
  c.gather_t_tile = k.integer("gather_t_tile");
  c.pad_tile = k.integer("pad_tile");
  c.pair_t_tile = k.integer("pair_t_tile");
  c.head_tile = k.integer("head_tile");
  c.k_block = k.integer("k_block");
  c.rope_t_tile = k.integer("rope_t_tile");
  c.pack_t_tile = k.integer("pack_t_tile");
  c.stage_a_n_tile = k.integer("stage_a_n_tile");
  c.stage_a_k_tile = k.integer("stage_a_k_tile");
  c.stage_a_k_stage = static_cast<int>(k.integer("stage_a_k_stage"));
  c.quant_t_tile = k.integer("quant_t_tile");
  c.quant_chunk = k.integer("quant_chunk");
  c.quant_stage = static_cast<int>(k.integer("quant_stage"));
  c.stage_b_n_tile = k.integer("stage_b_n_tile");
  c.stage_b_k_tile = k.integer("stage_b_k_tile");
  c.stage_b_k_stage = static_cast<int>(k.integer("stage_b_k_stage"));
  c.drain_rows = k.integer("drain_rows");
  return c;
}

void check_sparse_attn(const SparseAttnConfig& c) {
  constexpr int64_t kMatBytes = 524288, kAccBytes = 131072;
  divides("heads", c.heads, "head_tile", c.head_tile);
  divides("topk", c.topk, "k_block", c.k_block);
  divides("o_lora", c.o_lora, "stage_a_n_tile", c.stage_a_n_tile);
  divides("group width", kGroupWidth, "stage_a_k_tile", c.stage_a_k_tile);
  divides("groups x o_lora", c.o_width(), "quant_chunk", c.quant_chunk);
  divides("hidden", c.hidden, "stage_b_n_tile", c.stage_b_n_tile);
  divides("groups x o_lora", c.o_width(), "stage_b_k_tile", c.stage_b_k_tile);
  if (c.compressed_keys > c.cmp_pages * kPage)
    conflict(kName, s(c.compressed_keys) + " compressed keys do not fit cmp_pages " +
                        s(c.cmp_pages) + " of 128 rows");
  const int64_t rows = ceil_div(c.tokens(), 16) * 16;
  fits("L0C: a stage_a accumulator", rows * c.stage_a_n_tile * 4, kAccBytes);
  fits("L0C: a stage_b accumulator", std::max<int64_t>(rows, 32) * c.stage_b_n_tile * 4, kAccBytes);
  fits("Mat: stage_a operands",
       c.stage_a_k_stage * c.stage_a_k_tile * (rows + c.stage_a_n_tile) * 2, kMatBytes);
  fits("Mat: stage_b operands", c.stage_b_k_stage * c.stage_b_k_tile * (rows + c.stage_b_n_tile),
       kMatBytes);
}

std::vector<TensorSpec> sparse_attn_inputs(const SparseAttnConfig& c) {
  using isa::DType;
  const int64_t t = c.tokens();
  std::vector<TensorSpec> specs = {
      {"q", DType::BF16, {t, c.heads, kHead}},
      {"ori_kv", DType::BF16, {c.batch, kPage, 1, kHead}},
      {"ori_block_table", DType::I32, {c.batch, 1}},
      {"cmp_kv", DType::BF16, {c.batch * c.cmp_pages, kPage, 1, kHead}},
      {"cmp_block_table", DType::I32, {c.batch, c.cmp_pages}},
      {"cmp_sparse_indices", DType::I32, {t, c.topk}},
      {"seqused_kv", DType::I32, {c.batch}},
      {"freqs_cos", DType::BF16, {t, kRope}},
      {"freqs_sin", DType::BF16, {t, kRope}},
      {"even_select", DType::BF16, {kRope, kHalf}},
      {"odd_select", DType::BF16, {kRope, kHalf}}};
  for (TensorSpec& spec : sparse::weight_specs(weights_of(c))) specs.push_back(std::move(spec));
  return specs;
}

std::vector<TensorSpec> sparse_attn_outputs(const SparseAttnConfig& c) {
  return {{"attn_out", isa::DType::BF16, {c.tokens(), c.hidden}, Role::Output}};
}

void fill_sparse_attn_inputs(const SparseAttnConfig& c, uint64_t seed, TensorSet& set) {
  for (const char* name : {"q", "ori_kv"}) fill(set.at(name), seed, uniform(-0.5f, 0.5f));
  fill_compressed(c, seed, set.at("cmp_kv"));
  fill_identity(set.at("ori_block_table"));
  fill_identity(set.at("cmp_block_table"));
  fill_indices(c, set);
  fill_arange_tables(set.at("freqs_cos"), set.at("freqs_sin"));
  fill_selectors(set);
  const float b = 0.5f / std::sqrt(static_cast<float>(c.o_width()));
  sparse::fill_weights(seed, set, uniform(-0.5f / 64, 0.5f / 64), uniform(-b, b));
}

}  // namespace kernels::p374
