// The lightning indexer at sizes that run in milliseconds.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>

#include "error_id.h"
#include "isa/numerics.h"
#include "run_program.h"
#include "tests/lower/test_chip.h"
#include "tests/lower/verify.h"

using namespace kernels;
using kernels_test::ProgramRun;
using kernels_test::same_bytes;

namespace {

const char* const kLayouts[] = {"swap_gather", "selector_matmul", "hoisted"};

Settings reduced(Settings more = {}) {
  Settings s = {{"batch", "16"},     {"hidden", "512"},        {"q_lora", "128"},
                {"idx_heads", "16"}, {"max_position", "1024"}, {"idx_topk", "128"},
                {"idx_pages", "2"},  {"weights_t_tile", "16"}};
  s.insert(s.end(), more.begin(), more.end());
  return s;
}

ProgramRun run(const Settings& settings, const TensorSet* inputs = nullptr) {
  return kernels_test::run("decode_indexer", "decode", settings, {}, inputs);
}

TensorSet inputs_of(const Settings& settings) {
  const Program& p = find_program("decode_indexer");
  return p.make_inputs(p.resolve("decode", settings), "decode", 1);
}

}  // namespace

TEST_CASE("every layout passes its golden from every start") {
  for (const char* layout : kLayouts)
    for (const char* start : {"-1", "0", "1", "2", "5", "126", "130", "510", "1022"}) {
      INFO(layout << " start " << start);
      const ProgramRun r = run(reduced({{"layout", layout}, {"start_pos", start}}));
      CHECK(r.failures() == "");
      CHECK(r.record.diagnostics.empty());
    }
}

TEST_CASE("the lowered indexer gives the eager values") {
  for (const char* layout : kLayouts) {
    INFO(layout);
    lower_test::lower_and_verify(run(reduced({{"layout", layout}})).record, lower_test::a2a3());
  }
  // An accumulator of 128 x 256 leaves the cube in windows: a ring of whole ones exceeds UB.
  const ProgramRun wide = run(reduced({{"batch", "64"}, {"start_pos", "5"}}));
  lower_test::lower_and_verify(wide.record, lower_test::a2a3());
}

TEST_CASE("scopes and blocks are those of the specification") {
  using Blocks = std::map<std::string, int64_t>;
  // Depths do not change the grid.
  const Settings flash = {{"hidden", "512"}, {"q_lora", "128"}};
  const Blocks expected = {{"qr_proj", 32},
                           {"qr_rope", 64},
                           {"qr_hadamard_quant", 32},
                           {"weights_proj", 4},
                           {"kv_score_proj", 8},
                           {"state_scatter_paged", 1},
                           {"softmax_pool", 64},
                           {"rmsnorm_rope", 4},
                           {"kv_hadamard", 4},
                           {"kv_and_cache_write", 4},
                           {"score_init", 1},
                           {"score", 16},
                           {"topk", 32}};
  CHECK(run(flash).blocks() == expected);
  Blocks hoisted = expected;
  hoisted["qr_rope_swap_idx"] = 1;
  CHECK(run({{"hidden", "512"}, {"q_lora", "128"}, {"layout", "hoisted"}}).blocks() == hoisted);
}

TEST_CASE("eras choose the layout") {
  const Program& p = find_program("decode_indexer");
  for (const char* era : {"p578", "p570", "pre570"})
    CHECK(p.resolve("decode", {{"era", era}}).text("layout") == "swap_gather");
  CHECK(p.resolve("decode", {{"era", "p374"}}).text("layout") == "selector_matmul");
}

TEST_CASE("swap gather and hoisted tables give the same bits") {
  const ProgramRun a = run(reduced()), b = run(reduced({{"layout", "hoisted"}}));
  for (const char* output : {"score", "topk_idxs"})
    CHECK(same_bytes(a.actual.at(output), b.actual.at(output)));
}

TEST_CASE("a request without keys has no score and no index") {
  const ProgramRun r = run(reduced({{"start_pos", "1"}}));  // three positions, no key of four
  const HostTensor &score = r.actual.at("score"), &topk = r.actual.at("topk_idxs");
  for (int64_t i = 0; i < score.numel(); ++i) {
    CHECK(score.as<float>()[i] == -3.40282347e38f);
    CHECK(topk.as<int32_t>()[i] == -1);
  }
}

TEST_CASE("indices start at the offset and stop at the keys or at topk") {
  const auto count = [](const char* start, const char* topk) {
    const ProgramRun r =
        run(reduced({{"start_pos", start}, {"idx_topk", topk}, {"idx_offset", "130"}}));
    CHECK(r.failures() == "");
    const int32_t* idx = r.actual.at("topk_idxs").as<int32_t>();
    int64_t n = 0;
    while (n < 256 && idx[n] >= 130) ++n;
    for (int64_t i = n; i < 256; ++i) CHECK(idx[i] == -1);
    return n;
  };
  CHECK(count("1022", "64") == 64);
  CHECK(count("1022", "256") == 256);
  CHECK(count("171", "64") == 43);
}

TEST_CASE("a key completed in this step is scored") {
  // Position 7 completes the second key; its score depends on this step's x only.
  const Settings settings = reduced({{"start_pos", "6"}});
  const TensorSet inputs = inputs_of(settings);
  const HostTensor& cache = inputs.at("idx_kv_cache");
  std::memset(cache.bytes.get(), 0, static_cast<size_t>(cache.size_bytes()));
  const ProgramRun r = run(settings, &inputs);
  CHECK(r.failures() == "");
  CHECK(r.actual.at("score").as<float>()[0] == 0);
  CHECK(r.actual.at("score").as<float>()[1] != 0);
}

TEST_CASE("both tokens of a request are rotated by the position of the first") {
  const Settings settings = reduced({{"start_pos", "254"}});
  const TensorSet inputs = inputs_of(settings);
  const auto repeat = [](const HostTensor& t, int64_t rows) {  // token 2b + 1 becomes token 2b
    const int64_t bytes = t.size_bytes() / rows;
    for (int64_t r = 1; r < rows; r += 2)
      std::memcpy(t.bytes.get() + r * bytes, t.bytes.get() + (r - 1) * bytes,
                  static_cast<size_t>(bytes));
  };
  for (const char* name : {"x", "qr", "qr_scale"}) repeat(inputs.at(name), 32);
  const ProgramRun r = run(settings, &inputs);
  CHECK(r.failures() == "");
  const float* score = r.actual.at("score").as<float>();
  for (int64_t t = 0; t < 32; t += 2)
    CHECK(std::memcmp(score + t * 256, score + (t + 1) * 256, 64 * sizeof(float)) == 0);
  CHECK(std::memcmp(score, score + 2 * 256, 64 * sizeof(float)) != 0);
}

TEST_CASE("keys behind the valid length do not count") {
  const Settings settings = reduced({{"start_pos", "171"}});  // 43 keys: one whole tile, 11 of 32
  const ProgramRun clean = run(settings);
  const TensorSet inputs = inputs_of(settings);
  const HostTensor& cache = inputs.at("idx_kv_cache");
  for (int64_t page = 0; page < cache.shape[0]; ++page)
    for (int64_t i = 43 * 128; i < 128 * 128; ++i)
      cache.as<uint16_t>()[page * 128 * 128 + i] = isa::f32_to_bf16(1e30f);
  const ProgramRun r = run(settings, &inputs);
  CHECK(r.failures() == "");
  CHECK(same_bytes(r.actual.at("score"), clean.actual.at("score")));
}

TEST_CASE("keys are found through the page table") {
  const Settings settings = reduced({{"start_pos", "1022"}});
  const TensorSet inputs = inputs_of(settings);
  int32_t* table = inputs.at("idx_block_table").as<int32_t>();
  std::swap(table[0], table[3]);  // first page of request 0, second of request 1
  std::swap(table[2], table[5]);
  const ProgramRun r = run(settings, &inputs);
  CHECK(r.failures() == "");
  CHECK_FALSE(same_bytes(r.actual.at("score"), run(settings).actual.at("score")));
}

TEST_CASE("a NaN similarity survives the relu") {
  const Settings settings = reduced({{"start_pos", "254"}});
  const Program& p = find_program("decode_indexer");
  const Knobs knobs = p.resolve("decode", settings);
  const TensorSet inputs = p.make_inputs(knobs, "decode", 1);
  inputs.at("idx_wq_b_scale").as<float>()[5] = NAN;  // one lane of head 0: all its keys
  pl::Session session("decode_indexer");
  const auto outputs = p.run(session, inputs, knobs, "decode");
  const auto* score = reinterpret_cast<const float*>(session.data(outputs[0].second));
  for (int64_t c = 0; c < 64; ++c) CHECK(std::isnan(score[c]));
  session.finish();
}

TEST_CASE("tiles change the order of sums only") {
  const ProgramRun a = run(reduced());
  const ProgramRun b = run(reduced({{"idx_q_n_tile", "128"},
                                    {"idx_q_k_tile", "64"},
                                    {"idx_q_stage", "1"},
                                    {"qr_rope_rows", "16"},
                                    {"hadamard_rows", "32"},
                                    {"hadamard_tiles", "2"},
                                    {"hadamard_chunk", "64"},
                                    {"weights_k_tile", "64"},
                                    {"score_requests", "1"},
                                    {"score_key_tile", "64"},
                                    {"topk_tokens", "2"}}));
  CHECK(b.failures() == "");
  CHECK(ratio_allclose(1e-5, 1e-4, 0)(b.actual.at("score"), a.actual.at("score"), {}).passed);
}

TEST_CASE("what cannot run is refused with the reason") {
  const auto refused = [](Settings settings) {
    const Program& p = find_program("decode_indexer");
    return kernels_test::error_id([&] { p.resolve("decode", settings); }) == "knob.conflict";
  };
  CHECK(refused({{"idx_q_n_tile", "512"}}));   // L0C
  CHECK(refused({{"idx_q_n_tile", "240"}}));   // 8192 columns
  CHECK(refused({{"idx_q_k_tile", "96"}}));    // 1024 deep
  CHECK(refused({{"qr_rope_rows", "24"}}));    // 128 rows of a request
  CHECK(refused({{"score_requests", "3"}}));   // 64 requests
  CHECK(refused({{"score_key_tile", "48"}}));  // pages of 128
  CHECK(refused({{"idx_topk", "2048"}, {"max_position", "4096"}}));
  CHECK(refused({{"idx_pages", "4"}}));         // 512 slots for 2048 keys
  CHECK(refused({{"start_pos", "8191"}}));      // two tokens
  CHECK(refused({{"score_init_rows", "32"}}));  // UB
}
