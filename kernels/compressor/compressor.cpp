#include "kernels/compressor/compressor.h"

#include "kernels/compressor/scopes.h"

namespace kernels::compressor {
namespace {

using isa::DType;

/// Token rows of k and g.
Tensor projection(const Config& c, const std::string& name) {
  return pl::create_tensor(c.prefix + name, {c.tokens(), c.width()}, DType::F32);
}

/// One row per request. Requests that do not compress leave theirs unwritten; the norm works on
/// all rows alike and nobody reads what it makes of those (kernels.md §2.3, traps).
Tensor request_rows(const Config& c, const std::string& name, DType dtype) {
  pl::CreateOptions options;
  options.partly_written = true;
  return pl::create_tensor(c.prefix + name, {c.batch, c.head()}, dtype, options);
}

}  // namespace

Tensor as_rows(const Tensor& t) {
  const int64_t columns = t.dim(-1);
  return t.reshape({t.numel() / columns, columns});
}

void decode_compressor_ratio4(const Config& c, const Args& args) {
  const Tensor k = projection(c, "cmp_k"), g = projection(c, "cmp_score");
  kv_score_proj(c, args, k, g);
  state_scatter(c, args, "state_scatter_paged", k, g);
  const Tensor pooled = request_rows(c, "cmp_pooled", DType::F32);
  softmax_pool_overlapping(c, args, pooled);
  const Tensor normed = pl::create_tensor(c.prefix + "cmp_normed", pooled.shape(), DType::F32);
  rmsnorm_rope(c, args, pooled, normed);
  kv_write(c, args, "kv_and_cache_write", normed);
}

void decode_compressor_ratio128(const Config& c, const Args& args) {
  const Tensor k = projection(c, "cmp_k"), g = projection(c, "cmp_score");
  kv_score_proj(c, args, k, g);
  state_scatter(c, args, "state_scatter_pre", k, g);
  const Tensor pooled = request_rows(c, "cmp_pooled", DType::F32);
  softmax_pool_ratio128(c, args, pooled);
  const Tensor normed = pl::create_tensor(c.prefix + "cmp_normed", pooled.shape(), DType::F32);
  rmsnorm_rope(c, args, pooled, normed);
  kv_write(c, args, "kv_finalize", normed);
}

void decode_indexer_compressor(const Config& c, const Args& args) {
  const Tensor k = projection(c, "idx_k"), g = projection(c, "idx_score");
  kv_score_proj(c, args, k, g);
  state_scatter(c, args, "state_scatter_paged", k, g);
  const Tensor pooled = request_rows(c, "idx_pooled", DType::F32);
  softmax_pool_overlapping(c, args, pooled);
  const Tensor normed = pl::create_tensor(c.prefix + "idx_normed", pooled.shape(), DType::BF16);
  rmsnorm_rope(c, args, pooled, normed);
  const Tensor rotated = pl::create_tensor(c.prefix + "idx_rotated", pooled.shape(), DType::F32);
  kv_hadamard(c, args, normed, rotated);
  kv_write(c, args, "kv_and_cache_write", rotated);
}

}  // namespace kernels::compressor
