// Inverse RoPE with one-hot selector matmuls (kernels.md §3.2 (a)): slice on the cube, rotate on
// the vector unit, assemble on both. One-hot products of BF16 values are exact.
#include "kernels/model.h"
#include "kernels/norm.h"
#include "kernels/p253/scopes.h"

namespace kernels::p253 {
namespace {

using isa::DType;
using pl::Tensor;
using pl::Tile;

constexpr int64_t kFrequencies = 16;  ///< of one selector: [32 lanes, 16 frequencies]

struct Pair {
  Tensor even, odd;  ///< [T*H, 32]
};

Pair create_pair(const std::string& name, int64_t rows, DType dtype) {
  Pair p;
  p.even = pl::create_tensor(name + "_even", {rows, kHalf}, dtype);
  p.odd = pl::create_tensor(name + "_odd", {rows, kHalf}, dtype);
  return p;
}

/// X = lanes [2 r0, 2 r0 + 32): even = X E, odd = X O.
void rope_slice(const SparseAttnArgs& a, int64_t row, int64_t heads, const Tensor& attn_stage,
                const Pair& sliced) {
  pl::at({"cfa_proj_rope_slice"}, [&] {
    for (int64_t r0 : pl::range(0, kHalf, kFrequencies)) {
      const Tile x = pl::load(attn_stage, {row, kNope + 2 * r0}, {heads, 2 * kFrequencies});
      const Tile even_select = pl::load(a.even_select_local);
      const Tile odd_select = pl::load(a.odd_select_local);
      pl::store(pl::matmul(x, even_select), {row, r0}, sliced.even);
      pl::store(pl::matmul(x, odd_select), {row, r0}, sliced.odd);
    }
  });
}

/// even' = even c + odd s, odd' = odd c - even s; both rounded to BF16.
void rope_apply(const SparseAttnArgs& a, int64_t token, int64_t row, int64_t heads,
                const Pair& sliced, const Pair& rotated) {
  pl::at({"cfa_proj_rope_apply"}, [&] {
    const Tile cos = pl::cast(pl::load(a.freqs_cos, {token, 0}, {1, kHalf}), DType::F32);
    const Tile sin = pl::cast(pl::load(a.freqs_sin, {token, 0}, {1, kHalf}), DType::F32);
    const Tile even = pl::load(sliced.even, {row, 0}, {heads, kHalf});
    const Tile odd = pl::load(sliced.odd, {row, 0}, {heads, kHalf});
    const Tile even_cos = pl::col_expand_mul(even, cos);
    const Tile odd_sin = pl::col_expand_mul(odd, sin);
    const Tile odd_cos = pl::col_expand_mul(odd, cos);
    const Tile even_sin = pl::col_expand_mul(even, sin);
    pl::store(to_bf16(pl::add(even_cos, odd_sin)), {row, 0}, rotated.even);
    pl::store(to_bf16(pl::sub(odd_cos, even_sin)), {row, 0}, rotated.odd);
  });
}

/// Y = even' Eᵀ + odd' Oᵀ, the sum on the vector unit.
void rope_assemble(const SparseAttnArgs& a, int64_t row, int64_t heads, const Pair& rotated,
                   const Tensor& rope_out) {
  pl::at({"cfa_proj_rope_assemble"}, [&] {
    for (int64_t r0 : pl::range(0, kHalf, kFrequencies)) {
      const Tile even = pl::load(rotated.even, {row, r0}, {heads, kFrequencies});
      const Tile even_select = pl::load(a.even_select_local);
      const Tile odd = pl::load(rotated.odd, {row, r0}, {heads, kFrequencies});
      const Tile odd_select = pl::load(a.odd_select_local);
      const Tile from_even = pl::matmul(even, even_select, {/*b_trans=*/true});
      const Tile from_odd = pl::matmul(odd, odd_select, {/*b_trans=*/true});
      pl::store(to_bf16(pl::add(from_even, from_odd)), {row, 2 * r0}, rope_out);
    }
  });
}

}  // namespace

void inverse_rope(const SparseAttnConfig& c, const SparseAttnArgs& args, const Tensor& attn_stage,
                  const Tensor& rope_out) {
  const Pair sliced = create_pair("o_proj", c.tokens * c.heads, DType::F32);
  const Pair rotated = create_pair("o_rotated", c.tokens * c.heads, DType::BF16);
  for (int64_t b : pl::parallel(c.tokens)) {
    const int64_t row = b * c.heads;
    rope_slice(args, row, c.heads, attn_stage, sliced);
    rope_apply(args, b, row, c.heads, sliced, rotated);
    rope_assemble(args, row, c.heads, rotated, rope_out);
  }
}

}  // namespace kernels::p253
