// Norm, rotation and write-back of pooled rows.
#include <algorithm>

#include "isa/error.h"
#include "kernels/compressor/scopes.h"
#include "kernels/launch.h"
#include "kernels/norm.h"

namespace kernels::compressor {
namespace {

using isa::DType;

/// The pooled rows of some requests.
struct Rows {
  const Config& c;
  const Args& a;
  const Tensor& pooled;
  const Tensor& normed;
  int64_t first, count;

  Tile lanes(int64_t column, int64_t width) const {
    return pl::load(pooled, {first, column}, {count, width});
  }
  /// [count, 1]: the root and its reciprocal are taken on the column.
  Tile inverse_rms_of_rows() const {
    const int64_t step = c.norm_chunk;
    Tile sum = pl::full(1, count, DType::F32, 0.0);
    for (int64_t j : loop(c.head() / step, c.norm_stage))
      sum = add_row_squares(sum, lanes(j * step, step));
    const Tile mean = pl::mul(sum, 1.0 / static_cast<double>(c.head()));
    return pl::recip(pl::sqrt(as_column(pl::add(mean, kRmsEpsilon))));
  }
  /// Lanes times 1 / rms and gamma: gamma must travel with its lane, so it comes before a swap.
  Tile normalised(int64_t column, int64_t width, const Tile& inv) const {
    const Tile x = lanes(column, width);
    const Tile gamma = pl::cast(pl::load(a.norm_w, {0, column}, {1, width}), DType::F32);
    return scale_columns(pl::row_expand_mul(x, inv), gamma);
  }
  void put(const Tile& y, int64_t column) const {
    pl::store(normed.dtype() == DType::BF16 ? to_bf16(y) : y, {first, column}, normed);
  }
};

void nope_lanes(const Rows& r, const Tile& inv) {
  const int64_t step = r.c.norm_chunk;
  for (int64_t j : loop(r.c.nope() / step, r.c.norm_stage))
    r.put(r.normalised(j * step, step, inv), j * step);
}

/// `half` are the tables of the rows; the lanes take each frequency twice.
void rope_by_swap(const Rows& r, const Tile& inv, const rope::Tables& half) {
  const Tile x = r.normalised(r.c.nope(), kRope, inv);
  const rope::SwapIndex index = rope::make_swap_index(r.count);
  const Tile cos = pl::gather(half.cos, index.dup), sin = pl::gather(half.sin, index.dup);
  const rope::Tables tables{cos, sin};
  r.put(rope::rotate_by_swap(x, tables, index), r.c.nope());
}

void rope_halves(const Rows& r, const Tile& inv) {
  const Tile lo = r.normalised(r.c.nope(), kHalf, inv);
  const Tile hi = r.normalised(r.c.nope() + kHalf, kHalf, inv);
  const rope::Tables tables = rope::load_half(r.a.cos, r.a.sin, r.first, r.count);
  const rope::Pairs y = rope::rotate({lo, hi}, tables);
  r.put(y.first, r.c.nope());
  r.put(y.second, r.c.nope() + kHalf);
}

void rope_by_scatter(const Rows& r, const Tile& inv) {
  const rope::Pairs x = rope::split_lanes(r.normalised(r.c.nope(), kRope, inv));
  const rope::Tables tables = rope::load_half(r.a.cos, r.a.sin, r.first, r.count);
  const rope::Pairs y = rope::rotate(x, tables);
  if (r.c.layout == rope::Layout::MaskScatter) {
    r.put(rope::interleave_by_scatter(y), r.c.nope());
    return;
  }
  const Tile even = pl::load(r.a.even), odd = pl::load(r.a.odd);
  r.put(rope::interleave_by_index(y, even, odd), r.c.nope());
}

/// Both ways through the cube, which takes BF16: rounded before and after the rotation.
void rope_by_selectors(const Rows& r, const Tile& inv) {
  const Tile x = to_bf16(r.normalised(r.c.nope(), kRope, inv));
  const Tile even = pl::load(r.a.even), odd = pl::load(r.a.odd);
  const Tile first = pl::matmul(x, even), second = pl::matmul(x, odd);
  const rope::Tables tables = rope::load_half(r.a.cos, r.a.sin, r.first, r.count);
  const rope::Pairs y = rope::rotate({first, second}, tables);
  const Tile y_first = to_bf16(y.first), y_second = to_bf16(y.second);
  const Tile from_first = pl::matmul(y_first, even, {/*b_trans=*/true});
  r.put(pl::matmul_acc(from_first, y_second, odd, {/*b_trans=*/true}), r.c.nope());
}

void rope_lanes(const Rows& r, const Tile& inv, const rope::Tables& half) {
  switch (r.c.layout) {
    case rope::Layout::SwapGather:
      return rope_by_swap(r, inv, half);
    case rope::Layout::SplitHalf:
      return rope_halves(r, inv);
    case rope::Layout::MaskScatter:
    case rope::Layout::IndexScatter:
      return rope_by_scatter(r, inv);
    case rope::Layout::SelectorMatmul:
      return rope_by_selectors(r, inv);
    default:
      throw isa::Error("knob.value", "the compressors have no layout " + to_string(r.c.layout));
  }
}

}  // namespace

void rmsnorm_rope(const Config& c, const Args& a, const Tensor& pooled, const Tensor& normed) {
  launch("rmsnorm_rope", ceil_div(c.batch, c.norm_requests), [&](int64_t block) {
    const int64_t first = block * c.norm_requests;
    const Rows rows{c, a, pooled, normed, first, std::min(c.norm_requests, c.batch - first)};
    rope::Tables half;  // in front of everything where lanes are swapped
    if (c.layout == rope::Layout::SwapGather)
      half = rope::load_half(a.cos, a.sin, first, rows.count);
    const Tile inv = rows.inverse_rms_of_rows();
    nope_lanes(rows, inv);
    rope_lanes(rows, inv, half);
  });
}

void kv_hadamard(const Config& c, const Args& a, const Tensor& normed, const Tensor& rotated) {
  launch("kv_hadamard", ceil_div(c.batch, c.norm_requests), [&](int64_t block) {
    const int64_t first = block * c.norm_requests;
    const Tile x = pl::load(normed, {first, 0}, {c.norm_requests, c.head()});
    for (int64_t n0 : pl::range(0, c.head(), c.hadamard_n_tile)) {
      const Tile h = pl::load(a.hadamard, {0, n0}, {c.head(), c.hadamard_n_tile});
      pl::store(pl::matmul(x, h), {first, n0}, rotated);
    }
  });
}

void kv_write(const Config& c, const Args& a, const std::string& name, const Tensor& rows) {
  const Tensor kv = as_rows(a.kv), cache = as_rows(a.cache);
  launch(name, ceil_div(c.batch, c.write_requests), [&](int64_t block) {
    const int64_t first = block * c.write_requests;
    for (int64_t b : pl::range(first, std::min(first + c.write_requests, c.batch))) {
      const int64_t position = pl::read_int(a.positions, {b, 0});
      if (!c.compresses(position, c.seq)) continue;
      const int64_t last_token = c.ratio() - 1 - position % c.ratio();
      const Tile row = pl::load(rows, {b, 0}, {1, c.head()});
      pl::store(row, {b * c.seq, 0}, kv);
      const int64_t slot = pl::read_int(a.cmp_slots, {b, last_token});
      if (slot >= 0) pl::store(to_bf16(row), {slot, 0}, cache);
    }
  });
}

}  // namespace kernels::compressor
