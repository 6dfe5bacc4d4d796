// Softmax pooling of the state rows of a window, column by column.
#include "kernels/compressor/online_softmax.h"
#include "kernels/compressor/scopes.h"
#include "kernels/launch.h"

namespace kernels::compressor {
namespace {

using isa::DType;

/// The ratio-128 pooling gate counts two tokens whatever S is (kernels.md §2.4).
constexpr int64_t kGateTokens = 2;

/// Physical state row of a request's position: one scalar lookup.
int64_t state_row(const Config& c, const Args& a, int64_t request, int64_t position) {
  const int64_t rows = c.state_page_rows();
  return pl::read_int(a.state_table, {request, position / rows}) * rows + position % rows;
}

Entry load_entry(const Config& c, const Tensor& state, int64_t row, int64_t column) {
  const Tile score = pl::load(state, {row, c.width() + column}, {1, c.pool_chunk});
  const Tile value = pl::load(state, {row, column}, {1, c.pool_chunk});
  return {score, value};
}

}  // namespace

void softmax_pool_overlapping(const Config& c, const Args& a, const Tensor& pooled) {
  const Tensor state = as_rows(a.state);
  launch("softmax_pool", c.batch, [&](int64_t b) {
    const int64_t position = pl::read_int(a.positions, {b, 0});
    if (!c.compresses(position, c.seq)) return;
    const int64_t ratio = c.ratio(), start = position / ratio * ratio;
    // The window's last token belongs to this step: its score is finite, so the seed is safe.
    const auto seed_row = [&] { return state_row(c, a, b, start + ratio - 1); };
    const bool seed_once = c.kind == Kind::Ratio4;
    const int64_t row = seed_once ? seed_row() : 0;
    for (int64_t column : pl::range(0, c.head(), c.pool_chunk)) {
      const int64_t back = c.head() + column;
      OnlineSoftmax pool(load_entry(c, state, seed_once ? row : seed_row(), back));
      for (int64_t i : pl::range(ratio)) {
        const int64_t previous = start - ratio + i;
        if (previous < 0) continue;
        pool.add(load_entry(c, state, state_row(c, a, b, previous), column));
      }
      for (int64_t i : pl::range(ratio - 1))
        pool.add(load_entry(c, state, state_row(c, a, b, start + i), back));
      pl::store(pool.result(), {b, column}, pooled);
    }
  });
}

void softmax_pool_ratio128(const Config& c, const Args& a, const Tensor& pooled) {
  const Tensor state = as_rows(a.state);
  const int64_t chunks = c.head() / c.pool_chunk, ratio = c.ratio();
  launch("softmax_pool", c.batch * chunks, [&](int64_t block) {
    const int64_t b = block / chunks, column = block % chunks * c.pool_chunk;
    const int64_t position = pl::read_int(a.positions, {b, 0});
    if (!c.compresses(position, kGateTokens)) return;
    Tile scores = pl::create_tile(ratio, c.pool_chunk, DType::F32);
    Tile values = pl::create_tile(ratio, c.pool_chunk, DType::F32);
    for (int64_t i : loop(ratio, c.pool_stage)) {
      const int64_t start = pl::read_int(a.positions, {b, 0}) / ratio * ratio;
      const Entry entry = load_entry(c, state, state_row(c, a, b, start + i), column);
      scores = pl::assemble(scores, entry.score, i, 0);
      values = pl::assemble(values, entry.value, i, 0);
    }
    const Tile score = pl::transpose(scores), value = pl::transpose(values);  // [columns, window]
    const Tile weight = pl::exp(pl::row_expand_sub(score, pl::row_max(score)));
    const Tile share = pl::row_expand_div(weight, pl::row_sum(weight));
    const Tile sum = pl::row_sum(pl::mul(value, share));
    pl::store(pl::reshape(sum, 1, c.pool_chunk), {b, column}, pooled);
  });
}

}  // namespace kernels::compressor
