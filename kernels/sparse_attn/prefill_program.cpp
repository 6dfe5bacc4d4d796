// The standalone program prefill_sparse_attn: sizes, fixtures, judgement (kernels.md §2.12).
#include "kernels/sparse_attn/prefill_program.h"

#include <algorithm>
#include <cmath>

#include "isa/numerics.h"
#include "kernels/compare.h"
#include "kernels/declare.h"
#include "kernels/define.h"
#include "kernels/fixtures.h"
#include "kernels/positions/positions.h"
#include "kernels/rope_tables.h"
#include "kernels/sparse_attn/golden.h"
#include "kernels/sparse_attn/prefill_lists.h"
#include "kernels/sparse_attn/sparse_attn.h"

namespace kernels::sparse {
namespace {

using isa::DType;

constexpr char kName[] = "prefill_sparse_attn";

struct PrefillConfig {
  Config kernel;
  int64_t start_pos = 0;
  bool stale = false;  ///< holes in the lists, and indices behind their lengths
  bool identity_padding = true;
};

const KnobTable& knob_table() {
  static const KnobTable table = [] {
    std::vector<Knob> knobs = {
        choice_knob("era", {"p578", "pre570", "p570"},
                    "the kernel as it stood at a pull request; sets the layout"),
        rope::layout_knob(
            {rope::Layout::SwapGather, rope::Layout::SplitHalf, rope::Layout::MaskScatter}),
        int_knob("tokens", 128, 16, 128, 16, "token rows T"),
        int_knob("num_tokens", -1, -1, 128, 1, "active token rows, the rest is padding; -1: all"),
        int_knob("heads", kHeads, 32, 128, 32, "query heads of 512 lanes"),
        int_knob("hidden", kHidden, 128, 8192, 128, "model width D"),
        int_knob("start_pos", 0, 0, kMaxPosition - 1, 1,
                 "position of the first token: those before it come from the ring"),
        int_knob("compress_ratio", 0, 0, 128, 4,
                 "4, 128: the lists go on with the compressed rows of complete groups; 0: none"),
        choice_knob("fixture", {"causal", "stale"},
                    "causal: dense lists; stale: lists with holes of -1, indices behind their "
                    "lengths and permuted pages"),
        flag_knob("identity_padding", true,
                  "rope rows of padding tokens hold numbers; off: nobody writes them, as "
                  "upstream's attention leaves them")};
    for (Knob& k : size_knobs(Kind::Prefill)) knobs.push_back(std::move(k));
    for (Knob& k : tile_knobs(Kind::Prefill)) knobs.push_back(std::move(k));
    std::vector<Preset> all = {{"era", "p578", {{"layout", "swap_gather"}}},
                               {"era", "pre570", {{"layout", "swap_gather"}}},
                               {"era", "p570", {{"layout", "split_half"}}}};
    for (Preset& p : presets()) all.push_back(std::move(p));
    return KnobTable(kName, {"prefill"}, std::move(knobs), std::move(all));
  }();
  return table;
}

PrefillConfig config_of(const Knobs& k, const std::string&) {
  PrefillConfig c;
  c.kernel = config(k, Kind::Prefill, kName);
  c.kernel.compress_ratio = k.integer("compress_ratio");
  c.start_pos = k.integer("start_pos");
  c.stale = k.text("fixture") == "stale";
  c.identity_padding = k.flag("identity_padding");
  return c;
}

void check_prefill(const PrefillConfig& c) {
  check(c.kernel);
  if (c.start_pos + c.kernel.tokens() > kMaxPosition)
    conflict(kName, "start_pos " + std::to_string(c.start_pos) + " + tokens " +
                        std::to_string(c.kernel.tokens()) + " is past the tables' " +
                        std::to_string(kMaxPosition) + " rows");
}

/// Does the run take FP32 half tables? Without identity padding it makes its tables itself.
bool half_tables(const PrefillConfig& c) { return c.kernel.split_half() && c.identity_padding; }

std::vector<TensorSpec> inputs(const PrefillConfig& config) {
  const Config& c = config.kernel;
  const int64_t tokens = c.tokens();
  const bool half = half_tables(config);
  const TensorSpec table{"", half ? DType::F32 : DType::BF16, {tokens, half ? kHalf : kRope}};
  std::vector<TensorSpec> specs = {
      {"q", DType::BF16, {tokens, c.heads, kHead}},
      {"ori_kv", DType::BF16, {1, kPage, 1, kHead}},
      {"ori_block_table", DType::I32, {1, 1}},
      {"kv", DType::BF16, {tokens, kHead}},
      {"cmp_kv", DType::BF16, {c.cmp_pages, kPage, 1, kHead}},
      {"cmp_block_table", DType::I32, {1, c.cmp_pages}},
      {"cmp_sparse_indices", DType::I32, {tokens, c.columns() + kUnreadColumns}},
      {"cmp_sparse_lens", DType::I32, {tokens}},
      {half ? "rope_cos_half" : "freqs_cos", table.dtype, table.shape},
      {half ? "rope_sin_half" : "freqs_sin", table.dtype, table.shape},
      {"num_tokens", DType::I32, {1}}};
  if (!config.identity_padding) specs.push_back({"table_rows", DType::I32, {tokens}});
  for (TensorSpec& spec : weight_specs(c)) specs.push_back(std::move(spec));
  return specs;
}

std::vector<TensorSpec> outputs(const PrefillConfig& c) {
  return {{"attn_out", DType::BF16, {c.kernel.tokens(), c.kernel.hidden}, Role::Output}};
}

// --- fixtures ------------------------------------------------------------------------------------

/// The lists; stale ones get holes of -1, and indices behind their lengths.
void fill_lists(const PrefillConfig& config, const HostTensor& indices, const HostTensor& lens) {
  fill_prefill_lists(config.kernel, config.start_pos, config.kernel.compress_ratio, indices, lens);
  if (!config.stale) return;
  const int64_t pitch = indices.shape[1];
  for (int64_t t = 0; t < config.kernel.active_tokens(); ++t) {
    int32_t* out = indices.as<int32_t>() + t * pitch;
    const int64_t n = lens.as<int32_t>()[t];
    for (int64_t k = 1; k < n; ++k)
      if ((k + t) % 7 == 0) out[k] = -1;
    for (int64_t k = n; k < pitch; ++k) out[k] = static_cast<int32_t>(k % kWindow);
  }
}

/// Rows start_pos, start_pos + 1, ... of the model's tables, for padding tokens too.
void fill_tables(const PrefillConfig& config, const TensorSet& set) {
  const Config& c = config.kernel;
  const int64_t rows = config.start_pos + c.tokens();
  const HostTensor all_cos = make_tensor("cos", DType::BF16, {rows, kRope}, Role::Input);
  const HostTensor all_sin = make_tensor("sin", DType::BF16, {rows, kRope}, Role::Input);
  fill_rope_tables(c.compress_ratio == 0 ? RopeProfile::Base : RopeProfile::Compressed, all_cos,
                   all_sin);
  const bool half = half_tables(config);
  const auto copy = [&](const HostTensor& from, const HostTensor& to) {
    for (int64_t t = 0; t < c.tokens(); ++t) {
      const uint16_t* row = from.as<uint16_t>() + (config.start_pos + t) * kRope;
      if (half)
        bf16_to_f32(row, kHalf, to.as<float>() + t * kHalf);
      else
        std::copy_n(row, kRope, to.as<uint16_t>() + t * kRope);
    }
  };
  copy(all_cos, set.at(half ? "rope_cos_half" : "freqs_cos"));
  copy(all_sin, set.at(half ? "rope_sin_half" : "freqs_sin"));
}

void fill_inputs(const PrefillConfig& config, uint64_t seed, TensorSet& set) {
  const Config& c = config.kernel;
  for (const char* name : {"q", "ori_kv", "kv", "cmp_kv"})
    fill(set.at(name), seed, uniform(-0.025f, 0.025f));
  for (int64_t j = 0; j < c.cmp_pages; ++j)
    set.at("cmp_block_table").as<int32_t>()[j] =
        static_cast<int32_t>(config.stale ? c.cmp_pages - 1 - j : j);
  fill_lists(config, set.at("cmp_sparse_indices"), set.at("cmp_sparse_lens"));
  fill_tables(config, set);
  set.at("num_tokens").as<int32_t>()[0] = static_cast<int32_t>(c.active_tokens());
  if (set.has("table_rows"))
    for (int64_t t = 0; t < c.tokens(); ++t)
      set.at("table_rows").as<int32_t>()[t] = static_cast<int32_t>(t);
  const float bound = 0.5f / std::sqrt(static_cast<float>(c.o_width()));
  fill_weights(seed, set, uniform(-0.5f / 64, 0.5f / 64), uniform(-bound, bound));
}

// --- run and judgement ---------------------------------------------------------------------------

/// The tables as the attention kernels make them: rows of padding tokens stay unwritten.
positions::CosSin unpadded_tables(pl::Session& session, const TensorSet& in, const Config& c) {
  positions::Chunk chunk;
  chunk.freqs = {declare(session, in, "freqs_cos"), declare(session, in, "freqs_sin")};
  chunk.position_ids = declare(session, in, "table_rows");
  chunk.num_tokens = c.active_tokens();
  constexpr int64_t kRowsPerBlock = 16;
  if (c.split_half()) {
    const positions::CosSin half =
        positions::create_pair("rope_half", c.tokens(), kHalf, DType::F32);
    positions::prefill_rope_half("csa", chunk, /*identity_padding=*/false, half);
    return half;
  }
  const positions::CosSin rows = positions::create_pair("rope", c.tokens(), kRope, DType::BF16);
  positions::qkv_rope_rows(chunk, kRowsPerBlock, rows);
  return rows;
}

std::vector<std::pair<std::string, Tensor>> run(pl::Session& session, const TensorSet& in,
                                                const PrefillConfig& config) {
  const Config& c = config.kernel;
  const auto argument = [&](const char* name) { return declare(session, in, name); };
  Args a;
  a.q = argument("q");
  a.ori_kv = argument("ori_kv");
  a.ori_block_table = argument("ori_block_table");
  a.mtp_kv_overlay = argument("kv");
  a.cmp_kv = argument("cmp_kv");
  a.cmp_block_table = argument("cmp_block_table");
  a.cmp_sparse_indices = argument("cmp_sparse_indices");
  a.cmp_sparse_lens = argument("cmp_sparse_lens");
  if (config.identity_padding) {
    a.freqs_cos = argument(c.split_half() ? "rope_cos_half" : "freqs_cos");
    a.freqs_sin = argument(c.split_half() ? "rope_sin_half" : "freqs_sin");
  } else {
    const positions::CosSin tables = unpadded_tables(session, in, c);
    a.freqs_cos = tables.cos;
    a.freqs_sin = tables.sin;
  }
  a.weights = declare_weights(session, in);
  a.attn_out = session.output("attn_out", DType::BF16, {c.tokens(), c.hidden});
  prefill_sparse_attn(c, a);
  return {{"attn_out", a.attn_out}};
}

void reference(const TensorSet& in, const PrefillConfig& config, TensorSet& out) {
  const Config& c = config.kernel;
  GoldenInputs g;
  g.q = to_f32(in.at("q"));
  g.ori_kv = in.at("ori_kv");
  g.ori_block_table = in.at("ori_block_table");
  g.overlay = to_f32(in.at("kv"));
  g.cmp_kv = in.at("cmp_kv");
  g.cmp_block_table = in.at("cmp_block_table");
  g.indices = compacted_indices(c, in.at("cmp_sparse_indices"), in.at("cmp_sparse_lens"));
  g.sink = to_f32(in.at("attn_sink"));
  g.cos = half_table(in.at(half_tables(config) ? "rope_cos_half" : "freqs_cos"));
  g.sin = half_table(in.at(half_tables(config) ? "rope_sin_half" : "freqs_sin"));
  g.wo_a = in.at("wo_a");
  g.wo_b = in.at("wo_b");
  g.wo_b_scale = in.at("wo_b_scale");
  const golden::Matrix y = golden_sparse_attn(c, g);
  f32_to_bf16(y.data(), static_cast<int64_t>(y.size()), out.at("attn_out").as<uint16_t>());
}

}  // namespace

Program prefill_program() {
  Definition<PrefillConfig> d;
  d.name = kName;
  d.doc = "Sparse attention of a prefill chunk over ring, chunk and compressed KV rows";
  d.table = &knob_table();
  d.config = config_of;
  d.check = check_prefill;
  d.inputs = inputs;
  d.outputs = outputs;
  d.fill_inputs = fill_inputs;
  d.run = run;
  d.golden = reference;
  d.comparators = {{"attn_out", valid_ratio_allclose("num_tokens", 1e-4, 1.0 / 128)}};
  d.refused_on_chip = [](const PrefillConfig& c, const std::string& chip) {
    return rope::refused_on_chip(kName, c.kernel.layout, chip);
  };
  return define(d);
}

}  // namespace kernels::sparse
