// The projections at P253 (kernels.md §2.13): 16 tokens, RMSNorm of x in front, a pair of tasks per
// N tile of q, and per head one vector task and twice a reassembly of 16 frequencies by one-hot
// sub-blocks with its store.
#include <algorithm>

#include "kernels/norm.h"
#include "kernels/qkv/family.h"
#include "kernels/quant.h"

namespace kernels::qkv {
namespace {

using isa::DType;

constexpr int64_t kRows = 16;         ///< of a cube tile; the tokens may be fewer
constexpr int64_t kNormChunk = 512;   ///< columns of an attention norm tile
constexpr int64_t kFrequencies = 16;  ///< of one reassembly

void attn_rms_norm(const Config& c, const Tensor& x, const Tensor& norm_w, const Tensor& x_normed) {
  const int64_t tokens = x.dim(0), hidden = x.dim(1);
  const int64_t step = std::min(kNormChunk, hidden);
  pl::at({"attn_rms_norm"}, [&] {
    const auto chunk = [&](int64_t d) {
      return pl::cast(pl::load(x, {0, d}, {tokens, step}), DType::F32);
    };
    Tile sum = pl::full(1, tokens, DType::F32, 0.0);
    for (int64_t d : pl::range(0, hidden, step)) sum = add_row_squares(sum, chunk(d));
    const Tile inv = inverse_rms(c, sum, hidden);
    for (int64_t d : pl::range(0, hidden, step)) {
      const Tile n = scale_rows(chunk(d), inv);
      const Tile w = pl::load(norm_w, {0, d}, {1, step});
      pl::store(to_bf16(scale_columns(n, w)), {0, d}, x_normed);
    }
  });
}

/// Both tasks of every N tile of q.
void qproj_pairs(const Config& c, const Weights& w, const Outputs& out, const Tensor& q_proj_fp32) {
  const int64_t tokens = out.qr.dim(0), k = c.qproj.k, n = c.qproj.n;
  for (int64_t n0 : pl::parallel(0, c.q_width(), n)) {
    Tile acc;
    pl::at({"qproj_matmul"}, [&] {
      for (int64_t i : loop(0, c.q_lora / k, c.qproj.k_stage)) {
        const Tile a = pl::load(out.qr, {0, i * k}, {kRows, k}, {tokens, k});
        const Tile b = pl::load(w.wq_b, {i * k, n0}, {k, n});
        acc = i == 0 ? pl::matmul(a, b) : pl::matmul_acc(acc, a, b);
      }
    });
    pl::at({"qproj_dequant"}, [&] {
      const Tile row = pl::load(out.qr_scale, {0, 0}, {1, kRows}, {1, tokens});
      const Tile column = pl::load(w.wq_b_scale, {0, n0}, {1, n});
      pl::store(dequantise(acc, as_column(row), column), {0, n0}, q_proj_fp32);
    });
  }
}

/// Rotated pairs of one row tile, BF16 [T, 32] each.
struct RotatedPairs {
  Tensor even, odd;
};

RotatedPairs create_pairs(const std::string& name, int64_t tokens) {
  RotatedPairs p;
  p.even = pl::create_tensor(name + "_even", {tokens, rope::kHalf}, DType::BF16);
  p.odd = pl::create_tensor(name + "_odd", {tokens, rope::kHalf}, DType::BF16);
  return p;
}

/// Normalised rope lanes by mask gathers into rotated pairs.
void rotate_to_pairs(const Tile& lanes, const RopeTensors& rope, const RotatedPairs& pairs) {
  const rope::Pairs x = rope::split_lanes(lanes);
  const rope::Tables tables = rope::load_half(rope.cos, rope.sin, 0, lanes.rows());
  const rope::Pairs y = rope::rotate(x, tables);
  pl::store(to_bf16(y.first), {0, 0}, pairs.even);
  pl::store(to_bf16(y.second), {0, 0}, pairs.odd);
}

/// Twice a reassembly on the cube and its store to column `column` of `to`.
void reassemble(const std::string& name, const RotatedPairs& pairs, const RopeTensors& rope,
                int64_t column, const Tensor& to) {
  const int64_t tokens = pairs.even.dim(0);
  for (int64_t r0 : pl::parallel(0, rope::kHalf, kFrequencies)) {
    Tile lanes;
    pl::at({name + "_reassemble"}, [&] {
      const pl::Shape2 valid{tokens, kFrequencies};
      const Tile even = pl::load(pairs.even, {0, r0}, {kRows, kFrequencies}, valid);
      const Tile even_select =
          pl::load(rope.even_select, {r0, 2 * r0}, {kFrequencies, 2 * kFrequencies});
      const Tile odd = pl::load(pairs.odd, {0, r0}, {kRows, kFrequencies}, valid);
      const Tile odd_select =
          pl::load(rope.odd_select, {r0, 2 * r0}, {kFrequencies, 2 * kFrequencies});
      lanes = pl::matmul_acc(pl::matmul(even, even_select), odd, odd_select);
    });
    pl::at({name + "_write"}, [&] { pl::store(to_bf16(lanes), {0, column + 2 * r0}, to); });
  }
}

void q_head(const Config& c, int64_t head, const Tensor& q_proj_fp32, const RopeTensors& rope,
            const Tensor& q) {
  const int64_t tokens = q.dim(0), column = head * kHead;
  const RotatedPairs pairs = create_pairs("q_rope", tokens);
  pl::at({"q_head_rms_nope_rope"}, [&] {
    const Tile x = pl::load(q_proj_fp32, {0, column}, {tokens, kHead});
    const Tile zero = pl::full(1, tokens, DType::F32, 0.0);
    const Tile inv = inverse_rms(c, add_row_squares(zero, x), kHead);
    pl::store(to_bf16(scale_rows(pl::slice(x, 0, 0, tokens, kNope), inv)), {0, column}, q);
    rotate_to_pairs(scale_rows(pl::slice(x, 0, kNope, tokens, kRope), inv), rope, pairs);
  });
  reassemble("q_rope", pairs, rope, column + kNope, q);
}

void kv_row(const Config& c, const Tensor& kv_fp32, const Tensor& gamma_ckv,
            const RopeTensors& rope, const Tensor& kv) {
  const int64_t tokens = kv.dim(0);
  const RotatedPairs pairs = create_pairs("kv_rope", tokens);
  pl::at({"kv_rms_norm_rope"}, [&] {
    const Tile x = pl::load(kv_fp32, {0, 0}, {tokens, kHead});
    const Tile zero = pl::full(1, tokens, DType::F32, 0.0);
    const Tile inv = inverse_rms(c, add_row_squares(zero, x), kHead);
    const Tile gamma = pl::load(gamma_ckv, {0, 0}, {1, kHead});
    const Tile n = scale_columns(scale_rows(x, inv), gamma);
    pl::store(to_bf16(pl::slice(n, 0, 0, tokens, kNope)), {0, 0}, kv);
    rotate_to_pairs(pl::slice(n, 0, kNope, tokens, kRope), rope, pairs);
  });
  reassemble("kv_rope", pairs, rope, kNope, kv);
}

}  // namespace

void task_per_head_rows(const Config& c, const Tensor& x, const Weights& w, const RopeTensors& rope,
                        const Outputs& out) {
  const int64_t tokens = x.dim(0);
  const Tensor x_normed = pl::create_tensor({tokens, x.dim(1)}, DType::BF16);
  attn_rms_norm(c, x, w.norm_w, x_normed);

  const Tensor qr_fp32 = qr_projection(c, x_normed, w.wq_a);
  qr_rms_norm_quant(c, qr_fp32, w.gamma_cq, out.qr, out.qr_scale);

  const Tensor q_proj_fp32 = pl::create_tensor({tokens, c.q_width()}, DType::F32);
  qproj_pairs(c, w, out, q_proj_fp32);
  for (int64_t head : pl::parallel(c.heads)) q_head(c, head, q_proj_fp32, rope, out.q);

  const Tensor kv_fp32 = kv_projection(c, x_normed, w.wkv);
  kv_row(c, kv_fp32, w.gamma_ckv, rope, out.kv);
}

}  // namespace kernels::qkv
