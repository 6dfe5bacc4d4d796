// Prefill attention of a window layer (kernels.md §2.12): index lists and lengths are host inputs.
#include "kernels/attention/prefill.h"
#include "kernels/attention/prefill_indices.h"
#include "kernels/declare.h"
#include "kernels/define.h"

namespace kernels {

Program program_prefill_attention_swa();

namespace {

using attention::Kind;
using Config = attention::PrefillConfig;

const KnobTable& knob_table() {
  static const KnobTable table = attention::prefill_knob_table(Kind::Swa);
  return table;
}

Config config(const Knobs& k, const std::string&) {
  return attention::prefill_config(k, Kind::Swa);
}

std::vector<TensorSpec> inputs(const Config& c) {
  std::vector<TensorSpec> specs = attention::prefill_specs(c);
  for (TensorSpec& s : attention::list_specs(c)) specs.push_back(std::move(s));
  return specs;
}

std::vector<std::pair<std::string, pl::Tensor>> run(pl::Session& session, const TensorSet& in,
                                                    const Config& c) {
  attention::PrefillBlock block = attention::submit_front(session, in, c);
  const pl::Tensor table =
      pl::create_tensor("dummy_cmp_block_table", {1, c.sparse.cmp_pages}, isa::DType::I32);
  attention::prefill_swa_dummy_cmp_table(table);
  block.attend.cmp_block_table = table;
  block.attend.cmp_sparse_indices = declare(session, in, "cmp_sparse_indices");
  block.attend.cmp_sparse_lens = declare(session, in, "cmp_sparse_lens");
  return attention::submit_back(c, block);
}

void reference(const TensorSet& in, const Config& c, TensorSet& out) {
  attention::golden_prefill(in, c, attention::golden_front(in, c.block), nullptr, out);
}

}  // namespace

Program program_prefill_attention_swa() {
  Definition<Config> d;
  d.name = "prefill_attention_swa";
  d.doc = "Prefill attention of a sliding-window layer, with its hyper-connections";
  d.table = &knob_table();
  d.config = config;
  d.check = attention::check_prefill;
  d.inputs = inputs;
  d.outputs = attention::prefill_output_specs;
  d.fill_inputs = attention::fill_prefill;
  d.run = run;
  d.golden = reference;
  d.comparators = attention::prefill_comparators(Kind::Swa);
  d.refused_on_chip = attention::prefill_refused;
  return define(d);
}

}  // namespace kernels
