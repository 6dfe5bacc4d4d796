#include "kernels/attention/prefill.h"

#include <algorithm>
#include <cmath>

#include "kernels/attention/cache_writeback.h"
#include "kernels/attention/decode_fixture.h"
#include "kernels/attention/decode_own.h"
#include "kernels/compare.h"
#include "kernels/declare.h"
#include "kernels/fixtures.h"
#include "kernels/model.h"
#include "kernels/sparse_attn/prefill_lists.h"

namespace kernels::attention {
namespace {

using isa::DType;
using pl::Tensor;

/// (U01 - .5) scaled.
Distribution centred(float width) { return uniform(-0.5f * width, 0.5f * width); }

float inverse_root(int64_t n) { return 1 / std::sqrt(static_cast<float>(n)); }

positions::Chunk chunk_of(const PrefillConfig& c, const Front& f) {
  positions::Chunk chunk;
  chunk.freqs = f.step.freqs;
  chunk.position_ids = f.step.position_ids;
  chunk.num_tokens = c.num_tokens;
  chunk.identity_padding = c.identity_padding;
  return chunk;
}

void fill_slots(const PrefillConfig& c, const TensorSet& set) {
  auto* position = set.at("position_ids").as<int32_t>();
  auto* slot = set.at("ori_slot_mapping").as<int64_t>();
  for (int64_t t = 0; t < c.tokens(); ++t) {
    const bool active = t < c.num_tokens;
    position[t] = active ? static_cast<int32_t>(c.start_pos + t) : 0;
    slot[t] = active ? (c.start_pos + t) % kWindow : -1;
  }
  set.at("num_tokens").as<int32_t>()[0] = static_cast<int32_t>(c.num_tokens);
}

/// Rows of padding tokens are zero.
void clear_padding(const PrefillConfig& c, const HostTensor& x_hc) {
  const int64_t row = kHyperStreams * c.block.hidden;
  std::fill_n(x_hc.as<uint16_t>() + c.num_tokens * row, (c.tokens() - c.num_tokens) * row,
              uint16_t{0});
}

}  // namespace

std::vector<TensorSpec> prefill_specs(const PrefillConfig& c) {
  std::vector<TensorSpec> specs = front_specs(c.block);
  for (TensorSpec s :
       std::vector<TensorSpec>{{"kv_cache", DType::BF16, {1, kPage, 1, kHead}, Role::InOut},
                               {"ori_block_table", DType::I32, {1, 1}},
                               {"ori_slot_mapping", DType::I64, {c.tokens()}},
                               {"position_ids", DType::I32, {c.tokens()}},
                               {"num_tokens", DType::I32, {1}},
                               {"cmp_kv", DType::BF16, {c.sparse.cmp_pages, kPage, 1, kHead}}})
    specs.push_back(std::move(s));
  for (TensorSpec& s : sparse::weight_specs(c.sparse)) specs.push_back(std::move(s));
  if (c.kind() == Kind::Swa) return specs;
  for (TensorSpec& s : specs)
    if (s.name == "cmp_kv") s.role = Role::InOut;
  specs.push_back({"cmp_block_table", DType::I32, {1, c.sparse.cmp_pages}});
  specs.push_back({"cmp_slot_mapping", DType::I64, {c.tokens()}});
  return specs;
}

std::vector<TensorSpec> prefill_output_specs(const PrefillConfig& c) {
  return output_specs(c.block);
}

std::vector<TensorSpec> list_specs(const PrefillConfig& c) {
  return {
      {"cmp_sparse_indices", DType::I32, {c.tokens(), c.sparse.columns() + sparse::kUnreadColumns}},
      {"cmp_sparse_lens", DType::I32, {c.tokens()}}};
}

void fill_prefill(const PrefillConfig& c, uint64_t seed, TensorSet& set) {
  fill_front(c.block, seed, set, centred);
  clear_padding(c, set.at("x_hc"));
  sparse::fill_weights(seed, set, centred(inverse_root(sparse::kGroupWidth)),
                       centred(inverse_root(c.sparse.o_width())));
  fill_slots(c, set);
  fill(set.at("kv_cache"), seed, centred(0.1f));
  if (c.kind() != Kind::Swa) {
    fill(set.at("cmp_kv"), seed, centred(0.1f));
    fill_block_table(set.at("cmp_block_table"));
  }
  if (set.has("cmp_sparse_indices"))
    sparse::fill_prefill_lists(c.sparse, c.start_pos, c.ratio(), set.at("cmp_sparse_indices"),
                               set.at("cmp_sparse_lens"));
}

PrefillBlock submit_front(pl::Session& session, const TensorSet& in, const PrefillConfig& c) {
  PrefillBlock b;
  b.front = declare_front(session, in, c.block);
  const Front& f = b.front;
  b.kv_cache = declare(session, in, "kv_cache");
  b.slot_mapping = declare(session, in, "ori_slot_mapping");
  b.x_out = session.output("x_out", DType::BF16, {c.tokens(), kHyperStreams, c.block.hidden});
  b.attn_out = pl::create_tensor("attn_out", {c.tokens(), c.block.hidden}, DType::BF16);

  hc::hc_pre(c.block.hc_pre, f.hc);
  rms_norm(c.block.norm, f.hc.x_mixed, f.attn_norm_w, f.x_normed);
  const positions::Chunk chunk = chunk_of(c, f);
  positions::qkv_rope_rows(chunk, c.rope_rows_tile, f.rope_rows);
  if (c.block.split_half()) {
    b.token_half = positions::create_pair("rope_half", c.tokens(), kHalf, DType::F32);
    positions::prefill_rope_half(c.kind_name(), chunk, c.identity_padding, b.token_half);
  }
  qkv::qkv_rows(c.block.qkv, f.x_normed, f.weights, rope_tensors(f.rope_rows),
                {f.q, f.kv, f.qr, f.qr_scale});

  const Window window{b.kv_cache, declare(session, in, "ori_block_table"), b.slot_mapping, {}};
  b.attend = sparse_args(f, window, b.token_half, b.attn_out);
  b.attend.cmp_kv = declare(session, in, "cmp_kv");
  b.attend.weights = sparse::declare_weights(session, in);
  return b;
}

std::vector<std::pair<std::string, Tensor>> submit_back(const PrefillConfig& c,
                                                        const PrefillBlock& b) {
  sparse::prefill_sparse_attn(c.sparse, b.attend);
  const Front& f = b.front;
  // gather_kv only reads the ring: 0 x attn_out orders the write behind it, in every kind.
  cache_writeback("prefill_" + c.kind_name(),
                  {f.kv, b.slot_mapping, b.kv_cache.reshape({kPage, kHead}), b.attn_out});
  hc::hc_post(c.block.hc_post, {b.attn_out, f.hc.x_hc, f.hc.post, f.hc.comb, b.x_out});
  return {{"x_out", b.x_out}, {"kv_cache", b.kv_cache}};
}

prefill_compressor::Args compressor_args(pl::Session& session, const TensorSet& in,
                                         const prefill_compressor::Config& compressor,
                                         const PrefillBlock& b) {
  prefill_compressor::Args a;
  a.x = b.front.x_normed;
  prefill_compressor::declare_own(session, in, compressor, a);
  a.freqs_cos = b.front.step.freqs.cos;
  a.freqs_sin = b.front.step.freqs.sin;
  a.positions = b.front.step.position_ids;
  return a;
}

void golden_prefill(const TensorSet& in, const PrefillConfig& c, const GoldenFront& f,
                    const HostTensor* compressed, TensorSet& out) {
  sparse::GoldenInputs g = golden_sparse_inputs(in, f);
  if (compressed != nullptr) g.cmp_kv = *compressed;
  TensorSet lists;
  for (const TensorSpec& spec : list_specs(c)) lists.add(make_tensor(spec));
  const HostTensor &indices = lists.at("cmp_sparse_indices"), &lens = lists.at("cmp_sparse_lens");
  sparse::fill_prefill_lists(c.sparse, c.start_pos, c.ratio(), indices, lens);
  g.indices = sparse::compacted_indices(c.sparse, indices, lens);
  golden_outputs(in, c.block, f, sparse::golden_sparse_attn(c.sparse, g), out);
}

std::map<std::string, Comparator> prefill_comparators(Kind kind) {
  const bool swa = kind == Kind::Swa;
  return {{"x_out", valid_ratio_reldiff("num_tokens", swa ? 3e-3 : 5e-3, 0.005, 1)},
          {"kv_cache", ratio_allclose(1e-4, swa ? 1e-2 : 1.0 / 128)}};
}

}  // namespace kernels::attention
