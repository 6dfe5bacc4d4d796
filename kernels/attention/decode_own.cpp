#include "kernels/attention/decode_own.h"

#include <algorithm>
#include <cmath>

#include "kernels/attention/cache_writeback.h"
#include "kernels/attention/decode_fixture.h"
#include "kernels/declare.h"
#include "kernels/fixtures.h"
#include "kernels/model.h"

namespace kernels::attention {
namespace {

using isa::DType;

bool has_knob(const std::vector<Knob>& knobs, const std::string& name) {
  return std::any_of(knobs.begin(), knobs.end(), [&](const Knob& k) { return k.name == name; });
}

/// Columns 0..31 of BF16 rows [T, 64] as FP32 [T, 32].
golden::Matrix half_of(const HostTensor& rows) {
  golden::Matrix half;
  const golden::Matrix all = to_f32(rows);
  for (size_t row = 0; row < all.size(); row += kRope)
    half.insert(half.end(), all.begin() + static_cast<std::ptrdiff_t>(row),
                all.begin() + static_cast<std::ptrdiff_t>(row + kHalf));
  return half;
}

}  // namespace

KnobTable decode_knob_table(const std::string& program, const std::vector<std::vector<Knob>>& own) {
  std::vector<Knob> knobs = decode_knobs();
  for (const std::vector<Knob>& part : own)
    for (const Knob& k : part)
      if (!has_knob(knobs, k.name)) knobs.push_back(k);
  std::vector<Preset> presets = decode_presets();
  for (Preset& p : sparse::presets()) presets.push_back(std::move(p));
  return KnobTable(program, {"decode"}, std::move(knobs), std::move(presets));
}

Knobs part_settings(Knobs knobs, const DecodeConfig& c) {
  knobs.set("layout", rope::to_string(c.part_layout()));
  return knobs;
}

std::vector<TensorSpec> join(const std::vector<std::vector<TensorSpec>>& lists) {
  std::vector<TensorSpec> all;
  for (const std::vector<TensorSpec>& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

std::vector<TensorSpec> output_specs(const DecodeConfig& c) {
  return {{"x_out", DType::BF16, {c.tokens(), kHyperStreams, c.hidden}, Role::Output},
          {"kv_cache", DType::BF16, {c.batch, kPage, 1, kHead}, Role::Output}};
}

std::vector<TensorSpec> compressed_specs(const DecodeConfig& c, int64_t pages) {
  return {{"cmp_kv", DType::BF16, {c.batch * pages, kPage, 1, kHead}, Role::InOut},
          {"cmp_block_table", DType::I32, {c.batch, pages}},
          {"cmp_slot_mapping", DType::I64, {c.tokens()}}};
}

void fill_compressed(const DecodeConfig& c, int64_t ratio, uint64_t seed, TensorSet& set) {
  const HostTensor& table = set.at("cmp_block_table");
  fill_block_table(table);
  fill_compressed_slots(set.at("position_ids"), table, kPage, ratio, set.at("cmp_slot_mapping"));
  fill_normalised_cache(set.at("cmp_kv"), table, c.last_position() / ratio + 1, seed);
}

void fill_compressor_paging(const compressor::Config& compressor, const TensorSet& set) {
  compressor::PageTable pages;
  pages.pages = compressor.state_pages;
  pages.page_rows = compressor.state_page_rows();
  compressor::fill_state_paging(compressor, set.at("position_ids"), pages, set);
}

void fill_output_weights(const sparse::Config& sparse, float sink, uint64_t seed,
                         const TensorSet& set) {
  const auto inverse_root = [](int64_t n) { return 1 / std::sqrt(static_cast<float>(n)); };
  sparse::fill_weights(seed, set, normal(inverse_root(sparse::kGroupWidth)),
                       normal(inverse_root(sparse.o_width())), sink);
}

pl::Tensor Window::rows() const { return kv_cache.reshape({kv_cache.dim(0) * kPage, kHead}); }

Window declare_window(pl::Session& session, const TensorSet& in) {
  return {declare(session, in, "kv_cache"), declare(session, in, "ori_block_table"),
          declare(session, in, "ori_slot_mapping"), declare(session, in, "kv_seq_lens")};
}

sparse::Args sparse_args(const Front& f, const Window& window, const positions::CosSin& token_half,
                         const pl::Tensor& attn_out) {
  sparse::Args args;
  args.q = f.q.reshape({f.q.dim(0), f.q.dim(1) / kHead, kHead});
  args.ori_kv = window.kv_cache;
  args.ori_block_table = window.ori_block_table;
  args.mtp_kv_overlay = f.kv;
  const positions::CosSin& tables = token_half.present() ? token_half : f.rope_rows;
  args.freqs_cos = tables.cos;
  args.freqs_sin = tables.sin;
  args.attn_out = attn_out;
  return args;
}

compressor::Expected golden_compressed(const TensorSet& in, const compressor::Config& compressor,
                                       const GoldenFront& f, const std::string& cache,
                                       const std::string& slots) {
  const std::vector<int64_t> starts =
      positions::request_positions(in.at("position_ids"), compressor.ratio());
  const golden::Matrix cos = to_f32(positions::golden_half_rows(in.at("freqs_cos"), starts));
  const golden::Matrix sin = to_f32(positions::golden_half_rows(in.at("freqs_sin"), starts));
  return compressor::golden_compressor(compressor, to_f32(f.x_normed),
                                       compressor::host_of(compressor, in, cache, slots), cos, sin);
}

sparse::GoldenInputs golden_sparse_inputs(const TensorSet& in, const GoldenFront& f) {
  sparse::GoldenInputs g;
  g.q = to_f32(f.q);
  g.ori_kv = in.at("kv_cache");
  g.ori_block_table = in.at("ori_block_table");
  g.overlay = to_f32(f.kv);
  if (in.has("cmp_block_table")) g.cmp_block_table = in.at("cmp_block_table");
  g.sink = to_f32(in.at("attn_sink"));
  g.cos = half_of(f.cos);
  g.sin = half_of(f.sin);
  g.wo_a = in.at("wo_a");
  g.wo_b = in.at("wo_b");
  g.wo_b_scale = in.at("wo_b_scale");
  return g;
}

void golden_outputs(const TensorSet& in, const DecodeConfig& c, const GoldenFront& f,
                    const golden::Matrix& attn_out, TensorSet& out) {
  const HostTensor x = make_tensor("attn_out", DType::BF16, {c.tokens(), c.hidden}, Role::Output);
  f32_to_bf16(attn_out.data(), x.numel(), x.as<uint16_t>());
  hc::golden_hc_post(x, in.at("x_hc"), f.post, f.comb, out.at("x_out"));
  const HostTensor& cache = in.at("kv_cache");
  std::copy_n(cache.as<uint16_t>(), cache.numel(), out.at("kv_cache").as<uint16_t>());
  golden_cache_writeback(f.kv, in.at("ori_slot_mapping"), out.at("kv_cache"));
}

}  // namespace kernels::attention
