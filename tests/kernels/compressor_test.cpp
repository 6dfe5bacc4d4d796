// Goldens of the decode compressors in every layout, and how the layouts relate.
#include <catch2/catch.hpp>

#include "apps/verify_lowering.h"
#include "chips/chip.h"
#include "compressor_small.h"
#include "error_id.h"
#include "kernels/permute.h"
#include "lower/deps.h"
#include "lower/lower.h"

using namespace kernels;
using kernels_test::cache_of;
using kernels_test::compressor_inputs;
using kernels_test::error_of;
using kernels_test::kCompressors;
using kernels_test::ProgramRun;
using kernels_test::run_compressor;
using kernels_test::same_bytes;

namespace {

std::vector<std::string> layouts_of(const std::string& program) {
  for (const Knob& k : find_program(program).knobs)
    if (k.name == "layout") return k.choices;
  return {};
}

void check_lowering(const std::string& program, const std::string& layout, const char* chip_name) {
  INFO(program << " " << layout << " " << chip_name);
  const chips::Chip chip = chips::load_chip(chip_name);
  pl::SessionOptions options;
  options.mask_scatter = chip.mask_scatter;
  options.a5_casts = chip.wide_casts;
  const ProgramRun r = run_compressor(program, {{"layout", layout}}, nullptr, options);
  CHECK(r.failures() == "");
  const lower::Result lowered = lower::lower(r.record, chip);
  CHECK(lower::find_hazards(r.record, lowered.graph).empty());
  const app::LoweringCheck check = app::verify_lowering(r.record, lowered.graph, chip);
  INFO(check.first_difference);
  CHECK(check.equal);
}

}  // namespace

TEST_CASE("compressors pass their goldens in every layout and the lowering keeps every bit") {
  for (const std::string& program : kCompressors) {
    CHECK(layouts_of(program).size() == (program == "decode_indexer_compressor" ? 4 : 5));
    for (const std::string& layout : layouts_of(program)) {
      check_lowering(program, layout, "a2a3");
      if (layout != "mask_scatter") check_lowering(program, layout, "a5");
    }
  }
}

TEST_CASE("compressors pass for several seeds, single-token steps and uneven blocks") {
  for (const std::string& program : kCompressors) {
    for (uint64_t seed : {2, 3, 4}) {
      INFO(program << " seed " << seed);
      const TensorSet inputs = compressor_inputs(program, {}, seed);
      const ProgramRun r = run_compressor(program, {}, &inputs);
      CHECK(r.failures() == "");
      CHECK(r.record.diagnostics.empty());
    }
    for (const char* batch : {"1", "7", "20"}) {
      INFO(program << " batch " << batch);
      CHECK(run_compressor(program, {{"batch", batch}, {"seq", "1"}}).failures() == "");
    }
  }
}

TEST_CASE("compressors have upstream's outputs for every published start position") {
  for (const std::string& program : kCompressors) {
    const bool ratio128 = program == "decode_compressor_ratio128";
    const std::vector<int> starts = ratio128 ? std::vector<int>{7, 10, 126, 127, 254, 255}
                                             : std::vector<int>{0, 1, 2, 3, 6, 7, 127};
    for (int start : starts) {
      INFO(program << " start " << start);
      const ProgramRun r = run_compressor(program, {{"start_pos", std::to_string(start)}});
      CHECK(r.failures() == "");
      const int ratio = ratio128 ? 128 : 4;
      const HostTensor& kv = r.actual.at("kv");
      CHECK((kv.as<float>()[0] != 0) == (start % ratio + 2 >= ratio));
    }
  }
}

TEST_CASE("interleaved layouts of the compressors differ by roundings only") {
  for (const std::string& program : kCompressors) {
    const ProgramRun swap = run_compressor(program);
    for (const char* layout : {"mask_scatter", "index_scatter"}) {
      INFO(program << " " << layout);
      const ProgramRun r = run_compressor(program, {{"layout", layout}});
      CHECK(same_bytes(r.actual.at("kv"), swap.actual.at("kv")));
      CHECK(same_bytes(r.actual.at(cache_of(program)), swap.actual.at(cache_of(program))));
    }
    // The cube takes BF16: two roundings of values of order 1 more.
    const ProgramRun cube = run_compressor(program, {{"layout", "selector_matmul"}});
    CHECK(ratio_allclose(0.03, 0.03, 0)(cube.actual.at("kv"), swap.actual.at("kv"), {}).passed);
  }
}

TEST_CASE("split-half on permuted weights is the permuted interleaved result") {
  for (const std::string& program : {kCompressors[0], kCompressors[1]}) {
    INFO(program);
    const ProgramRun interleaved = run_compressor(program);
    TensorSet permuted;
    for (const HostTensor& t : interleaved.inputs.all()) {
      const bool lanes = t.name == "wkv" || t.name == "wgate" || t.name == "ape" ||
                         t.name == "norm_w" || t.name == "compress_state";
      permuted.add(lanes ? permute_rope_lanes(t) : t);
    }
    const ProgramRun halves = run_compressor(program, {{"layout", "split_half"}}, &permuted);
    CHECK(halves.failures() == "");
    // FP32 sums over lanes run in another order, so the last bits may differ.
    for (const std::string& name :
         {std::string("kv"), std::string("compress_state"), cache_of(program)})
      CHECK(ratio_allclose(1e-5, name == "cmp_kv_cache" ? 1.0 / 128 : 1e-5, 0)(
                halves.actual.at(name), permute_rope_lanes(interleaved.actual.at(name)), {})
                .passed);
  }
}

TEST_CASE("compressor results do not depend on the thread count") {
  for (const std::string& program : kCompressors) {
    pl::SessionOptions one, three;
    one.threads = 1;
    three.threads = 3;
    const ProgramRun a = run_compressor(program, {}, nullptr, one);
    const ProgramRun b = run_compressor(program, {}, nullptr, three);
    for (const HostTensor& t : a.actual.all()) CHECK(same_bytes(t, b.actual.at(t.name)));
  }
}

TEST_CASE("eras choose the layout, and the index keys stay interleaved") {
  const auto layout = [](const std::string& program, const char* era) {
    return find_program(program).resolve("decode", {{"era", era}}).text("layout");
  };
  for (const std::string& program : kCompressors) {
    CHECK(layout(program, "p578") == "swap_gather");
    CHECK(layout(program, "p575") == "swap_gather");
    CHECK(layout(program, "pre570") == "swap_gather");
    CHECK(layout(program, "p432") == "mask_scatter");
    CHECK(layout(program, "p425") == "index_scatter");
  }
  CHECK(layout("decode_compressor_ratio128", "p570") == "split_half");
  CHECK(layout("decode_compressor_ratio4", "p570") == "split_half");
  CHECK(layout("decode_indexer_compressor", "p570") == "swap_gather");
}

TEST_CASE("compressors refuse what cannot run, with limit and value") {
  const auto refusal = [](const std::string& program, const Settings& s) {
    return error_of([&] { find_program(program).resolve("decode", s); });
  };
  const auto contains = [](const std::string& text, const std::string& part) {
    INFO(text);
    CHECK(text.find(part) != std::string::npos);
  };
  const std::string p = "decode_compressor_ratio128";
  contains(refusal(p, {{"hidden", "768"}}), "knob.conflict");
  contains(refusal(p, {{"hidden", "768"}}), "hidden 768 is not divisible by kv_score_k_tile 512");
  contains(refusal(p, {{"kv_score_m_tile", "256"}, {"kv_score_n_tile", "256"}}), "131072 B");
  contains(refusal(p, {{"kv_score_k_tile", "2048"}}), "524288 B");
  contains(refusal(p, {{"pool_chunk", "512"}}), "188416 B");
  contains(refusal(p, {{"cmp_norm_chunk", "128"}}), "448");
  contains(refusal(p, {{"start_pos", "511"}}), "512 positions");
  contains(refusal(p, {{"layout", "selector_matmul"}, {"batch", "40"}}), "multiples of 16");
  contains(refusal("decode_indexer_compressor", {{"layout", "split_half"}}), "knob.value");

  for (const std::string& program : kCompressors) {
    const Program& entry = find_program(program);
    const Knobs scatter = entry.resolve("decode", {{"layout", "mask_scatter"}});
    CHECK(entry.refused_on_chip(scatter, "a2a3") == "");
    contains(entry.refused_on_chip(scatter, "a5"), "layout=mask_scatter");
    CHECK(entry.refused_on_chip(entry.resolve("decode", {}), "a5") == "");
  }
}
