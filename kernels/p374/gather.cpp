// The key rows of a token in one place: the window, the compressed rows, zeros.
#include <algorithm>

#include "kernels/p374/scopes.h"

namespace kernels::p374 {
namespace {

using isa::DType;

struct Rows {
  Tensor window, compressed;  ///< [pages * 128, 512]
};

/// The window as one block of 128 rows of which the first `valid` are stored.
void copy_window(const SparseAttnArgs& a, const Rows& rows, int64_t request, int64_t valid,
                 int64_t to, const Tensor& sparse_kv) {
  const int64_t page = pl::read_int(a.ori_block_table, {request, 0});
  const Tile block = pl::load(rows.window, {page * kPage, 0}, {kPage, kHead}, {valid, kHead});
  pl::store(block, {to, 0}, sparse_kv);
}

void copy_compressed(const SparseAttnArgs& a, const Rows& rows, int64_t token, int64_t request,
                     int64_t used, int64_t to, const Tensor& sparse_kv) {
  for (int64_t k : pl::range(kWindow, used)) {
    const int64_t slot = pl::read_int(a.cmp_sparse_indices, {token, k}) - kWindow;
    const int64_t page = pl::read_int(a.cmp_block_table, {request, slot / kPage});
    const Tile row = pl::load(rows.compressed, {page * kPage + slot % kPage, 0}, {1, kHead});
    pl::store(row, {to + k, 0}, sparse_kv);
  }
}

}  // namespace

void gather_kv_topk(const SparseAttnConfig& c, const SparseAttnArgs& a, const Tensor& sparse_kv) {
  const Rows rows{a.ori_kv.reshape({a.ori_kv.numel() / kHead, kHead}),
                  a.cmp_kv.reshape({a.cmp_kv.numel() / kHead, kHead})};
  for (int64_t t0 : pl::parallel(0, c.tokens(), c.gather_t_tile)) {
    pl::at({"cfa_proj_gather_kv_topk_tile"}, [&] {
      const Tile zeros = pl::full(c.pad_tile, kHead, DType::BF16, 0.0);
      for (int64_t t : pl::range(t0, std::min(t0 + c.gather_t_tile, c.tokens()))) {
        const int64_t request = t / c.seq, to = t * c.topk;
        const int64_t used = std::min(pl::read_int(a.seqused_kv, {request}), c.topk);
        copy_window(a, rows, request, std::min(used, kWindow), to, sparse_kv);
        copy_compressed(a, rows, t, request, used, to, sparse_kv);
        for (int64_t k : pl::range(used, c.topk, c.pad_tile)) {
          const int64_t n = std::min(c.pad_tile, c.topk - k);
          pl::store(pl::slice(zeros, 0, 0, n, kHead), {to + k, 0}, sparse_kv);
        }
      }
    });
  }
}

}  // namespace kernels::p374
