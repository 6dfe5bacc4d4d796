// P374's decode sparse attention (kernels.md §2.15), T = 128: the step between P253's task per key
// and the spmd launches of decode_sparse_attn.
#include "kernels/compare.h"
#include "kernels/declare.h"
#include "kernels/define.h"
#include "kernels/p374/sparse_attn.h"

namespace kernels {

Program program_p374_sparse_attn();

namespace {

std::vector<std::pair<std::string, pl::Tensor>> run(pl::Session& session, const TensorSet& in,
                                                    const p374::SparseAttnConfig& c) {
  p374::SparseAttnArgs a;
  a.q = declare(session, in, "q");
  a.ori_kv = declare(session, in, "ori_kv");
  a.ori_block_table = declare(session, in, "ori_block_table");
  a.cmp_kv = declare(session, in, "cmp_kv");
  a.cmp_block_table = declare(session, in, "cmp_block_table");
  a.cmp_sparse_indices = declare(session, in, "cmp_sparse_indices");
  a.seqused_kv = declare(session, in, "seqused_kv");
  a.freqs_cos = declare(session, in, "freqs_cos");
  a.freqs_sin = declare(session, in, "freqs_sin");
  a.even_select = declare(session, in, "even_select");
  a.odd_select = declare(session, in, "odd_select");
  a.attn_sink = declare(session, in, "attn_sink");
  a.wo_a = declare(session, in, "wo_a");
  a.wo_b = declare(session, in, "wo_b");
  a.wo_b_scale = declare(session, in, "wo_b_scale");
  a.attn_out = session.output("attn_out", isa::DType::BF16, {c.tokens(), c.hidden});
  p374::sparse_attn(c, a);
  return {{"attn_out", a.attn_out}};
}

}  // namespace

Program program_p374_sparse_attn() {
  Definition<p374::SparseAttnConfig> d;
  d.name = "p374_sparse_attn";
  d.doc = "P374's decode sparse attention, four single tasks for each 8 tokens x 16 heads";
  d.table = &p374::sparse_attn_knobs();
  d.config = p374::sparse_attn_config;
  d.check = p374::check_sparse_attn;
  d.inputs = p374::sparse_attn_inputs;
  d.outputs = p374::sparse_attn_outputs;
  d.fill_inputs = p374::fill_sparse_attn_inputs;
  d.run = run;
  d.golden = p374::golden_sparse_attn;
  d.comparators = {{"attn_out", ratio_allclose(1e-4, 1.0 / 128)}};
  return define(d);
}

}  // namespace kernels
