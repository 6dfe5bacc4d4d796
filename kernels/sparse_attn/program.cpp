// The standalone programs decode_sparse_attn, _hca and _swa: sizes, fixtures, judgement.
#include <cmath>

#include "isa/numerics.h"
#include "kernels/compare.h"
#include "kernels/declare.h"
#include "kernels/define.h"
#include "kernels/fixtures.h"
#include "kernels/rope_tables.h"
#include "kernels/sparse_attn/golden.h"
#include "kernels/sparse_attn/sparse_attn.h"

namespace kernels::sparse {
namespace {

using isa::DType;

constexpr int64_t kShortWindow = 17;  ///< valid window slots of the short fixtures

constexpr const char* program_name(Kind kind) {
  return kind == Kind::Csa   ? "decode_sparse_attn"
         : kind == Kind::Hca ? "decode_sparse_attn_hca"
                             : "decode_sparse_attn_swa";
}

const char* const kFixtures[] = {"full", "short_window", "mixed", "overlay", "causal", "paged"};

KnobTable make_table(Kind kind) {
  const int64_t ratio = kind == Kind::Csa ? 4 : kind == Kind::Hca ? 128 : 0;
  std::vector<Knob> knobs = {
      choice_knob("era", {"p578", "pre570", "p570"},
                  "the kernel as it stood at a pull request; sets the layout"),
      rope::layout_knob(layouts()),
      int_knob("batch", 64, 1, 256, 1, "requests B"),
      int_knob("seq", 2, 1, 128, 1, "tokens S of a request"),
      int_knob("heads", kHeads, 32, 128, 32, "query heads of 512 lanes"),
      int_knob("hidden", kHidden, 128, 8192, 128, "model width D"),
      choice_knob("fixture", {std::begin(kFixtures), std::end(kFixtures)},
                  "what the index list names: the full window and compressed slots, 17 window "
                  "slots, both, an overlay token, a hidden later token, permuted pages with holes"),
      int_knob("compress_ratio", ratio, 0, 128, 4,
               "4: cmp_columns compressed slots are valid, 128: an eighth of 512, 0: none")};
  for (Knob& k : size_knobs(kind)) knobs.push_back(std::move(k));
  for (Knob& k : tile_knobs(kind)) knobs.push_back(std::move(k));
  std::vector<Preset> all = {{"era", "p578", {{"layout", "swap_gather"}}},
                             {"era", "pre570", {{"layout", "swap_gather"}}},
                             {"era", "p570", {{"layout", "split_half"}}}};
  for (Preset& p : presets()) all.push_back(std::move(p));
  return KnobTable(program_name(kind), {"decode"}, std::move(knobs), std::move(all));
}

template <Kind kind>
const KnobTable& knob_table() {
  static const KnobTable table = make_table(kind);
  return table;
}

template <Kind kind>
Config config_of(const Knobs& k, const std::string&) {
  Config c = config(k, kind, program_name(kind));
  c.compress_ratio = k.integer("compress_ratio");
  const std::string& fixture = k.text("fixture");
  for (size_t i = 0; i < std::size(kFixtures); ++i)
    if (fixture == kFixtures[i]) c.fixture = static_cast<Fixture>(i);
  return c;
}

std::vector<TensorSpec> inputs(const Config& c) {
  const int64_t tokens = c.tokens(), pages = c.batch * c.cmp_pages;
  const DType table = c.split_half() ? DType::F32 : DType::BF16;
  const int64_t table_width = c.split_half() ? kHalf : kRope;
  const std::string cos = c.split_half() ? "rope_cos_half" : "freqs_cos";
  const std::string sin = c.split_half() ? "rope_sin_half" : "freqs_sin";
  std::vector<TensorSpec> specs = {{"q", DType::BF16, {tokens, c.heads, kHead}},
                                   {"ori_kv", DType::BF16, {c.batch, kPage, 1, kHead}, Role::InOut},
                                   {"ori_block_table", DType::I32, {c.batch, 1}},
                                   {"mtp_kv_overlay", DType::BF16, {tokens, kHead}},
                                   {"cmp_kv", DType::BF16, {pages, kPage, 1, kHead}},
                                   {"cmp_block_table", DType::I32, {c.batch, c.cmp_pages}},
                                   {"cmp_sparse_indices", DType::I32, {tokens, c.columns()}},
                                   {cos, table, {tokens, table_width}},
                                   {sin, table, {tokens, table_width}}};
  for (TensorSpec& spec : weight_specs(c)) specs.push_back(std::move(spec));
  return specs;
}

std::vector<TensorSpec> outputs(const Config& c) {
  return {{"attn_out", DType::BF16, {c.tokens(), c.hidden}, Role::Output}};
}

// --- fixtures
// -------------------------------------------------------------------------------------

/// Compressed slots of every request that hold data.
int64_t valid_compressed(const Config& c) {
  if (c.compress_ratio == 0 || c.fixture == Fixture::ShortWindow) return 0;
  return std::min(c.cmp_columns, c.compress_ratio == 128 ? int64_t{64} : int64_t{512});
}

int64_t valid_window(const Config& c, int64_t token) {
  switch (c.fixture) {
    case Fixture::ShortWindow:
    case Fixture::Mixed:
    case Fixture::Overlay:
      return kShortWindow;
    case Fixture::Causal:
      return token % c.seq == 0 ? kWindow - 1 : kWindow;
    default:
      return kWindow;
  }
}

void fill_indices(const Config& c, const HostTensor& t) {
  auto* out = t.as<int32_t>();
  const bool holes = c.fixture == Fixture::Paged;
  for (int64_t token = 0; token < c.tokens(); ++token, out += c.columns()) {
    std::fill_n(out, c.columns(), -1);
    for (int64_t k = 0; k < valid_window(c, token); ++k)
      if (!holes || (k + token) % 7 != 0) out[k] = static_cast<int32_t>(k);
    for (int64_t k = 0; k < valid_compressed(c); ++k)
      if (!holes || (k + token) % 5 != 0)
        out[kWindow + k] = static_cast<int32_t>(c.first_compressed() + k);
    if (c.fixture == Fixture::Overlay) out[kShortWindow - 1] = static_cast<int32_t>(kWindow);
  }
}

/// Page j of request b: b * pages + j, or from the back.
void fill_block_table(const Config& c, const HostTensor& t) {
  const int64_t n = t.numel();
  for (int64_t i = 0; i < n; ++i)
    t.as<int32_t>()[i] = static_cast<int32_t>(c.fixture == Fixture::Paged ? n - 1 - i : i);
}

/// Only the rows some request can name; the rest of a 512 MiB pool stays zero.
void fill_compressed(const Config& c, uint64_t seed, const TensorSet& set) {
  const HostTensor& pool = set.at("cmp_kv");
  const auto* table = set.at("cmp_block_table").as<int32_t>();
  const RngKey key = rng_key(seed, pool.name);
  const int64_t slots = valid_compressed(c);
  std::vector<float> row(static_cast<size_t>(kHead));
  for (int64_t b = 0; b < c.batch; ++b)
    for (int64_t slot = 0; slot < slots; ++slot) {
      const int64_t page = table[b * c.cmp_pages + slot / kPage];
      const int64_t at = (page * kPage + slot % kPage) * kHead;
      fill_uniform(key, static_cast<uint32_t>(at), kHead, -0.5f, 0.5f, row.data());
      f32_to_bf16(row.data(), kHead, pool.as<uint16_t>() + at);
    }
}

/// cos / sin of angles without a model behind them: 1e-3 * (32 t + i), BF16 values.
void fill_ramp_table(const HostTensor& t, double (*f)(double)) {
  const int64_t width = t.shape[1];
  for (int64_t i = 0; i < t.numel(); ++i) {
    const float angle = static_cast<float>(i / width * kHalf + i % width % kHalf) * 1e-3f;
    const uint16_t value = isa::f32_to_bf16(static_cast<float>(f(static_cast<double>(angle))));
    if (t.dtype == DType::BF16)
      t.as<uint16_t>()[i] = value;
    else
      t.as<float>()[i] = isa::bf16_to_f32(value);
  }
}

void fill_tables(const Config& c, const TensorSet& set) {
  if (c.split_half()) {
    fill_ramp_table(set.at("rope_cos_half"), std::cos);
    fill_ramp_table(set.at("rope_sin_half"), std::sin);
  } else if (c.kind == Kind::Csa) {
    fill_rope_tables(RopeProfile::Compressed, set.at("freqs_cos"), set.at("freqs_sin"));
  } else {
    fill_ramp_table(set.at("freqs_cos"), std::cos);
    fill_ramp_table(set.at("freqs_sin"), std::sin);
  }
}

void set_row(const HostTensor& t, int64_t first, int64_t n, float value) {
  std::fill_n(t.as<uint16_t>() + first, n, isa::f32_to_bf16(value));
}

void fill_inputs(const Config& c, uint64_t seed, TensorSet& set) {
  for (const char* name : {"q", "ori_kv", "mtp_kv_overlay"})
    fill(set.at(name), seed, uniform(-0.5f, 0.5f));
  fill_block_table(c, set.at("ori_block_table"));
  fill_block_table(c, set.at("cmp_block_table"));
  fill_compressed(c, seed, set);
  fill_indices(c, set.at("cmp_sparse_indices"));
  fill_tables(c, set);
  // wo_a (U01 - .5) / 64, wo_b (U01 - .5) / sqrt(its inputs)
  const float bound = 0.5f / std::sqrt(static_cast<float>(c.o_width()));
  fill_weights(seed, set, uniform(-0.5f / 64, 0.5f / 64), uniform(-bound, bound));
  if (c.fixture == Fixture::Overlay)
    for (int64_t t = 0; t < c.tokens(); ++t) set_row(set.at("mtp_kv_overlay"), t * kHead, 1, 4);
  if (c.fixture == Fixture::Causal) {
    set_row(set.at("q"), 0, c.heads * kHead, 1);
    for (int64_t b = 0; b < c.batch; ++b)
      set_row(set.at("ori_kv"), (b * kPage + kWindow - 1) * kHead, kHead, 8);
  }
}

// --- run and judgement
// ----------------------------------------------------------------------------

std::vector<std::pair<std::string, Tensor>> run(pl::Session& session, const TensorSet& in,
                                                const Config& c) {
  const auto argument = [&](const char* name) { return declare(session, in, name); };
  Args a;
  a.q = argument("q");
  a.ori_kv = argument("ori_kv");
  a.ori_block_table = argument("ori_block_table");
  a.mtp_kv_overlay = argument("mtp_kv_overlay");
  a.cmp_kv = argument("cmp_kv");
  a.cmp_block_table = argument("cmp_block_table");
  a.cmp_sparse_indices = argument("cmp_sparse_indices");
  a.freqs_cos = argument(c.split_half() ? "rope_cos_half" : "freqs_cos");
  a.freqs_sin = argument(c.split_half() ? "rope_sin_half" : "freqs_sin");
  a.weights = declare_weights(session, in);
  a.attn_out = session.output("attn_out", DType::BF16, {c.tokens(), c.hidden});
  decode_sparse_attn(c, a);
  return {{"attn_out", a.attn_out}};
}

void reference(const TensorSet& in, const Config& c, TensorSet& out) {
  GoldenInputs g;
  g.q = to_f32(in.at("q"));
  g.ori_kv = in.at("ori_kv");
  g.ori_block_table = in.at("ori_block_table");
  g.overlay = to_f32(in.at("mtp_kv_overlay"));
  g.cmp_kv = in.at("cmp_kv");
  g.cmp_block_table = in.at("cmp_block_table");
  const HostTensor& indices = in.at("cmp_sparse_indices");
  g.indices.assign(indices.as<int32_t>(), indices.as<int32_t>() + indices.numel());
  g.sink = to_f32(in.at("attn_sink"));
  g.cos = half_table(in.at(c.split_half() ? "rope_cos_half" : "freqs_cos"));
  g.sin = half_table(in.at(c.split_half() ? "rope_sin_half" : "freqs_sin"));
  g.wo_a = in.at("wo_a");
  g.wo_b = in.at("wo_b");
  g.wo_b_scale = in.at("wo_b_scale");
  const golden::Matrix y = golden_sparse_attn(c, g);
  f32_to_bf16(y.data(), static_cast<int64_t>(y.size()), out.at("attn_out").as<uint16_t>());
}

template <Kind kind>
Program make_program() {
  Definition<Config> d;
  d.name = program_name(kind);
  d.doc = kind == Kind::Csa   ? "Sparse attention over window and selected 4:1 compressed KV rows"
          : kind == Kind::Hca ? "Sparse attention over window and 128:1 compressed KV rows"
                              : "Sparse attention over the sliding window";
  d.table = &knob_table<kind>();
  d.config = config_of<kind>;
  d.check = check;
  d.inputs = inputs;
  d.outputs = outputs;
  d.fill_inputs = fill_inputs;
  d.run = run;
  d.golden = reference;
  d.comparators = {{"attn_out", ratio_allclose(1e-4, 1.0 / 128)}};
  d.refused_on_chip = [](const Config& c, const std::string& chip) {
    return rope::refused_on_chip(c.program, c.layout, chip);
  };
  return define(d);
}

}  // namespace

Program program(Kind kind) {
  switch (kind) {
    case Kind::Csa:
      return make_program<Kind::Csa>();
    case Kind::Hca:
      return make_program<Kind::Hca>();
    default:
      return make_program<Kind::Swa>();
  }
}

}  // namespace kernels::sparse
