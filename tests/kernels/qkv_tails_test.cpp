// Tile constants one by one, and token counts that leave short tiles.
#include <catch2/catch.hpp>

#include "run_program.h"

using kernels::Settings;
using kernels_test::run;
using kernels_test::small;

TEST_CASE("any token count that is a multiple of eight runs in every layout") {
  for (const char* tokens : {"24", "40", "136"})
    for (const char* layout :
         {"selector_matmul", "mask_scatter", "swap_gather", "split_half", "fused_swap_gather"}) {
      INFO(tokens << " " << layout);
      const auto r =
          run("qkv_proj_rope", "decode", small({{"tokens", tokens}, {"layout", layout}}));
      CHECK(r.failures() == "");
      CHECK(r.record.diagnostics.empty());
    }
  CHECK(run("qkv_proj_rope", "decode", small({{"era", "p374"}, {"tokens", "72"}})).failures() ==
        "");
  CHECK(run("qkv_proj_rope", "decode", small({{"era", "p718"}, {"tokens", "40"}})).failures() ==
        "");
  CHECK(run("qkv_proj_rope", "decode", small({{"era", "p425"}, {"tokens", "104"}})).failures() ==
        "");
}

TEST_CASE("every tile constant takes other legal values") {
  const std::vector<Settings> variations = {
      {{"qr_m_tile", "32"}, {"qr_n_tile", "64"}, {"qr_k_tile", "64"}},
      {{"qr_split_k", "1"}},
      {{"qr_split_k", "4"}, {"qr_peel", "true"}, {"qr_k_stage", "1"}},
      {{"qr_n_tile", "64"}, {"qr_tiles_per_block", "3"}, {"qr_n_stage", "2"}},  // 8 tiles: 3, 3, 2
      {{"kv_m_tile", "48"}, {"kv_n_tile", "128"}, {"kv_split_k", "2"}, {"kv_k_stage", "4"}},
      {{"kv_n_tile", "512"}, {"kv_m_tile", "64"}, {"kv_k_tile", "128"}, {"kv_split_k", "1"}},
      {{"qproj_m_tile", "64"}, {"qproj_n_tile", "512"}, {"qproj_k_tile", "256"}},
      {{"qproj_tiles_per_block", "1"}, {"qproj_peel", "false"}},
      {{"qproj_tiles_per_block", "5"}, {"qproj_n_stage", "1"}, {"qproj_k_stage", "1"}},
      {{"qproj_form", "mixed"}, {"qproj_n_tile", "128"}, {"qproj_slot_num", "1"}},
      {{"dequant_t_tile", "24"}, {"dequant_n_tile", "256"}, {"dequant_tiles_per_block", "7"}},
      {{"dequant_n_stage", "1"}, {"dequant_t_stage", "1"}, {"dequant_t_tile", "64"}},
      {{"qr_norm_t_tile", "16"}, {"qr_norm_chunk", "128"}, {"qr_norm_stage", "1"}},
      {{"qr_amax_folded", "true"}},
      {{"q_head_t_tile", "40"}, {"q_head_chunk", "16"}, {"q_heads_per_block", "4"}},
      {{"q_head_load", "whole"}, {"q_head_stage", "3"}},
      {{"kv_norm_t_tile", "32"}, {"kv_norm_chunk", "64"}, {"kv_norm_stage", "4"}},
      {{"layout", "swap_gather"}, {"kv_rope_t_tile", "16"}, {"kv_rope_tiles_per_block", "3"}},
      {{"layout", "swap_gather"}, {"q_head_load", "whole"}},
      {{"layout", "mask_scatter"}, {"q_rope_writeback", "true"}, {"q_rope_heads_per_block", "4"}},
      {{"layout", "selector_matmul"}, {"q_rope_t_tile", "24"}, {"q_rope_heads_per_block", "2"}},
      {{"layout", "split_half"},
       {"grid", "tasks"},
       {"attn_norm", "true"},
       {"attn_norm_t_tile", "48"}},
      {{"inputs", "p253"}, {"qr_bf16", "true"}},
  };
  for (const Settings& s : variations) {
    INFO(s[0].first << "=" << s[0].second);
    const auto r = run("qkv_proj_rope", "decode", small(s));
    CHECK(r.failures() == "");
    CHECK(r.record.diagnostics.empty());
  }
}

TEST_CASE("split-K targets start undefined: without its seed the sum would be poison") {
  // The seed scopes exist exactly when K is split.
  const auto split = run("qkv_proj_rope", "decode", small()).blocks();
  CHECK(split.count("qr_proj_seed") == 1);
  CHECK(split.count("kv_proj_seed") == 1);
  const auto whole =
      run("qkv_proj_rope", "decode", small({{"qr_split_k", "1"}, {"kv_split_k", "1"}})).blocks();
  CHECK(whole.count("qr_proj_seed") == 0);
  CHECK(whole.count("kv_proj_seed") == 0);
}

TEST_CASE("loop kinds are recorded as the knobs say") {
  const auto loops = [](const Settings& s, const std::string& scope) {
    std::vector<std::pair<pl::LoopKind, int>> list;
    for (const pl::ScopeRecord& r : run("qkv_proj_rope", "decode", small(s)).record.scopes)
      if (r.name == scope)
        for (const pl::Op& op : r.blocks[0].ops)
          if (op.kind == pl::Op::Kind::LoopBegin) list.emplace_back(op.loop, op.stage);
    return list;
  };
  using K = pl::LoopKind;
  // M loop around a pipelined K loop
  CHECK(loops({}, "qr_proj_matmul") ==
        std::vector<std::pair<K, int>>{{K::Range, 1}, {K::Pipeline, 2}});
  CHECK(loops({{"qr_k_stage", "1"}}, "qr_proj_matmul") ==
        std::vector<std::pair<K, int>>{{K::Range, 1}, {K::Range, 1}});
  CHECK(loops({{"qr_n_tile", "64"}, {"qr_tiles_per_block", "8"}, {"qr_n_stage", "3"}},
              "qr_proj_matmul")
            .front() == std::pair<K, int>{K::Pipeline, 3});
}
