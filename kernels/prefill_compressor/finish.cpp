// Norm, rotation and write-back of pooled rows.
#include <algorithm>

#include "kernels/norm.h"
#include "kernels/prefill_compressor/scopes.h"

namespace kernels::prefill_compressor {
namespace {

using isa::DType;
using rope::Layout;

/// The pooled rows of one block's writes.
struct Rows {
  const Config& c;
  const Args& a;
  const Tensor& pooled;
  const Tensor& normed;
  int64_t first;

  int64_t count() const { return c.norm_writes; }
  Tile lanes(int64_t column, int64_t width) const {
    return pl::load(pooled, {first, column}, {count(), width});
  }
  Tile inverse_rms_of_rows() const {
    const int64_t step = c.norm_chunk;
    Tile sum = pl::full(1, count(), DType::F32, 0.0);
    for (int64_t j : loop(c.head() / step, c.norm_stage))
      sum = add_row_squares(sum, lanes(j * step, step));
    return inverse_rms(sum, c.head());
  }
  /// Lanes times 1 / rms and gamma: gamma must travel with its lane, so it comes before a swap.
  Tile normalised(int64_t column, int64_t width, const Tile& inv) const {
    const Tile x = lanes(column, width);
    const Tile gamma = pl::load(a.norm_w, {0, column}, {1, width});
    return scale_columns(scale_rows(x, inv), gamma);
  }
  void put(const Tile& y, int64_t column) const {
    pl::store(normed.dtype() == DType::BF16 ? to_bf16(y) : y, {first, column}, normed);
  }

  /// FP32 table rows of the windows' first positions; zero where there is no write.
  rope::Tables half_tables() const {
    Tile cos = pl::full(count(), kHalf, DType::F32, 0.0);
    Tile sin = pl::full(count(), kHalf, DType::F32, 0.0);
    for (int64_t i : pl::range(std::min(count(), c.writes() - first))) {
      const Write write = find_write(a.cmp_slots, first + i);
      if (!write.valid()) continue;
      const int64_t start = pl::read_int(a.positions, {write.token}) - (c.ratio() - 1);
      const Tile cos_row = pl::load(a.freqs_cos, {start, 0}, {1, kHalf});
      cos = pl::assemble(cos, pl::cast(cos_row, DType::F32), i, 0);
      const Tile sin_row = pl::load(a.freqs_sin, {start, 0}, {1, kHalf});
      sin = pl::assemble(sin, pl::cast(sin_row, DType::F32), i, 0);
    }
    return {cos, sin};
  }
};

void nope_lanes(const Rows& r, const Tile& inv) {
  const int64_t step = r.c.norm_chunk;
  for (int64_t j : loop(r.c.nope() / step, r.c.norm_stage))
    r.put(r.normalised(j * step, step, inv), j * step);
}

void rope_lanes(const Rows& r, const Tile& inv) {
  const int64_t nope = r.c.nope();
  const rope::Tables half = r.half_tables();
  if (r.c.layout == Layout::SplitHalf) {
    const Tile lo = r.normalised(nope, kHalf, inv);
    const Tile hi = r.normalised(nope + kHalf, kHalf, inv);
    const rope::Pairs y = rope::rotate({lo, hi}, half);
    r.put(y.first, nope);
    r.put(y.second, nope + kHalf);
    return;
  }
  const Tile x = r.normalised(nope, kRope, inv);
  if (r.c.layout == Layout::SwapGather) {
    const rope::SwapIndex index = rope::make_swap_index(r.count());
    const Tile cos = pl::gather(half.cos, index.dup);
    const Tile sin = pl::gather(half.sin, index.dup);
    r.put(rope::rotate_by_swap(x, {cos, sin}, index), nope);
    return;
  }
  r.put(rope::interleave_by_scatter(rope::rotate(rope::split_lanes(x), half)), nope);
}

/// A cache row that no write of this chunk goes to: the chunk's rows are consecutive and fewer than
/// a page's, so it is the same row of another page.
int64_t keep_alive_row(const Tensor& cache, const Write& write) {
  return write.first_slot < 0 ? 0 : (write.first_slot + kPage) % cache.dim(0);
}

/// Reads a row and writes it back: the cache stays in/out whatever the block writes.
void touch(const Tensor& cache, int64_t row) {
  const Tile lanes = pl::load(cache, {row, 0}, {1, cache.dim(1)});
  pl::store(lanes, {row, 0}, cache);
}

}  // namespace

void norm_rope(const Config& c, const Args& a, const std::string& name, const Tensor& pooled,
               const Tensor& normed) {
  launch(name, c.padded_writes() / c.norm_writes, [&](int64_t block) {
    const Rows rows{c, a, pooled, normed, block * c.norm_writes};
    const Tile inv = rows.inverse_rms_of_rows();
    nope_lanes(rows, inv);
    rope_lanes(rows, inv);
  });
}

void hadamard(const Config& c, const Args& a, const std::string& name, const Tensor& normed,
              const Tensor& rotated) {
  launch(name, c.padded_writes() / c.norm_writes, [&](int64_t block) {
    const int64_t first = block * c.norm_writes;
    const Tile x = pl::load(normed, {first, 0}, {c.norm_writes, c.head()});
    for (int64_t n0 : pl::range(0, c.head(), c.hadamard_n_tile)) {
      const Tile h = pl::load(a.hadamard, {0, n0}, {c.head(), c.hadamard_n_tile});
      pl::store(pl::matmul(x, h), {first, n0}, rotated);
    }
  });
}

void cache_write(const Config& c, const Args& a, const std::string& name, const Tensor& rows) {
  const Tensor cache = as_rows(a.cache);
  launch(name, ceil_div(c.writes(), c.cache_writes), [&](int64_t block) {
    const int64_t first = block * c.cache_writes;
    for (int64_t i : pl::range(first, std::min(first + c.cache_writes, c.writes()))) {
      const Write write = find_write(a.cmp_slots, i);
      if (!write.valid()) {
        touch(cache, keep_alive_row(cache, write));
        continue;
      }
      const Tile row = pl::load(rows, {i, 0}, {1, c.head()});
      if (a.kv.present()) pl::store(row, {i, 0}, a.kv);
      pl::store(to_bf16(row), {write.slot, 0}, cache);
    }
  });
}

}  // namespace kernels::prefill_compressor
