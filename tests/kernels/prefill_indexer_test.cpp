// The indexer of CSA prefill: inner compressor and the index list of PR578.
#include <catch2/catch.hpp>

#include "error_id.h"
#include "run_program.h"
#include "tests/lower/test_chip.h"
#include "tests/lower/verify.h"

using namespace kernels;
using kernels_test::ProgramRun;

namespace {

ProgramRun run(Settings more = {}) {
  Settings s = {{"hidden", "512"}, {"state_pages", "256"}};
  s.insert(s.end(), more.begin(), more.end());
  return kernels_test::run("prefill_indexer", "prefill", s);
}

/// Entries of a token's list in front of the first -1.
int64_t entries(const ProgramRun& r, int64_t token) {
  const HostTensor& list = r.actual.at("topk_idxs");
  const int32_t* row = list.as<int32_t>() + token * list.shape[1];
  int64_t n = 0;
  while (n < list.shape[1] && row[n] >= 0) ++n;
  return n;
}

}  // namespace

TEST_CASE("the prefill indexer passes its golden in every layout") {
  for (const char* layout : {"mask_scatter", "swap_gather"})
    for (const char* start : {"0", "3", "600"})
      for (const char* active : {"-1", "50", "1"}) {
        INFO(layout << " start " << start << " tokens " << active);
        const ProgramRun r =
            run({{"layout", layout}, {"start_pos", start}, {"num_tokens", active}});
        CHECK(r.failures() == "");
        CHECK(r.record.diagnostics.empty());
      }
}

TEST_CASE("a token lists the groups complete at its position, in order behind the chunk's rows") {
  const ProgramRun r = run({{"start_pos", "896"}});
  const HostTensor& list = r.actual.at("topk_idxs");
  CHECK(list.shape == std::vector<int64_t>{128, 512});
  CHECK(entries(r, 0) == 224);
  CHECK(entries(r, 2) == 224);
  CHECK(entries(r, 3) == 225);
  CHECK(entries(r, 127) == 256);  // the pages are full
  const int32_t* last = list.as<int32_t>() + 127 * 512;
  for (int32_t i = 0; i < 512; ++i) CHECK(last[i] == (i < 256 ? 256 + i : -1));
}

TEST_CASE("the first tokens and padding tokens have no entries") {
  const ProgramRun r = run({{"num_tokens", "6"}});
  for (int64_t t : {0, 1, 2, 6, 7, 127}) CHECK(entries(r, t) == 0);
  CHECK(entries(r, 3) == 1);
  CHECK(entries(r, 5) == 1);
}

TEST_CASE("prefill_idx_topk has upstream's blocks and runs behind the inner compressor") {
  const ProgramRun r = run();
  CHECK(r.blocks().at("prefill_idx_topk") == 8);
  CHECK(r.record.scopes.size() == 7);
  CHECK(r.record.scopes.back().name == "prefill_idx_topk");
}

TEST_CASE("the lowered prefill indexer gives the eager values") {
  lower_test::lower_and_verify(run({{"num_tokens", "50"}}).record, lower_test::a2a3());
}

TEST_CASE("a list shorter than the pages is refused") {
  CHECK(kernels_test::error_id([] { run({{"idx_topk", "128"}}); }) == "knob.conflict");
}
