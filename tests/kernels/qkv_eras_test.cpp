// The historical states at real dimensions: golden, scopes, blocks, operations, bytes.
#include <catch2/catch.hpp>

#include "run_program.h"

using namespace kernels;
using kernels_test::count;
using kernels_test::OpCounts;
using kernels_test::ProgramRun;
using kernels_test::run;

namespace {

using Blocks = std::map<std::string, int64_t>;

ProgramRun era(const char* name, const char* mode = "decode") {
  ProgramRun r = run("qkv_proj_rope", mode, {{"era", name}});
  CHECK(r.failures() == "");
  CHECK(r.record.diagnostics.empty());
  return r;
}

double mib(int64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

}  // namespace

TEST_CASE("p578 has 9 scopes, 106 blocks and upstream's operations (kernels.md 2.2)") {
  const ProgramRun r = era("p578");
  CHECK(r.record.scopes.size() == 9);
  CHECK(r.total_blocks() == 106);
  CHECK(r.blocks() == Blocks{{"qr_proj_seed", 1},
                             {"qr_proj_matmul", 8},
                             {"qr_rms_norm_quant", 16},
                             {"qproj_matmul", 16},
                             {"qproj_dequant", 16},
                             {"q_head_rms_nope_rope", 32},
                             {"kv_proj_seed", 1},
                             {"kv_proj_matmul", 8},
                             {"kv_rms_norm_rope", 8}});
  const OpCounts n = count(r.record);  // feasibility.md §5
  CHECK(n.loads == 8768);
  CHECK(n.stores == 3102);
  CHECK(n.matmuls == 352);
  CHECK(n.vector == 24550);
  CHECK(mib(n.load_bytes) == Approx(117).margin(0.5));
  CHECK(mib(n.store_bytes) == Approx(43).margin(0.5));
}

TEST_CASE("p578 prefill runs the same scopes") {
  CHECK(era("p578", "prefill").total_blocks() == 106);
}

TEST_CASE("pre570 has 9 scopes, 148 blocks and 483 MiB of loads") {
  const ProgramRun r = era("pre570");
  CHECK(r.record.scopes.size() == 9);
  CHECK(r.total_blocks() == 148);
  CHECK(r.blocks() == Blocks{{"qr_proj_matmul", 16},
                             {"qr_rms_norm_quant", 16},
                             {"qproj_matmul", 16},
                             {"qproj_dequant", 16},
                             {"q_head_rms_nope", 32},
                             {"q_head_rope_fused", 32},
                             {"kv_proj_matmul", 8},
                             {"kv_rms_norm", 8},
                             {"kv_rope_fused", 4}});
  const OpCounts n = count(r.record);
  CHECK(mib(n.load_bytes) == Approx(483).epsilon(0.01));
  // 8 M tiles x 32 N tiles x 32 K steps, 8 x 256 x 2, 8 x 16 x 32
  CHECK(n.matmuls == 8192 + 4096 + 4096);
}

TEST_CASE("p570 differs from pre570 in the rope scopes only") {
  const ProgramRun a = era("pre570"), b = era("p570");
  CHECK(a.blocks() == b.blocks());
  for (size_t i = 0; i < a.record.scopes.size(); ++i) {
    const bool rope = a.record.scopes[i].name.find("rope_fused") != std::string::npos;
    CHECK((a.record.scopes[i].blocks[0].ops.size() != b.record.scopes[i].blocks[0].ops.size()) ==
          rope);
  }
  for (const pl::ScopeRecord& s : b.record.scopes)
    for (const pl::BlockRecord& block : s.blocks)
      for (const pl::Op& op : block.ops)
        REQUIRE((op.kind != pl::Op::Kind::Instr || op.opcode != isa::Opcode::TGATHER));
}

TEST_CASE("gathered rows per scope match kernels.md 3.2") {
  const auto rows = [](const ProgramRun& r, const std::string& scope) {
    int64_t n = 0;
    for (const pl::ScopeRecord& s : r.record.scopes)
      if (s.name == scope)
        for (const pl::BlockRecord& block : s.blocks)
          for (const pl::Op& op : block.ops)
            if (op.kind == pl::Op::Kind::Instr && op.opcode == isa::Opcode::TGATHER)
              n += op.dst.valid_rows;
    return n;
  };
  const ProgramRun c = era("pre570");
  CHECK(rows(c, "q_head_rope_fused") == 16384);
  CHECK(rows(c, "kv_rope_fused") == 384);
  const ProgramRun e = era("p578");
  CHECK(rows(e, "q_head_rms_nope_rope") == 16384);
  CHECK(rows(e, "kv_rms_norm_rope") == 384);
}

TEST_CASE("p480, p441 and p425: mixed qproj, mask scatter before swap gather") {
  const ProgramRun c = era("p480");
  const Blocks p480 = {{"qr_proj_matmul", 16},  {"qr_rms_norm_quant", 16}, {"qproj", 16},
                       {"q_head_rms_nope", 32}, {"q_head_rope_fused", 32}, {"kv_proj_matmul", 8},
                       {"kv_rms_norm", 8},      {"kv_rope_fused", 4}};
  CHECK(c.blocks() == p480);

  Blocks p441 = p480;
  p441["attn_norm_rms_partial"] = 2;
  p441["attn_norm_rms_final"] = 1;
  p441["attn_norm_apply"] = 8;
  CHECK(era("p441").blocks() == p441);

  Blocks p425 = p441;
  p425["q_rope_writeback"] = 8;
  p425["kv_rope_fused"] = 1;
  CHECK(era("p425").blocks() == p425);
}

TEST_CASE("p374: single tasks, staged norms and selector reassembly") {
  const ProgramRun r = era("p374");
  for (const pl::ScopeRecord& s : r.record.scopes) REQUIRE(s.block_num == 1);
  CHECK(r.blocks() == Blocks{{"attn_norm_rms_partial", 2},
                             {"attn_norm_rms_final", 1},
                             {"attn_norm_apply", 8},
                             {"qr_proj_matmul", 32},
                             {"qr_rms_partial", 2},
                             {"qr_rms_final", 1},
                             {"qr_norm_apply", 4},
                             {"qr_quant_amax", 1},
                             {"qr_quant_apply", 4},
                             {"kv_proj_matmul", 16},
                             {"kv_rms", 1},
                             {"kv_norm_nope", 14},
                             {"kv_rope_apply", 1},
                             {"kv_rope_reassemble", 1},
                             {"kv_rope_write", 1},
                             {"qproj_matmul", 32},
                             {"qproj_dequant", 8},
                             {"q_head_rms_nope", 64},
                             {"q_head_rope", 8},
                             {"q_rope_reassemble", 8},
                             {"q_rope_write", 8}});
}

TEST_CASE("p718: eight tokens in decode, 16-row tiles, one load per head") {
  const ProgramRun r = era("p718");
  CHECK(r.actual.at("q").shape == std::vector<int64_t>{8, 64, 512});
  CHECK(r.blocks() == Blocks{{"qr_proj_seed", 1},
                             {"qr_proj_matmul", 16},
                             {"qr_rms_norm_quant", 1},
                             {"qproj_matmul", 16},
                             {"qproj_dequant", 16},
                             {"q_head_rms_nope_rope", 32},
                             {"kv_proj_seed", 1},
                             {"kv_proj_matmul", 16},
                             {"kv_rms_norm_rope", 1}});
  const OpCounts n = count(r.record);
  CHECK(n.matmuls == 16 * 8 + 16 * 2 * 8 + 16 * 4);
  CHECK(era("p718", "prefill").actual.at("q").shape[0] == 128);
}

TEST_CASE("deviations from a golden fail the verdict") {
  ProgramRun r = run("qkv_proj_rope", "decode", kernels_test::small());
  const Program& p = find_program("qkv_proj_rope");
  const auto verdict = [&](const std::string& output) {
    for (const OutputVerdict& v : judge(p, r.inputs, r.actual, r.golden))
      if (v.name == output) return v.passed;
    return false;
  };
  CHECK(verdict("qr"));
  r.actual.at("qr").as<int8_t>()[5] = static_cast<int8_t>(r.golden.at("qr").as<int8_t>()[5] ^ 2);
  CHECK_FALSE(verdict("qr"));
  CHECK(verdict("kv"));
  r.actual.at("kv").as<uint16_t>()[9] = 0x7fc0;  // one NaN
  CHECK_FALSE(verdict("kv"));
}
