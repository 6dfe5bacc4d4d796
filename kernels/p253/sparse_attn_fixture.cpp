// Sizes, knobs and seeded inputs of P253's sparse attention.
#include <algorithm>
#include <cmath>

#include "kernels/fixtures.h"
#include "kernels/limits.h"
#include "kernels/model.h"
#include "kernels/p253/scopes.h"
#include "kernels/rope_tables.h"

namespace kernels::p253 {
namespace {

using isa::DType;

constexpr char kName[] = "sparse_attn";
constexpr int64_t kGroupIn = kHeadsPerGroup * kHead;
constexpr uint16_t kOneBf16 = 0x3f80;

std::string s(int64_t v) { return std::to_string(v); }

void divides(const std::string& what, int64_t total, const std::string& by, int64_t part) {
  require_divides(kName, what, total, by, part);
}

/// The window's rows 0.., then compressed rows 128.., then -1; and how many a request uses.
void fill_indices(const SparseAttnConfig& c, TensorSet& set) {
  int32_t* indices = set.at("cmp_sparse_indices").as<int32_t>();
  int32_t* used = set.at("seqused_kv").as<int32_t>();
  std::fill_n(indices, c.tokens * c.topk, -1);
  for (int64_t b = 0; b < c.tokens; ++b) {
    for (int64_t k = 0; k < c.keys(); ++k)
      indices[b * c.topk + k] =
          static_cast<int32_t>(k < c.window_keys ? k : kPage + k - c.window_keys);
    const int64_t part = c.ragged ? std::max<int64_t>(1, c.keys() * (b + 1) / c.tokens) : c.keys();
    used[b] = static_cast<int32_t>(part);
  }
}

void fill_block_tables(const SparseAttnConfig& c, TensorSet& set) {
  for (int64_t b = 0; b < c.tokens; ++b) {
    set.at("ori_block_table").as<int32_t>()[b] = static_cast<int32_t>(b);
    for (int64_t j = 0; j < c.cmp_pages; ++j)
      set.at("cmp_block_table").as<int32_t>()[b * c.cmp_pages + j] =
          static_cast<int32_t>(b * c.cmp_pages + j);
  }
}

/// E[2i, i] = 1, O[2i + 1, i] = 1.
void fill_selectors(TensorSet& set) {
  for (int64_t i = 0; i < 16; ++i) {
    set.at("even_select_local").as<uint16_t>()[2 * i * 16 + i] = kOneBf16;
    set.at("odd_select_local").as<uint16_t>()[(2 * i + 1) * 16 + i] = kOneBf16;
  }
}

/// INT8 rows [N, K] of a drawn weight, one scale per row, rounded half away from zero as everywhere
/// at P253 (kernels.md §1.4).
void fill_quantised_rows(const HostTensor& q, const HostTensor& scale, uint64_t seed,
                         const Distribution& d) {
  const int64_t k = q.shape[1];
  const RngKey key = rng_key(seed, q.name);
  parallel_pieces(q.shape[0], 64, [&](int64_t begin, int64_t end) {
    std::vector<float> w(static_cast<size_t>(k));
    for (int64_t n = begin; n < end; ++n) {
      d.fill(key, static_cast<uint32_t>(n * k), k, w.data());
      float amax = 1e-4f;
      for (float v : w) amax = std::max(amax, std::fabs(v));
      const float sq = 127.0f / amax;
      scale.as<float>()[n] = 1.0f / sq;
      int8_t* out = q.as<int8_t>() + n * k;
      for (int64_t j = 0; j < k; ++j) {
        const float v = w[static_cast<size_t>(j)] * sq;
        const float away = std::clamp(v + (v < 0 ? -0.5f : 0.5f), -127.0f, 127.0f);
        out[j] = static_cast<int8_t>(static_cast<int32_t>(away));
      }
    }
  });
}

int64_t compressed_keys(const Knobs& k) {
  const int64_t ratio = std::stoll(k.text("compress_ratio"));
  if (ratio == 0) return 0;
  return std::min(k.integer("max_seq") / ratio, k.integer("topk") - kPage);
}

}  // namespace

const KnobTable& sparse_attn_knobs() {
  static const KnobTable table(
      kName, {"decode"},
      {int_knob("batch", 16, 1, 16, 1, "requests B, one token each"),
       int_knob("heads", 64, 16, 128, 16, "query heads of 512 lanes"),
       int_knob("hidden", 4096, 256, 16384, 256, "model width D"),
       int_knob("o_lora", 1024, 128, 1024, 128, "rank of the output projection, per group"),
       int_knob("topk", 640, 128, 4096, 32, "columns of cmp_sparse_indices"),
       choice_knob("compress_ratio", {"128", "4", "0"},
                   "positions of one compressed row, 0 = none"),
       int_knob("max_seq", 4096, 512, 16384, 512, "positions a request has compressed"),
       int_knob("window_keys", 128, 1, 128, 1, "valid rows of the window"),
       choice_knob("lengths", {"full", "ragged"},
                   "seqused_kv: all keys, or another number for each request"),
       int_knob("stage_a_n_tile", 128, 16, 512, 16, "columns of a stage_a task"),
       int_knob("stage_a_k_tile", 128, 16, 1024, 16, "K of one stage_a load"),
       int_knob("stage_a_k_stage", 2, 1, 8, 1, "pipeline stages of its K loop, 1 = range"),
       int_knob("stage_b_n_tile", 256, 16, 512, 16, "columns of a stage_b task"),
       int_knob("stage_b_k_tile", 128, 32, 1024, 32, "K of one stage_b load"),
       int_knob("stage_b_k_stage", 2, 1, 8, 1, "pipeline stages of its K loop, 1 = range"),
       int_knob("quant_chunk", 512, 32, 1024, 32, "columns of a stage_b_quant tile")});
  return table;
}

SparseAttnConfig sparse_attn_config(const Knobs& k, const std::string&) {
  SparseAttnConfig c;
  c.tokens = k.integer("batch");
  c.heads = k.integer("heads");
  c.hidden = k.integer("hidden");
  c.o_lora = k.integer("o_lora");
  c.topk = k.integer("topk");
  c.window_keys = k.integer("window_keys");
  c.compressed_keys = compressed_keys(k);
  c.cmp_pages = std::max<int64_t>(1, k.integer("max_seq") / 4 / kPage);
  c.ragged = k.text("lengths") == "ragged";
  c.stage_a_n_tile = k.integer("stage_a_n_tile");
  c.stage_a_k_tile = k.integer("stage_a_k_tile");
  c.stage_a_k_stage = static_cast<int>(k.integer("stage_a_k_stage"));
  c.stage_b_n_tile = k.integer("stage_b_n_tile");
  c.stage_b_k_tile = k.integer("stage_b_k_tile");
  c.stage_b_k_stage = static_cast<int>(k.integer("stage_b_k_stage"));
  c.quant_chunk = k.integer("quant_chunk");
  return c;
}

void check_sparse_attn(const SparseAttnConfig& c) {
  constexpr int64_t kMatBytes = 524288, kAccBytes = 131072;
  divides("o_lora", c.o_lora, "stage_a_n_tile", c.stage_a_n_tile);
  divides("group width", kGroupIn, "stage_a_k_tile", c.stage_a_k_tile);
  divides("hidden", c.hidden, "stage_b_n_tile", c.stage_b_n_tile);
  divides("groups x o_lora", c.o_width(), "stage_b_k_tile", c.stage_b_k_tile);
  divides("groups x o_lora", c.o_width(), "quant_chunk", c.quant_chunk);
  const int64_t acc = 32 * c.stage_b_n_tile * 4;  // INT32 accumulators have 32 rows at least
  if (acc > kAccBytes)
    conflict(kName, "L0C: stage_b_n_tile " + s(c.stage_b_n_tile) + " needs " + s(acc) +
                        " B, the limit is " + s(kAccBytes) + " B");
  const auto mat = [&](const char* p, int64_t n, int64_t k, int64_t stages, int64_t element) {
    const int64_t bytes = stages * k * (kCubeRows + n) * element;
    if (bytes > kMatBytes)
      conflict(kName, std::string("Mat: ") + p + " operands need " + s(bytes) +
                          " B of L1, the limit is " + s(kMatBytes) + " B");
  };
  mat("stage_a", c.stage_a_n_tile, c.stage_a_k_tile, c.stage_a_k_stage, 2);
  mat("stage_b", c.stage_b_n_tile, c.stage_b_k_tile, c.stage_b_k_stage, 1);
  if (c.topk < c.keys())
    conflict(kName, "topk " + s(c.topk) + " is less than the " + s(c.keys()) + " valid keys");
}

std::vector<TensorSpec> sparse_attn_inputs(const SparseAttnConfig& c) {
  const int64_t t = c.tokens;
  return {{"q", DType::BF16, {t, c.heads, kHead}},
          {"ori_kv", DType::BF16, {t, kPage, 1, kHead}},
          {"ori_block_table", DType::I32, {t, 1}},
          {"cmp_kv", DType::BF16, {t * c.cmp_pages, kPage, 1, kHead}},
          {"cmp_block_table", DType::I32, {t, c.cmp_pages}},
          {"cmp_sparse_indices", DType::I32, {t, c.topk}},
          {"seqused_kv", DType::I32, {t}},
          {"attn_sink", DType::F32, {c.heads}},
          {"freqs_cos", DType::BF16, {t, kRope}},
          {"freqs_sin", DType::BF16, {t, kRope}},
          {"even_select_local", DType::BF16, {32, 16}},
          {"odd_select_local", DType::BF16, {32, 16}},
          {"wo_a", DType::BF16, {c.groups(), c.o_lora, kGroupIn}},
          {"wo_b", DType::I8, {c.hidden, c.o_width()}},
          {"wo_b_scale", DType::F32, {c.hidden}}};
}

std::vector<TensorSpec> sparse_attn_outputs(const SparseAttnConfig& c) {
  return {{"attn_out", DType::BF16, {c.tokens, c.hidden}, Role::Output}};
}

void fill_sparse_attn_inputs(const SparseAttnConfig& c, uint64_t seed, TensorSet& set) {
  for (const char* name : {"q", "ori_kv", "cmp_kv"}) fill(set.at(name), seed, uniform(-0.5f, 0.5f));
  // Weights keep the scale of their activations: U(-.5, .5) over 64 and over sqrt(8192).
  fill(set.at("wo_a"), seed, uniform(-0.5f / 64, 0.5f / 64));
  const float b = 0.5f / std::sqrt(static_cast<float>(c.o_width()));
  fill_quantised_rows(set.at("wo_b"), set.at("wo_b_scale"), seed, uniform(-b, b));
  fill_arange_tables(set.at("freqs_cos"), set.at("freqs_sin"));
  fill_selectors(set);
  fill_block_tables(c, set);
  fill_indices(c, set);
}

}  // namespace kernels::p253
