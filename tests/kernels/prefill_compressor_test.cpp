// The prefill compressors (kernels.md §2.12): goldens per layout, start position, padding and
// holes; scopes and blocks; the trap that state is read before it is overwritten.
#include <algorithm>
#include <catch2/catch.hpp>

#include "error_id.h"
#include "kernels/fixtures.h"
#include "run_program.h"
#include "tests/lower/test_chip.h"
#include "tests/lower/verify.h"

using namespace kernels;
using kernels_test::error_of;
using kernels_test::ProgramRun;
using kernels_test::run;

namespace {

const std::vector<std::string> kPrograms = {
    "prefill_compressor_ratio4", "prefill_compressor_ratio128", "prefill_indexer_compressor"};

Settings small(Settings more = {}) {
  Settings s = {{"hidden", "512"}, {"state_pages", "256"}};
  s.insert(s.end(), more.begin(), more.end());
  return s;
}

ProgramRun run_small(const std::string& program, Settings more = {},
                     const TensorSet* inputs = nullptr) {
  return run(program, "prefill", small(std::move(more)), {}, inputs);
}

TensorSet inputs_of(const std::string& program, Settings more = {}) {
  const Program& p = find_program(program);
  return p.make_inputs(p.resolve("prefill", small(std::move(more))), "prefill", 1);
}

std::string cache_of(const std::string& program) {
  return program == "prefill_indexer_compressor" ? "idx_kv_cache" : "cmp_kv";
}

std::vector<std::string> layouts_of(const std::string& program) {
  for (const Knob& k : find_program(program).knobs)
    if (k.name == "layout") return k.choices;
  return {};
}

using Blocks = std::vector<std::pair<std::string, int>>;

Blocks blocks_of(const ProgramRun& r) {
  Blocks actual;
  for (const pl::ScopeRecord& s : r.record.scopes) actual.emplace_back(s.name, s.block_num);
  return actual;
}

}  // namespace

TEST_CASE("prefill compressors have the specified scopes and blocks, whatever the padding") {
  const std::vector<Blocks> expected = {{{"prefill_c4_state_proj", 32},
                                         {"prefill_c4_softmax_pool", 64},
                                         {"prefill_c4_norm_rope_write", 2},
                                         {"prefill_c4_cache_write", 2},
                                         {"prefill_c4_state_update", 128}},
                                        {{"prefill_hca_c128_norm_pad_init", 1},
                                         {"prefill_hca_c128_state_proj", 16},
                                         {"prefill_hca_c128_softmax_pool", 8},
                                         {"prefill_hca_c128_norm_rope", 1},
                                         {"prefill_hca_c128_finalize", 1},
                                         {"prefill_hca_c128_state_update", 128}},
                                        {{"prefill_idx_c4_state_proj", 4},
                                         {"prefill_idx_c4_softmax_pool", 128},
                                         {"prefill_idx_c4_norm_rope_write", 2},
                                         {"prefill_idx_c4_hadamard", 2},
                                         {"prefill_idx_c4_cache_write", 2},
                                         {"prefill_idx_c4_state_update", 512}}};
  for (size_t i = 0; i < kPrograms.size(); ++i)
    for (const char* active : {"-1", "70", "0"})
      CHECK(blocks_of(run_small(kPrograms[i], {{"num_tokens", active}})) == expected[i]);
}

TEST_CASE("every layout passes at aligned and unaligned starts, with padding and with holes") {
  const std::vector<std::pair<std::string, std::string>> padding = {
      {"-1", "full"}, {"101", "holes"}, {"2", "full"}};
  for (const std::string& program : kPrograms)
    for (const std::string& layout : layouts_of(program))
      for (const char* start : {"0", "126", "257"})
        for (const auto& [active, fixture] : padding) {
          INFO(program << " " << layout << " start " << start << " active " << active << " "
                       << fixture);
          const ProgramRun r = run_small(program, {{"layout", layout},
                                                   {"start_pos", start},
                                                   {"num_tokens", active},
                                                   {"fixture", fixture}});
          CHECK(r.failures() == "");
          CHECK(r.record.diagnostics.empty());
        }
}

TEST_CASE("fewer token rows than a norm tile of windows") {
  for (const std::string& program : kPrograms) {
    const ProgramRun r = run_small(program, {{"tokens", "48"}, {"start_pos", "82"}});
    CHECK(r.failures() == "");
    CHECK(r.record.diagnostics.empty());
  }
}

TEST_CASE("a chunk without a completed window leaves the cache alone and keeps its tokens") {
  for (const std::string& program : kPrograms) {
    INFO(program);
    TensorSet in = inputs_of(program, {{"start_pos", "64"}, {"num_tokens", "3"}});
    fill(in.at(cache_of(program)), 3, normal(1));
    const HostTensor& before = in.at(cache_of(program));
    const std::vector<uint16_t> rows(before.as<uint16_t>(), before.as<uint16_t>() + before.numel());
    const ProgramRun r = run_small(program, {{"start_pos", "64"}, {"num_tokens", "3"}}, &in);
    CHECK(r.failures() == "");
    CHECK(std::equal(rows.begin(), rows.end(), r.actual.at(cache_of(program)).as<uint16_t>()));
    CHECK_FALSE(kernels_test::same_bytes(r.actual.at("kv_state"), in.at("kv_state")));
  }
}

TEST_CASE("the golden notices a state row that was overwritten before it was pooled") {
  // The window before the chunk lies in the state: other history, other pooled rows.
  const Settings s = {{"start_pos", "64"}, {"num_tokens", "4"}};
  TensorSet in = inputs_of("prefill_compressor_ratio4", s);
  const ProgramRun a = run_small("prefill_compressor_ratio4", s, &in);
  const auto* table = in.at("compress_state_block_table").as<int32_t>();
  float* score = in.at("score_state").as<float>() + (table[15] * 4 + 3) * 1024;
  std::fill_n(score, 512, 4.0f);  // front lanes of position 63
  const ProgramRun b = run_small("prefill_compressor_ratio4", s, &in);
  CHECK(b.failures() == "");
  const HostTensor &x = a.actual.at("cmp_kv"), &y = b.actual.at("cmp_kv");
  CHECK_FALSE(kernels_test::same_bytes(x, y));
  CHECK_FALSE(judge(find_program("prefill_compressor_ratio4"), in, a.actual, b.golden)[2].passed);
}

TEST_CASE("state pages are permuted and rows of other positions stay as they were") {
  const ProgramRun r = run_small("prefill_compressor_ratio4", {{"start_pos", "100"}});
  const auto* table = r.inputs.at("compress_state_block_table").as<int32_t>();
  CHECK(table[0] == 3);
  CHECK(table[20] == (17 * 20 + 3) % 256);
  const float* before = r.inputs.at("kv_state").as<float>();
  const float* after = r.actual.at("kv_state").as<float>();
  int64_t changed = 0;
  for (int64_t row = 0; row < 256 * 4; ++row)
    changed += !std::equal(before + row * 1024, before + (row + 1) * 1024, after + row * 1024);
  CHECK(changed == 128);
}

TEST_CASE("the lowered prefill compressors give the eager values bit for bit, on both chips") {
  for (const std::string& program : kPrograms)
    for (const std::string& layout : layouts_of(program)) {
      INFO(program << " " << layout);
      const ProgramRun r = run_small(program, {{"layout", layout}, {"start_pos", "62"}});
      lower_test::lower_and_verify(r.record, lower_test::a2a3());
      if (layout != "mask_scatter") lower_test::lower_and_verify(r.record, lower_test::a5());
    }
}

TEST_CASE("the prefill compressors refuse what cannot run, with limit and value") {
  const Program& p = find_program("prefill_compressor_ratio4");
  const auto resolve = [&](const Settings& s) {
    return error_of([&] { p.resolve("prefill", s); });
  };
  CHECK(resolve({{"start_pos", "900"}}).find("256 rows of the compressed pool") !=
        std::string::npos);
  CHECK(resolve({{"state_pages", "32"}, {"start_pos", "1"}}).find("128 positions") !=
        std::string::npos);
  CHECK(resolve({{"tokens", "64"}, {"num_tokens", "65"}}).find("num_tokens 65 of tokens 64") !=
        std::string::npos);
  CHECK(resolve({{"state_proj_n_tile", "256"}}).find("L0C") != std::string::npos);
  CHECK(resolve({{"pool_chunk", "48"}}).find("not divisible by pool_chunk 48") !=
        std::string::npos);
  const std::string reason =
      p.refused_on_chip(p.resolve("prefill", {{"layout", "mask_scatter"}}), "a5");
  CHECK(reason.find("mask form of scatter") != std::string::npos);
  CHECK(p.refused_on_chip(p.resolve("prefill", {{"layout", "swap_gather"}}), "a5").empty());
}
