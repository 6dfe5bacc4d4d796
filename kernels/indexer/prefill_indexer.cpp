#include "kernels/indexer/prefill_indexer.h"

#include <algorithm>

#include "kernels/launch.h"
#include "kernels/model.h"

namespace kernels {
namespace {

using isa::DType;
using pl::Tensor;
using pl::Tile;
using Config = PrefillIndexerConfig;

constexpr char kInnerKnobs[] = "idx_";
constexpr int64_t kGroup = 4;  ///< positions of a compressed row

/// Compressed rows complete at `position`.
int64_t complete(const Config& c, int64_t position) {
  return std::min((position + 1) / kGroup, c.keys);
}

}  // namespace

std::vector<Knob> prefill_indexer_knobs() {
  std::vector<Knob> knobs = {
      int_knob("idx_topk", 512, 32, 2048, 32, "columns of the index list"),
      int_knob("prefill_topk_tokens", 16, 1, 128, 1, "tokens of a prefill_idx_topk block")};
  for (Knob& k : prefill_compressor::tile_knobs(compressor::Kind::Indexer, kInnerKnobs))
    knobs.push_back(std::move(k));
  return knobs;
}

Config prefill_indexer_config(const Knobs& k, const std::string& program) {
  Config c;
  c.program = program;
  c.inner = prefill_compressor::config(k, compressor::Kind::Indexer, program, kInnerKnobs);
  c.inner.prefix = "inner_";
  c.tokens = k.integer("tokens");
  c.columns = k.integer("idx_topk");
  c.keys = k.integer("cmp_pages") * kPage;
  c.topk_tokens = k.integer("prefill_topk_tokens");
  return c;
}

void check_prefill_indexer(const Config& c) {
  prefill_compressor::check(c.inner);
  if (c.keys > c.columns)
    conflict(c.program, "the " + std::to_string(c.keys) +
                            " rows of cmp_pages do not fit a list of idx_topk " +
                            std::to_string(c.columns));
}

void prefill_indexer(const Config& c, const prefill_compressor::Args& inner,
                     const Tensor& topk_idxs) {
  prefill_compressor::prefill_indexer_compressor(c.inner, inner);
  prefill_idx_topk(c, inner.positions, topk_idxs);
}

void prefill_idx_topk(const Config& c, const Tensor& position_ids, const Tensor& topk_idxs) {
  launch("prefill_idx_topk", ceil_div(c.tokens, c.topk_tokens), [&](int64_t block) {
    const int64_t first = block * c.topk_tokens;
    for (int64_t t : pl::range(first, std::min(first + c.topk_tokens, c.tokens))) {
      pl::store(pl::full(1, c.columns, DType::I32, -1), {t, 0}, topk_idxs);
      const int64_t n = complete(c, pl::read_int(position_ids, {t}));
      if (n <= 0) continue;
      const Tile rows = pl::arange(c.first_compressed(), c.keys, DType::I32);
      pl::store(pl::set_validshape(rows, 1, n), {t, 0}, topk_idxs);
    }
  });
}

std::vector<int32_t> golden_prefill_idx_topk(const Config& c, const HostTensor& position_ids) {
  std::vector<int32_t> list(static_cast<size_t>(c.tokens * c.columns), -1);
  for (int64_t t = 0; t < c.tokens; ++t) {
    const int64_t groups = (position_ids.as<int32_t>()[t] + 1) / kGroup;
    for (int64_t i = 0; i < std::min(groups, c.keys); ++i)
      list[static_cast<size_t>(t * c.columns + i)] = static_cast<int32_t>(128 + c.tokens + i);
  }
  return list;
}

}  // namespace kernels
