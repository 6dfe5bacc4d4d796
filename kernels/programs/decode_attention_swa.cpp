// Decode attention of an SWA layer (kernels.md §2.8): the sliding window alone.
#include "kernels/attention/cache_writeback.h"
#include "kernels/attention/decode.h"
#include "kernels/attention/decode_own.h"
#include "kernels/attention/sparse_indices.h"
#include "kernels/declare.h"
#include "kernels/define.h"

namespace kernels {

Program program_decode_attention_swa();

namespace {

using attention::DecodeConfig;
using attention::Front;
using attention::Kind;
using isa::DType;
using pl::Tensor;

struct Config {
  DecodeConfig block;
  sparse::Config sparse;
};

const KnobTable& knob_table() {
  static const KnobTable table = attention::decode_knob_table(
      "decode_attention_swa",
      {sparse::size_knobs(sparse::Kind::Swa), sparse::tile_knobs(sparse::Kind::Swa)});
  return table;
}

Config config(const Knobs& k, const std::string&) {
  Config c;
  c.block = attention::decode_config(k, Kind::Swa);
  c.sparse =
      sparse::config(attention::part_settings(k, c.block), sparse::Kind::Swa, c.block.program);
  return c;
}

void check(const Config& c) {
  attention::check_decode(c.block);
  sparse::check(c.sparse);
}

std::vector<TensorSpec> inputs(const Config& c) {
  return attention::join({attention::front_specs(c.block), attention::window_specs(c.block),
                          sparse::weight_specs(c.sparse)});
}

std::vector<TensorSpec> outputs(const Config& c) { return attention::output_specs(c.block); }

void fill_inputs(const Config& c, uint64_t seed, TensorSet& set) {
  attention::fill_front(c.block, seed, set);
  attention::fill_window(c.block, seed, set);
  attention::fill_output_weights(c.sparse, 0, seed, set);
}

std::vector<std::pair<std::string, Tensor>> run(pl::Session& session, const TensorSet& in,
                                                const Config& c) {
  const int64_t tokens = c.block.tokens();
  const Front f = attention::declare_front(session, in, c.block);
  const attention::Window window = attention::declare_window(session, in);
  const Tensor x_out =
      session.output("x_out", DType::BF16, {tokens, kHyperStreams, c.block.hidden});

  hc::hc_pre(c.block.hc_pre, f.hc);

  positions::SwaRows rows;
  rows.tokens = f.rope_rows;
  if (c.block.split_half())
    rows.token_half = positions::create_pair("rope_half", tokens, kHalf, DType::F32);
  positions::swa_rope_step(f.step, rows);

  attention::normed_projections(c.block, f);

  const Tensor indices = pl::create_tensor("topk_all", {tokens, kWindow}, DType::I32);
  attention::swa_overlay_topk({f.step.position_ids, window.kv_seq_lens, indices});

  const Tensor attn_out = pl::create_tensor("attn_out", {tokens, c.block.hidden}, DType::BF16);
  sparse::Args attend = attention::sparse_args(f, window, rows.token_half, attn_out);
  attend.cmp_sparse_indices = indices;
  attend.weights = sparse::declare_weights(session, in);
  sparse::decode_sparse_attn(c.sparse, attend);

  attention::cache_writeback("swa", {f.kv, window.slot_mapping, window.rows()});
  hc::hc_post(c.block.hc_post, {attn_out, f.hc.x_hc, f.hc.post, f.hc.comb, x_out});
  return {{"x_out", x_out}, {"kv_cache", window.kv_cache}};
}

void reference(const TensorSet& in, const Config& c, TensorSet& out) {
  const attention::GoldenFront f = attention::golden_front(in, c.block);
  const attention::StepPositions step =
      attention::step_positions(in.at("position_ids"), in.at("kv_seq_lens"));
  sparse::GoldenInputs attend = attention::golden_sparse_inputs(in, f);
  for (int64_t t = 0; t < c.block.tokens(); ++t)
    attention::append_list(attend.indices, attention::window_indices(step, t), {});
  attention::golden_outputs(in, c.block, f, sparse::golden_sparse_attn(c.sparse, attend), out);
}

}  // namespace

Program program_decode_attention_swa() {
  Definition<Config> d;
  d.name = "decode_attention_swa";
  d.doc = "Decode attention of an SWA layer: sliding window, with its hyper-connections";
  d.table = &knob_table();
  d.config = config;
  d.check = check;
  d.inputs = inputs;
  d.outputs = outputs;
  d.fill_inputs = fill_inputs;
  d.run = run;
  d.golden = reference;
  d.comparators = attention::decode_comparators();
  d.refused_on_chip = [](const Config& c, const std::string& chip) {
    return rope::refused_on_chip(c.block.program, c.block.layout, chip);
  };
  d.ring_heap_bytes = attention::kRingHeapBytes;
  d.scope_groups = attention::decode_scope_groups({"swa_rope_step"});
  return define(d);
}

}  // namespace kernels
