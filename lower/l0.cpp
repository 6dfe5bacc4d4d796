#include "lower/l0.h"

#include <algorithm>
#include <cmath>

#include "isa/layout.h"

namespace lower {
namespace {

using isa::DType;
using isa::Instr;
using isa::MemSpace;
using isa::Opcode;
using isa::Pipe;
using isa::TileOperand;

constexpr int32_t kFractal = 16;  // rows of a fractal, hardware.md §2.2
constexpr int64_t kAccBytes = 4;  // FP32 / INT32 accumulators

int32_t ceil_div(int32_t a, int32_t b) { return (a + b - 1) / b; }

/// k steps start on a fractal, so they are multiples of its 32 B rows.
int32_t k_unit(DType t) { return std::max(kFractal, isa::c0(t, MemSpace::L1)); }

int32_t odd_part(int32_t x) {
  while (x > 1 && x % 2 == 0) x /= 2;
  return x;
}

struct Limits {
  int64_t a = 0, b = 0, c = 0;  // bytes one tile may take
};

Limits limits_of(const chips::Chip& chip) {
  return {chip.memory.l0a / 2, chip.memory.l0b / 2, chip.memory.l0c};  // double-buffered operands
}

/// Largest k step of an m x n tile, 0 if not even one fits; a divisor of K when there is one with
/// the same number of steps.
int32_t largest_k(const MatmulShape& s, int32_t m, int32_t n, const Limits& lim) {
  const auto size = static_cast<int64_t>(isa::size_of(s.dtype));
  const int32_t unit = k_unit(s.dtype);
  const int64_t cap = std::min(lim.a / (isa::round_up(m, kFractal) * size),
                               lim.b / (isa::round_up(n, kFractal) * size));
  const int32_t k_all = isa::round_up(s.k, unit);
  if (cap >= k_all) return k_all;
  const auto k_max = static_cast<int32_t>(cap / unit * unit);
  if (k_max == 0) return 0;
  const int32_t steps = ceil_div(s.k, k_max);
  for (int32_t k = k_max; k > 0 && ceil_div(s.k, k) == steps; k -= unit)
    if (s.k % k == 0) return k;
  return k_max;
}

/// Estimated cycles of the whole product with m x n x k tiles.
double wall_cycles(const MatmulShape& s, int32_t m, int32_t n, int32_t k, const chips::Chip& chip) {
  const auto& p = chip.l0;
  const double size = static_cast<double>(isa::size_of(s.dtype));
  const double m_tiles = ceil_div(s.m, m), n_tiles = ceil_div(s.n, n), tiles = m_tiles * n_tiles;
  const double passes = s.dtype == DType::F32 ? p.fp32_passes : 1;
  const double mad =
      tiles * (ceil_div(s.k, k) * p.mad_head +
               passes * ceil_div(m, kFractal) * std::ceil(s.k * size / 32) * ceil_div(n, kFractal));
  const double load = static_cast<double>(s.m) * s.k * size * n_tiles / p.load_a +
                      static_cast<double>(s.n) * s.k * size * m_tiles / p.load_b;
  const double row = std::max(p.drain_row, n * static_cast<double>(kAccBytes) / p.drain_bytes) +
                     p.drain_odd * (odd_part(ceil_div(n, 8)) - 1);
  return std::max(mad, load) + tiles * (p.drain_fixed + m * row);
}

L0Tile roofline(const MatmulShape& s, const chips::Chip& chip) {
  const Limits lim = limits_of(chip);
  const int32_t m_all = isa::round_up(s.m, kFractal), n_all = isa::round_up(s.n, kFractal);
  L0Tile best;
  double best_cost = 0;
  for (int32_t m = m_all; m > 0; m -= kFractal)
    for (int32_t n = n_all; n > 0; n -= kFractal) {
      if (static_cast<int64_t>(m) * n * kAccBytes > lim.c) continue;
      // A smaller k only adds steps: the largest one is never worse.
      const int32_t k = largest_k(s, m, n, lim);
      if (k == 0) continue;
      const double cost = wall_cycles(s, m, n, k, chip);
      if (best.m == 0 || cost < best_cost) {
        best = {m, n, k};
        best_cost = cost;
      }
    }
  return best;
}

/// The closed form in force before the roofline chooser: m and n whole where that is possible.
L0Tile fill_half(const MatmulShape& s, const chips::Chip& chip) {
  const Limits lim = limits_of(chip);
  int32_t m = isa::round_up(s.m, kFractal), n = isa::round_up(s.n, kFractal);
  for (;;) {
    const int32_t k = largest_k(s, m, n, lim);
    if (k > 0 && static_cast<int64_t>(m) * n * kAccBytes <= lim.c) return {m, n, k};
    int32_t& larger = n >= m ? n : m;
    larger = isa::round_up(larger / 2, kFractal);
  }
}

/// Rows (or columns) of `valid` that fall into [at, at + extent).
uint16_t clip(int32_t valid, int32_t at, int32_t extent) {
  return static_cast<uint16_t>(std::clamp(valid - at, 0, extent));
}

TileOperand l1_window(const TileOperand& t, int32_t row, int32_t col, int32_t rows, int32_t cols) {
  TileOperand w = t;
  w.row0 = static_cast<uint16_t>(t.row0 + row);
  w.col0 = static_cast<uint16_t>(t.col0 + col);
  w.rows = static_cast<uint16_t>(rows);
  w.cols = static_cast<uint16_t>(cols);
  w.valid_rows = clip(t.valid_rows, row, rows);
  w.valid_cols = clip(t.valid_cols, col, cols);
  return w;
}

TileOperand l0_tile(MemSpace space, isa::Layout layout, DType dtype, int64_t addr, int32_t rows,
                    int32_t cols, uint16_t valid_rows, uint16_t valid_cols) {
  TileOperand t;
  t.addr = static_cast<uint32_t>(addr);
  t.space = space;
  t.dtype = dtype;
  t.layout = layout;
  t.tile_rows = t.rows = static_cast<uint16_t>(rows);
  t.tile_cols = t.cols = static_cast<uint16_t>(cols);
  t.valid_rows = valid_rows;
  t.valid_cols = valid_cols;
  return t;
}

}  // namespace

L0Tile choose_l0(const MatmulShape& shape, const chips::Chip& chip) {
  return chip.l0.roofline ? roofline(shape, chip) : fill_half(shape, chip);
}

const L0Tile& L0Emitter::tile_for(const MatmulShape& shape) {
  for (const auto& [known, tile] : chosen_)
    if (known == shape) return tile;
  chosen_.emplace_back(shape, choose_l0(shape, chip_));
  return chosen_.back().second;
}

size_t L0Emitter::instructions(const MatmulShape& shape) {
  const L0Tile& t = tile_for(shape);
  return 3U * static_cast<size_t>(ceil_div(shape.m, t.m)) *
         static_cast<size_t>(ceil_div(shape.n, t.n)) * static_cast<size_t>(ceil_div(shape.k, t.k));
}

void L0Emitter::emit(const TileOperand& c, const TileOperand& a, const TileOperand& b, bool trans_b,
                     bool accumulate, isa::SiteId site, std::vector<Instr>& out) {
  const MatmulShape shape{a.rows, trans_b ? b.rows : b.cols, a.cols, a.dtype};
  const L0Tile tile = tile_for(shape);
  const Opcode move = tile.whole(shape) ? Opcode::TMOV : Opcode::TEXTRACT;
  const int32_t k_valid = std::min(a.valid_cols, trans_b ? b.valid_cols : b.valid_rows);

  for (int32_t m0 = 0; m0 < shape.m; m0 += tile.m)
    for (int32_t n0 = 0; n0 < shape.n; n0 += tile.n) {
      const int32_t m = std::min(tile.m, shape.m - m0), n = std::min(tile.n, shape.n - n0);
      for (int32_t k0 = 0; k0 < shape.k; k0 += tile.k) {
        if (k0 > 0 && k0 >= k_valid) break;  // nothing left to add
        const int32_t k = std::min(tile.k, shape.k - k0);
        const TileOperand src_a = l1_window(a, m0, k0, m, k);
        const TileOperand src_b = trans_b ? l1_window(b, n0, k0, n, k) : l1_window(b, k0, n0, k, n);
        const int64_t at_a = half_ * (chip_.memory.l0a / 2), at_b = half_ * (chip_.memory.l0b / 2);
        const TileOperand l0a = l0_tile(MemSpace::L0A, chip_.l0a_layout, a.dtype, at_a, m, k,
                                        src_a.valid_rows, src_a.valid_cols);
        const TileOperand l0b = l0_tile(MemSpace::L0B, isa::Layout::ZN, b.dtype, at_b, k, n,
                                        trans_b ? src_b.valid_cols : src_b.valid_rows,
                                        trans_b ? src_b.valid_rows : src_b.valid_cols);
        peak_a_ = std::max(peak_a_, at_a + isa::tile_bytes(l0a.layout, l0a.space, l0a.dtype, m, k));
        peak_b_ = std::max(peak_b_, at_b + isa::tile_bytes(l0b.layout, l0b.space, l0b.dtype, k, n));

        for (int side = 0; side < 2; ++side) {
          Instr& in = out.emplace_back();
          in.op = move;
          in.pipe = Pipe::MTE1;
          in.n_src = 1;
          in.site = site;
          in.dst = side == 0 ? l0a : l0b;
          in.src[0] = side == 0 ? src_a : src_b;
          in.attr.trans_b = side == 1 && trans_b;
        }
        Instr& mm = out.emplace_back();
        mm.op = accumulate || k0 > 0 ? Opcode::TMATMUL_ACC : Opcode::TMATMUL;
        mm.pipe = Pipe::M;
        mm.n_src = 2;
        mm.barrier = true;  // §3.7 (a)
        mm.site = site;
        mm.dst = l1_window(c, m0, n0, m, n);
        mm.src[0] = l0a;
        mm.src[1] = l0b;
        half_ ^= 1;
      }
    }
}

}  // namespace lower
