// Every layout x tiling x mode, at sizes that run in milliseconds.
#include <catch2/catch.hpp>

#include "kernels/fixtures.h"
#include "run_program.h"

using namespace kernels;
using kernels_test::ProgramRun;
using kernels_test::run;
using kernels_test::same_bytes;
using kernels_test::small;

namespace {

const char* const kLayouts[] = {"selector_matmul", "mask_scatter", "swap_gather", "split_half",
                                "fused_swap_gather"};
const char* const kTilings[] = {"m128n32", "m16n32", "m128n256", "m16n1024"};

std::vector<std::string> names(const ProgramRun& r) {
  std::vector<std::string> list;
  for (const pl::ScopeRecord& s : r.record.scopes) list.push_back(s.name);
  return list;
}

}  // namespace

TEST_CASE("every layout with every tiling passes its golden in both modes") {
  for (const char* layout : kLayouts) {
    for (const char* tiling : kTilings) {
      for (const char* mode : {"decode", "prefill"}) {
        INFO(layout << " " << tiling << " " << mode);
        const ProgramRun r =
            run("qkv_proj_rope", mode, small({{"layout", layout}, {"tiling", tiling}}));
        CHECK(r.failures() == "");
        CHECK(r.record.diagnostics.empty());
      }
    }
  }
}

TEST_CASE("every layout with every tiling runs for eight tokens") {
  for (const char* layout : kLayouts)
    for (const char* tiling : kTilings) {
      INFO(layout << " " << tiling);
      CHECK(run("qkv_proj_rope", "decode",
                small({{"layout", layout}, {"tiling", tiling}, {"tokens", "8"}}))
                .failures() == "");
    }
}

TEST_CASE("interleaved layouts agree with each other to a rounding") {
  const ProgramRun c = run("qkv_proj_rope", "decode", small({{"layout", "swap_gather"}}));
  for (const char* layout : {"selector_matmul", "mask_scatter", "fused_swap_gather"}) {
    INFO(layout);
    const ProgramRun r = run("qkv_proj_rope", "decode", small({{"layout", layout}}));
    CHECK(same_bytes(r.actual.at("qr"), c.actual.at("qr")));
    for (const char* output : {"q", "kv"})
      CHECK(
          ratio_allclose(1e-6, 1.0 / 128, 0)(r.actual.at(output), c.actual.at(output), {}).passed);
  }
}

TEST_CASE("tilings change the order of FP32 sums only") {
  const ProgramRun a =
      run("qkv_proj_rope", "decode", small({{"tiling", "m128n32"}, {"qr_bf16", "true"}}));
  for (const char* tiling : {"m16n32", "m128n256", "m16n1024"}) {
    const ProgramRun b =
        run("qkv_proj_rope", "decode", small({{"tiling", tiling}, {"qr_bf16", "true"}}));
    CHECK(ratio_allclose(1, 0, 0)(b.actual.at("qr"), a.actual.at("qr"), {}).passed);
    CHECK(ratio_allclose(1e-4, 1.0 / 128, 0.01)(b.actual.at("q"), a.actual.at("q"), {}).passed);
  }
}

TEST_CASE("each layout has upstream's scopes") {
  using List = std::vector<std::string>;
  const List front = {"qr_proj_seed", "qr_proj_matmul", "qr_rms_norm_quant", "qproj_matmul",
                      "qproj_dequant"};
  const List kv = {"kv_proj_seed", "kv_proj_matmul"};
  const auto expect = [&](const char* layout, const List& q, const List& tail) {
    INFO(layout);
    List all = front;
    for (const List& part : {q, kv, tail}) all.insert(all.end(), part.begin(), part.end());
    CHECK(names(run("qkv_proj_rope", "decode", small({{"layout", layout}}))) == all);
  };
  expect("fused_swap_gather", {"q_head_rms_nope_rope"}, {"kv_rms_norm_rope"});
  for (const char* layout : {"swap_gather", "split_half", "mask_scatter"})
    expect(layout, {"q_head_rms_nope", "q_head_rope_fused"}, {"kv_rms_norm", "kv_rope_fused"});
  expect("selector_matmul", {"q_head_rms_nope", "q_head_rope", "q_rope_reassemble", "q_rope_write"},
         {"kv_rms_norm", "kv_rope_apply", "kv_rope_reassemble", "kv_rope_write"});
}

TEST_CASE("results and records do not depend on the thread count") {
  for (const char* layout : {"fused_swap_gather", "selector_matmul"}) {
    pl::SessionOptions one, three;
    one.threads = 1;
    three.threads = 3;
    const ProgramRun a = run("qkv_proj_rope", "decode", small({{"layout", layout}}), one);
    const ProgramRun b = run("qkv_proj_rope", "decode", small({{"layout", layout}}), three);
    for (const HostTensor& t : a.actual.all()) CHECK(same_bytes(t, b.actual.at(t.name)));
    REQUIRE(a.record.scopes.size() == b.record.scopes.size());
    for (size_t s = 0; s < a.record.scopes.size(); ++s)
      for (size_t i = 0; i < a.record.scopes[s].blocks.size(); ++i) {
        const auto &x = a.record.scopes[s].blocks[i].ops, &y = b.record.scopes[s].blocks[i].ops;
        REQUIRE(x.size() == y.size());
        for (size_t j = 0; j < x.size(); ++j) {
          REQUIRE(x[j].opcode == y[j].opcode);
          REQUIRE(x[j].gm.offset == y[j].gm.offset);
        }
      }
  }
}

TEST_CASE("the attention norm multiplies by its weights") {
  const Settings settings = small({{"attn_norm", "true"}});
  const Program& p = find_program("qkv_proj_rope");
  const TensorSet inputs = p.make_inputs(p.resolve("decode", settings), "decode", 1);
  fill(inputs.at("norm_w"), 1, uniform(0.5f, 2));
  const ProgramRun weighted = run("qkv_proj_rope", "decode", settings, {}, &inputs);
  CHECK(weighted.failures() == "");
  const ProgramRun ones = run("qkv_proj_rope", "decode", settings);
  CHECK_FALSE(ratio_allclose(1, 0, 0)(weighted.actual.at("qr"), ones.actual.at("qr"), {}).passed);
}

TEST_CASE("mask scatter is refused on a5 and only there") {
  const Program& p = find_program("qkv_proj_rope");
  const Knobs scatter = p.resolve("decode", {{"layout", "mask_scatter"}});
  CHECK(p.refused_on_chip(scatter, "a2a3") == "");
  const std::string reason = p.refused_on_chip(scatter, "a5");
  CHECK(reason.find("layout=mask_scatter") != std::string::npos);
  CHECK(reason.find("a5") != std::string::npos);
  for (const char* layout : {"selector_matmul", "swap_gather", "split_half", "fused_swap_gather"})
    CHECK(p.refused_on_chip(p.resolve("decode", {{"layout", layout}}), "a5") == "");
}
