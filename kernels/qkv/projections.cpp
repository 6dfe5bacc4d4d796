// The three projection matmuls, their seeds and the dequantisation of q (kernels.md §2.2, §4.1).
#include <algorithm>

#include "kernels/qkv/scopes.h"
#include "kernels/quant.h"

namespace kernels::qkv {
namespace {

using isa::DType;

/// The K slice `slice` of output tile (m0, n0): accumulated over K tiles in order.
Tile accumulate(const CubeTiles& t, const Tensor& a, const Tensor& b, int64_t m0, int64_t n0,
                int64_t slice) {
  const int64_t steps = a.dim(1) / (t.k * t.split_k), k0 = slice * steps * t.k;
  const auto load_a = [&](int64_t i) { return pl::load(a, {m0, k0 + i * t.k}, {t.m, t.k}); };
  const auto load_b = [&](int64_t i) { return pl::load(b, {k0 + i * t.k, n0}, {t.k, t.n}); };
  Tile acc;
  if (t.peel) {
    const Tile a0 = load_a(0), b0 = load_b(0);
    acc = pl::matmul(a0, b0);
  }
  for (int64_t i : loop(t.peel ? 1 : 0, steps, t.k_stage)) {
    const Tile ai = load_a(i), bi = load_b(i);
    acc = i == 0 ? pl::matmul(ai, bi) : pl::matmul_acc(acc, ai, bi);
  }
  return acc;
}

using Drain = std::function<void(const Tile& acc, int64_t m0, int64_t n0)>;

/// All output tiles of one block: its consecutive N tiles, each over all rows.
void project_block(const CubeTiles& t, const Tensor& a, const Tensor& b, int64_t block,
                   const Drain& drain) {
  const int64_t group = block / t.split_k, slice = block % t.split_k;
  const auto column = [&](int64_t n0) {
    for (int64_t m0 : pl::range(0, a.dim(0), t.m))
      drain(accumulate(t, a, b, m0, n0, slice), m0, n0);
  };
  if (t.tiles_per_block == 1) return column(group * t.n);
  const int64_t first = group * t.tiles_per_block;
  const int64_t end = std::min(first + t.tiles_per_block, b.dim(1) / t.n);
  for (int64_t j : loop(first, end, t.n_stage)) column(j * t.n);
}

void project(const Config& c, const std::string& name, const CubeTiles& t, const Tensor& a,
             const Tensor& b, const Tensor& out, Site site = Site::here()) {
  launch(
      c, name, t.blocks(b.dim(1)),
      [&](int64_t block) {
        const bool partial = out.dim(0) > a.dim(0);  // rows of each K slice below each other
        const int64_t row0 = partial ? block % t.split_k * a.dim(0) : 0;
        project_block(t, a, b, block, [&](const Tile& acc, int64_t m0, int64_t n0) {
          pl::assemble(out, acc, {row0 + m0, n0}, /*atomic=*/t.split_k > 1 && !partial);
        });
      },
      site);
}

/// One task that zeroes the whole target tile by tile.
void seed(const Config& c, const std::string& name, const CubeTiles& t, const Tensor& target) {
  launch(c, name, 1, [&](int64_t) {
    for (int64_t m0 : pl::range(0, target.dim(0), t.m)) {
      const int64_t rows = std::min(t.m, target.dim(0) - m0);
      for (int64_t n0 : pl::range(0, target.dim(1), t.n))
        pl::store(pl::full(rows, t.n, target.dtype(), 0.0), {m0, n0}, target);
    }
  });
}

/// Adds the K slices in order, one block per column tile.
void reduce(const Config& c, const std::string& name, const CubeTiles& t, const Tensor& partials,
            const Tensor& target) {
  const int64_t tokens = target.dim(0);
  launch(c, name, target.dim(1) / t.n, [&](int64_t block) {
    const int64_t n0 = block * t.n;
    for (int64_t m0 : pl::range(0, tokens, t.m)) {
      const int64_t rows = std::min(t.m, tokens - m0);
      Tile sum = pl::load(partials, {m0, n0}, {rows, t.n});
      for (int64_t slice = 1; slice < t.split_k; ++slice) {
        const Tile next = pl::load(partials, {slice * tokens + m0, n0}, {rows, t.n});
        sum = pl::add(sum, next);
      }
      pl::store(sum, {m0, n0}, target);
    }
  });
}

/// a x b with the scopes that a split K needs, called `stem`_seed, _matmul, _reduce.
Tensor projection(const Config& c, const std::string& stem, const CubeTiles& t, const Tensor& a,
                  const Tensor& b) {
  const bool split = t.split_k > 1;
  pl::CreateOptions options;
  if (split && c.split_k_sum == SplitKSum::Alloc) options.init_value = 0;
  const Tensor target =
      pl::create_tensor(stem + "_fp32", {a.dim(0), b.dim(1)}, DType::F32, options);
  if (split && c.split_k_sum == SplitKSum::Partials) {
    const Tensor partials =
        pl::create_tensor(stem + "_partials", {t.split_k * a.dim(0), b.dim(1)}, DType::F32);
    project(c, stem + "_matmul", t, a, b, partials);
    reduce(c, stem + "_reduce", t, partials, target);
    return target;
  }
  if (split && c.split_k_sum == SplitKSum::Seed) seed(c, stem + "_seed", t, target);
  project(c, stem + "_matmul", t, a, b, target);
  return target;
}

/// qr_scale [1, T] and a row of wq_b_scale applied to an INT32 tile of token rows from m0 on.
Tile dequantise_tile(const Tile& product, const Tensor& qr_scale, const Tile& column, int64_t m0) {
  const Tile values = pl::cast(product, DType::F32, pl::RoundMode::None);
  const Tile row = pl::load(qr_scale, {0, m0}, {1, product.rows()});
  return pl::col_expand_mul(
      pl::row_expand_mul(values, pl::reshape(row, product.rows(), 1)), column);
}

Tile load_scales(const Tensor& wq_b_scale, int64_t n0, int64_t width) {
  return pl::load(wq_b_scale, {0, n0}, {1, width});
}

}  // namespace

Tensor qr_projection(const Config& c, const Tensor& x, const Tensor& wq_a) {
  return projection(c, "qr_proj", c.qr, x, wq_a);
}

Tensor kv_projection(const Config& c, const Tensor& x, const Tensor& wkv) {
  return projection(c, "kv_proj", c.kv, x, wkv);
}

void qproj_matmul(const Config& c, const Tensor& qr, const Tensor& wq_b, const Tensor& q_proj_i32) {
  project(c, "qproj_matmul", c.qproj, qr, wq_b, q_proj_i32);
}

void qproj_dequant(const Config& c, const Tensor& q_proj_i32, const Tensor& qr_scale,
                   const Tensor& wq_b_scale, const Tensor& q_proj_fp32) {
  const int64_t n_tiles = q_proj_i32.dim(1) / c.dequant_n_tile, tokens = q_proj_i32.dim(0);
  launch(c, "qproj_dequant", ceil_div(n_tiles, c.dequant_tiles_per_block), [&](int64_t block) {
    const int64_t first = block * c.dequant_tiles_per_block;
    const int64_t end = std::min(first + c.dequant_tiles_per_block, n_tiles);
    for (int64_t j : loop(first, end, c.dequant_n_stage)) {
      const int64_t n0 = j * c.dequant_n_tile;
      const Tile column = load_scales(wq_b_scale, n0, c.dequant_n_tile);
      for (int64_t i : loop(0, ceil_div(tokens, c.dequant_t_tile), c.dequant_t_stage)) {
        const int64_t t0 = i * c.dequant_t_tile;
        const int64_t rows = std::min(c.dequant_t_tile, tokens - t0);
        const Tile product = pl::load(q_proj_i32, {t0, n0}, {rows, c.dequant_n_tile});
        pl::store(dequantise_tile(product, qr_scale, column, t0), {t0, n0}, q_proj_fp32);
      }
    }
  });
}

void qproj(const Config& c, const Tensor& qr, const Tensor& wq_b, const Tensor& qr_scale,
           const Tensor& wq_b_scale, const Tensor& q_proj_fp32) {
  pl::ScopeOptions options;
  options.name = c.prefix + "qproj";
  options.slot_num = c.qproj_slot_num;
  const auto body = [&](int64_t block) {
    project_block(c.qproj, qr, wq_b, block, [&](const Tile& acc, int64_t m0, int64_t n0) {
      const Tile column = load_scales(wq_b_scale, n0, acc.cols());
      pl::store(dequantise_tile(acc, qr_scale, column, m0), {m0, n0}, q_proj_fp32);
    });
  };
  pl::spmd(c.qproj.blocks(wq_b.dim(1)), options, body);
}

}  // namespace kernels::qkv
