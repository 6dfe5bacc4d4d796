// Packing by group and the two-stage output projection. An accumulator reaches its store task
// through GM.
#include "kernels/model.h"
#include "kernels/norm.h"
#include "kernels/p253/scopes.h"
#include "kernels/quant.h"
#include "kernels/transposed_product.h"

namespace kernels::p253 {
namespace {

using isa::DType;
using pl::RoundMode;
using pl::Tensor;
using pl::Tile;

/// o_r = o_packed wo_aᵀ per group, rounded to BF16.
void stage_a(const SparseAttnConfig& c, const Tensor& wo_a, const Tensor& o_packed,
             const Tensor& o_r) {
  const Tensor weight = wo_a.reshape({c.o_width(), wo_a.dim(2)});
  for (int64_t g : pl::parallel(c.groups())) {
    for (int64_t n0 : pl::parallel(0, c.o_lora, c.stage_a_n_tile)) {
      const int64_t column = g * c.o_lora + n0;
      Tile acc;
      pl::at({"cfa_proj_stage_a_accum"}, [&] {
        acc = accumulate({o_packed, weight, g * c.tokens, column, c.tokens, c.stage_a_n_tile,
                          c.stage_a_k_tile, c.stage_a_k_stage});
      });
      pl::at({"cfa_proj_stage_a_store"}, [&] { pl::store(to_bf16(acc), {0, column}, o_r); });
    }
  }
}

/// INT8 rows over all groups, from the BF16 o_r.
void stage_b_quant(const SparseAttnConfig& c, const Tensor& o_r, const Tensor& o_r_i8,
                   const Tensor& o_r_scale) {
  pl::at({"cfa_proj_stage_b_quant"}, [&] {
    const auto chunk = [&](int64_t j) {
      return pl::cast(pl::load(o_r, {0, j}, {c.tokens, c.quant_chunk}), DType::F32);
    };
    Tile amax = pl::full(1, c.tokens, DType::F32, kAmaxFloor);
    for (int64_t j : pl::range(0, c.o_width(), c.quant_chunk))
      amax = raise_row_amax(amax, chunk(j));
    const RowScale scale = row_scale(amax);
    pl::store(scale.stored, {0, 0}, o_r_scale);
    for (int64_t j : pl::range(0, c.o_width(), c.quant_chunk))
      pl::store(to_int8(scale_rows(chunk(j), scale.multiplier), RoundMode::Round), {0, j}, o_r_i8);
  });
}

void stage_b(const SparseAttnConfig& c, const SparseAttnArgs& args, const Tensor& o_r_i8,
             const Tensor& o_r_scale) {
  const Tensor column_scale = args.wo_b_scale.reshape({1, c.hidden});
  for (int64_t n0 : pl::parallel(0, c.hidden, c.stage_b_n_tile)) {
    Tile acc;
    pl::at({"cfa_proj_stage_b_accum"}, [&] {
      acc = accumulate({o_r_i8, args.wo_b, 0, n0, c.tokens, c.stage_b_n_tile, c.stage_b_k_tile,
                        c.stage_b_k_stage});
    });
    pl::at({"cfa_proj_stage_b_store"}, [&] {
      const Tile row = pl::load(o_r_scale, {0, 0}, {1, kCubeRows}, {1, c.tokens});
      const Tile column = pl::load(column_scale, {0, n0}, {1, c.stage_b_n_tile});
      pl::store(to_bf16(dequantise(acc, as_column(row), column)), {0, n0}, args.attn_out);
    });
  }
}

}  // namespace

void pack_o_packed(const SparseAttnConfig& c, const Tensor& attn_stage, const Tensor& rope_out,
                   const Tensor& o_packed) {
  for (int64_t b : pl::parallel(c.tokens)) {
    for (int64_t h : pl::parallel(c.heads)) {
      const int64_t row = b * c.heads + h, group = h / kHeadsPerGroup;
      const int64_t column = h % kHeadsPerGroup * kHead;
      pl::at({"cfa_proj_pack_o_packed"}, [&] {
        const Tile nope = pl::load(attn_stage, {row, 0}, {1, kNope});
        pl::store(nope, {group * c.tokens + b, column}, o_packed);
        const Tile rope = pl::load(rope_out, {row, 0}, {1, kRope});
        pl::store(rope, {group * c.tokens + b, column + kNope}, o_packed);
      });
    }
  }
}

void output_projection(const SparseAttnConfig& c, const SparseAttnArgs& args,
                       const Tensor& o_packed) {
  const Tensor o_r = pl::create_tensor("o_r", {c.tokens, c.o_width()}, DType::BF16);
  const Tensor o_r_i8 = pl::create_tensor("o_r_i8", {c.tokens, c.o_width()}, DType::I8);
  const Tensor o_r_scale = pl::create_tensor("o_r_scale", {1, c.tokens}, DType::F32);
  stage_a(c, args.wo_a, o_packed, o_r);
  stage_b_quant(c, o_r, o_r_i8, o_r_scale);
  stage_b(c, args, o_r_i8, o_r_scale);
}

void sparse_attn(const SparseAttnConfig& c, const SparseAttnArgs& args) {
  const int64_t rows = c.tokens * c.heads;
  const Tensor attn_stage = pl::create_tensor("attn_stage", {rows, kHead}, DType::BF16);
  const Tensor rope_out = pl::create_tensor("rope_out", {rows, kRope}, DType::BF16);
  const Tensor o_packed =
      pl::create_tensor("o_packed", {c.groups() * c.tokens, kHeadsPerGroup * kHead}, DType::BF16);
  attention(c, args, attn_stage);
  inverse_rope(c, args, attn_stage, rope_out);
  pack_o_packed(c, attn_stage, rope_out, o_packed);
  output_projection(c, args, o_packed);
}

}  // namespace kernels::p253
