// Gather and the task-per-key online softmax. A q row and a kv row are repeated on 16 rows, so that
// every statistic is a full [16, 1] tile; FP32 throughout, the probabilities are not rounded.
#include <algorithm>
#include <cmath>

#include "kernels/model.h"
#include "kernels/norm.h"
#include "kernels/p253/scopes.h"

namespace kernels::p253 {
namespace {

using isa::DType;
using pl::Tensor;
using pl::Tile;

const double kSoftmaxScale = 1.0 / std::sqrt(static_cast<double>(kHead));

/// Window rows below 128, compressed rows behind them: rows of 1 KB, one by one.
void gather_kv_topk(const SparseAttnArgs& a, int64_t b, int64_t keys, int64_t topk,
                    const Tensor& sparse_kv) {
  const Tensor window = a.ori_kv.reshape({a.ori_kv.numel() / kHead, kHead});
  const Tensor compressed = a.cmp_kv.reshape({a.cmp_kv.numel() / kHead, kHead});
  pl::at({"cfa_proj_gather_kv_topk"}, [&] {
    for (int64_t k : pl::range(keys)) {
      const int64_t raw = pl::read_int(a.cmp_sparse_indices, {b, k});
      Tile row;
      if (raw < kPage) {
        const int64_t page = pl::read_int(a.ori_block_table, {b, 0});
        row = pl::load(window, {page * kPage + raw, 0}, {1, kHead});
      } else {
        const int64_t slot = raw - kPage;
        const int64_t page = pl::read_int(a.cmp_block_table, {b, slot / kPage});
        row = pl::load(compressed, {page * kPage + slot % kPage, 0}, {1, kHead});
      }
      pl::store(row, {b * topk + k, 0}, sparse_kv);
    }
  });
}

/// Online softmax state of one head in GM, every row the same.
struct HeadState {
  Tensor oi;      ///< [16, 512] FP32: sum of exp(s - mi) * v
  Tensor mi, li;  ///< [1, 16] FP32: running maximum, sum of exp(s - mi)
};

HeadState create_state() {
  HeadState s;
  s.oi = pl::create_tensor("sparse_attn_oi", {kVectorRows, kHead}, DType::F32);
  s.mi = pl::create_tensor("sparse_attn_mi", {1, kVectorRows}, DType::F32);
  s.li = pl::create_tensor("sparse_attn_li", {1, kVectorRows}, DType::F32);
  return s;
}

/// One head of one request.
struct HeadTask {
  const SparseAttnArgs& args;
  const Tensor &q_rows, &sparse_kv;
  int64_t q_row, kv_row, head;
};

/// A BF16 row of GM as FP32, repeated on 16 rows.
Tile load_repeated(const Tensor& rows, int64_t row) {
  const Tile one = pl::cast(pl::load(rows, {row, 0}, {1, kHead}), DType::F32);
  return pl::col_expand(pl::full(kVectorRows, kHead, DType::F32, 0.0), one);
}

/// s = q . k * scale as [1, 16], and the kv row it came from.
struct Score {
  Tile s, kv;
};
Score score(const HeadTask& t, int64_t key) {
  const Tile q = load_repeated(t.q_rows, t.q_row);
  const Tile kv = load_repeated(t.sparse_kv, t.kv_row + key);
  return {pl::mul(as_row(pl::row_sum(pl::mul(q, kv))), kSoftmaxScale), kv};
}

void sparse_attn_init(const HeadTask& t, const HeadState& state) {
  pl::at({"cfa_proj_sparse_attn_init"}, [&] {
    const Score first = score(t, 0);
    pl::store(first.s, {0, 0}, state.mi);
    pl::store(pl::full(1, kVectorRows, DType::F32, 1.0), {0, 0}, state.li);
    pl::store(first.kv, {0, 0}, state.oi);
  });
}

void sparse_attn_accum(const HeadTask& t, int64_t key, const HeadState& state) {
  pl::at({"cfa_proj_sparse_attn_accum"}, [&] {
    const Score next = score(t, key);
    const Tile mi = pl::load(state.mi);
    const Tile li = pl::load(state.li);
    const Tile oi = pl::load(state.oi);
    const Tile mi_new = pl::maximum(mi, next.s);
    const Tile alpha = pl::exp(pl::sub(mi, mi_new));
    const Tile beta = pl::exp(pl::sub(next.s, mi_new));
    const Tile li_new = pl::add(pl::mul(li, alpha), beta);
    const Tile kept = scale_rows(oi, alpha);
    const Tile oi_new = pl::add(kept, scale_rows(next.kv, beta));
    pl::store(mi_new, {0, 0}, state.mi);
    pl::store(li_new, {0, 0}, state.li);
    pl::store(oi_new, {0, 0}, state.oi);
  });
}

/// The sink joins the denominator only; the normalised row is rounded to BF16.
void sparse_attn_norm(const HeadTask& t, const HeadState& state, const Tensor& attn_stage) {
  pl::at({"cfa_proj_sparse_attn_norm"}, [&] {
    const double sink = pl::read(t.args.attn_sink, {t.head});
    const Tile mi = pl::load(state.mi);
    const Tile li = pl::load(state.li);
    const Tile oi = pl::load(state.oi);
    const Tile denominator = pl::add(li, pl::exp(pl::add(pl::neg(mi), sink)));
    const Tile out = to_bf16(pl::row_expand_div(oi, as_column(denominator)));
    pl::store(pl::slice(out, 0, 0, 1, kHead), {t.q_row, 0}, attn_stage);
  });
}

}  // namespace

void attention(const SparseAttnConfig& c, const SparseAttnArgs& args, const Tensor& attn_stage) {
  const Tensor q_rows = args.q.reshape({c.tokens * c.heads, kHead});
  const Tensor sparse_kv = pl::create_tensor("sparse_kv", {c.tokens * c.topk, kHead}, DType::BF16);
  for (int64_t b : pl::parallel(c.tokens)) {
    const int64_t keys = std::min(pl::read_int(args.seqused_kv, {b}), c.topk);
    gather_kv_topk(args, b, keys, c.topk, sparse_kv);
    for (int64_t h : pl::parallel(c.heads)) {
      const HeadTask head{args, q_rows, sparse_kv, b * c.heads + h, b * c.topk, h};
      const HeadState state = create_state();
      sparse_attn_init(head, state);
      for (int64_t k : pl::range(1, keys)) sparse_attn_accum(head, k, state);
      sparse_attn_norm(head, state, attn_stage);
    }
  }
}

}  // namespace kernels::p253
