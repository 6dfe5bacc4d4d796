// Prefill attention of an HCA layer (kernels.md §2.12): window plus the tail of KV rows compressed
// 128:1; index lists and lengths are host inputs.
#include "kernels/attention/prefill.h"
#include "kernels/declare.h"
#include "kernels/define.h"

namespace kernels {

Program program_prefill_attention_hca();

namespace {

using attention::Kind;
using compressor_kind = prefill_compressor::Kind;

struct Config {
  attention::PrefillConfig block;
  prefill_compressor::Config compressor;
};

const KnobTable& knob_table() {
  static const KnobTable table = attention::prefill_knob_table(
      Kind::Hca, {prefill_compressor::tile_knobs(compressor_kind::Ratio128)});
  return table;
}

Config config(const Knobs& k, const std::string&) {
  Config c;
  c.block = attention::prefill_config(k, Kind::Hca);
  c.compressor =
      prefill_compressor::config(attention::compressor_settings(k, c.block, /*indexer=*/false),
                                 compressor_kind::Ratio128, c.block.block.program);
  c.compressor.prefix = "cmp_";
  return c;
}

void check(const Config& c) {
  attention::check_prefill(c.block);
  prefill_compressor::check(c.compressor);
}

std::vector<TensorSpec> inputs(const Config& c) {
  std::vector<TensorSpec> specs = attention::prefill_specs(c.block);
  for (TensorSpec& s : prefill_compressor::own_specs(c.compressor)) specs.push_back(std::move(s));
  for (TensorSpec& s : attention::list_specs(c.block)) specs.push_back(std::move(s));
  return specs;
}

std::vector<TensorSpec> outputs(const Config& c) {
  return attention::prefill_output_specs(c.block);
}

void fill_inputs(const Config& c, uint64_t seed, TensorSet& set) {
  attention::fill_prefill(c.block, seed, set);
  prefill_compressor::fill_weights(c.compressor, seed, set);
  prefill_compressor::fill_state(c.compressor, seed, set);
  prefill_compressor::fill_cmp_slots(c.compressor, &set.at("cmp_block_table"),
                                     set.at("cmp_slot_mapping"));
}

std::vector<std::pair<std::string, pl::Tensor>> run(pl::Session& session, const TensorSet& in,
                                                    const Config& c) {
  attention::PrefillBlock block = attention::submit_front(session, in, c.block);
  prefill_compressor::Args compress = attention::compressor_args(session, in, c.compressor, block);
  compress.cmp_slots = declare(session, in, "cmp_slot_mapping");
  compress.cache = block.attend.cmp_kv;
  prefill_compressor::prefill_compressor_ratio128(c.compressor, compress);

  block.attend.cmp_block_table = declare(session, in, "cmp_block_table");
  block.attend.cmp_sparse_indices = declare(session, in, "cmp_sparse_indices");
  block.attend.cmp_sparse_lens = declare(session, in, "cmp_sparse_lens");
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

Program program_prefill_attention_hca() {
  Definition<Config> d;
  d.name = "prefill_attention_hca";
  d.doc =
      "Prefill attention of an HCA layer: window and 128:1 compressed tail, with its hyper-"
      "connections";
  d.table = &knob_table();
  d.config = config;
  d.check = check;
  d.inputs = inputs;
  d.outputs = outputs;
  d.fill_inputs = fill_inputs;
  d.run = run;
  d.golden = reference;
  d.comparators = attention::prefill_comparators(Kind::Hca);
  d.refused_on_chip = [](const Config& c, const std::string& chip) {
    return attention::prefill_refused(c.block, chip);
  };
  return define(d);
}

}  // namespace kernels
