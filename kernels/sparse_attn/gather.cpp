// Which KV rows a token attends: the bias that masks columns and the gathered rows.
#include <cfloat>

#include "kernels/sparse_attn/scopes.h"

namespace kernels::sparse {
namespace {

using isa::DType;
using pl::RoundMode;

/// 0 for a valid index, -1e20 for -1. CSA uses that only -1 is negative.
Tile bias_of(const Config& c, const Tile& indices) {
  const Tile x = pl::cast(indices, DType::F32, RoundMode::None);
  if (c.kind == Kind::Csa) return pl::mul(pl::minimum(x, 0.0), -kInvalidBias);
  const Tile valid = pl::minimum(pl::maximum(pl::add(x, 1.0), 0.0), 1.0);
  return pl::mul(pl::sub(valid, 1.0), -kInvalidBias);
}

/// The row of cmp_kv behind compressed slot `slot` of a request, by its block table.
int64_t compressed_row(const KvSources& kv, int64_t request, int64_t slot) {
  return pl::read_int(kv.cmp_block_table, {request, slot / kPage}) * kPage + slot % kPage;
}

Tile zero_block(const Config& c) { return pl::full(c.kv_block, kHead, DType::BF16, 0.0); }

/// One block of compressed columns of a token: valid rows collected in a zeroed tile, one wide
/// store.
void gather_compressed_block(const Config& c, const KvSources& kv, int64_t token, int64_t column,
                             const Tensor& sparse_kv) {
  const Tile stage = zero_block(c);
  for (int64_t r : loop(c.kv_block, c.gather_cmp_stage)) {
    if (column + r >= c.columns()) continue;
    const int64_t raw = pl::read_int(kv.indices, {token, column + r});
    if (raw < c.first_compressed()) continue;
    const int64_t row = compressed_row(kv, token / c.seq, raw - c.first_compressed());
    const Tile kv_row = pl::load(kv.cmp_kv, {row, 0}, {1, kHead});
    pl::assemble(stage, kv_row, r, 0);
  }
  pl::store(stage, {token * c.padded() + column, 0}, sparse_kv);
}

/// Reads a row and writes it back, so that the cache counts as in/out. Every token takes a row of
/// its own, so that no two blocks write the same one.
void touch_row(const Tensor& t, int64_t row) {
  const Tile x = pl::load(t, {row, 0}, {1, kHead});
  pl::store(x, {row, 0}, t);
}

/// Valid window columns row by row: ring slots through the page, overlay tokens of the request.
void gather_window(const Config& c, const KvSources& kv, int64_t token, int64_t first_row,
                   const Tensor& sparse_kv) {
  for (int64_t k : loop(kWindow, c.gather_stage)) {
    const int64_t raw = pl::read_int(kv.indices, {token, k});
    if (raw < 0) continue;
    Tile row;
    if (raw < kWindow)
      row = pl::load(kv.ori_kv, {first_row + raw, 0}, {1, kHead});
    else
      row = pl::load(kv.overlay, {token / c.seq * c.seq + raw - kWindow, 0}, {1, kHead});
    pl::store(row, {token * c.padded() + k, 0}, sparse_kv);
  }
}

/// Rows of one block of one token of a prefill chunk: from the ring, from the chunk itself or
/// compressed, whatever each column of its list names.
void gather_prefill_block(const Config& c, const KvSources& kv, int64_t token, int64_t column,
                          const Tensor& sparse_kv) {
  const Tile stage = zero_block(c);
  const int64_t columns = std::min(pl::read_int(kv.lens, {0, token}), c.columns());
  for (int64_t r : loop(std::clamp<int64_t>(columns - column, 0, c.kv_block), c.gather_cmp_stage)) {
    const int64_t raw = pl::read_int(kv.indices, {token, column + r});
    if (raw < 0) continue;
    Tile row;
    if (raw < kWindow) {
      const int64_t page = pl::read_int(kv.ori_block_table, {0, 0});
      row = pl::load(kv.ori_kv, {page * kPage + raw, 0}, {1, kHead});
    } else if (raw < c.first_compressed()) {
      row = pl::load(kv.overlay, {raw - kWindow, 0}, {1, kHead});
    } else {
      row = pl::load(kv.cmp_kv, {compressed_row(kv, 0, raw - c.first_compressed()), 0}, {1, kHead});
    }
    pl::assemble(stage, row, r, 0);
  }
  pl::store(stage, {token * c.padded() + column, 0}, sparse_kv);
}

/// 1 where x > 0 and 0 elsewhere, of whole numbers.
Tile positive(const Tile& x) { return pl::minimum(pl::maximum(x, 0.0), 1.0); }

}  // namespace

void build_valid(const Config& c, const Tensor& indices, const Tensor& bias) {
  const int64_t tokens = indices.dim(0), columns = c.columns(), padding = c.padded() - columns;
  launch("build_valid", ceil_div(tokens, c.valid_t_tile), [&](int64_t block) {
    const int64_t t0 = block * c.valid_t_tile, rows = std::min(c.valid_t_tile, tokens - t0);
    const Tile raw = pl::load(indices, {t0, 0}, {rows, columns});
    pl::store(bias_of(c, raw), {t0, 0}, bias);
    if (padding > 0)
      pl::store(pl::full(rows, padding, DType::F32, kInvalidBias), {t0, columns}, bias);
  });
}

void gather_kv(const Config& c, const KvSources& kv, const Tensor& sparse_kv) {
  const int64_t tokens = kv.indices.dim(0);
  const int64_t zeroed = c.kind == Kind::Csa ? kWindow : c.padded();
  launch("gather_kv", tokens, [&](int64_t token) {
    touch_row(kv.ori_kv, token);
    const Tile zero = zero_block(c);
    for (int64_t r : pl::range(0, zeroed, c.kv_block))
      pl::store(zero, {token * c.padded() + r, 0}, sparse_kv);
    const int64_t first_row = pl::read_int(kv.ori_block_table, {token / c.seq, 0}) * kPage;
    gather_window(c, kv, token, first_row, sparse_kv);
    if (c.kind == Kind::Hca)
      for (int64_t column : pl::range(kWindow, c.columns(), c.kv_block))
        gather_compressed_block(c, kv, token, column, sparse_kv);
  });
}

void build_bias(const Config& c, const Tensor& indices, const Tensor& lens, const Tensor& bias) {
  const int64_t tokens = c.tokens(), columns = c.columns(), padding = c.padded() - columns;
  launch("build_bias", ceil_div(tokens, c.valid_t_tile), [&](int64_t block) {
    const int64_t t0 = block * c.valid_t_tile, rows = std::min(c.valid_t_tile, tokens - t0);
    const Tile raw = pl::load(indices, {t0, 0}, {rows, columns});
    const Tile named = positive(pl::add(pl::cast(raw, DType::F32, RoundMode::None), 1.0));
    const Tile len = pl::cast(pl::load(lens, {0, t0}, {1, rows}), DType::F32, RoundMode::None);
    const Tile number = pl::cast(pl::arange(0, columns), DType::F32);
    const Tile lengths = pl::row_expand(named, pl::reshape(len, rows, 1));
    const Tile valid = pl::mul(named, positive(pl::col_expand_sub(lengths, number)));
    pl::store(pl::mul(pl::sub(valid, 1.0), FLT_MAX), {t0, 0}, bias);
    if (padding > 0) pl::store(pl::full(rows, padding, DType::F32, -FLT_MAX), {t0, columns}, bias);
  });
}

void gather_kv_groups(const Config& c, const KvSources& kv, const Tensor& sparse_kv) {
  const int64_t tokens = c.tokens(), blocks = c.blocks();
  launch("gather_kv", ceil_div(tokens, c.gather_tokens) * blocks, [&](int64_t block) {
    const int64_t t0 = block / blocks * c.gather_tokens;
    for (int64_t t : pl::range(t0, std::min(t0 + c.gather_tokens, tokens)))
      gather_prefill_block(c, kv, t, block % blocks * c.kv_block, sparse_kv);
  });
}

void gather_kv_cmp(const Config& c, const KvSources& kv, const Tensor& sparse_kv) {
  const int64_t per_token = c.blocks() - kWindow / c.kv_block;
  if (per_token == 0) return;
  launch("gather_kv_cmp", kv.indices.dim(0) * per_token, [&](int64_t block) {
    const int64_t column = kWindow + block % per_token * c.kv_block;
    gather_compressed_block(c, kv, block / per_token, column, sparse_kv);
  });
}

}  // namespace kernels::sparse
