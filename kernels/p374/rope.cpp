// Inverse RoPE with whole 64 x 32 selectors; the halves are joined where they are packed.
#include <algorithm>

#include "kernels/norm.h"
#include "kernels/p374/scopes.h"

namespace kernels::p374 {
namespace {

using isa::DType;

/// even = X E and odd = X O, FP32 [T * H, 32].
struct Sliced {
  Tensor even, odd;
};

void rope_slice(const SparseAttnConfig& c, const SparseAttnArgs& a, int64_t t0,
                const Tensor& attn_stage, const Sliced& sliced) {
  pl::at({"cfa_proj_rope_slice_tile"}, [&] {
    const Tile even_select = pl::load(a.even_select);
    const Tile odd_select = pl::load(a.odd_select);
    for (int64_t t : pl::range(t0, std::min(t0 + c.rope_t_tile, c.tokens()))) {
      const int64_t row = t * c.heads;
      const Tile x = pl::load(attn_stage, {row, kNope}, {c.heads, kRope});
      pl::store(pl::matmul(x, even_select), {row, 0}, sliced.even);
      pl::store(pl::matmul(x, odd_select), {row, 0}, sliced.odd);
    }
  });
}

/// even' = even c + odd s, odd' = odd c - even s, rounded to BF16 and spread to their lanes.
void rope_apply_assemble(const SparseAttnConfig& c, const SparseAttnArgs& a, int64_t t0,
                         const Sliced& sliced, const Interleaved& rotated) {
  pl::at({"cfa_proj_rope_apply_assemble_tile"}, [&] {
    const Tile even_select = pl::load(a.even_select);
    const Tile odd_select = pl::load(a.odd_select);
    for (int64_t t : pl::range(t0, std::min(t0 + c.rope_t_tile, c.tokens()))) {
      const int64_t row = t * c.heads;
      const Tile cos = pl::cast(pl::load(a.freqs_cos, {t, 0}, {1, kHalf}), DType::F32);
      const Tile sin = pl::cast(pl::load(a.freqs_sin, {t, 0}, {1, kHalf}), DType::F32);
      const Tile even = pl::load(sliced.even, {row, 0}, {c.heads, kHalf});
      const Tile odd = pl::load(sliced.odd, {row, 0}, {c.heads, kHalf});
      const Tile even_cos = pl::col_expand_mul(even, cos);
      const Tile odd_sin = pl::col_expand_mul(odd, sin);
      const Tile odd_cos = pl::col_expand_mul(odd, cos);
      const Tile even_sin = pl::col_expand_mul(even, sin);
      const Tile new_even = to_bf16(pl::add(even_cos, odd_sin));
      const Tile new_odd = to_bf16(pl::sub(odd_cos, even_sin));
      pl::store(pl::matmul(new_even, even_select, {/*b_trans=*/true}), {row, 0}, rotated.even);
      pl::store(pl::matmul(new_odd, odd_select, {/*b_trans=*/true}), {row, 0}, rotated.odd);
    }
  });
}

}  // namespace

void inverse_rope(const SparseAttnConfig& c, const SparseAttnArgs& a, const Tensor& attn_stage,
                  const Interleaved& rotated) {
  const int64_t rows = c.tokens() * c.heads;
  Sliced sliced;
  sliced.even = pl::create_tensor("o_proj_even", {rows, kHalf}, DType::F32);
  sliced.odd = pl::create_tensor("o_proj_odd", {rows, kHalf}, DType::F32);
  for (int64_t t0 : pl::parallel(0, c.tokens(), c.rope_t_tile)) {
    rope_slice(c, a, t0, attn_stage, sliced);
    rope_apply_assemble(c, a, t0, sliced, rotated);
  }
}

void rope_pack_group(const SparseAttnConfig& c, const Tensor& attn_stage,
                     const Interleaved& rotated, const Tensor& o_packed) {
  const int64_t tokens = c.tokens();
  const Tensor stage = attn_stage.reshape({tokens, c.heads * kHead});
  const Tensor even = rotated.even.reshape({tokens, c.heads * kRope});
  const Tensor odd = rotated.odd.reshape({tokens, c.heads * kRope});
  pl::spmd(ceil_div(tokens, c.pack_t_tile) * c.groups(), {"cfa_proj_rope_pack_group_spmd"},
           [&](int64_t block) {
             const int64_t t0 = block / c.groups() * c.pack_t_tile, group = block % c.groups();
             const int64_t rows = std::min(c.pack_t_tile, tokens - t0);
             const int64_t to = group * tokens + t0;
             for (int64_t i : pl::range(kHeadsPerGroup)) {
               const int64_t head = group * kHeadsPerGroup + i;
               const Tile nope = pl::load(stage, {t0, head * kHead}, {rows, kNope});
               pl::store(nope, {to, i * kHead}, o_packed);
               const Tile e = pl::load(even, {t0, head * kRope}, {rows, kRope});
               const Tile o = pl::load(odd, {t0, head * kRope}, {rows, kRope});
               pl::store(to_bf16(pl::add(e, o)), {to, i * kHead + kNope}, o_packed);
             }
           });
}

}  // namespace kernels::p374
