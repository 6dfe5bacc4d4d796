#include <catch2/catch.hpp>

#include "run_program.h"

using kernels_test::run;
using kernels_test::small;

TEST_CASE("P374's prefill form runs 218 tasks per chunk and passes its golden") {
  const auto r = run("prefill_qkv_proj_rope", "prefill", {});
  CHECK(r.failures() == "");
  CHECK(r.record.diagnostics.empty());
  CHECK(r.record.scopes.size() == 1 + 2 * 218);
  for (const auto& s : r.record.scopes) {
    REQUIRE(s.name.rfind("prefill_", 0) == 0);
    REQUIRE(s.block_num == 1);
  }
  const auto blocks = r.blocks();
  CHECK(blocks.at("prefill_rope_batch_tile") == 1);
  CHECK(blocks.at("prefill_rope_chunk_materialize") == 2);
  CHECK(blocks.at("prefill_qproj_matmul") == 2 * 32);
  CHECK(blocks.at("prefill_q_head_rms_nope") == 2 * 64);
  CHECK(blocks.at("prefill_q_rope_write") == 2 * 8);
}

TEST_CASE("its qr loop has four stages and 64-row tiles") {
  const auto r = run("prefill_qkv_proj_rope", "prefill", small());
  for (const auto& s : r.record.scopes) {
    if (s.name != "prefill_qr_proj_matmul") continue;
    int stages = 0;
    for (const pl::Op& op : s.blocks[0].ops) {
      if (op.kind == pl::Op::Kind::LoopBegin) stages = std::max<int>(stages, op.stage);
      if (op.kind == pl::Op::Kind::Instr && op.opcode == isa::Opcode::TMATMUL)
        REQUIRE(op.dst.rows == 64);
    }
    REQUIRE(stages == 4);
  }
}

TEST_CASE("positions, chunks and layouts may be others") {
  for (const char* start : {"0", "128", "8064"})
    CHECK(run("prefill_qkv_proj_rope", "prefill", small({{"start_pos", start}})).failures() == "");
  CHECK(run("prefill_qkv_proj_rope", "prefill", small({{"token_chunk", "40"}})).failures() == "");
  CHECK(run("prefill_qkv_proj_rope", "prefill", small({{"token_chunk", "256"}})).failures() == "");
  for (const char* layout : {"mask_scatter", "swap_gather", "split_half"})
    CHECK(run("prefill_qkv_proj_rope", "prefill", small({{"layout", layout}})).failures() == "");
}

TEST_CASE("the start position selects the table rows") {
  const auto a = run("prefill_qkv_proj_rope", "prefill", small());
  const auto b = run("prefill_qkv_proj_rope", "prefill", small({{"start_pos", "128"}}));
  CHECK(kernels_test::same_bytes(a.actual.at("qr"), b.actual.at("qr")));
  CHECK_FALSE(kernels_test::same_bytes(a.actual.at("q"), b.actual.at("q")));
}
