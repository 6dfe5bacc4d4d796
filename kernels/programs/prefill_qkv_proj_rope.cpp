// P374's prefill form of qkv_proj_rope (kernels.md §2.14): attention norm in front, token chunks of
// 64 rows, one task per tile, selector reassembly of the rope lanes, tables indexed by position.
#include <algorithm>

#include "kernels/declare.h"
#include "kernels/fixtures.h"
#include "kernels/qkv/family.h"
#include "kernels/qkv/golden.h"
#include "kernels/rope_tables.h"

namespace kernels {

Program program_prefill_qkv_proj_rope();

namespace {

using isa::DType;

constexpr char kName[] = "prefill_qkv_proj_rope";

struct Prefill {
  qkv::Config c;
  int64_t chunk, start_pos;
};

Prefill config_of(const Knobs& k) {
  return {qkv::config(k, kName), k.integer("token_chunk"), k.integer("start_pos")};
}

std::vector<TensorSpec> table_specs(const qkv::Config& c) {
  return {{"x", DType::BF16, {c.tokens, c.hidden}},
          {"freqs_cos", DType::BF16, {kMaxPosition, kRope}},
          {"freqs_sin", DType::BF16, {kMaxPosition, kRope}}};
}

std::vector<TensorSpec> inputs_of(const qkv::Config& c) {
  std::vector<TensorSpec> specs = table_specs(c);
  for (TensorSpec& spec : qkv::weight_specs(c)) specs.push_back(std::move(spec));
  return specs;
}

TensorSet make_inputs(const qkv::Config& c, uint64_t seed) {
  TensorSet set;
  for (const TensorSpec& spec : table_specs(c)) set.add(make_tensor(spec));
  fill(set.at("x"), seed, c.p253_inputs ? normal(1, -0.5f) : uniform(-1, 1));
  fill_arange_tables(set.at("freqs_cos"), set.at("freqs_sin"));
  qkv::make_weights(c, seed, set);
  return set;
}

qkv::RopeTensors table_buffers(int64_t rows, const qkv::RopeTensors& selectors) {
  qkv::RopeTensors rope = selectors;
  rope.cos = pl::create_tensor({rows, kRope}, DType::BF16);
  rope.sin = pl::create_tensor({rows, kRope}, DType::BF16);
  return rope;
}

std::vector<std::pair<std::string, pl::Tensor>> run(pl::Session& session, const TensorSet& inputs,
                                                    const Prefill& p) {
  using pl::Tensor;
  const qkv::Config& c = p.c;
  const Tensor x = declare(session, inputs, "x");
  const Tensor freqs_cos = declare(session, inputs, "freqs_cos");
  const Tensor freqs_sin = declare(session, inputs, "freqs_sin");
  const qkv::Weights weights = qkv::declare_weights(session, inputs, c);
  qkv::RopeTensors selectors;
  if (c.layout == rope::Layout::SelectorMatmul) {
    selectors.even_select = declare(session, inputs, "even_select_t");
    selectors.odd_select = declare(session, inputs, "odd_select_t");
  }
  const Tensor q = session.output("q", DType::BF16, {c.tokens, c.heads, kHead});
  const Tensor kv = session.output("kv", DType::BF16, {c.tokens, kHead});
  const Tensor qr = session.output("qr", DType::I8, {c.tokens, c.q_lora});
  const Tensor qr_scale = session.output("qr_scale", DType::F32, {c.tokens, 1});

  const qkv::RopeTensors batch = table_buffers(c.tokens, selectors);
  qkv::rope_batch_tile(c, freqs_cos, freqs_sin, p.start_pos, batch);
  const Tensor q_rows = q.reshape({c.tokens, c.q_width()});
  const Tensor scale_row = qr_scale.reshape({1, c.tokens});
  for (int64_t t0 = 0; t0 < c.tokens; t0 += p.chunk) {
    const int64_t rows = std::min(p.chunk, c.tokens - t0);
    const qkv::RopeTensors rope = table_buffers(rows, selectors);
    qkv::rope_chunk_materialize(c, batch, t0, rope);
    qkv::qkv_rows(c, x.view({t0, 0}, {rows, c.hidden}), weights, rope,
                  {q_rows.view({t0, 0}, {rows, c.q_width()}), kv.view({t0, 0}, {rows, kHead}),
                   qr.view({t0, 0}, {rows, c.q_lora}), scale_row.view({0, t0}, {1, rows})});
  }
  return {{"q", q}, {"kv", kv}, {"qr", qr}, {"qr_scale", qr_scale}};
}

/// The table rows of this call's positions.
HostTensor position_rows(const HostTensor& table, const Prefill& p) {
  HostTensor rows = make_tensor(table.name, DType::BF16, {p.c.tokens, kRope}, Role::Input);
  std::copy_n(table.as<uint16_t>() + p.start_pos * kRope, rows.numel(), rows.as<uint16_t>());
  return rows;
}

}  // namespace

Program program_prefill_qkv_proj_rope() {
  Program p;
  p.name = kName;
  p.doc = "PR374's prefill form: attention norm, 64-row chunks, selector reassembly";
  p.modes = qkv::prefill_knob_table().modes();
  p.knobs = qkv::prefill_knob_table().knobs();
  p.resolve = [](const std::string& mode, const Settings& settings) {
    Knobs knobs = qkv::prefill_knob_table().resolve(mode, settings);
    const Prefill prefill = config_of(knobs);
    qkv::check(prefill.c);
    if (prefill.start_pos + prefill.c.tokens > kMaxPosition)
      conflict(kName, "start_pos " + std::to_string(prefill.start_pos) + " + tokens " +
                          std::to_string(prefill.c.tokens) + " is past the tables' " +
                          std::to_string(kMaxPosition) + " rows");
    return knobs;
  };
  p.inputs = [](const Knobs& k, const std::string&) { return inputs_of(config_of(k).c); };
  p.outputs = [](const Knobs& k, const std::string&) { return qkv::output_specs(config_of(k).c); };
  p.make_inputs = [](const Knobs& k, const std::string&, uint64_t seed) {
    return make_inputs(config_of(k).c, seed);
  };
  p.run = [](pl::Session& session, const TensorSet& inputs, const Knobs& k, const std::string&) {
    return run(session, inputs, config_of(k));
  };
  p.golden = [](const TensorSet& inputs, const Knobs& k, const std::string&) {
    const Prefill prefill = config_of(k);
    return qkv::golden(inputs, prefill.c, position_rows(inputs.at("freqs_cos"), prefill),
                       position_rows(inputs.at("freqs_sin"), prefill));
  };
  p.comparators = qkv::comparators();
  p.refused_on_chip = [](const Knobs& k, const std::string& chip) {
    return qkv::refused_on_chip(config_of(k).c, chip);
  };
  return p;
}

}  // namespace kernels
