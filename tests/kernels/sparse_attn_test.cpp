// decode_sparse_attn (CSA), _hca and _swa: goldens, fixtures and what the index list means, at
// sizes that run in milliseconds.
#include <catch2/catch.hpp>
#include <cstring>

#include "error_id.h"
#include "isa/numerics.h"
#include "kernels/compare.h"
#include "kernels/declare.h"
#include "kernels/permute.h"
#include "run_program.h"

using namespace kernels;
using kernels_test::error_of;
using kernels_test::ProgramRun;
using kernels_test::run;
using kernels_test::same_bytes;

namespace {

const char* const kCsa = "decode_sparse_attn";
const char* const kHca = "decode_sparse_attn_hca";
const char* const kSwa = "decode_sparse_attn_swa";
const char* const kPrograms[] = {kCsa, kHca, kSwa};
const char* const kLayouts[] = {"swap_gather", "split_half", "mask_scatter", "hoisted"};

/// Three requests of two tokens.
Settings tiny(const std::string& program, Settings more = {}) {
  Settings s = {{"batch", "3"},    {"heads", "32"},    {"hidden", "256"},
                {"o_lora", "128"}, {"cmp_pages", "2"}, {"quant_chunk", "128"}};
  if (program == kCsa) s.emplace_back("cmp_columns", "256");
  s.insert(s.end(), more.begin(), more.end());
  return s;
}

ProgramRun run_tiny(const std::string& program, Settings more = {},
                    const TensorSet* inputs = nullptr) {
  return run(program, "decode", tiny(program, std::move(more)), {}, inputs);
}

TensorSet tiny_inputs(const std::string& program, Settings more = {}) {
  const Program& p = find_program(program);
  return p.make_inputs(p.resolve("decode", tiny(program, std::move(more))), "decode", 1);
}

/// The tokens whose attn_out differs between two runs.
std::vector<int64_t> changed_tokens(const ProgramRun& a, const ProgramRun& b) {
  const HostTensor &x = a.actual.at("attn_out"), &y = b.actual.at("attn_out");
  const int64_t row = x.size_bytes() / x.shape[0];
  std::vector<int64_t> tokens;
  for (int64_t t = 0; t < x.shape[0]; ++t)
    if (std::memcmp(x.bytes.get() + t * row, y.bytes.get() + t * row, static_cast<size_t>(row)))
      tokens.push_back(t);
  return tokens;
}

void set_bf16(const HostTensor& t, int64_t first, int64_t n, float value) {
  std::fill_n(t.as<uint16_t>() + first, n, isa::f32_to_bf16(value));
}

}  // namespace

TEST_CASE("sparse attention passes its golden in every layout") {
  for (const char* program : kPrograms)
    for (const char* layout : kLayouts) {
      INFO(program << " " << layout);
      const ProgramRun r = run_tiny(program, {{"layout", layout}});
      CHECK(r.failures() == "");
      CHECK(r.record.diagnostics.empty());
    }
}

TEST_CASE("sparse attention passes its golden on every fixture and ratio") {
  for (const char* program : kPrograms)
    for (const char* fixture : {"short_window", "mixed", "overlay", "causal", "paged"})
      for (const char* ratio : {"0", "4", "128"}) {
        INFO(program << " " << fixture << " ratio " << ratio);
        const ProgramRun r = run_tiny(program, {{"fixture", fixture}, {"compress_ratio", ratio}});
        CHECK(r.failures() == "");
        CHECK(r.record.diagnostics.empty());
      }
}

TEST_CASE("sparse attention tiles can change") {
  const Settings tilings[] = {{{"kv_block", "64"}},
                              {{"qk_head_tile", "16"}, {"qk_stage", "1"}},
                              {{"merge_head_tile", "8"}},
                              {{"rope_t_tile", "4"}, {"rope_heads", "2"}},
                              {{"rope_cs_frequencies", "8"}},
                              {{"proj_a_n_tile", "64"}, {"proj_a_k_tile", "512"}},
                              {{"proj_b_n_tile", "64"}, {"proj_b_k_tile", "128"}},
                              {{"quant_split", "1"}, {"valid_t_tile", "8"}},
                              {{"seq", "3"}, {"batch", "5"}}};
  for (const Settings& tiling : tilings) {
    INFO(tiling.front().first);
    CHECK(run_tiny(kHca, tiling).failures() == "");
    CHECK(run_tiny(kCsa, tiling).failures() == "");
  }
}

TEST_CASE("tokens beyond one product and tails of every token tile") {
  for (const char* layout : kLayouts) {
    INFO(layout);
    CHECK(
        run_tiny(kSwa, {{"batch", "67"}, {"layout", layout}, {"compress_ratio", "0"}}).failures() ==
        "");
  }
}

TEST_CASE("a block without a valid row vanishes from the result") {
  const ProgramRun with_dead_block = run_tiny(kSwa);
  const ProgramRun one_block = run_tiny(kHca, {{"cmp_columns", "0"}});
  CHECK(with_dead_block.blocks().at("gather_kv") == 6);
  CHECK(same_bytes(with_dead_block.actual.at("attn_out"), one_block.actual.at("attn_out")));
}

TEST_CASE("a token sees the rows of its index list and no others") {
  const ProgramRun base = run_tiny(kHca, {{"fixture", "causal"}});
  TensorSet inputs = tiny_inputs(kHca, {{"fixture", "causal"}});
  const auto rerun = [&] { return run_tiny(kHca, {{"fixture", "causal"}}, &inputs); };
  const HostTensor& ring = inputs.at("ori_kv");
  set_bf16(ring, 127 * 512, 512, 0.25f);  // slot 127 of request 0, hidden from its first token
  CHECK(changed_tokens(base, rerun()) == std::vector<int64_t>{1});
  set_bf16(ring, (2 * 128 + 5) * 512, 512, 0.25f);  // slot 5 of request 2
  CHECK(changed_tokens(base, rerun()) == std::vector<int64_t>{1, 4, 5});
  set_bf16(inputs.at("cmp_kv"), (2 * 128 + 63) * 512, 512, 0.25f);  // request 1, slot 63
  CHECK(changed_tokens(base, rerun()) == std::vector<int64_t>{1, 2, 3, 4, 5});
}

TEST_CASE("an overlay index names a token of the same request") {
  const ProgramRun base = run_tiny(kSwa, {{"fixture", "overlay"}});
  TensorSet inputs = tiny_inputs(kSwa, {{"fixture", "overlay"}});
  set_bf16(inputs.at("mtp_kv_overlay"), 2 * 512, 512, 0.25f);  // first token of request 1
  set_bf16(inputs.at("mtp_kv_overlay"), 5 * 512, 512, 0.25f);  // second of request 2: not named
  set_bf16(inputs.at("ori_kv"), 16 * 512, 512, 0.25f);         // replaced by the overlay
  const ProgramRun changed = run_tiny(kSwa, {{"fixture", "overlay"}}, &inputs);
  CHECK(changed_tokens(base, changed) == std::vector<int64_t>{2, 3});
}

TEST_CASE("the sink takes its share of the probability") {
  TensorSet inputs = tiny_inputs(kHca);
  const HostTensor& sink = inputs.at("attn_sink");
  for (int64_t h = 0; h < sink.numel(); ++h) sink.as<float>()[h] = 4 - 0.1f * static_cast<float>(h);
  const ProgramRun r = run_tiny(kHca, {}, &inputs);
  CHECK(r.failures() == "");
  CHECK(changed_tokens(r, run_tiny(kHca)).size() == 6);
}

TEST_CASE("split-half with permuted weights and caches is the interleaved result") {
  const TensorSet interleaved = tiny_inputs(kHca);
  const TensorSet shapes = tiny_inputs(kHca, {{"layout", "split_half"}});
  TensorSet halves;
  for (const HostTensor& t : shapes.all()) {
    const bool permuted = t.name == "q" || t.name == "ori_kv" || t.name == "mtp_kv_overlay" ||
                          t.name == "cmp_kv" || t.name == "wo_a";
    halves.add(permuted ? permute_rope_lanes(interleaved.at(t.name)) : t);
  }
  const ProgramRun a = run_tiny(kHca, {}, &interleaved);
  const ProgramRun d = run_tiny(kHca, {{"layout", "split_half"}}, &halves);
  CHECK(d.failures() == "");
  CHECK(ratio_allclose(1e-4, 1.0 / 128, 0)(d.actual.at("attn_out"), a.actual.at("attn_out"), {})
            .passed);
}

TEST_CASE("swap-gather and hoisted rotate to the same bits") {
  for (const char* program : kPrograms)
    CHECK(same_bytes(run_tiny(program).actual.at("attn_out"),
                     run_tiny(program, {{"layout", "hoisted"}}).actual.at("attn_out")));
}

TEST_CASE("a run leaves the ring as it was") {
  const Program& p = find_program(kHca);
  const Knobs knobs = p.resolve("decode", tiny(kHca));
  const TensorSet inputs = p.make_inputs(knobs, "decode", 1);
  const HostTensor before = clone_tensor(inputs.at("ori_kv"));
  pl::Session session(kHca);
  p.run(session, inputs, knobs, "decode");
  CHECK(same_bytes(inputs.at("ori_kv"), before));
}

TEST_CASE("sparse attention does not depend on the thread count") {
  pl::SessionOptions one, three;
  one.threads = 1;
  three.threads = 3;
  const ProgramRun a = run(kCsa, "decode", tiny(kCsa), one);
  const ProgramRun b = run(kCsa, "decode", tiny(kCsa), three);
  CHECK(same_bytes(a.actual.at("attn_out"), b.actual.at("attn_out")));
}

TEST_CASE("sparse attention refuses what cannot run") {
  const auto refused = [](const char* program, Settings settings, const std::string& id,
                          const std::string& text) {
    const std::string error = error_of(
        [&] { find_program(program).resolve("decode", tiny(program, std::move(settings))); });
    INFO(error);
    CHECK(error.rfind(id + "|", 0) == 0);
    CHECK(error.find(text) != std::string::npos);
  };
  refused(kHca, {{"layout", "selector_matmul"}}, "knob.value", "split_half");
  refused(kHca, {{"layout", "fused_swap_gather"}}, "knob.value", "hoisted");
  refused(kHca, {{"qk_head_tile", "64"}}, "knob.conflict", "heads 32");
  refused(kHca, {{"cmp_columns", "512"}}, "knob.conflict", "256 rows");
  refused(kSwa, {{"cmp_columns", "8"}}, "knob.conflict", "sliding-window");
  refused(kHca, {{"heads", "64"}, {"qk_head_tile", "64"}}, "knob.conflict", "L0C: ");
  refused(kHca, {{"proj_a_slot_num", "4"}, {"batch", "64"}}, "knob.conflict", "proj_a_slot_num");
  refused(kHca, {{"quant_chunk", "512"}}, "knob.conflict", "quant_chunk");
  refused(kHca, {{"o_lora", "192"}}, "knob.value", "o_lora");
}

TEST_CASE("mask scatter of sparse attention is refused on a5 and only there") {
  const Program& p = find_program(kHca);
  const auto reason = [&](const char* layout, const char* chip) {
    return p.refused_on_chip(p.resolve("decode", {{"layout", layout}}), chip);
  };
  CHECK_THAT(reason("mask_scatter", "a5"), Catch::Contains("mask form of scatter"));
  CHECK(reason("mask_scatter", "a2a3") == "");
  for (const char* layout : {"swap_gather", "split_half", "hoisted"})
    CHECK(reason(layout, "a5") == "");
}
