// Decode attention of a CSA layer (kernels.md §2.8): sliding window plus the KV rows, compressed
// 4:1, that the lightning indexer selects.
#include "kernels/attention/cache_writeback.h"
#include "kernels/attention/decode.h"
#include "kernels/attention/decode_fixture.h"
#include "kernels/attention/decode_own.h"
#include "kernels/attention/sparse_indices.h"
#include "kernels/declare.h"
#include "kernels/define.h"
#include "kernels/fixtures.h"
#include "kernels/indexer/decode_indexer.h"

namespace kernels {

Program program_decode_attention_csa();

namespace {

using attention::DecodeConfig;
using attention::Front;
using attention::Kind;
using isa::DType;
using pl::Tensor;

constexpr float kSink = 4.0f;

struct Config {
  DecodeConfig block;
  compressor::Config compressor;
  DecodeIndexerConfig indexer;
  sparse::Config sparse;
  int64_t index_t_tile = 2;

  /// Added to the indexer's row numbers: window and overlay come first.
  int64_t offset() const { return kWindow + block.seq; }
};

const KnobTable& knob_table() {
  static const KnobTable table = attention::decode_knob_table(
      "decode_attention_csa",
      {compressor::size_knobs(compressor::Kind::Ratio4),
       compressor::tile_knobs(compressor::Kind::Ratio4),
       decode_indexer_sizes(),
       decode_indexer_knobs(),
       {int_knob("sparse_idx_t_tile", 2, 1, 16, 1, "tokens of a csa_sparse_idx_tile block")},
       sparse::size_knobs(sparse::Kind::Csa),
       sparse::tile_knobs(sparse::Kind::Csa)});
  return table;
}

Config config(const Knobs& k, const std::string&) {
  Config c;
  c.block = attention::decode_config(k, Kind::Csa);
  const Knobs parts = attention::part_settings(k, c.block);
  c.compressor = compressor::config(parts, compressor::Kind::Ratio4, c.block.program);
  c.compressor.prefix = "cmp_";
  c.indexer = decode_indexer_config(parts, c.block.program);
  c.sparse = sparse::config(parts, sparse::Kind::Csa, c.block.program);
  c.index_t_tile = k.integer("sparse_idx_t_tile");
  return c;
}

void check(const Config& c) {
  attention::check_decode(c.block);
  compressor::check(c.compressor);
  check_decode_indexer(c.indexer);
  sparse::check(c.sparse);
  if (c.sparse.cmp_columns > c.indexer.keys)
    conflict(c.block.program, "cmp_columns " + std::to_string(c.sparse.cmp_columns) +
                                  " is more than the indexer's list of " +
                                  std::to_string(c.indexer.keys));
}

/// idx_kv_cache [pages, 128, 1, 128] BF16 in/out with its table and slots.
std::vector<TensorSpec> index_cache_specs(const Config& c) {
  const int64_t pages = c.indexer.pages_per_request;
  return {{"idx_kv_cache", DType::BF16, {c.block.batch * pages, kPage, 1, kIdxHead}, Role::InOut},
          {"idx_block_table", DType::I32, {c.block.batch, pages}},
          {"idx_slot_mapping", DType::I64, {c.block.tokens()}}};
}

std::vector<TensorSpec> inputs(const Config& c) {
  return attention::join({attention::front_specs(c.block), attention::window_specs(c.block),
                          compressor::own_specs(c.compressor),
                          attention::compressed_specs(c.block, c.sparse.cmp_pages),
                          compressor::own_specs(c.indexer.inner), decode_indexer_weights(c.indexer),
                          index_cache_specs(c), sparse::weight_specs(c.sparse)});
}

std::vector<TensorSpec> outputs(const Config& c) { return attention::output_specs(c.block); }

/// Weights, history, paging of one compressor.
void fill_compressor(const compressor::Config& part, uint64_t seed, TensorSet& set) {
  compressor::fill_weights(part, seed, set);
  attention::fill_compressor_paging(part, set);
  compressor::fill_history(part, seed, set.at("position_ids"),
                           {part.state_pages, part.state_page_rows()},
                           set.at(part.prefix + "compress_state"));
}

void fill_inputs(const Config& c, uint64_t seed, TensorSet& set) {
  attention::fill_front(c.block, seed, set);
  attention::fill_window(c.block, seed, set);
  attention::fill_compressed(c.block, c.compressor.ratio(), seed, set);
  fill_compressor(c.compressor, seed, set);
  fill_compressor(c.indexer.inner, seed, set);
  fill_decode_indexer_weights(c.indexer, seed, set);
  const HostTensor& table = set.at("idx_block_table");
  attention::fill_block_table(table);
  attention::fill_compressed_slots(set.at("position_ids"), table, kPage, kIdxRatio,
                                   set.at("idx_slot_mapping"));
  attention::fill_normalised_cache(set.at("idx_kv_cache"), table,
                                   c.block.last_position() / kIdxRatio + 1, seed);
  attention::fill_output_weights(c.sparse, kSink, seed, set);
}

/// The indexer's arguments; `step_half` and `group_half` are rows of a request's first token and of
/// its compressed group.
DecodeIndexerArgs indexer_args(pl::Session& session, const TensorSet& in, const Config& c,
                               const Front& f, const positions::CosSin& step_half,
                               const positions::CosSin& group_half) {
  const int64_t tokens = c.block.tokens();
  DecodeIndexerArgs a;
  a.x = f.x_normed;
  a.qr = f.qr;
  a.qr_scale = f.qr_scale;
  a.idx_wq_b = declare(session, in, "idx_wq_b");
  a.idx_wq_b_scale = declare_row(session, in, "idx_wq_b_scale");
  a.weights_proj = declare(session, in, "weights_proj");
  a.cos = step_half.cos;
  a.sin = step_half.sin;
  a.hadamard = declare(session, in, "hadamard");
  a.idx_kv_cache = declare(session, in, "idx_kv_cache");
  a.idx_block_table = declare(session, in, "idx_block_table");
  a.offset = c.offset();
  compressor::declare_own(session, in, c.indexer.inner, a.inner);
  a.inner.cos = group_half.cos;
  a.inner.sin = group_half.sin;
  a.inner.positions = f.step.position_ids;
  a.inner.cmp_slots =
      declare(session, in, "idx_slot_mapping").reshape({c.block.batch, c.block.seq});
  a.score = pl::create_tensor("idx_score", {tokens, c.indexer.keys}, DType::F32);
  a.topk_idxs = pl::create_tensor("idx_topk_full", {tokens, c.indexer.keys}, DType::I32);
  return a;
}

std::vector<std::pair<std::string, Tensor>> run(pl::Session& session, const TensorSet& in,
                                                const Config& c) {
  const int64_t batch = c.block.batch, tokens = c.block.tokens();
  const Front f = attention::declare_front(session, in, c.block);
  const attention::Window window = attention::declare_window(session, in);
  const Tensor cmp_kv = declare(session, in, "cmp_kv");
  const Tensor cmp_slots = declare(session, in, "cmp_slot_mapping");
  const Tensor x_out =
      session.output("x_out", DType::BF16, {tokens, kHyperStreams, c.block.hidden});

  hc::hc_pre(c.block.hc_pre, f.hc);

  positions::CsaStepRows rows;
  rows.tokens = f.rope_rows;
  rows.request_half = positions::create_pair("step", batch, kHalf, DType::F32);
  if (c.block.split_half())
    rows.token_half = positions::create_pair("rope_half", tokens, kHalf, DType::F32);
  positions::csa_rope_step(f.step, rows);
  const positions::CosSin group_half = positions::create_pair("cmp", batch, kHalf, DType::F32);
  positions::csa_cmp_rope(f.step, group_half);

  attention::normed_projections(c.block, f);

  compressor::Args compress;
  compressor::declare_own(session, in, c.compressor, compress);
  compress.x = f.x_normed;
  compress.cos = group_half.cos;
  compress.sin = group_half.sin;
  compress.positions = f.step.position_ids;
  compress.cmp_slots = cmp_slots.reshape({batch, c.block.seq});
  compress.cache = cmp_kv;
  compress.kv = pl::create_tensor("cmp_out", {batch, c.block.seq, kHead}, DType::F32);
  compressor::decode_compressor_ratio4(c.compressor, compress);

  DecodeIndexerArgs index = indexer_args(session, in, c, f, rows.request_half, group_half);
  index.kv_seq_lens = window.kv_seq_lens;
  decode_indexer(c.indexer, index);

  const Tensor indices =
      pl::create_tensor("cmp_sparse_indices", {tokens, c.sparse.columns()}, DType::I32);
  attention::csa_sparse_idx_tile({f.step.position_ids, window.kv_seq_lens, indices},
                                 c.compressor.ratio(), index.topk_idxs, c.index_t_tile);

  const Tensor attn_out = pl::create_tensor("attn_out", {tokens, c.block.hidden}, DType::BF16);
  sparse::Args attend = attention::sparse_args(f, window, rows.token_half, attn_out);
  attend.cmp_kv = cmp_kv;
  attend.cmp_block_table = declare(session, in, "cmp_block_table");
  attend.cmp_sparse_indices = indices;
  attend.weights = sparse::declare_weights(session, in);
  sparse::decode_sparse_attn(c.sparse, attend);

  attention::cache_writeback("csa", {f.kv, window.slot_mapping, window.rows(), attn_out});
  hc::hc_post(c.block.hc_post, {attn_out, f.hc.x_hc, f.hc.post, f.hc.comb, x_out});
  return {{"x_out", x_out}, {"kv_cache", window.kv_cache}};
}

/// The indexer's list of every token [T, keys].
std::vector<int32_t> golden_topk(const TensorSet& in, const Config& c,
                                 const attention::GoldenFront& f) {
  const compressor::Expected keys =
      attention::golden_compressed(in, c.indexer.inner, f, "idx_kv_cache", "idx_slot_mapping");
  const std::vector<int64_t> first = positions::request_positions(in.at("position_ids"));
  const golden::Matrix cos = to_f32(positions::golden_half_rows(in.at("freqs_cos"), first));
  const golden::Matrix sin = to_f32(positions::golden_half_rows(in.at("freqs_sin"), first));
  const golden::Matrix x = to_f32(f.x_normed);
  return golden_decode_indexer(c.indexer, in,
                               {x, f.qr.as<int8_t>(), f.qr_scale.as<float>(), cos, sin, keys.cache,
                                in.at("idx_block_table"), in.at("kv_seq_lens"), c.offset()})
      .topk_idxs;
}

void reference(const TensorSet& in, const Config& c, TensorSet& out) {
  const attention::GoldenFront f = attention::golden_front(in, c.block);
  const compressor::Expected compressed =
      attention::golden_compressed(in, c.compressor, f, "cmp_kv", "cmp_slot_mapping");
  const std::vector<int32_t> topk = golden_topk(in, c, f);
  const attention::StepPositions step =
      attention::step_positions(in.at("position_ids"), in.at("kv_seq_lens"));
  sparse::GoldenInputs attend = attention::golden_sparse_inputs(in, f);
  attend.cmp_kv = compressed.cache;
  for (int64_t t = 0; t < c.block.tokens(); ++t) {
    const int32_t* list = topk.data() + t * c.indexer.keys;
    attention::append_list(attend.indices, attention::window_indices(step, t),
                           attention::visible_selection(step, t, c.compressor.ratio(),
                                                        {list, list + c.sparse.cmp_columns}));
  }
  attention::golden_outputs(in, c.block, f, sparse::golden_sparse_attn(c.sparse, attend), out);
}

}  // namespace

Program program_decode_attention_csa() {
  Definition<Config> d;
  d.name = "decode_attention_csa";
  d.doc = "Decode attention of a CSA layer: window and indexer-selected 4:1 compressed rows";
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
  d.scope_groups = attention::decode_scope_groups({"csa_rope_step", "csa_cmp_rope", "qr_rope"});
  return define(d);
}

}  // namespace kernels
