#include "kernels/attention/prefill_indices.h"

#include "kernels/launch.h"
#include "kernels/model.h"

namespace kernels::attention {
namespace {

int64_t window_columns(int64_t position) { return pl::min(position + 1, kWindow); }

int64_t compressed_columns(const PrefillIndexArgs& args, int64_t position) {
  return pl::min((position + 1) / args.ratio, args.cmp_rows);
}

/// Where token `t` finds `position`: a row of the chunk, or else the ring. The chunk's tokens up to
/// t are looked at one by one, all of them.
int64_t window_index(const PrefillIndexArgs& args, int64_t t, int64_t position) {
  int64_t index = position % kWindow;
  for (int64_t s : pl::range(t + 1))
    if (pl::read_int(args.position_ids, {s}) == position) index = kWindow + s;
  return index;
}

}  // namespace

void prefill_csa_sparse_lens(const PrefillIndexArgs& args, const pl::Tensor& lens) {
  launch("prefill_csa_sparse_lens", 1, [&](int64_t) {
    for (int64_t t : pl::range(lens.numel())) {
      int64_t n = 0;
      if (t < args.num_tokens) {
        const int64_t position = pl::read_int(args.position_ids, {t});
        n = window_columns(position) + compressed_columns(args, position);
      }
      pl::write_int(lens, {t}, n);
    }
  });
}

void prefill_csa_sparse_idx_tile(const PrefillIndexArgs& args, const pl::Tensor& topk,
                                 int64_t t_tile, const pl::Tensor& indices) {
  const int64_t tokens = indices.dim(0), columns = indices.dim(1);
  launch("prefill_csa_sparse_idx_tile", ceil_div(tokens, t_tile), [&](int64_t block) {
    const int64_t first = block * t_tile;
    for (int64_t t : pl::range(first, pl::min(first + t_tile, tokens))) {
      int64_t window = 0, compressed = 0, position = 0;
      if (t < args.num_tokens) {
        position = pl::read_int(args.position_ids, {t});
        window = window_columns(position);
        compressed = compressed_columns(args, position);
      }
      for (int64_t k : pl::range(columns)) {
        int64_t index = -1;
        if (k < window)
          index = window_index(args, t, position + 1 - window + k);
        else if (k < window + compressed)
          index = pl::read_int(topk, {t, k - window});
        pl::write_int(indices, {t, k}, index);
      }
    }
  });
}

void prefill_swa_dummy_cmp_table(const pl::Tensor& table) {
  launch("prefill_swa_dummy_cmp_table", 1, [&](int64_t) {
    for (int64_t j : pl::range(table.dim(1))) pl::write_int(table, {0, j}, 0);
  });
}

}  // namespace kernels::attention
