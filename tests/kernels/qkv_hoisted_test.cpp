// Layout (f), hoisted: HEAD's scopes of qkv_proj_rope and the states it came in
// (kernels.md 3.2, 4.2).
#include <catch2/catch.hpp>

#include "error_id.h"
#include "run_program.h"
#include "tests/lower/test_chip.h"
#include "tests/lower/verify.h"

using namespace kernels;
using kernels_test::count;
using kernels_test::error_of;
using kernels_test::OpCounts;
using kernels_test::ProgramRun;
using kernels_test::run;
using kernels_test::same_bytes;
using kernels_test::small;

namespace {

using Blocks = std::map<std::string, int64_t>;

ProgramRun good(const Settings& settings, const char* mode = "decode") {
  ProgramRun r = run("qkv_proj_rope", mode, settings);
  CHECK(r.failures() == "");
  CHECK(r.record.diagnostics.empty());
  return r;
}

int64_t gathered_rows(const ProgramRun& r, const std::string& scope) {
  int64_t n = 0;
  for (const pl::ScopeRecord& s : r.record.scopes)
    if (s.name == scope)
      for (const pl::BlockRecord& block : s.blocks)
        for (const pl::Op& op : block.ops)
          if (op.kind == pl::Op::Kind::Instr && op.opcode == isa::Opcode::TGATHER)
            n += op.dst.valid_rows;
  return n;
}

}  // namespace

TEST_CASE("head: eight tokens in decode, 117 blocks, upstream's loads and matmuls") {
  const ProgramRun r = good({{"era", "head"}});
  CHECK(r.actual.at("q").shape == std::vector<int64_t>{8, 64, 512});
  CHECK(r.blocks() == Blocks{{"q_rope_prepare", 1},
                             {"qr_proj_seed", 1},
                             {"qr_proj_matmul", 16},
                             {"qr_rms_norm_quant", 1},
                             {"qproj_matmul", 64},
                             {"qproj_dequant_rms_nope_rope", 16},
                             {"kv_proj_seed", 1},
                             {"kv_proj_matmul", 16},
                             {"kv_rms_norm_rope", 1}});
  CHECK(r.total_blocks() == 117);
  const OpCounts n = count(r.record);  // feasibility.md §5
  CHECK(n.loads == 1645);
  CHECK(n.matmuls == 704);
  CHECK(n.vector == Approx(1192).epsilon(0.005));
  CHECK(n.stores == Approx(256).epsilon(0.02));
}

TEST_CASE("head in prefill: 162 blocks, upstream's loads and matmuls") {
  const ProgramRun r = good({{"era", "head"}}, "prefill");
  CHECK(r.total_blocks() == 162);
  const OpCounts n = count(r.record);  // feasibility.md §5
  CHECK(n.loads == 15056);
  CHECK(n.matmuls == 5632);
  CHECK(n.vector == Approx(18976).epsilon(0.005));
  CHECK(n.stores == Approx(3232).epsilon(0.02));
}

TEST_CASE("hoisting leaves one gather per head tile and none for the tables") {
  const ProgramRun head = good({{"era", "head"}});
  CHECK(gathered_rows(head, "q_rope_prepare") == 2 * 8);
  CHECK(gathered_rows(head, "qproj_dequant_rms_nope_rope") == 64 * 8);
  CHECK(gathered_rows(head, "kv_rms_norm_rope") == 8);
  const ProgramRun p792 = good({{"era", "p792"}});
  CHECK(gathered_rows(p792, "kv_rms_norm_rope") == 3 * 8);  // its own tables
}

TEST_CASE("p771, p792 and p845: order of norm and rotation, kv tables, qproj tiles") {
  const ProgramRun p771 = good({{"era", "p771"}}), p792 = good({{"era", "p792"}}),
                   p845 = good({{"era", "p845"}}), head = good({{"era", "head"}});
  for (const ProgramRun* r : {&p771, &p792, &p845}) CHECK(r->blocks().at("qproj_matmul") == 16);
  CHECK_FALSE(same_bytes(p771.actual.at("q"), p792.actual.at("q")));
  CHECK(same_bytes(p792.actual.at("kv"), p845.actual.at("kv")));  // the same bits either way
  CHECK(same_bytes(p845.actual.at("q"), head.actual.at("q")));
}

TEST_CASE(
    "split-K slices: seed scope, the runtime's zeros, or partial buffers with a reduce scope") {
  const ProgramRun p823 = good({{"era", "p823"}}), p953 = good({{"era", "p953"}});
  CHECK(p823.blocks().count("qr_proj_seed") + p823.blocks().count("kv_proj_seed") == 0);
  CHECK(p953.blocks().count("qr_proj_seed") == 0);
  CHECK(p953.blocks().at("qr_proj_reduce") == 8);  // kernels.md §4.2, PR953
  CHECK(p953.blocks().at("kv_proj_reduce") == 4);
  for (const char* sum : {"seed", "alloc", "partials"}) {
    const ProgramRun r = good(small({{"tokens", "24"}, {"split_k_sum", sum}}));
    lower_test::lower_and_verify(r.record, lower_test::a2a3());
  }
}

TEST_CASE("hoisted tables give the bits of the fused form when both rotate first") {
  const Settings common =
      small({{"tokens", "40"}, {"norm_root", "rsqrt"}, {"kv_norm_t_tile", "8"}});
  Settings hoisted = common;
  hoisted.insert(hoisted.begin(), {"layout", "hoisted"});
  hoisted.push_back({"q_rope_order", "rotate_first"});
  Settings fused = common;
  fused.push_back({"q_head_load", "whole"});
  const ProgramRun a = good(hoisted), b = good(fused);
  CHECK(same_bytes(a.actual.at("kv"), b.actual.at("kv")));
  CHECK(same_bytes(a.actual.at("q"), b.actual.at("q")));
}

TEST_CASE("hoisted lowers to the same bytes, with tails, on both chips") {
  for (const char* tokens : {"8", "24"}) {
    const ProgramRun r = good(small({{"era", "head"}, {"tokens", tokens}}));
    lower_test::lower_and_verify(r.record, lower_test::a2a3());
    lower_test::lower_and_verify(r.record, lower_test::a5());
  }
  const ProgramRun wide = good(small({{"layout", "hoisted"}, {"tokens", "40"}}), "prefill");
  lower_test::lower_and_verify(wide.record, lower_test::a2a3());
}

TEST_CASE("what hoisted cannot be combined with is refused") {
  const auto resolve = [](const Settings& s) {
    return error_of([&] { find_program("qkv_proj_rope").resolve("decode", s); });
  };
  CHECK(resolve({{"layout", "hoisted"}, {"qproj_form", "mixed"}}).find("qproj_form=split") !=
        std::string::npos);
  CHECK(resolve({{"layout", "hoisted"}, {"q_head_t_tile", "64"}}).find("the limit is 188416 B") !=
        std::string::npos);
  CHECK(resolve({{"era", "p374"}, {"layout", "hoisted"}}).find("fuses them") != std::string::npos);
}
