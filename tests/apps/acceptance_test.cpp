// The acceptance matrix: every published form of the kernels gives its golden on both chips.
// One case per point, because SystemC elaborates once in a process.
#include <catch2/catch.hpp>

#include "apps/output.h"
#include "apps/progress.h"
#include "apps/run.h"

namespace apps_test {
namespace {

void accept(const char* program, const char* chip, const char* mode, const char* settings,
            bool verify_lowering) {
  app::RunRequest request;
  request.program = program;
  request.chip = chip;
  request.mode = mode;
  request.settings = app::parse_settings({settings});
  request.verify_lowering = verify_lowering;
  app::Progress quiet(false);
  const app::RunResult result = app::run(request, quiet);
  INFO(app::verdict_text(result, request));
  REQUIRE(result.summary.golden);
  CHECK(result.verdicts.size() == 4);  // q, kv, qr, qr_scale
  for (const kernels::OutputVerdict& v : result.verdicts) {
    INFO(v.name);
    CHECK(v.passed);
    CHECK(v.total > 0);
  }
  CHECK(result.hazards.empty());
  CHECK(result.lowering_check.has_value() == verify_lowering);
  CHECK(result.passed());
  CHECK(result.summary.run.chip == chip);
  CHECK(result.summary.makespan > traces::Picoseconds(0));
}

#define POINT(chip, mode, settings)                                        \
  TEST_CASE("qkv_proj_rope " chip " " mode " " settings, "[acceptance]") { \
    accept("qkv_proj_rope", chip, mode, settings, false);                  \
  }
#define VERIFIED_POINT(chip, mode, settings)                                           \
  TEST_CASE("qkv_proj_rope " chip " " mode " " settings " verified", "[acceptance]") { \
    accept("qkv_proj_rope", chip, mode, settings, true);                               \
  }

// layouts; every one verified once
VERIFIED_POINT("a2a3", "decode", "layout=fused_swap_gather")
VERIFIED_POINT("a2a3", "decode", "layout=selector_matmul")
VERIFIED_POINT("a2a3", "decode", "layout=mask_scatter")
VERIFIED_POINT("a2a3", "decode", "layout=swap_gather")
VERIFIED_POINT("a2a3", "decode", "layout=split_half")
POINT("a2a3", "prefill", "layout=fused_swap_gather")
POINT("a2a3", "prefill", "layout=selector_matmul")
POINT("a2a3", "prefill", "layout=mask_scatter")
POINT("a2a3", "prefill", "layout=swap_gather")
POINT("a2a3", "prefill", "layout=split_half")
POINT("a5", "decode", "layout=fused_swap_gather")
POINT("a5", "decode", "layout=selector_matmul")
POINT("a5", "decode", "layout=swap_gather")
POINT("a5", "decode", "layout=split_half")
POINT("a5", "prefill", "layout=fused_swap_gather")
POINT("a5", "prefill", "layout=selector_matmul")
POINT("a5", "prefill", "layout=swap_gather")
POINT("a5", "prefill", "layout=split_half")

// tilings; m128n256 is the default and verified above
POINT("a2a3", "decode", "tiling=m128n256")
VERIFIED_POINT("a2a3", "decode", "tiling=m128n32")
VERIFIED_POINT("a2a3", "decode", "tiling=m16n32")
VERIFIED_POINT("a2a3", "decode", "tiling=m16n1024")
POINT("a5", "decode", "tiling=m128n256")
POINT("a5", "decode", "tiling=m128n32")
POINT("a5", "decode", "tiling=m16n32")
POINT("a5", "decode", "tiling=m16n1024")

// eras; p425 and p441 scatter by mask, which a5 does not have
POINT("a2a3", "decode", "era=p374")
POINT("a2a3", "decode", "era=p425")
POINT("a2a3", "decode", "era=p441")
POINT("a2a3", "decode", "era=p480")
POINT("a2a3", "decode", "era=pre570")
POINT("a2a3", "decode", "era=p570")
POINT("a2a3", "decode", "era=p578")
VERIFIED_POINT("a2a3", "decode", "era=p718")
POINT("a5", "decode", "era=p374")
POINT("a5", "decode", "era=p480")
POINT("a5", "decode", "era=pre570")
POINT("a5", "decode", "era=p570")
POINT("a5", "decode", "era=p578")
VERIFIED_POINT("a5", "decode", "era=p718")

#undef POINT
#undef VERIFIED_POINT

TEST_CASE("prefill_qkv_proj_rope a2a3", "[acceptance]") {
  accept("prefill_qkv_proj_rope", "a2a3", "prefill", "tokens=128", false);
}

}  // namespace
}  // namespace apps_test
