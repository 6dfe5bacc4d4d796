// The lightning indexer of CSA decode as a program of its own (kernels.md §2.6).
#include <algorithm>
#include <limits>

#include "isa/numerics.h"
#include "kernels/attention/decode_fixture.h"
#include "kernels/compare.h"
#include "kernels/compressor/host.h"
#include "kernels/declare.h"
#include "kernels/define.h"
#include "kernels/fixtures.h"
#include "kernels/indexer/decode_indexer.h"
#include "kernels/launch.h"
#include "kernels/positions/golden.h"
#include "kernels/rope_tables.h"

namespace kernels {

Program program_decode_indexer();

namespace {

using golden::Matrix;
using isa::DType;
using pl::Tensor;

constexpr char kName[] = "decode_indexer";
constexpr float kHadamardBound = 0.08838834764831845f;  // 1 / sqrt(128)
/// First positions of the requests, over and over: no key at all, a partial tile, full tiles.
constexpr int64_t kStarts[] = {0, 1, 2, 3, 6, 7, 127, 126, 254};

struct Config {
  DecodeIndexerConfig indexer;
  int64_t max_position = 0, start_pos = -1, offset = 0;
  std::vector<int64_t> starts() const {
    if (start_pos >= 0) return {start_pos};
    return {std::begin(kStarts), std::end(kStarts)};
  }
};

const KnobTable& knob_table() {
  static const KnobTable table = [] {
    std::vector<Knob> knobs = {
        choice_knob("era", {"p578", "p570", "pre570", "p374"},
                    "the kernel as it stood at a pull request; the layout is all that changes"),
        rope::layout_knob(
            {rope::Layout::SwapGather, rope::Layout::SelectorMatmul, rope::Layout::Hoisted}),
        int_knob("batch", 64, 1, 64, 1, "requests"),
        int_knob("seq", 2, 1, 16, 1, "tokens of a request"),
        int_knob("hidden", kHidden, 128, 16384, 128, "model width D"),
        int_knob("q_lora", 1024, 128, 4096, 128, "width of qr"),
        int_knob("start_pos", -1, -1, 16384, 1,
                 "position of every request's first token; -1 cycles over upstream's list"),
        int_knob("idx_offset", 128, 0, 4096, 1, "added to the indices; CSA passes 130")};
    for (Knob& k : decode_indexer_sizes()) knobs.push_back(std::move(k));
    for (Knob& k : decode_indexer_knobs()) knobs.push_back(std::move(k));
    std::vector<Preset> presets;
    for (const char* era : {"p578", "p570", "pre570"})
      presets.push_back({"era", era, {{"layout", "swap_gather"}}});
    presets.push_back({"era", "p374", {{"layout", "selector_matmul"}}});
    return KnobTable(kName, {"decode"}, knobs, presets);
  }();
  return table;
}

Config config(const Knobs& k, const std::string&) {
  Config c;
  c.indexer = decode_indexer_config(k, kName);
  c.max_position = k.integer("max_position");
  c.start_pos = k.integer("start_pos");
  c.offset = k.integer("idx_offset");
  // 65 pages hold the published starts; a longer context has more.
  compressor::Config& inner = c.indexer.inner;
  inner.state_pages =
      std::max(inner.state_pages, ceil_div(c.start_pos + c.indexer.seq, inner.state_page_rows()));
  return c;
}

void check(const Config& c) {
  check_decode_indexer(c.indexer);
  for (int64_t start : c.starts())
    if (start + c.indexer.seq > c.max_position)
      conflict(kName, "a request that starts at " + std::to_string(start) + " ends at position " +
                          std::to_string(start + c.indexer.seq) + ", max_position is " +
                          std::to_string(c.max_position));
}

std::vector<TensorSpec> inputs(const Config& c) {
  const DecodeIndexerConfig& i = c.indexer;
  const int64_t frequencies = i.layout == rope::Layout::Hoisted ? kRope : kHalf;
  std::vector<TensorSpec> specs = {{"x", DType::BF16, {i.batch, i.seq, i.hidden}},
                                   {"qr", DType::I8, {i.tokens(), i.q_lora}},
                                   {"qr_scale", DType::F32, {i.tokens(), 1}},
                                   {"cos", DType::F32, {i.batch, frequencies}},
                                   {"sin", DType::F32, {i.batch, frequencies}},
                                   {"idx_kv_cache",
                                    DType::BF16,
                                    {i.batch * i.pages_per_request, kPage, 1, kIdxHead},
                                    Role::InOut},
                                   {"idx_block_table", DType::I32, {i.batch, i.pages_per_request}},
                                   {"position_ids", DType::I32, {i.batch, i.seq}},
                                   {"kv_seq_lens", DType::I32, {i.batch}},
                                   {"cmp_slot_mapping", DType::I64, {i.batch, i.seq}},
                                   {"inner_cos", DType::F32, {i.batch, kHalf}},
                                   {"inner_sin", DType::F32, {i.batch, kHalf}},
                                   {"offset", DType::I32, {1}}};
  for (TensorSpec& spec : compressor::own_specs(i.inner)) specs.push_back(std::move(spec));
  for (TensorSpec& spec : decode_indexer_weights(i)) specs.push_back(std::move(spec));
  return specs;
}

std::vector<TensorSpec> outputs(const Config& c) {
  const DecodeIndexerConfig& i = c.indexer;
  return {{"score", DType::F32, {i.batch, i.seq, i.keys}, Role::Output},
          {"topk_idxs", DType::I32, {i.batch, i.seq, i.keys}, Role::Output},
          {"idx_kv_cache",
           DType::BF16,
           {i.batch * i.pages_per_request, kPage, 1, kIdxHead},
           Role::Output}};
}

/// The table rows of the requests' first positions; hoisted: each frequency twice, the sine with
/// the rotation's sign (- on even lanes).
void fill_request_tables(const Config& c, TensorSet& set) {
  const bool hoisted = c.indexer.layout == rope::Layout::Hoisted;
  const HostTensor cos = make_tensor("cos", DType::BF16, {c.max_position, kRope}, Role::Input);
  const HostTensor sin = make_tensor("sin", DType::BF16, {c.max_position, kRope}, Role::Input);
  fill_rope_tables(RopeProfile::Compressed, cos, sin);
  const int64_t width = hoisted ? kRope : kHalf;
  const int32_t* positions = set.at("position_ids").as<int32_t>();
  for (int64_t b = 0; b < c.indexer.batch; ++b)
    for (int64_t j = 0; j < width; ++j) {
      const int64_t at = positions[b * c.indexer.seq] * kRope + (hoisted ? j / 2 : j);
      const float sign = hoisted && j % 2 == 0 ? -1.0f : 1.0f;
      set.at("cos").as<float>()[b * width + j] = isa::bf16_to_f32(cos.as<uint16_t>()[at]);
      set.at("sin").as<float>()[b * width + j] = sign * isa::bf16_to_f32(sin.as<uint16_t>()[at]);
    }
}

/// U01 in the pages a request's length reaches. The others stay untouched zeros: nothing reads
/// them, and 128 MiB of cache cost a few.
void fill_cache(const Config& c, uint64_t seed, TensorSet& set) {
  const DecodeIndexerConfig& i = c.indexer;
  const HostTensor& cache = set.at("idx_kv_cache");
  const RngKey key = rng_key(seed, cache.name);
  constexpr int64_t kPageElements = kPage * kIdxHead;
  std::vector<float> page(kPageElements);
  for (int64_t b = 0; b < i.batch; ++b) {
    const int64_t keys = set.at("kv_seq_lens").as<int32_t>()[b] / kIdxRatio;
    for (int64_t j = 0; j < ceil_div(keys, kPage); ++j) {
      const int64_t first =
          set.at("idx_block_table").as<int32_t>()[b * i.pages_per_request + j] * kPageElements;
      fill_uniform(key, static_cast<uint32_t>(first), kPageElements, 0, 1, page.data());
      f32_to_bf16(page.data(), kPageElements, cache.as<uint16_t>() + first);
    }
  }
}

/// The inner compressor's history: values 0, scores the lowest finite number, in the window of each
/// request and the one before; nothing reads the other rows.
void fill_state(const Config& c, const compressor::PageTable& pages, TensorSet& set) {
  const compressor::Config& inner = c.indexer.inner;
  float* state = set.at("inner_compress_state").as<float>();
  const int32_t* positions = set.at("position_ids").as<int32_t>();
  for (int64_t b = 0; b < inner.batch; ++b) {
    const int64_t window = positions[b * inner.seq] / kIdxRatio * kIdxRatio;
    for (int64_t p = std::max<int64_t>(window - kIdxRatio, 0); p < window + kIdxRatio; ++p) {
      float* row = state + pages.row(b, p) * 2 * inner.width();
      std::fill_n(row + inner.width(), inner.width(), std::numeric_limits<float>::lowest());
    }
  }
}

void fill_paging(const Config& c, TensorSet& set) {
  const DecodeIndexerConfig& i = c.indexer;
  const HostTensor& positions = set.at("position_ids");
  positions::fill_decode_positions(positions, c.starts());
  const compressor::PageTable keys{i.pages_per_request, kPage};
  const compressor::PageTable state{i.inner.state_pages, i.inner.state_page_rows()};
  compressor::fill_state_paging(i.inner, positions, state, set);
  compressor::fill_cmp_slots(i.inner, positions, keys, set.at("cmp_slot_mapping"));
  attention::fill_seq_lens(positions, set.at("kv_seq_lens"));
  attention::fill_block_table(set.at("idx_block_table"));
  fill_state(c, state, set);
}

void fill_inputs(const Config& c, uint64_t seed, TensorSet& set) {
  const DecodeIndexerConfig& i = c.indexer;
  fill(set.at("x"), seed, uniform(0, 1));
  Matrix qr(static_cast<size_t>(i.tokens() * i.q_lora));
  fill_uniform(rng_key(seed, "qr"), 0, static_cast<int64_t>(qr.size()), 0, 1, qr.data());
  golden::quantise_rows(qr, i.tokens(), i.q_lora, set.at("qr").as<int8_t>(),
                        set.at("qr_scale").as<float>());
  set.at("offset").as<int32_t>()[0] = static_cast<int32_t>(c.offset);
  fill_paging(c, set);
  fill_request_tables(c, set);
  compressor::fill_window_tables(i.inner, set.at("position_ids"), set.at("inner_cos"),
                                 set.at("inner_sin"));
  fill_cache(c, seed, set);
  fill_decode_indexer_weights(i, seed, set);
  compressor::fill_weights(i.inner, seed, set);
  fill(set.at("hadamard"), seed, uniform(0, kHadamardBound));  // as the compressor's own program
}

std::vector<std::pair<std::string, Tensor>> run(pl::Session& session, const TensorSet& in,
                                                const Config& c) {
  const DecodeIndexerConfig& i = c.indexer;
  DecodeIndexerArgs a;
  a.x = declare(session, in, "x").reshape({i.tokens(), i.hidden});
  a.qr = declare(session, in, "qr");
  a.qr_scale = declare(session, in, "qr_scale").reshape({1, i.tokens()});
  a.cos = declare(session, in, "cos");
  a.sin = declare(session, in, "sin");
  a.idx_kv_cache = declare(session, in, "idx_kv_cache");
  a.idx_block_table = declare(session, in, "idx_block_table");
  a.kv_seq_lens = declare(session, in, "kv_seq_lens");
  a.idx_wq_b = declare(session, in, "idx_wq_b");
  a.idx_wq_b_scale = declare_row(session, in, "idx_wq_b_scale");
  a.weights_proj = declare(session, in, "weights_proj");
  a.hadamard = declare(session, in, "hadamard");
  if (i.layout == rope::Layout::SelectorMatmul) {
    a.even_select = declare(session, in, "even_select");
    a.odd_select = declare(session, in, "odd_select");
  }
  compressor::declare_own(session, in, i.inner, a.inner);
  a.inner.cos = declare(session, in, "inner_cos");
  a.inner.sin = declare(session, in, "inner_sin");
  a.inner.positions = declare(session, in, "position_ids");
  a.inner.cmp_slots = declare(session, in, "cmp_slot_mapping");
  a.offset = in.at("offset").as<int32_t>()[0];  // a scalar argument
  const Tensor score = session.output("score", DType::F32, {i.batch, i.seq, i.keys});
  const Tensor topk_idxs = session.output("topk_idxs", DType::I32, {i.batch, i.seq, i.keys});
  a.score = score.reshape({i.tokens(), i.keys});
  a.topk_idxs = topk_idxs.reshape({i.tokens(), i.keys});
  decode_indexer(i, a);
  return {{"score", score}, {"topk_idxs", topk_idxs}, {"idx_kv_cache", a.idx_kv_cache}};
}

/// [B, 32] from the run's tables: of a duplicated, signed row the odd lanes are the plain values.
Matrix half_table(const HostTensor& t, const Config& c) {
  Matrix m = to_f32(t);
  if (c.indexer.layout != rope::Layout::Hoisted) return m;
  Matrix half;
  for (size_t j = 1; j < m.size(); j += 2) half.push_back(m[j]);
  return half;
}

void reference(const TensorSet& in, const Config& c, TensorSet& out) {
  const Matrix x = to_f32(in.at("x"));
  const Matrix cos = half_table(in.at("cos"), c), sin = half_table(in.at("sin"), c);
  const compressor::Config& inner = c.indexer.inner;
  const compressor::Expected keys =
      golden_compressor(inner, x, compressor::host_of(inner, in, "idx_kv_cache"),
                        to_f32(in.at("inner_cos")), to_f32(in.at("inner_sin")));
  out.at("idx_kv_cache").bytes = keys.cache.bytes;
  const DecodeIndexerReference r = golden_decode_indexer(
      c.indexer, in,
      {x, in.at("qr").as<int8_t>(), in.at("qr_scale").as<float>(), cos, sin, keys.cache,
       in.at("idx_block_table"), in.at("kv_seq_lens"), in.at("offset").as<int32_t>()[0]});
  std::copy(r.score.begin(), r.score.end(), out.at("score").as<float>());
  std::copy(r.topk_idxs.begin(), r.topk_idxs.end(), out.at("topk_idxs").as<int32_t>());
}

}  // namespace

Program program_decode_indexer() {
  Definition<Config> d;
  d.name = kName;
  d.doc = "Lightning indexer of CSA decode: INT8 scores of the compressed keys and their top-k";
  d.table = &knob_table();
  d.config = config;
  d.check = check;
  d.inputs = inputs;
  d.outputs = outputs;
  d.fill_inputs = fill_inputs;
  d.run = run;
  d.golden = reference;
  d.comparators = {{"score", ratio_allclose(1e-4, 1.0 / 128)},
                   {"topk_idxs", topk_lookup_compare("score", "offset")},
                   {"idx_kv_cache", all_but(1e-4, 1.0 / 128, 4)}};
  return define(d);
}

}  // namespace kernels
