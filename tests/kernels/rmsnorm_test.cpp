#include <catch2/catch.hpp>

#include "run_program.h"

using kernels_test::count;
using kernels_test::run;

TEST_CASE("rmsnorm passes its golden in both modes, with upstream's blocks and operations") {
  for (const char* mode : {"decode", "prefill"}) {
    const auto r = run("rmsnorm", mode, {});
    CHECK(r.failures() == "");
    REQUIRE(r.record.scopes.size() == 1);
    CHECK(r.record.scopes[0].name == "rms_norm");
    CHECK(r.total_blocks() == 16);
    CHECK(r.record.diagnostics.empty());
    const auto n = count(r.record);  // feasibility.md §5
    CHECK(n.loads == 1536);
    CHECK(n.stores == 512);
    CHECK(n.vector == 4688);
    CHECK(n.load_bytes >> 20 == 2);
    CHECK(n.store_bytes >> 20 == 1);
  }
}

TEST_CASE("rmsnorm runs with any legal tile, and with a short last block") {
  CHECK(run("rmsnorm", "decode", {{"t_tile", "32"}, {"chunk", "64"}, {"stage", "1"}}).failures() ==
        "");
  CHECK(run("rmsnorm", "decode", {{"t_tile", "32"}, {"tokens", "40"}, {"hidden", "384"}})
            .failures() == "");
  CHECK(run("rmsnorm", "decode", {{"chunk", "2048"}, {"stage", "4"}}).failures() == "");
}

TEST_CASE("the verdict fails when an output is wrong") {
  auto r = run("rmsnorm", "decode", {{"hidden", "128"}});
  // 16384 elements: 0.5 % is 81.92, rounded 82
  for (int i = 0; i < 82; ++i) r.actual.at("y").as<uint16_t>()[i] ^= 0x8000;
  const auto& p = kernels::find_program("rmsnorm");
  CHECK(kernels::judge(p, r.inputs, r.actual, r.golden)[0].passed);
  r.actual.at("y").as<uint16_t>()[82] ^= 0x8000;
  CHECK_FALSE(kernels::judge(p, r.inputs, r.actual, r.golden)[0].passed);
}
