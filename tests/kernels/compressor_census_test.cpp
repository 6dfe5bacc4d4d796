// Scopes, blocks and instructions of the decode compressors against the published census.
#include <catch2/catch.hpp>

#include "compressor_small.h"

using kernels_test::count;
using kernels_test::OpCounts;
using kernels_test::ProgramRun;
using kernels_test::run;
using kernels_test::Settings;

namespace {

using Blocks = std::vector<std::pair<std::string, int>>;

/// B = 64, S = 2 and the full width; the size of the cache changes no instruction.
ProgramRun full(const std::string& program, Settings more = {}) {
  Settings s = {{"cmp_pages", "2"}};
  s.insert(s.end(), more.begin(), more.end());
  return run(program, "decode", s);
}

void check_scopes(const ProgramRun& r, const Blocks& expected) {
  Blocks actual;
  for (const pl::ScopeRecord& s : r.record.scopes) actual.emplace_back(s.name, s.block_num);
  CHECK(actual == expected);
  CHECK(r.failures() == "");
  CHECK(r.record.diagnostics.empty());
}

void check_counts(const ProgramRun& r, const OpCounts& expected) {
  const OpCounts n = count(r.record);
  CHECK(n.loads == expected.loads);
  CHECK(n.stores == expected.stores);
  CHECK(n.matmuls == expected.matmuls);
  CHECK(n.vector == expected.vector);
  CHECK(n.scalars == expected.scalars);
}

OpCounts counts(int64_t loads, int64_t stores, int64_t matmuls, int64_t vector, int64_t scalars) {
  OpCounts n;
  n.loads = loads;
  n.stores = stores;
  n.matmuls = matmuls;
  n.vector = vector;
  n.scalars = scalars;
  return n;
}

}  // namespace

// The counts are those of upstream's kernels at 777675c with their own fixtures.
TEST_CASE("ratio 128 has upstream's scopes and instructions") {
  const ProgramRun r = full("decode_compressor_ratio128");
  check_scopes(r, {{"kv_score_proj", 16},
                   {"state_scatter_pre", 1},
                   {"softmax_pool", 512},
                   {"rmsnorm_rope", 8},
                   {"kv_finalize", 8}});
  check_counts(r, counts(87034, 772, 256, 89818, 86890));
}

TEST_CASE("ratio 4 has upstream's scopes and instructions") {
  const ProgramRun r = full("decode_compressor_ratio4");
  check_scopes(r, {{"kv_score_proj", 32},
                   {"state_scatter_paged", 1},
                   {"softmax_pool", 64},
                   {"rmsnorm_rope", 4},
                   {"kv_and_cache_write", 4}});
  check_counts(r, counts(5909, 802, 512, 20997, 2418));
}

TEST_CASE("the index key compressor has upstream's scopes and instructions") {
  const ProgramRun r = full("decode_indexer_compressor");
  check_scopes(r, {{"kv_score_proj", 8},
                   {"state_scatter_paged", 1},
                   {"softmax_pool", 64},
                   {"rmsnorm_rope", 4},
                   {"kv_hadamard", 4},
                   {"kv_and_cache_write", 4}});
  check_counts(r, counts(1817, 468, 136, 5471, 1005));
}

TEST_CASE("split-half replaces the gathers by contiguous halves") {
  // Per block of rmsnorm_rope: 16 index operations, 2 table gathers and 5 of the swap form become
  // 6 of the pair form and one more half to normalise (2 loads, 3 operations), stored in two parts.
  const OpCounts swap = count(full("decode_compressor_ratio128").record);
  const OpCounts half =
      count(full("decode_compressor_ratio128", {{"layout", "split_half"}}).record);
  CHECK(half.loads == swap.loads + 8 * 2);
  CHECK(half.stores == swap.stores + 8);
  CHECK(half.vector == swap.vector + 8 * (6 + 3 - 23));
  CHECK(half.scalars == swap.scalars);
}
