#include "kernels/permute.h"

#include <catch2/catch.hpp>

#include "error_id.h"
#include "kernels/fixtures.h"
#include "run_program.h"

using namespace kernels;
using isa::DType;
using kernels_test::ProgramRun;
using kernels_test::run;
using kernels_test::same_bytes;
using kernels_test::small;

TEST_CASE("even lanes go to the first half of the segment, odd ones to the second") {
  const HostTensor t = make_tensor("kv", DType::I32, {3, 1024}, Role::Input);
  for (int64_t i = 0; i < t.numel(); ++i) t.as<int32_t>()[i] = static_cast<int32_t>(i);
  const HostTensor p = permute_rope_lanes(t);
  for (int64_t i = 0; i < t.numel(); ++i) {
    const int64_t lane = i % 512, base = i - lane;
    const int64_t from = lane < 448   ? lane
                         : lane < 480 ? 448 + 2 * (lane - 448)
                                      : 448 + 2 * (lane - 480) + 1;
    REQUIRE(p.as<int32_t>()[i] == base + from);
  }
  CHECK(kernels_test::error_id([] {
          permute_rope_lanes(make_tensor("x", DType::F32, {4, 500}, Role::Input));
        }) == "kernel.shape");
}

TEST_CASE("only the tensors whose columns are rope lanes are permuted") {
  const Program& p = find_program("qkv_proj_rope");
  const Knobs k = p.resolve("decode", small());
  const TensorSet in = p.make_inputs(k, "decode", 1), out = permute_to_split_half(in);
  for (const HostTensor& t : in.all()) {
    const bool permuted =
        t.name == "wq_b" || t.name == "wq_b_scale" || t.name == "wkv" || t.name == "gamma_ckv";
    INFO(t.name);
    CHECK(same_bytes(t, out.at(t.name)) == !permuted);
  }
}

TEST_CASE("permuted weights with split halves equal unpermuted ones with swap gather") {
  const ProgramRun c = run("qkv_proj_rope", "decode", small({{"layout", "swap_gather"}}));
  const TensorSet permuted = permute_to_split_half(c.inputs);
  const ProgramRun d =
      run("qkv_proj_rope", "decode", small({{"layout", "split_half"}}), {}, &permuted);
  CHECK(d.failures() == "");
  CHECK(same_bytes(c.actual.at("qr"), d.actual.at("qr")));
  CHECK(same_bytes(c.actual.at("qr_scale"), d.actual.at("qr_scale")));
  for (const char* output : {"q", "kv"}) {
    // The sums of squares add their lanes in another order: one BF16 ulp at most.
    const OutputVerdict v = ratio_allclose(1e-6, 1.0 / 128, 0)(
        d.actual.at(output), permute_rope_lanes(c.actual.at(output)), {});
    CHECK(v.passed);
    CHECK_FALSE(
        ratio_allclose(1e-4, 1.0 / 128)(d.actual.at(output), c.actual.at(output), {}).passed);
  }
}

TEST_CASE("the same holds at real dimensions and for the goldens") {
  const ProgramRun c = run("qkv_proj_rope", "decode", {{"layout", "swap_gather"}});
  const TensorSet permuted = permute_to_split_half(c.inputs);
  const ProgramRun d = run("qkv_proj_rope", "decode", {{"layout", "split_half"}}, {}, &permuted);
  CHECK(d.failures() == "");
  for (const char* output : {"q", "kv"}) {
    CHECK(ratio_allclose(1e-6, 1.0 / 128, 0)(d.actual.at(output),
                                             permute_rope_lanes(c.actual.at(output)), {})
              .passed);
    CHECK(ratio_allclose(1e-6, 1.0 / 128, 0)(d.golden.at(output),
                                             permute_rope_lanes(c.golden.at(output)), {})
              .passed);
  }
}
