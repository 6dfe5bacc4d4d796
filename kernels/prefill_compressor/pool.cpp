// Softmax pooling of the windows that a chunk completes, column by column.
#include "kernels/compressor/online_softmax.h"
#include "kernels/prefill_compressor/scopes.h"

namespace kernels::prefill_compressor {
namespace {

using compressor::Entry;
using compressor::OnlineSoftmax;
using isa::DType;

/// The rows a window is made of.
struct Sources {
  const Config& c;
  const Args& a;
  const Tensor &k, &g;
  Tensor kv_state, score_state;  ///< as rows

  /// Columns of the token `back` positions before `token`, which is at `position`: the state's row,
  /// overlaid by this chunk's projection if it is one of its tokens. Both are read.
  Entry entry(int64_t token, int64_t position, int64_t back, int64_t column) const {
    const Entry old = stored(position - back, column);
    return token >= back ? projected(token - back, position - back, column) : old;
  }

 private:
  Entry projected(int64_t token, int64_t position, int64_t column) const {
    const Tile score = pl::load(g, {token, column}, {1, c.pool_chunk});
    const Tile ape = pl::load(a.ape, {position % c.ratio(), column}, {1, c.pool_chunk});
    const Tile value = pl::load(k, {token, column}, {1, c.pool_chunk});
    return {pl::add(score, ape), value};
  }
  Entry stored(int64_t position, int64_t column) const {
    const int64_t rows = c.state_page_rows();
    const int64_t page = pl::read_int(a.state_table, {0, position / rows});
    const int64_t row = page * rows + position % rows;
    const Tile score = pl::load(score_state, {row, column}, {1, c.pool_chunk});
    const Tile value = pl::load(kv_state, {row, column}, {1, c.pool_chunk});
    return {score, value};
  }
};

/// Back columns of the window itself, front columns of the four positions before it, if any.
Tile pool_overlapping(const Sources& from, const Write& write, int64_t position, int64_t column) {
  const int64_t ratio = from.c.ratio(), back = from.c.head() + column;
  OnlineSoftmax pool(from.entry(write.token, position, 0, back));
  for (int64_t i : pl::range(ratio)) {
    const int64_t before = 2 * ratio - 1 - i;
    if (position >= before) pool.add(from.entry(write.token, position, before, column));
  }
  for (int64_t i : pl::range(ratio - 1))
    pool.add(from.entry(write.token, position, ratio - 1 - i, back));
  return pool.result();
}

/// Oldest position first.
Tile pool_window(const Sources& from, const Write& write, int64_t position, int64_t column) {
  const int64_t ratio = from.c.ratio();
  OnlineSoftmax pool(from.entry(write.token, position, ratio - 1, column));
  for (int64_t i : pl::range(1, ratio))
    pool.add(from.entry(write.token, position, ratio - 1 - i, column));
  return pool.result();
}

}  // namespace

void norm_pad_init(const Config& c, const std::string& name, const Tensor& pooled) {
  launch(name, 1, [&](int64_t) {
    pl::store(pl::full(c.padded_writes(), c.head(), DType::F32, 0.0), {0, 0}, pooled);
  });
}

void softmax_pool(const Config& c, const Args& a, const std::string& name, const Tensor& k,
                  const Tensor& g, const Tensor& pooled) {
  const Sources from{c, a, k, g, as_rows(a.kv_state), as_rows(a.score_state)};
  const int64_t chunks = c.head() / c.pool_chunk;
  const int64_t rows = c.overlapping() ? c.padded_writes() : c.writes();
  launch(name, rows * chunks, [&](int64_t block) {
    const int64_t index = block / chunks, column = block % chunks * c.pool_chunk;
    const Write write = find_write(a.cmp_slots, index);
    if (write.valid()) {
      const int64_t position = pl::read_int(a.positions, {write.token});
      const Tile sum = c.overlapping() ? pool_overlapping(from, write, position, column)
                                       : pool_window(from, write, position, column);
      pl::store(sum, {index, column}, pooled);
    } else if (c.overlapping()) {
      pl::store(pl::full(1, c.pool_chunk, DType::F32, 0.0), {index, column}, pooled);
    }
  });
}

}  // namespace kernels::prefill_compressor
