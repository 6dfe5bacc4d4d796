// Prefill attention of a CSA layer (kernels.md §2.12): window plus KV rows compressed 4:1 that the
// indexer lists.
#include "kernels/attention/prefill.h"
#include "kernels/attention/prefill_indices.h"
#include "kernels/declare.h"
#include "kernels/define.h"
#include "kernels/indexer/decode_indexer.h"
#include "kernels/indexer/prefill_indexer.h"
#include "kernels/sparse_attn/prefill_lists.h"

namespace kernels {

Program program_prefill_attention_csa();

namespace {

using attention::Kind;
using compressor_kind = prefill_compressor::Kind;
using isa::DType;
using pl::Tensor;

struct Config {
  attention::PrefillConfig block;
  prefill_compressor::Config compressor;
  PrefillIndexerConfig indexer;
  int64_t sparse_idx_t_tile = 2;
};

const KnobTable& knob_table() {
  static const KnobTable table = attention::prefill_knob_table(
      Kind::Csa, {prefill_compressor::tile_knobs(compressor_kind::Ratio4),
                  prefill_indexer_knobs(),
                  {int_knob("sparse_idx_t_tile", 2, 1, 128, 1,
                            "tokens of a prefill_csa_sparse_idx_tile block")}});
  return table;
}

Config config(const Knobs& k, const std::string&) {
  Config c;
  c.block = attention::prefill_config(k, Kind::Csa);
  const std::string& program = c.block.block.program;
  c.compressor =
      prefill_compressor::config(attention::compressor_settings(k, c.block, /*indexer=*/false),
                                 compressor_kind::Ratio4, program);
  c.compressor.prefix = "cmp_";
  c.indexer =
      prefill_indexer_config(attention::compressor_settings(k, c.block, /*indexer=*/true), program);
  c.sparse_idx_t_tile = k.integer("sparse_idx_t_tile");
  return c;
}

void check(const Config& c) {
  attention::check_prefill(c.block);
  prefill_compressor::check(c.compressor);
  check_prefill_indexer(c.indexer);
}

std::vector<TensorSpec> inputs(const Config& c) {
  std::vector<TensorSpec> specs = attention::prefill_specs(c.block);
  for (TensorSpec& s : prefill_compressor::own_specs(c.compressor)) specs.push_back(std::move(s));
  const prefill_compressor::Config& inner = c.indexer.inner;
  for (TensorSpec& s : prefill_compressor::own_specs(inner)) specs.push_back(std::move(s));
  specs.push_back({"hadamard", DType::BF16, {inner.head(), inner.head()}});
  specs.push_back(
      {"idx_kv_cache", DType::BF16, {inner.cmp_pages, kPage, 1, inner.head()}, Role::InOut});
  return specs;
}

std::vector<TensorSpec> outputs(const Config& c) {
  return attention::prefill_output_specs(c.block);
}

void fill_inputs(const Config& c, uint64_t seed, TensorSet& set) {
  attention::fill_prefill(c.block, seed, set);
  for (const prefill_compressor::Config& part : {c.compressor, c.indexer.inner}) {
    prefill_compressor::fill_weights(part, seed, set);
    prefill_compressor::fill_state(part, seed, set);
  }
  prefill_compressor::fill_cmp_slots(c.compressor, &set.at("cmp_block_table"),
                                     set.at("cmp_slot_mapping"));
  fill_hadamard(set.at("hadamard"));
  fill(set.at("idx_kv_cache"), seed, uniform(-0.05f, 0.05f));
}

/// Compressor, indexer and the lists they lead to.
void compress_and_list(pl::Session& session, const TensorSet& in, const Config& c,
                       attention::PrefillBlock& block) {
  const int64_t tokens = c.block.tokens();
  prefill_compressor::Args compress = attention::compressor_args(session, in, c.compressor, block);
  compress.cmp_slots = declare(session, in, "cmp_slot_mapping");
  compress.cache = block.attend.cmp_kv;
  prefill_compressor::prefill_compressor_ratio4(c.compressor, compress);

  const prefill_compressor::Config& keys = c.indexer.inner;
  prefill_compressor::Args inner = attention::compressor_args(session, in, keys, block);
  inner.cmp_slots = compress.cmp_slots;
  inner.hadamard = declare(session, in, "hadamard");
  inner.cache = declare(session, in, "idx_kv_cache");
  inner.kv = pl::create_tensor("inner_kv", {keys.writes(), keys.head()}, DType::F32);
  const Tensor topk = pl::create_tensor("topk_idxs", {tokens, c.indexer.columns}, DType::I32);
  prefill_indexer(c.indexer, inner, topk);

  const int64_t columns = c.block.sparse.columns() + sparse::kUnreadColumns;
  const Tensor indices = pl::create_tensor("cmp_sparse_indices", {tokens, columns}, DType::I32);
  const Tensor lens = pl::create_tensor("cmp_sparse_lens", {tokens}, DType::I32);
  const attention::PrefillIndexArgs args{block.front.step.position_ids, c.block.num_tokens,
                                         c.block.ratio(), c.block.sparse.cmp_columns};
  attention::prefill_csa_sparse_lens(args, lens);
  attention::prefill_csa_sparse_idx_tile(args, topk, c.sparse_idx_t_tile, indices);
  block.attend.cmp_block_table = declare(session, in, "cmp_block_table");
  block.attend.cmp_sparse_indices = indices;
  block.attend.cmp_sparse_lens = lens;
}

std::vector<std::pair<std::string, Tensor>> run(pl::Session& session, const TensorSet& in,
                                                const Config& c) {
  attention::PrefillBlock block = attention::submit_front(session, in, c.block);
  compress_and_list(session, in, c, block);
  return attention::submit_back(c.block, block);
}

void reference(const TensorSet& in, const Config& c, TensorSet& out) {
  const attention::GoldenFront f = attention::golden_front(in, c.block.block);
  const prefill_compressor::Expected compressed = prefill_compressor::golden_compressor(
      c.compressor, to_f32(f.x_normed),
      prefill_compressor::host_of(c.compressor, in, "cmp_slot_mapping", "cmp_kv"));
  attention::golden_prefill(in, c.block, f, &compressed.cache, out);
}

}  // namespace

Program program_prefill_attention_csa() {
  Definition<Config> d;
  d.name = "prefill_attention_csa";
  d.doc =
      "Prefill attention of a CSA layer: window and 4:1 compressed rows of the indexer's list, "
      "with "
      "its hyper-connections";
  d.table = &knob_table();
  d.config = config;
  d.check = check;
  d.inputs = inputs;
  d.outputs = outputs;
  d.fill_inputs = fill_inputs;
  d.run = run;
  d.golden = reference;
  d.comparators = attention::prefill_comparators(Kind::Csa);
  d.refused_on_chip = [](const Config& c, const std::string& chip) {
    return attention::prefill_refused(c.block, chip);
  };
  return define(d);
}

}  // namespace kernels
