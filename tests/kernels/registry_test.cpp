#include <algorithm>
#include <catch2/catch.hpp>

#include "error_id.h"
#include "kernels/program.h"

using namespace kernels;
using kernels_test::error_of;

TEST_CASE("every file under programs is a registered program, sorted by name") {
  std::vector<std::string> names;
  for (const Program& p : programs()) names.push_back(p.name);
  CHECK(std::is_sorted(names.begin(), names.end()));
  for (const char* name : {"rmsnorm", "qkv_proj_rope", "prefill_qkv_proj_rope"})
    CHECK(std::count(names.begin(), names.end(), name) == 1);
}

TEST_CASE("every program is complete and its defaults resolve in every mode") {
  for (const Program& p : programs()) {
    INFO(p.name);
    CHECK_FALSE(p.doc.empty());
    REQUIRE_FALSE(p.modes.empty());
    for (const Knob& k : p.knobs) {
      INFO(k.name);
      CHECK_FALSE(k.doc.empty());
      if (k.kind == Knob::Kind::Choice)
        CHECK(std::count(k.choices.begin(), k.choices.end(), k.default_value) == 1);
    }
    for (const std::string& mode : p.modes) {
      const Knobs knobs = p.resolve(mode, {});
      CHECK(knobs.values().size() == p.knobs.size());
      CHECK_FALSE(p.inputs(knobs, mode).empty());
      for (const TensorSpec& out : p.outputs(knobs, mode)) {
        CHECK(p.comparators.count(out.name) == 1);
        CHECK(out.role == Role::Output);
      }
      CHECK(p.refused_on_chip(knobs, "a2a3") == "");
    }
  }
}

TEST_CASE("an unknown program names the closest ones") {
  CHECK(find_program("rmsnorm").name == "rmsnorm");
  const std::string error = error_of([] { find_program("qkv_proj_rop"); });
  CHECK(error.substr(0, 15) == "kernel.unknown|");
  CHECK(error.find("did you mean qkv_proj_rope") != std::string::npos);
  const std::string far = error_of([] { find_program("zzzzzzzzz"); });
  CHECK(far.find("programs: ") != std::string::npos);
}

TEST_CASE("tensors of a set have unique names") {
  TensorSet set;
  set.add(make_tensor("a", isa::DType::F32, {2, 3}, Role::Input));
  CHECK(set.at("a").numel() == 6);
  CHECK(set.at("a").size_bytes() == 24);
  CHECK(reinterpret_cast<uintptr_t>(set.at("a").bytes.get()) % 64 == 0);
  for (int i = 0; i < 6; ++i) CHECK(set.at("a").as<float>()[i] == 0.0f);
  CHECK(kernels_test::error_id([&] {
          set.add(make_tensor("a", isa::DType::F32, {1}, Role::Input));
        }) == "kernel.duplicate-tensor");
  CHECK(kernels_test::error_id([&] { set.at("b"); }) == "kernel.no-tensor");
}
