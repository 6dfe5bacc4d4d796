// hc_pre and hc_post (kernels.md 2.9): goldens, scopes, operations, lowering.
#include <catch2/catch.hpp>
#include <cmath>

#include "error_id.h"
#include "kernels/hc/hc_post.h"
#include "kernels/hc/hc_pre.h"
#include "run_program.h"
#include "tests/lower/test_chip.h"
#include "tests/lower/verify.h"

using namespace kernels;
using kernels_test::count;
using kernels_test::error_of;
using kernels_test::OpCounts;
using kernels_test::ProgramRun;
using kernels_test::run;

namespace {

using Blocks = std::map<std::string, int64_t>;

/// Golden, diagnostics and both chips' lowering.
ProgramRun good(const std::string& program, const Settings& settings,
                const std::string& mode = "decode") {
  ProgramRun r = run(program, mode, settings);
  CHECK(r.failures() == "");
  CHECK(r.record.diagnostics.empty());
  lower_test::lower_and_verify(r.record, lower_test::a2a3());
  lower_test::lower_and_verify(r.record, lower_test::a5());
  return r;
}

}  // namespace

TEST_CASE("hc_pre is one mixed scope of T / 16 blocks with upstream's loads, stores and matmuls") {
  for (const char* mode : {"decode", "prefill"}) {
    const ProgramRun r = run("hc_pre", mode, {});
    CHECK(r.failures() == "");
    CHECK(r.record.diagnostics.empty());
    CHECK(r.record.scopes.size() == 1);
    CHECK(r.blocks() == Blocks{{"hc_pre_1spmd", 8}});
    const OpCounts n = count(r.record);  // feasibility.md §5
    CHECK(n.loads == 2656);
    CHECK(n.stores == 176);
    CHECK(n.matmuls == 1024);
  }
}

TEST_CASE("hc_pre at P253 and P374 is seven scopes of single tasks") {
  const ProgramRun p374 = run("hc_pre", "decode", {{"era", "p374"}});
  CHECK(p374.failures() == "");
  CHECK(p374.blocks() == Blocks{{"hc_pre_cast", 8},
                                {"hc_pre_rms", 8},
                                {"hc_pre_linear", 8},
                                {"split_pre_post", 8},
                                {"comb_sinkhorn", 8},
                                {"write_post", 8},
                                {"mix_x", 8}});
  for (const pl::ScopeRecord& s : p374.record.scopes) CHECK(s.block_num == 1);

  const ProgramRun p253 = run("hc_pre", "decode", {{"era", "p253"}});
  CHECK(p253.failures() == "");
  CHECK(p253.actual.at("x_mixed").shape[0] == 16);
  CHECK(p253.total_blocks() == 7);
}

TEST_CASE("hc_pre lowers to the same bytes, with tails and other tiles") {
  good("hc_pre", {{"tokens", "32"}, {"hidden", "256"}});
  good("hc_pre", {{"tokens", "8"}, {"hidden", "256"}});
  good("hc_pre", {{"tokens", "24"}, {"hidden", "256"}, {"hc_pre_k_tile", "256"}});
  good("hc_pre", {{"tokens", "40"}, {"hidden", "128"}, {"hc_pre_t_tile", "32"}});
  good("hc_pre", {{"tokens", "16"},
                  {"hidden", "256"},
                  {"hc_pre_k_stage", "1"},
                  {"hc_pre_d_stage", "2"},
                  {"hc_pre_sinkhorn_stage", "1"}});
  good("hc_pre", {{"era", "p374"}, {"tokens", "24"}, {"hidden", "256"}});
}

TEST_CASE("both forms of hc_pre and every layer's constants meet the golden") {
  for (const std::string& layer : hc::layer_names())
    for (const char* form : {"1spmd", "staged"}) {
      INFO(layer << " " << form);
      const ProgramRun r =
          run("hc_pre", "decode",
              {{"hc_layer", layer}, {"hc_pre_form", form}, {"tokens", "16"}, {"hidden", "512"}});
      CHECK(r.failures() == "");
    }
}

TEST_CASE("comb of the golden is doubly stochastic, post below 2, and the layers differ") {
  const ProgramRun r = run("hc_pre", "decode", {{"tokens", "16"}, {"hidden", "256"}});
  for (int64_t t = 0; t < 16; ++t) {
    const float* comb = r.golden.at("comb").as<float>() + t * hc::kComb;
    for (int64_t i = 0; i < 4; ++i) {
      float row = 0, column = 0;
      for (int64_t j = 0; j < 4; ++j) {
        row += comb[4 * i + j];
        column += comb[4 * j + i];
      }
      CHECK(row == Approx(1).margin(5e-2));  // columns are normalised last
      CHECK(column == Approx(1).margin(1e-5));
    }
    for (int64_t o = 0; o < 4; ++o) {
      const float post = r.golden.at("post").as<float>()[t * 4 + o];
      CHECK(post > 0);
      CHECK(post < 2);
    }
  }
  CHECK(hc::gate_constants(hc::Layer::Csa).base[0] == 5.9166f);
  CHECK(hc::gate_constants(hc::Layer::Hca).base[23] == 3.1161f);
  CHECK(hc::gate_constants(hc::Layer::Swa).scale[0] == 2.076026f);
  CHECK(hc::gate_constants(hc::Layer::Ffn).fn_std == .0635f);
}

TEST_CASE("one post gate that is 1 % off fails the verdict") {
  ProgramRun r = run("hc_pre", "decode", {{"tokens", "16"}, {"hidden", "256"}});
  const Program& p = find_program("hc_pre");
  // 64 values: not one may be wrong by 1 %, for round(.005 * 64) is 0
  r.actual.at("post").as<float>()[7] *= 1.01f;
  bool post = true;
  for (const OutputVerdict& v : judge(p, r.inputs, r.actual, r.golden))
    if (v.name == "post") post = v.passed;
  CHECK_FALSE(post);
}

TEST_CASE("hc_post is (T / 16) x 4 blocks with upstream's operations") {
  const ProgramRun r = run("hc_post", "decode", {});
  CHECK(r.failures() == "");
  CHECK(r.record.diagnostics.empty());
  CHECK(r.blocks() == Blocks{{"hc_post", 32}});
  const OpCounts n = count(r.record);  // feasibility.md §5
  CHECK(n.loads == 2560);
  CHECK(n.stores == 512);
  CHECK(n.vector == 7680);
  CHECK(n.scalars == 2560);
  CHECK(n.load_bytes >> 20 == 20);
  CHECK(n.store_bytes >> 20 == 4);
}

TEST_CASE("hc_post lowers to the same bytes, with tails and P630's pipelines") {
  good("hc_post", {{"tokens", "24"}, {"hidden", "256"}});
  good("hc_post", {{"tokens", "16"}, {"hidden", "256"}, {"era", "p630"}});
  good("hc_post", {{"tokens", "8"}, {"hidden", "128"}, {"hc_post_t_tile", "3"}}, "prefill");
}

TEST_CASE("illegal hc tiles are refused with limit and value") {
  const auto resolve = [](const char* program, const Settings& s) {
    return error_of([&] { find_program(program).resolve("decode", s); });
  };
  CHECK(resolve("hc_pre", {{"hidden", "192"}, {"hc_pre_k_tile", "1024"}})
            .find("768 is not divisible by hc_pre_k_tile 1024") != std::string::npos);
  CHECK(resolve("hc_pre", {{"hidden", "4096"}, {"hc_pre_d_tile", "1536"}})
            .find("knob.conflict|hc_pre: hidden 4096") == 0);
  CHECK(resolve("hc_pre", {{"hc_pre_t_tile", "64"}, {"hc_pre_d_tile", "4096"}})
            .find("the limit is 188416 B") != std::string::npos);
  CHECK(resolve("hc_pre", {{"hc_pre_k_tile", "1024"}, {"hc_pre_k_stage", "8"}})
            .find("the limit is 524288 B") != std::string::npos);
  CHECK(resolve("hc_post", {{"hidden", "16384"}}) == "");
  CHECK(resolve("hc_pre", {{"hc_layer", "moe"}}).find("knob.value") == 0);
}
