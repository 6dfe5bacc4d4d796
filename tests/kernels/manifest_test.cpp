#include <catch2/catch.hpp>

#include "error_id.h"
#include "kernels/manifest.h"
#include "run_program.h"
#include "temp_dir.h"

using namespace kernels;
using isa::DType;
using kernels_test::error_id;
using kernels_test::error_of;
using kernels_test::TempDir;
using kernels_test::write_file;

namespace {

TensorSet two_tensors() {
  TensorSet set;
  set.add(make_tensor("x", DType::BF16, {2, 3}, Role::Input));
  set.add(make_tensor("n", DType::I32, {1}, Role::InOut));
  for (int i = 0; i < 6; ++i) set.at("x").as<uint16_t>()[i] = static_cast<uint16_t>(0x3f80 + i);
  set.at("n").as<int32_t>()[0] = -7;
  return set;
}

const std::vector<TensorSpec> kSpecs = {{"x", DType::BF16, {2, 3}, Role::Input},
                                        {"n", DType::I32, {1}, Role::InOut}};

/// The error of loading `kSpecs` from a folder whose manifest is `json`.
std::string refusal(const std::string& json) {
  const TempDir dir;
  save_tensors(dir.path(), two_tensors());
  write_file(dir / "manifest.json", json);
  return error_id([&] { load_tensors(dir.path(), kSpecs); });
}

std::string entry(const std::string& shape, const std::string& dtype, const std::string& role,
                  const std::string& file, const std::string& name = "x") {
  return R"({"name": ")" + name + R"(", "shape": )" + shape + R"(, "dtype": ")" + dtype +
         R"(", "role": ")" + role + R"(", "file": ")" + file + R"("})";
}

std::string manifest(const std::string& x) {
  return R"({"tensors": [)" + x + ", " + entry("[1]", "int32", "inout", "n.npy", "n") + "]}";
}

}  // namespace

TEST_CASE("saved tensors load again, and a folder may hold more than is asked for") {
  const TempDir dir;
  const TensorSet set = two_tensors();
  save_tensors(dir / "deep/er", set);
  const TensorSet back = load_tensors(dir / "deep/er", kSpecs);
  for (const HostTensor& t : set.all()) {
    CHECK(kernels_test::same_bytes(back.at(t.name), t));
    CHECK(back.at(t.name).role == t.role);
  }
  const TensorSet one = load_tensors(dir / "deep/er", {kSpecs[1]});
  CHECK(one.all().size() == 1);
  save_tensors(dir / "deep/er", set);  // overwriting is allowed
}

TEST_CASE("a hand-written manifest may use long dtype names and any file name") {
  const TempDir dir;
  save_tensors(dir.path(), two_tensors());
  std::filesystem::create_directory(dir / "sub");
  std::filesystem::rename(dir / "x.npy", dir / "sub/first.npy");
  write_file(dir / "manifest.json",
             manifest(entry("[2, 3]", "bfloat16", "input", "sub/first.npy")));
  CHECK(load_tensors(dir.path(), kSpecs).at("x").as<uint16_t>()[5] == 0x3f85);
}

TEST_CASE("broken manifests are refused with the reason") {
  CHECK(refusal(manifest(entry("[2, 3]", "bf16", "input", "x.npy"))) == "");
  CHECK(refusal("") == "manifest.syntax");
  CHECK(refusal("{\"tensors\": [") == "manifest.syntax");
  CHECK(refusal("[]") == "manifest.field");
  CHECK(refusal("{}") == "manifest.field");
  CHECK(refusal("{\"tensors\": 3}") == "manifest.field");
  CHECK(refusal("{\"tensors\": [3]}") == "manifest.field");
  CHECK(refusal("{\"tensors\": [{\"name\": \"x\"}]}") == "manifest.field");
  CHECK(refusal(manifest(entry("\"2x3\"", "bf16", "input", "x.npy"))) == "manifest.field");
  CHECK(refusal(manifest(entry("[2, 3]", "bf61", "input", "x.npy"))) == "manifest.dtype");
  CHECK(refusal(manifest(entry("[2, 3]", "fp32", "input", "x.npy"))) == "manifest.dtype");
  CHECK(refusal(manifest(entry("[3, 2]", "bf16", "input", "x.npy"))) == "manifest.shape");
  CHECK(refusal(manifest(entry("[2, 3]", "bf16", "weights", "x.npy"))) == "manifest.role");
  CHECK(refusal(manifest(entry("[2, 3]", "bf16", "output", "x.npy"))) == "manifest.role");
  CHECK(refusal(manifest(entry("[2, 3]", "bf16", "input", "../x.npy"))) == "manifest.file");
  CHECK(refusal(manifest(entry("[2, 3]", "bf16", "input", "/etc/hostname"))) == "manifest.file");
  CHECK(refusal(manifest(entry("[2, 3]", "bf16", "input", ""))) == "manifest.file");
  CHECK(refusal(manifest(entry("[2, 3]", "bf16", "input", "missing.npy"))) == "npy.open");
  CHECK(refusal(manifest(entry("[2, 3]", "bf16", "input", "n.npy"))) == "npy.dtype");
  const std::string x = entry("[2, 3]", "bf16", "input", "x.npy");
  CHECK(refusal(manifest(x + ", " + x)) == "manifest.duplicate");
}

TEST_CASE("a missing tensor or folder is named") {
  const TempDir dir;
  CHECK(error_id([&] { load_tensors(dir / "nowhere", kSpecs); }) == "manifest.open");
  save_tensors(dir.path(), two_tensors());
  const std::string error = error_of([&] {
    load_tensors(dir.path(), {{"xx", DType::BF16, {2, 3}, Role::Input}});
  });
  CHECK(error.find("manifest.missing-tensor|") == 0);
  CHECK(error.find("tensor xx is not listed (did you mean x") != std::string::npos);
  write_file(dir / "file", "");
  CHECK(error_id([&] { save_tensors(dir / "file/sub", two_tensors()); }) == "manifest.write");
}

TEST_CASE("a program's inputs survive saving and loading") {
  const TempDir dir;
  const Program& p = find_program("rmsnorm");
  const Knobs k = p.resolve("decode", {{"tokens", "16"}, {"hidden", "256"}});
  const TensorSet inputs = p.make_inputs(k, "decode", 5);
  save_tensors(dir.path(), inputs);
  const TensorSet back = load_tensors(dir.path(), p.inputs(k, "decode"));
  for (const HostTensor& t : inputs.all()) CHECK(kernels_test::same_bytes(back.at(t.name), t));
}
