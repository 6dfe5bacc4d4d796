// P253's decode sparse attention (kernels.md §2.13): about 166,000 single tasks, most of them one
// key of one head, so that dispatch bounds the run.
#include "kernels/p253/sparse_attn.h"
#include "kernels/compare.h"
#include "kernels/declare.h"
#include "kernels/define.h"

namespace kernels {

Program program_sparse_attn();

namespace {

std::vector<std::pair<std::string, pl::Tensor>> run(pl::Session& session, const TensorSet& in,
                                                    const p253::SparseAttnConfig& c) {
  p253::SparseAttnArgs a;
  a.q = declare(session, in, "q");
  a.ori_kv = declare(session, in, "ori_kv");
  a.ori_block_table = declare(session, in, "ori_block_table");
  a.cmp_kv = declare(session, in, "cmp_kv");
  a.cmp_block_table = declare(session, in, "cmp_block_table");
  a.cmp_sparse_indices = declare(session, in, "cmp_sparse_indices");
  a.seqused_kv = declare(session, in, "seqused_kv");
  a.attn_sink = declare(session, in, "attn_sink");
  a.freqs_cos = declare(session, in, "freqs_cos");
  a.freqs_sin = declare(session, in, "freqs_sin");
  a.even_select_local = declare(session, in, "even_select_local");
  a.odd_select_local = declare(session, in, "odd_select_local");
  a.wo_a = declare(session, in, "wo_a");
  a.wo_b = declare(session, in, "wo_b");
  a.wo_b_scale = declare(session, in, "wo_b_scale");
  a.attn_out = session.output("attn_out", isa::DType::BF16, {c.tokens, c.hidden});
  p253::sparse_attn(c, a);
  return {{"attn_out", a.attn_out}};
}

}  // namespace

Program program_sparse_attn() {
  Definition<p253::SparseAttnConfig> d;
  d.name = "sparse_attn";
  d.doc = "P253's decode sparse attention, one task per request, head and key";
  d.table = &p253::sparse_attn_knobs();
  d.config = p253::sparse_attn_config;
  d.check = p253::check_sparse_attn;
  d.inputs = p253::sparse_attn_inputs;
  d.outputs = p253::sparse_attn_outputs;
  d.fill_inputs = p253::fill_sparse_attn_inputs;
  d.run = run;
  d.golden = p253::golden_sparse_attn;
  d.comparators = {{"attn_out", allclose(1e-3, 1e-3)}};
  return define(d);
}

}  // namespace kernels
