// The two-stage output projection in pairs of tasks; o_r is BF16.
#include <algorithm>

#include "kernels/norm.h"
#include "kernels/p374/scopes.h"
#include "kernels/quant.h"
#include "kernels/transposed_product.h"

namespace kernels::p374 {
namespace {

using isa::DType;

/// Calls f(first row, rows) over the token rows of an accumulator in slices.
template <class F>
void for_slices(const SparseAttnConfig& c, F&& f) {
  for (int64_t r : pl::range(0, c.tokens(), c.drain_rows))
    f(r, std::min(c.drain_rows, c.tokens() - r));
}

struct Rounded {
  Tensor o_r;   ///< [T, G * o_lora] BF16
  Tensor amax;  ///< [column tiles, T] FP32: largest magnitude of a row in a tile
};

void stage_a(const SparseAttnConfig& c, const Tensor& wo_a, const Tensor& o_packed,
             const Rounded& out) {
  const Tensor weight = wo_a.reshape({c.o_width(), kGroupWidth});
  for (int64_t g : pl::parallel(c.groups()))
    for (int64_t n0 : pl::parallel(0, c.o_lora, c.stage_a_n_tile)) {
      const int64_t column = g * c.o_lora + n0;
      Tile acc;
      pl::at({"cfa_proj_stage_a_accum"}, [&] {
        acc = accumulate({o_packed, weight, g * c.tokens(), column, c.tokens(), c.stage_a_n_tile,
                          c.stage_a_k_tile, c.stage_a_k_stage});
      });
      pl::at({"cfa_proj_stage_a_store_amax"}, [&] {
        for_slices(c, [&](int64_t r, int64_t rows) {
          const Tile rounded = to_bf16(pl::slice(acc, r, 0, rows, c.stage_a_n_tile));
          pl::store(rounded, {r, column}, out.o_r);
          const Tile x = pl::cast(rounded, DType::F32);
          const Tile amax = pl::row_max(pl::maximum(x, pl::neg(x)));
          pl::store(as_row(amax), {column / c.stage_a_n_tile, r}, out.amax);
        });
      });
    }
}

void stage_b_quant(const SparseAttnConfig& c, const Rounded& in, const Tensor& o_r_i8,
                   const Tensor& o_r_scale) {
  for (int64_t t0 : pl::parallel(0, c.tokens(), c.quant_t_tile)) {
    const int64_t rows = std::min(c.quant_t_tile, c.tokens() - t0);
    pl::at({"cfa_proj_stage_b_quant_tile"}, [&] {
      Tile amax = pl::full(1, rows, DType::F32, kAmaxFloor);
      for (int64_t i : pl::range(in.amax.dim(0)))
        amax = pl::maximum(amax, pl::load(in.amax, {i, t0}, {1, rows}));
      const RowScale scale = row_scale(amax);
      pl::store(scale.stored, {0, t0}, o_r_scale);
      for (int64_t j : loop(c.o_width() / c.quant_chunk, c.quant_stage)) {
        const Tile x = pl::load(in.o_r, {t0, j * c.quant_chunk}, {rows, c.quant_chunk});
        const Tile scaled = scale_rows(pl::cast(x, DType::F32), scale.multiplier);
        pl::store(to_int8(scaled), {t0, j * c.quant_chunk}, o_r_i8);
      }
    });
  }
}

void stage_b(const SparseAttnConfig& c, const SparseAttnArgs& a, const Tensor& o_r_i8,
             const Tensor& o_r_scale) {
  const Tensor column_scale = a.wo_b_scale.reshape({1, c.hidden});
  for (int64_t n0 : pl::parallel(0, c.hidden, c.stage_b_n_tile)) {
    Tile acc;
    pl::at({"cfa_proj_stage_b_accum"}, [&] {
      acc = accumulate({o_r_i8, a.wo_b, 0, n0, c.tokens(), c.stage_b_n_tile, c.stage_b_k_tile,
                        c.stage_b_k_stage});
    });
    pl::at({"cfa_proj_stage_b_store"}, [&] {
      const Tile column = pl::load(column_scale, {0, n0}, {1, c.stage_b_n_tile});
      for_slices(c, [&](int64_t r, int64_t rows) {
        const Tile row = pl::load(o_r_scale, {0, r}, {1, rows});
        const Tile y =
            dequantise(pl::slice(acc, r, 0, rows, c.stage_b_n_tile), as_column(row), column);
        pl::store(to_bf16(y), {r, n0}, a.attn_out);
      });
    });
  }
}

}  // namespace

void output_projection(const SparseAttnConfig& c, const SparseAttnArgs& a, const Tensor& o_packed) {
  const int64_t tokens = c.tokens(), tiles = c.o_width() / c.stage_a_n_tile;
  Rounded rounded;
  rounded.o_r = pl::create_tensor("o_r", {tokens, c.o_width()}, DType::BF16);
  rounded.amax = pl::create_tensor("o_r_amax", {tiles, tokens}, DType::F32);
  const Tensor o_r_i8 = pl::create_tensor("o_r_i8", {tokens, c.o_width()}, DType::I8);
  const Tensor o_r_scale = pl::create_tensor("o_r_scale", {1, tokens}, DType::F32);
  stage_a(c, a.wo_a, o_packed, rounded);
  stage_b_quant(c, rounded, o_r_i8, o_r_scale);
  stage_b(c, a, o_r_i8, o_r_scale);
}

void sparse_attn(const SparseAttnConfig& c, const SparseAttnArgs& a) {
  const int64_t tokens = c.tokens(), rows = tokens * c.heads;
  const Tensor sparse_kv = pl::create_tensor("sparse_kv", {tokens * c.topk, kHead}, DType::BF16);
  gather_kv_topk(c, a, sparse_kv);
  const Tensor attn_stage = pl::create_tensor("attn_stage", {rows, kHead}, DType::BF16);
  attention(c, a, sparse_kv, attn_stage);
  Interleaved rotated;
  rotated.even = pl::create_tensor("o_rope_even", {rows, kRope}, DType::F32);
  rotated.odd = pl::create_tensor("o_rope_odd", {rows, kRope}, DType::F32);
  inverse_rope(c, a, attn_stage, rotated);
  const Tensor o_packed =
      pl::create_tensor("o_packed", {c.groups() * tokens, kGroupWidth}, DType::BF16);
  rope_pack_group(c, attn_stage, rotated, o_packed);
  output_projection(c, a, o_packed);
}

}  // namespace kernels::p374
