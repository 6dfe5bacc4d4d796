// The position scopes of the attention kernels on their own (kernels.md §1.6, §2.8, §2.12): rows of
// the RoPE tables for the tokens of a decode step or of a prefill chunk.
#include <cmath>

#include "isa/numerics.h"
#include "kernels/compare.h"
#include "kernels/declare.h"
#include "kernels/define.h"
#include "kernels/model.h"
#include "kernels/positions/golden.h"
#include "kernels/positions/positions.h"
#include "kernels/rope.h"

namespace kernels {

Program program_rope_tables();

namespace {

using isa::DType;
using positions::CosSin;
using positions::Kind;

constexpr char kName[] = "rope_tables";

struct Config {
  Kind kind;
  std::string kind_name;
  bool prefill;
  RopeProfile profile;
  rope::Layout layout;
  int64_t batch, seq, tokens, num_tokens, start_pos, max_position, t_tile;
  bool identity_padding;

  bool token_half() const { return layout == rope::Layout::SplitHalf; }
  bool interleave() const { return layout == rope::Layout::Hoisted; }
  /// Half rows of requests: the indexer's, the compressors'.
  bool request_half() const { return !prefill && kind == Kind::Csa; }
  bool group_half() const { return !prefill && kind != Kind::Swa; }
};

const KnobTable& knob_table() {
  using rope::Layout;
  static const KnobTable table(
      kName, {"decode", "prefill"},
      {choice_knob("era", {"p578", "pre570", "p570", "head"},
                   "the scopes as they stood at a pull request; sets layout"),
       rope::layout_knob(
           {Layout::FusedSwapGather, Layout::SwapGather, Layout::SplitHalf, Layout::Hoisted}),
       choice_knob("kind", positions::kind_names(), "attention whose scopes run"),
       choice_knob("profile", {"of_kind", "base", "compressed"},
                   "frequencies: base 1e4, or 1.6e5 with YaRN; swa has base"),
       int_knob("batch", 64, 1, 256, 1, "requests B of a decode step"),
       int_knob("seq", 2, 1, 8, 1, "tokens S of a request in a decode step"),
       int_knob("tokens", 128, 1, 1024, 1, "rows T of a prefill chunk"),
       int_knob("num_tokens", 128, 1, 1024, 1,
                "active rows of a prefill chunk, the rest is padding"),
       int_knob("start_pos", 0, 0, 1048576, 1, "position of a prefill chunk's first token"),
       int_knob("max_position", kMaxPosition, 512, 1048576, 1, "rows of the tables"),
       int_knob("rope_rows_t_tile", 16, 1, 128, 1, "rows of a qkv_rope_rows block"),
       flag_knob("identity_padding", true,
                 "split_half prefill: padding rows become the identity rotation")},
      {{"era", "pre570", {{"layout", "swap_gather"}}},
       {"era", "p570", {{"layout", "split_half"}}},
       {"era", "head", {{"layout", "hoisted"}}},
       {"era", "head", {{"batch", "4"}, {"seq", "2"}}, "decode"}});
  return table;
}

Config config(const Knobs& k, const std::string& mode) {
  Config c;
  c.kind_name = k.text("kind");
  c.kind = positions::parse_kind(c.kind_name);
  c.prefill = mode == "prefill";
  c.profile = k.text("profile") == "of_kind" ? positions::profile_of(c.kind)
              : k.text("profile") == "base"  ? RopeProfile::Base
                                             : RopeProfile::Compressed;
  c.layout = rope::parse_layout(k.text("layout"));
  c.batch = k.integer("batch");
  c.seq = k.integer("seq");
  c.tokens = c.prefill ? k.integer("tokens") : c.batch * c.seq;
  c.num_tokens = c.prefill ? k.integer("num_tokens") : c.tokens;
  c.start_pos = k.integer("start_pos");
  c.max_position = k.integer("max_position");
  c.t_tile = k.integer("rope_rows_t_tile");
  c.identity_padding = k.flag("identity_padding");
  return c;
}

void check(const Config& c) {
  const auto s = [](int64_t v) { return std::to_string(v); };
  if (c.num_tokens > c.tokens)
    conflict(kName, "num_tokens " + s(c.num_tokens) + " exceeds tokens " + s(c.tokens));
  if (c.prefill && c.start_pos + c.tokens > c.max_position)
    conflict(kName, "start_pos " + s(c.start_pos) + " + tokens " + s(c.tokens) +
                        " is past max_position " + s(c.max_position));
  if (c.prefill && c.interleave())
    conflict(kName, "layout=hoisted has no position scope of its own in prefill mode");
}

std::vector<TensorSpec> inputs(const Config& c) {
  const std::vector<int64_t> ids =
      c.prefill ? std::vector<int64_t>{c.tokens} : std::vector<int64_t>{c.batch, c.seq};
  std::vector<TensorSpec> specs = {{"freqs_cos", DType::BF16, {c.max_position, kRope}},
                                   {"freqs_sin", DType::BF16, {c.max_position, kRope}},
                                   {"position_ids", DType::I32, ids}};
  if (c.prefill) specs.push_back({"num_tokens", DType::I32, {1}});
  return specs;
}

void fill_inputs(const Config& c, uint64_t, TensorSet& set) {
  fill_rope_tables(c.profile, set.at("freqs_cos"), set.at("freqs_sin"));
  if (!c.prefill)
    return positions::fill_decode_positions(set.at("position_ids"),
                                            positions::start_positions(c.kind));
  positions::fill_prefill_positions(set.at("position_ids"), c.start_pos);
  *set.at("num_tokens").as<int32_t>() = static_cast<int32_t>(c.num_tokens);
}

/// A pair of outputs: names prefix + "_cos", prefix + "_sin". Only the first `written` rows have a
/// value: nobody writes padding rows of a prefill chunk, unless they become the identity rotation.
struct Pair {
  std::string prefix;
  int64_t rows, cols;
  DType dtype;
  int64_t written;
};

std::vector<Pair> output_pairs(const Config& c) {
  std::vector<Pair> pairs = {{"rope", c.tokens, kRope, DType::BF16, c.num_tokens}};
  if (c.token_half())
    pairs.push_back(
        {"rope_half", c.tokens, kHalf, DType::F32, c.identity_padding ? c.tokens : c.num_tokens});
  if (c.request_half()) pairs.push_back({"idx_half", c.batch, kHalf, DType::F32, c.batch});
  if (c.group_half()) pairs.push_back({"cmp_half", c.batch, kHalf, DType::F32, c.batch});
  if (c.interleave() && c.request_half())
    pairs.push_back({"idx_il", c.batch, kRope, DType::F32, c.batch});
  if (c.interleave() && c.group_half())
    pairs.push_back({"cmp_il", c.batch, kRope, DType::F32, c.batch});
  return pairs;
}

std::vector<TensorSpec> outputs(const Config& c) {
  std::vector<TensorSpec> specs;
  for (const Pair& p : output_pairs(c))
    for (const char* which : {"_cos", "_sin"})
      specs.push_back({p.prefix + which, p.dtype, {p.written, p.cols}, Role::Output});
  return specs;
}

void submit_decode(const Config& c, const positions::Step& step,
                   std::map<std::string, CosSin>& out) {
  const CosSin tokens = out.at("rope");
  const CosSin half = c.token_half() ? out.at("rope_half") : CosSin{};
  if (c.kind == Kind::Hca) {
    positions::hca_rope(step, {tokens, out.at("cmp_half"), half});
  } else if (c.kind == Kind::Swa) {
    positions::swa_rope_step(step, {tokens, half});
  } else {
    positions::csa_rope_step(step, {tokens, out.at("idx_half"), half});
    if (c.interleave()) positions::rope_interleave(out.at("idx_half"), out.at("idx_il"));
    positions::csa_cmp_rope(step, out.at("cmp_half"));
  }
  if (c.interleave() && c.group_half())
    positions::rope_interleave(out.at("cmp_half"), out.at("cmp_il"));
}

std::vector<std::pair<std::string, pl::Tensor>> run(pl::Session& session, const TensorSet& in,
                                                    const Config& c) {
  CosSin freqs;
  freqs.cos = declare(session, in, "freqs_cos");
  freqs.sin = declare(session, in, "freqs_sin");
  const pl::Tensor position_ids = declare(session, in, "position_ids");
  std::map<std::string, CosSin> out;
  std::vector<std::pair<std::string, pl::Tensor>> named;
  for (const Pair& p : output_pairs(c)) {
    CosSin& pair = out[p.prefix];
    pair.cos = session.output(p.prefix + "_cos", p.dtype, {p.rows, p.cols});
    pair.sin = session.output(p.prefix + "_sin", p.dtype, {p.rows, p.cols});
    named.emplace_back(p.prefix + "_cos", pair.cos.view({0, 0}, {p.written, p.cols}));
    named.emplace_back(p.prefix + "_sin", pair.sin.view({0, 0}, {p.written, p.cols}));
  }
  if (!c.prefill) {
    submit_decode(c, {freqs, position_ids}, out);
    return named;
  }
  const pl::Tensor count = declare(session, in, "num_tokens");
  const positions::Chunk chunk{freqs, position_ids, pl::read_int(count, {0})};
  positions::qkv_rope_rows(chunk, c.t_tile, out.at("rope"));
  if (c.token_half())
    positions::prefill_rope_half(c.kind_name, chunk, c.identity_padding, out.at("rope_half"));
  return named;
}

/// f_i in double from §1.6, without the tables: 1e4^(-i/32), or 1.6e5^(-i/32) divided by 16 from
/// lane 25 on, unchanged up to lane 15 and blended between.
double frequency(RopeProfile profile, int64_t lane) {
  const double exponent = -static_cast<double>(lane) / 32;
  if (profile == RopeProfile::Base) return std::exp2(exponent * std::log2(1e4));
  const double f = std::exp2(exponent * std::log2(1.6e5));
  const double stretched = std::min(1.0, std::max(0.0, (static_cast<double>(lane) - 15) / 10));
  return f * (1 - stretched) + f / 16 * stretched;
}

/// The BF16 value of a table entry: the angle is an FP32 product.
float entry(const Config& c, int64_t position, int64_t lane, bool sine) {
  const float angle = static_cast<float>(position) * static_cast<float>(frequency(c.profile, lane));
  const double a = static_cast<double>(angle);
  return isa::bf16_to_f32(isa::f32_to_bf16(static_cast<float>(sine ? std::sin(a) : std::cos(a))));
}

/// Positions of the rows of an output; active rows only.
std::vector<int64_t> row_positions(const Config& c, const std::string& prefix,
                                   const HostTensor& ids) {
  if (prefix.rfind("idx", 0) == 0) return positions::request_positions(ids);
  if (prefix.rfind("cmp", 0) == 0)
    return positions::request_positions(ids, c.kind == Kind::Csa ? 4 : 128);
  std::vector<int64_t> all = positions::position_list(ids);
  all.resize(static_cast<size_t>(c.num_tokens));
  return all;
}

void golden(const TensorSet& in, const Config& c, TensorSet& out) {
  for (const Pair& p : output_pairs(c)) {
    const bool interleaved = p.prefix == "idx_il" || p.prefix == "cmp_il";
    const std::vector<int64_t> rows = row_positions(c, p.prefix, in.at("position_ids"));
    for (const bool sine : {false, true}) {
      const HostTensor& t = out.at(p.prefix + (sine ? "_sin" : "_cos"));
      for (int64_t r = 0; r < p.written; ++r) {
        for (int64_t j = 0; j < p.cols; ++j) {
          const bool active = r < static_cast<int64_t>(rows.size());
          const int64_t lane = interleaved ? j / 2 : j % kHalf;
          float v =
              active ? entry(c, rows[static_cast<size_t>(r)], lane, sine) : (sine ? 0.0f : 1.0f);
          if (interleaved && sine && j % 2 == 0) v = -v;
          if (p.dtype == DType::BF16)
            t.as<uint16_t>()[r * p.cols + j] = isa::f32_to_bf16(v);
          else
            t.as<float>()[r * p.cols + j] = v;
        }
      }
    }
  }
}

}  // namespace

Program program_rope_tables() {
  Definition<Config> d;
  d.name = kName;
  d.doc = "Position scopes: rows of the RoPE tables for a step's tokens and requests";
  d.table = &knob_table();
  d.config = config;
  d.check = check;
  d.inputs = inputs;
  d.outputs = outputs;
  d.fill_inputs = fill_inputs;
  d.run = run;
  d.golden = golden;
  for (const char* prefix : {"rope", "rope_half", "idx_half", "cmp_half", "idx_il", "cmp_il"})
    for (const char* which : {"_cos", "_sin"})
      d.comparators[std::string(prefix) + which] = ratio_allclose(1e-5, 1.0 / 128, 0);
  return define(d);
}

}  // namespace kernels
