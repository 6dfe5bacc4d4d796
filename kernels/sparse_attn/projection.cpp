// The grouped output projection: per-group low rank, INT8 row quantisation, the final product.
#include "kernels/norm.h"
#include "kernels/quant.h"
#include "kernels/sparse_attn/scopes.h"

namespace kernels::sparse {
namespace {

using isa::DType;

/// Rows [row, row + rows) of a accumulated with rows [n0, n0 + n) of b over K in tiles of k; b is
/// [N, K]. `peel` has the first K tile in front of the loop.
struct Product {
  int64_t row, rows, n0, n, k;
  int stage;
  bool peel;
};
Tile accumulate(const Product& p, const Tensor& a, const Tensor& b) {
  const auto step = [&](int64_t i, const Tile& acc) {
    const Tile ai = pl::load(a, {p.row, i * p.k}, {p.rows, p.k});
    const Tile bi = pl::load(b, {p.n0, i * p.k}, {p.n, p.k});
    return i == 0 ? pl::matmul(ai, bi, {/*b_trans=*/true})
                  : pl::matmul_acc(acc, ai, bi, {/*b_trans=*/true});
  };
  Tile acc;
  if (p.peel) acc = step(0, acc);
  for (int64_t i : loop(p.peel ? 1 : 0, a.dim(1) / p.k, p.stage)) acc = step(i, acc);
  return acc;
}

/// Calls f(first row of the slice, the slice) over the rows of an accumulator.
template <class F>
void for_row_slices(const Config& c, const Tile& acc, F&& f) {
  for (int64_t r : pl::range(0, acc.rows(), c.proj_row_tile)) {
    const int64_t rows = std::min(c.proj_row_tile, acc.rows() - r);
    f(r, pl::slice(acc, r, 0, rows, acc.cols()));
  }
}

/// Calls f(first row, rows) for the row tiles of a product; a product of one tile has no loop.
template <class F>
void for_row_tiles(const Config& c, int64_t tokens, F&& f) {
  if (tokens <= c.proj_m_tile) return f(0, tokens);
  for (int64_t t0 : pl::range(0, tokens, c.proj_m_tile)) f(t0, std::min(c.proj_m_tile, tokens - t0));
}

void launch_mixed(const std::string& name, int64_t blocks, int slot_num, pl::SplitMode split,
                  const std::function<void(int64_t)>& body, pl::Site site = pl::Site::here()) {
  pl::ScopeOptions options;
  options.name = name;
  options.slot_num = slot_num;
  options.split = split;
  launch(options, blocks, body, site);
}

}  // namespace

void proj_a(const Config& c, const Tensor& o_packed, const Tensor& wo_a, const Tensor& o_r,
            const Tensor& o_r_amax) {
  const int64_t tokens = o_r.dim(0), tiles = c.o_lora / c.proj_a_n_tile;
  launch_mixed("proj_a", c.groups() * tiles, c.proj_a_slot_num, pl::SplitMode::None,
               [&](int64_t block) {
                 const int64_t group = block / tiles, n0 = block % tiles * c.proj_a_n_tile;
                 const Tensor a = o_packed.select(0, group), b = wo_a.select(0, group);
                 for_row_tiles(c, tokens, [&](int64_t t0, int64_t rows) {
                   const Product p{t0,
                                   rows,
                                   n0,
                                   c.proj_a_n_tile,
                                   c.proj_a_k_tile,
                                   c.proj_a_stage,
                                   /*peel=*/true};
                   for_row_slices(c, accumulate(p, a, b), [&](int64_t r, const Tile& x) {
                     pl::store(x, {t0 + r, group * c.o_lora + n0}, o_r);
                     const Tile amax = pl::row_max(pl::maximum(x, pl::neg(x)));
                     pl::store(as_row(amax), {block, t0 + r}, o_r_amax);
                   });
                 });
               });
}

void quant(const Config& c, const Tensor& o_r, const Tensor& o_r_amax, const Tensor& o_r_i8,
           const Tensor& o_r_scale) {
  const int64_t tokens = o_r.dim(0), partials = o_r_amax.dim(0);
  const int64_t chunks = o_r.dim(1) / (c.quant_split * c.quant_chunk);
  launch("quant", ceil_div(tokens, c.quant_t_tile) * c.quant_split, [&](int64_t block) {
    const int64_t t0 = block / c.quant_split * c.quant_t_tile, part = block % c.quant_split;
    const int64_t rows = std::min(c.quant_t_tile, tokens - t0);
    Tile amax = pl::full(1, rows, DType::F32, kAmaxFloor);
    for (int64_t i : pl::range(partials))
      amax = pl::maximum(amax, pl::load(o_r_amax, {i, t0}, {1, rows}));
    const RowScale scale = row_scale(amax);
    pl::store(scale.stored, {0, t0}, o_r_scale);  // every part stores the same row
    for (int64_t j : loop(part * chunks, (part + 1) * chunks, c.quant_stage)) {
      const Tile x = pl::load(o_r, {t0, j * c.quant_chunk}, {rows, c.quant_chunk});
      pl::store(to_int8(scale_rows(x, scale.multiplier)), {t0, j * c.quant_chunk}, o_r_i8);
    }
  });
}

void proj_b(const Config& c, const Tensor& o_r_i8, const Tensor& wo_b, const Tensor& o_r_scale,
            const Tensor& wo_b_scale, const Tensor& attn_out) {
  const int64_t tokens = attn_out.dim(0);
  const auto split = c.proj_b_split ? pl::SplitMode::UpDown : pl::SplitMode::None;
  launch_mixed("proj_b", c.hidden / c.proj_b_n_tile, c.proj_b_slot_num, split, [&](int64_t block) {
    const int64_t n0 = block * c.proj_b_n_tile;
    for_row_tiles(c, tokens, [&](int64_t t0, int64_t rows) {
      const Product p{t0,
                      rows,
                      n0,
                      c.proj_b_n_tile,
                      c.proj_b_k_tile,
                      c.proj_b_stage,
                      c.proj_b_peel};
      const Tile acc = accumulate(p, o_r_i8, wo_b);
      const Tile column = pl::load(wo_b_scale, {0, n0}, {1, c.proj_b_n_tile});
      for_row_slices(c, acc, [&](int64_t r, const Tile& x) {
        const Tile row = pl::load(o_r_scale, {0, t0 + r}, {1, x.rows()});
        pl::store(to_bf16(dequantise(x, as_column(row), column)), {t0 + r, n0}, attn_out);
      });
    });
  });
}

}  // namespace kernels::sparse
