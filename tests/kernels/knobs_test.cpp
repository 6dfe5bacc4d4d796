#include <catch2/catch.hpp>

#include "error_id.h"
#include "kernels/knobs.h"
#include "kernels/program.h"

using namespace kernels;
using kernels_test::error_of;

namespace {

Knobs resolve(const Settings& s, const std::string& mode = "decode",
              const std::string& program = "qkv_proj_rope") {
  return find_program(program).resolve(mode, s);
}

struct BadCase {
  Settings settings;
  std::string id;
  std::string says;  ///< a part of the message
};

}  // namespace

TEST_CASE("bad knob settings are refused with one line that says why") {
  const std::vector<BadCase> cases = {
      // unknown names
      {{{"qr_n_tiles", "128"}}, "knob.unknown", "did you mean qr_n_tile"},
      {{{"tilling", "m16n32"}}, "knob.unknown", "did you mean tiling"},
      {{{"", "1"}}, "knob.unknown", "there is no knob ''"},
      // values
      {{{"era", "p999"}}, "knob.value", "p578, p253, p374, p425"},
      {{{"tiling", "m128n128"}}, "knob.value", "did you mean m128n32"},
      {{{"layout", "swap_gathr"}}, "knob.value", "did you mean swap_gather"},
      {{{"qr_m_tile", "0"}}, "knob.value", "16..1024 in steps of 16"},
      {{{"qr_m_tile", "24"}}, "knob.value", "in steps of 16"},
      {{{"qproj_k_tile", "48"}}, "knob.value", "in steps of 32"},
      {{{"tokens", "12"}}, "knob.value", "in steps of 8"},
      {{{"tokens", "-8"}}, "knob.value", "8..1024"},
      {{{"tokens", "2048"}}, "knob.value", "8..1024"},
      {{{"tokens", "many"}}, "knob.value", "'many'"},
      {{{"tokens", "128x"}}, "knob.value", "'128x'"},
      {{{"tokens", ""}}, "knob.value", "''"},
      {{{"tokens", "99999999999999999999"}}, "knob.value", "8..1024"},
      {{{"qr_peel", "maybe"}}, "knob.value", "true, false"},
      {{{"qr_k_stage", "9"}}, "knob.value", "1..8"},
      // L0C
      {{{"qproj_n_tile", "512"}},
       "knob.conflict",
       "L0C: a qproj accumulator of 128 x 512 needs 262144 B, the limit is 131072 B"},
      {{{"qr_n_tile", "512"}}, "knob.conflict", "L0C: a qr accumulator"},
      {{{"kv_m_tile", "256"}}, "knob.conflict", "L0C: a kv accumulator of 256 x 256"},
      {{{"tiling", "m16n1024"}, {"qproj_n_tile", "2048"}}, "knob.conflict", "L0C"},
      // Mat: N=512 needs M=64 and K <= 256
      {{{"qproj_n_tile", "512"}, {"qproj_m_tile", "64"}},
       "knob.conflict",
       "Mat: qproj operands of 64 x 512 and 512 x 512 in 2 stages need 589824 B of L1, the limit "
       "is 524288 B"},
      {{{"qr_k_tile", "512"}, {"qr_k_stage", "3"}}, "knob.conflict", "Mat: qr"},
      // divisibility
      {{{"qr_n_tile", "48"}}, "knob.conflict", "N of qr 1024 is not divisible by qr_n_tile 48"},
      {{{"qr_split_k", "3"}},
       "knob.conflict",
       "K of qr 4096 is not divisible by qr_k_tile x qr_split_k 768"},
      {{{"kv_n_tile", "192"}}, "knob.conflict", "N of kv 512 is not divisible"},
      {{{"q_heads_per_block", "7"}},
       "knob.conflict",
       "heads 64 is not divisible by q_heads_per_block 7"},
      {{{"q_head_chunk", "48"}}, "knob.conflict", "rope lanes 64"},
      {{{"dequant_n_tile", "48"}},
       "knob.conflict",
       "N of qproj 32768 is not divisible by dequant_n_tile 48"},
      {{{"qr_norm_chunk", "96"}},
       "knob.conflict",
       "q_lora 1024 is not divisible by qr_norm_chunk 96"},
      {{{"layout", "selector_matmul"}, {"q_rope_heads_per_block", "5"}},
       "knob.conflict",
       "q_rope_heads_per_block 5"},
      {{{"attn_norm", "true"}, {"hidden", "4352"}, {"qr_split_k", "1"}, {"kv_split_k", "1"}},
       "knob.conflict",
       "hidden 4352"},
      // UB
      {{{"dequant_n_tile", "256"}, {"dequant_n_stage", "2"}},
       "knob.conflict",
       "UB: dequant_t_tile x dequant_n_tile needs at least 262144 B"},
      {{{"q_head_load", "whole"}, {"q_head_t_tile", "128"}},
       "knob.conflict",
       "UB: q_head_load=whole"},
      {{{"tiling", "m128n32"}, {"qproj_slot_num", "2"}},
       "knob.conflict",
       "UB: the mixed qproj tile"},
      // structure
      {{{"q_rope_writeback", "true"}}, "knob.conflict", "layout=mask_scatter only"},
      {{{"staged_norms", "true"}, {"qr_bf16", "true"}},
       "knob.conflict",
       "layout=fused_swap_gather fuses them"},
      {{{"era", "p374"}, {"qr_bf16", "false"}}, "knob.conflict", "needs qr_bf16=true"},
      {{{"qr_amax_folded", "true"}, {"qr_bf16", "true"}}, "knob.conflict", "needs qr_bf16=false"},
      {{{"era", "p374"}, {"q_head_load", "whole"}}, "knob.conflict", "q_head_load=whole"},
      {{{"era", "p374"}, {"qr_amax_folded", "true"}}, "knob.conflict", "no amax pass"},
  };
  for (const BadCase& bad : cases) {
    const std::string error = error_of([&] { resolve(bad.settings); });
    INFO(bad.settings.back().first << "=" << bad.settings.back().second << ": " << error);
    CHECK(error.substr(0, error.find('|')) == bad.id);
    CHECK(error.find(bad.says) != std::string::npos);
    CHECK(error.find("qkv_proj_rope: ") != std::string::npos);
    CHECK(error.find('\n') == std::string::npos);
  }
}

TEST_CASE("modes and the other programs' knobs are checked too") {
  CHECK(error_of([] { resolve({}, "train"); }).find("kernel.mode|") == 0);
  CHECK(error_of([] { resolve({}, "decode", "prefill_qkv_proj_rope"); }).find("kernel.mode|") == 0);
  CHECK(error_of([] {
          resolve({{"chunk", "96"}}, "decode", "rmsnorm");
        }).find("knob.conflict|") == 0);
  CHECK(error_of([] {
          resolve({{"chunk", "4096"}, {"t_tile", "16"}}, "decode", "rmsnorm");
        }).find("UB: a tile") != std::string::npos);
  CHECK(error_of([] {
          resolve({{"start_pos", "8100"}}, "prefill", "prefill_qkv_proj_rope");
        }).find("past the tables' 8192 rows") != std::string::npos);
  CHECK(error_of([] {
          resolve({{"era", "p578"}}, "prefill", "prefill_qkv_proj_rope");
        }).find("knob.value|") == 0);
}

TEST_CASE("the order of settings does not matter, only their rank") {
  const Settings a = {{"qr_n_tile", "64"}, {"era", "pre570"}, {"tiling", "m128n256"}};
  const Settings b = {{"tiling", "m128n256"}, {"era", "pre570"}, {"qr_n_tile", "64"}};
  const Knobs x = resolve(a), y = resolve(b);
  CHECK(x.values() == y.values());
  CHECK(x.text("layout") == "swap_gather");  // of the era
  CHECK(x.integer("qproj_n_tile") == 256);   // of the tiling
  CHECK(x.integer("qr_n_tile") == 64);       // single setting
  CHECK(x.integer("qr_split_k") == 2);
}

TEST_CASE("of two settings of one knob the later wins, and spellings are canonical") {
  const Knobs k = resolve({{"tokens", "64"}, {"tokens", "0032"}, {"qr_peel", "on"}});
  CHECK(k.text("tokens") == "32");
  CHECK(k.text("qr_peel") == "true");
  CHECK(k.flag("qr_peel"));
}

TEST_CASE("a knob set to N=512 is legal with M=64 and K=256, as its authors tried it") {
  const Knobs k =
      resolve({{"qproj_n_tile", "512"}, {"qproj_m_tile", "64"}, {"qproj_k_tile", "256"}});
  CHECK(k.integer("qproj_n_tile") == 512);
}

TEST_CASE("eras set every other knob to the state of their commit") {
  struct Era {
    const char *name, *tiling, *layout;
    int64_t qr[4], qproj[4];  // m, n, k, tiles per block
  };
  const Era eras[] = {
      {"p374", "m128n32", "selector_matmul", {128, 32, 128, 1}, {128, 128, 512, 8}},
      {"p425", "m128n32", "mask_scatter", {128, 32, 128, 2}, {128, 128, 512, 16}},
      {"p441", "m128n32", "mask_scatter", {128, 32, 128, 2}, {128, 128, 512, 16}},
      {"p480", "m128n32", "swap_gather", {128, 32, 128, 2}, {128, 128, 512, 16}},
      {"pre570", "m16n32", "swap_gather", {16, 32, 128, 2}, {16, 128, 512, 16}},
      {"p570", "m16n32", "split_half", {16, 32, 128, 2}, {16, 128, 512, 16}},
      {"p578", "m128n256", "fused_swap_gather", {128, 256, 256, 1}, {128, 256, 512, 8}},
      {"p718", "m16n1024", "fused_swap_gather", {16, 128, 256, 1}, {16, 1024, 128, 2}}};
  for (const Era& e : eras) {
    INFO(e.name);
    const Knobs k = resolve({{"era", e.name}});
    CHECK(k.text("tiling") == e.tiling);
    CHECK(k.text("layout") == e.layout);
    int i = 0;
    for (const char* knob : {"_m_tile", "_n_tile", "_k_tile", "_tiles_per_block"}) {
      CHECK(k.integer(std::string("qr") + knob) == e.qr[i]);
      CHECK(k.integer(std::string("qproj") + knob) == e.qproj[i]);
      ++i;
    }
  }
  CHECK(resolve({{"era", "p718"}}).integer("tokens") == 8);
  CHECK(resolve({{"era", "p718"}}, "prefill").integer("tokens") == 128);
  CHECK(resolve({}).values() == resolve({{"era", "p578"}}).values());
}

TEST_CASE("a table whose preset names a missing knob is refused at start-up") {
  CHECK(kernels_test::error_id([] {
          KnobTable("p", {"m"}, {choice_knob("era", {"a"}, "d")}, {{"era", "a", {{"nope", "1"}}}});
        }) == "knob.unknown");
  CHECK(kernels_test::error_id([] { Knobs().integer("x"); }) == "knob.unknown");
}
