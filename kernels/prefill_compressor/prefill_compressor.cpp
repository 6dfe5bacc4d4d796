#include "kernels/prefill_compressor/prefill_compressor.h"

#include "kernels/prefill_compressor/scopes.h"

namespace kernels::prefill_compressor {
namespace {

using isa::DType;

/// Token rows of k and g.
Tensor projection(const Config& c, const std::string& name) {
  return pl::create_tensor(name, {c.tokens, c.width()}, DType::F32);
}

Tensor write_rows(const Config& c, const std::string& name, DType dtype) {
  return pl::create_tensor(name, {c.padded_writes(), c.head()}, dtype);
}

}  // namespace

Tensor as_rows(const Tensor& t) {
  const int64_t columns = t.dim(-1);
  return t.reshape({t.numel() / columns, columns});
}

void prefill_compressor_ratio4(const Config& c, const Args& a) {
  const std::string prefix = "prefill_c4_";
  const Tensor k = projection(c, prefix + "k"), g = projection(c, prefix + "score");
  state_proj(c, a, prefix + "state_proj", k, g);
  const Tensor pooled = write_rows(c, prefix + "pooled", DType::F32);
  softmax_pool(c, a, prefix + "softmax_pool", k, g, pooled);
  const Tensor normed = write_rows(c, prefix + "normed", DType::F32);
  norm_rope(c, a, prefix + "norm_rope_write", pooled, normed);
  cache_write(c, a, prefix + "cache_write", normed);
  state_update(c, a, prefix + "state_update", k, g, pooled);
}

void prefill_compressor_ratio128(const Config& c, const Args& a) {
  const std::string prefix = "prefill_hca_c128_";
  const Tensor pooled = write_rows(c, prefix + "pooled", DType::F32);
  norm_pad_init(c, prefix + "norm_pad_init", pooled);
  const Tensor k = projection(c, prefix + "k"), g = projection(c, prefix + "score");
  state_proj(c, a, prefix + "state_proj", k, g);
  softmax_pool(c, a, prefix + "softmax_pool", k, g, pooled);
  const Tensor normed = write_rows(c, prefix + "normed", DType::F32);
  norm_rope(c, a, prefix + "norm_rope", pooled, normed);
  cache_write(c, a, prefix + "finalize", normed);
  state_update(c, a, prefix + "state_update", k, g, pooled);
}

void prefill_indexer_compressor(const Config& c, const Args& a) {
  const std::string prefix = "prefill_idx_c4_";
  const Tensor k = projection(c, prefix + "k"), g = projection(c, prefix + "score");
  state_proj(c, a, prefix + "state_proj", k, g);
  const Tensor pooled = write_rows(c, prefix + "pooled", DType::F32);
  softmax_pool(c, a, prefix + "softmax_pool", k, g, pooled);
  const Tensor normed = write_rows(c, prefix + "normed", DType::BF16);
  norm_rope(c, a, prefix + "norm_rope_write", pooled, normed);
  const Tensor rotated = write_rows(c, prefix + "rotated", DType::F32);
  hadamard(c, a, prefix + "hadamard", normed, rotated);
  cache_write(c, a, prefix + "cache_write", rotated);
  state_update(c, a, prefix + "state_update", k, g, pooled);
}

void prefill_compressor(const Config& c, const Args& a) {
  switch (c.kind) {
    case Kind::Ratio4:
      return prefill_compressor_ratio4(c, a);
    case Kind::Ratio128:
      return prefill_compressor_ratio128(c, a);
    case Kind::Indexer:
      return prefill_indexer_compressor(c, a);
  }
}

}  // namespace kernels::prefill_compressor
