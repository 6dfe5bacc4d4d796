// prefill_sparse_attn at sizes that run in milliseconds.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>

#include "error_id.h"
#include "isa/numerics.h"
#include "kernels/fixtures.h"
#include "run_program.h"
#include "tests/lower/test_chip.h"
#include "tests/lower/verify.h"

using namespace kernels;
using kernels_test::ProgramRun;

namespace {

const char* const kName = "prefill_sparse_attn";
const char* const kLayouts[] = {"swap_gather", "split_half", "mask_scatter"};

Settings reduced(Settings more = {}) {
  Settings s = {{"tokens", "32"},
                {"heads", "32"},
                {"hidden", "256"},
                {"o_lora", "128"},
                {"quant_chunk", "128"}};
  s.insert(s.end(), more.begin(), more.end());
  return s;
}

/// Upstream's fixture with values of size 1: the published ones are so small that the absolute
/// tolerance covers most of attn_out.
TensorSet inputs_of(const Settings& settings) {
  const Program& p = find_program(kName);
  const TensorSet set = p.make_inputs(p.resolve("prefill", settings), "prefill", 1);
  for (const char* name : {"q", "ori_kv", "kv", "cmp_kv"}) fill(set.at(name), 1, uniform(-1, 1));
  return set;
}

ProgramRun run(Settings settings = reduced()) {
  const TensorSet inputs = inputs_of(settings);
  return kernels_test::run(kName, "prefill", settings, {}, &inputs);
}

pl::RecordedProgram record(const Settings& settings) {
  const Program& p = find_program(kName);
  const Knobs knobs = p.resolve("prefill", settings);
  const TensorSet inputs = p.make_inputs(knobs, "prefill", 1);
  pl::Session session(kName);
  p.run(session, inputs, knobs, "prefill");
  return session.finish();
}

bool row_equals(const HostTensor& a, const HostTensor& b, int64_t row) {
  const int64_t bytes = a.size_bytes() / a.shape[0];
  return std::memcmp(a.bytes.get() + row * bytes, b.bytes.get() + row * bytes,
                     static_cast<size_t>(bytes)) == 0;
}

}  // namespace

TEST_CASE("prefill sparse attention passes its golden in every layout from every start") {
  for (const char* layout : kLayouts)
    for (const char* start : {"0", "5", "127", "1000"})
      for (const char* ratio : {"0", "4", "128"}) {
        INFO(layout << " start " << start << " ratio " << ratio);
        const ProgramRun r =
            run(reduced({{"layout", layout}, {"start_pos", start}, {"compress_ratio", ratio}}));
        CHECK(r.failures() == "");
        CHECK(r.record.diagnostics.empty());
      }
}

TEST_CASE("holes in the lists, stale indices behind them and permuted pages do not count") {
  for (const char* start : {"0", "1000"}) {
    const Settings settings =
        reduced({{"fixture", "stale"}, {"start_pos", start}, {"compress_ratio", "4"}});
    const ProgramRun r = run(settings);
    CHECK(r.failures() == "");
    CHECK(r.record.diagnostics.empty());
  }
}

TEST_CASE("the published fixture passes with its small values") {
  const ProgramRun r = kernels_test::run(kName, "prefill", reduced({{"compress_ratio", "4"}}));
  CHECK(r.failures() == "");
}

TEST_CASE("padding tokens give zeros and do not disturb the others") {
  const ProgramRun all = run();
  for (const char* active : {"0", "1", "17", "31"}) {
    INFO(active << " tokens");
    const ProgramRun r = run(reduced({{"num_tokens", active}}));
    CHECK(r.failures() == "");
    CHECK(r.record.diagnostics.empty());
    const HostTensor& out = r.actual.at("attn_out");
    const int64_t n = std::stoll(active);
    for (int64_t t = 0; t < n; ++t) CHECK(row_equals(out, all.actual.at("attn_out"), t));
    for (int64_t i = n * 256; i < out.numel(); ++i)
      CHECK(isa::bf16_to_f32(out.as<uint16_t>()[i]) == 0);
  }
}

TEST_CASE("without identity padding the rotation reads rows nobody wrote") {
  for (const char* layout : {"swap_gather", "split_half"}) {
    INFO(layout);
    const Settings off = {{"layout", layout}, {"identity_padding", "false"}, {"num_tokens", "17"}};
    const ProgramRun r = run(reduced(off));
    CHECK(r.failures() == "");  // the active rows
    REQUIRE(!r.record.diagnostics.empty());
    const bool split = std::string(layout) == "split_half";
    for (const pl::Diagnostic& d : r.record.diagnostics) {
      INFO(d.where << ": " << d.message);
      CHECK(d.id == "lang.uninitialised-read");
      CHECK(d.where.find(split ? "scope rope," : "scope rope_cs,") != std::string::npos);
      CHECK(d.message.find("[17, 0]") != std::string::npos);
      CHECK(d.message.find(split ? "'rope_half_" : "'rope_") != std::string::npos);
    }
    const HostTensor& out = r.actual.at("attn_out");
    CHECK_FALSE(isa::bf16_to_f32(out.as<uint16_t>()[17 * 256]) == 0);

    const Settings full = {{"layout", layout}, {"identity_padding", "false"}};
    CHECK(run(reduced(full)).record.diagnostics.empty());
  }
}

TEST_CASE("prefill scopes and blocks are those of the specification") {
  using Blocks = std::map<std::string, int64_t>;
  const Settings small = {
      {"heads", "32"}, {"hidden", "256"}, {"o_lora", "128"}, {"quant_chunk", "128"}};
  const auto blocks = [&](Settings more) {
    Settings s = small;
    s.insert(s.end(), more.begin(), more.end());
    Blocks by_name;
    for (const pl::ScopeRecord& scope : record(s).scopes) by_name[scope.name] += scope.block_num;
    return by_name;
  };
  // 32 heads: half of the rope blocks; proj_a and proj_b shrink with o_lora, heads and hidden.
  Blocks expected = {{"gather_kv", 96},   {"build_bias", 8}, {"qk_pv", 128},
                     {"merge_norm", 128}, {"rope_cs", 2},    {"rope", 16},
                     {"proj_a", 4},       {"quant", 32},     {"proj_b", 2}};
  CHECK(blocks({}) == expected);
  expected.erase("rope_cs");
  CHECK(blocks({{"layout", "split_half"}}) == expected);
}

TEST_CASE("padding tokens cost nothing in qk_pv") {
  const pl::RecordedProgram p = record(reduced({{"num_tokens", "20"}}));
  for (const pl::ScopeRecord& scope : p.scopes)
    if (scope.name == "qk_pv")
      for (size_t t = 0; t < scope.blocks.size(); ++t)
        CHECK(scope.blocks[t].ops.empty() == (t >= 20));
}

TEST_CASE("the lowered prefill kernel gives the eager values") {
  for (const char* layout : kLayouts) {
    INFO(layout);
    lower_test::lower_and_verify(record(reduced({{"layout", layout}, {"num_tokens", "21"}})),
                                 lower_test::a2a3());
  }
  // The interpreter refuses what the eager run reports.
  const pl::RecordedProgram off =
      record(reduced({{"num_tokens", "21"}, {"identity_padding", "false"}}));
  CHECK(kernels_test::error_id([&] { lower_test::lower_and_verify(off, lower_test::a2a3()); }) ==
        "isa.uninitialised");
}

TEST_CASE("prefill sizes that cannot be are refused") {
  const auto refused = [](Settings settings) {
    const Program& p = find_program(kName);
    return kernels_test::error_id([&] { p.resolve("prefill", reduced(settings)); }) ==
           "knob.conflict";
  };
  CHECK(refused({{"num_tokens", "33"}}));
  CHECK(refused({{"cmp_columns", "512"}}));  // two pages
  CHECK(refused({{"start_pos", "8170"}}));
}
