// What a user does, done with the real executables on the smallest programs.
#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

#include "apps/cli_fixtures.h"
#include "apps/request.h"
#include "apps/run_cli.h"
#include "kernels/manifest.h"
#include "kernels/program.h"

namespace apps_test {
namespace {

using nlohmann::json;
using Args = std::vector<std::string>;

CliResult succeed(const std::string& program, const Args& args, const std::filesystem::path& cwd) {
  CliResult r = run_cli(program, args, cwd);
  INFO("stderr: " << r.err);
  CHECK(r.exit_code == 0);
  CHECK(r.err == "");
  return r;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const Args kSmallRun = {"run", "rmsnorm", "--set", kSmallRmsnorm};

Args operator+(Args a, const Args& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST_CASE("run writes the whole output folder and nothing else") {
  const TempDir cwd;
  const CliResult r = succeed("a2a3sim", kSmallRun + Args{"--out", "here"}, cwd.path());
  CHECK(contains(r.out, "golden PASS (seed 1)"));
  CHECK(contains(r.out, "rms_norm"));
  CHECK(contains(r.out, "output: here"));
  std::vector<std::string> names;
  for (const auto& [name, content] : snapshot(cwd.path())) {
    names.push_back(name);
    INFO(name);
    CHECK(!content.empty());
  }
  REQUIRE(names.size() >= 12);
  for (const char* file :
       {"here", "here/dfx_outputs", "here/dfx_outputs/chip_swimlane_records.json",
        "here/dfx_outputs/deps.json", "here/dfx_outputs/merged_swimlane_rmsnorm.json",
        "here/dfx_outputs/pmu.csv", "here/report",
        "here/report/memory_after_AllocateMemoryAddr.txt", "here/report/perf_hints.log",
        "here/summary.json", "here/swimlane.svg", "here/viewer.html"}) {
    INFO(file);
    CHECK(std::count(names.begin(), names.end(), file) == 1);
  }
  CHECK(std::count_if(names.begin(), names.end(), [](const std::string& n) {
          return n.rfind("here/dfx_outputs/name_map_", 0) == 0;
        }) == 1);
  for (const std::string& name : names) {
    INFO(name);
    CHECK(name.rfind("here", 0) == 0);
  }
  for (const std::string& name : names)
    if (name.size() > 5 && name.substr(name.size() - 5) == ".json") {
      INFO(name);
      CHECK(json::accept(read_file(cwd / name)));
    }
  const json s = json::parse(read_file(cwd / "here/summary.json"));
  CHECK(s["program"] == "rmsnorm");
  CHECK(s["mode"] == "decode");
  CHECK(s["chip"] == "a2a3");
  CHECK(s["knobs"]["tokens"] == "8");
  CHECK(s["golden"]["passed"] == true);
  CHECK(s["golden"]["outputs"][0]["total"] == 8 * 128);
  CHECK(s["makespan_us"].get<double>() > 0);
}

TEST_CASE("without --out the folder is named after the settings") {
  const TempDir cwd;
  succeed("a2a3sim", kSmallRun + Args{"--mode", "prefill"}, cwd.path());
  CHECK(std::filesystem::exists(cwd / "out/rmsnorm-prefill-tokens=8-hidden=128/summary.json"));
}

TEST_CASE("an earlier output of ours is replaced") {
  const TempDir cwd;
  succeed("a2a3sim", kSmallRun + Args{"--out", "o", "--gzip"}, cwd.path());
  CHECK(std::filesystem::exists(cwd / "o/dfx_outputs/merged_swimlane_rmsnorm.json.gz"));
  succeed("a2a3sim", kSmallRun + Args{"--out", "o"}, cwd.path());
  CHECK(std::filesystem::exists(cwd / "o/dfx_outputs/merged_swimlane_rmsnorm.json"));
  CHECK_FALSE(std::filesystem::exists(cwd / "o/dfx_outputs/merged_swimlane_rmsnorm.json.gz"));
}

TEST_CASE("run --json prints the summary and only that; --no-out writes nothing") {
  const TempDir cwd;
  const CliResult r = succeed("a2a3sim", kSmallRun + Args{"--json", "--no-out"}, cwd.path());
  REQUIRE(json::accept(r.out));
  CHECK(json::parse(r.out)["golden"]["passed"] == true);
  CHECK(snapshot(cwd.path()).empty());
  const CliResult unchecked =
      succeed("a2a3sim", kSmallRun + Args{"--json", "--no-out", "--no-golden"}, cwd.path());
  CHECK(json::parse(unchecked.out)["golden"].is_null());
}

TEST_CASE("a5sim runs on a5 and a2a3sim --chip a5 gives the same") {
  const TempDir cwd;
  const Args args = kSmallRun + Args{"--json", "--no-out"};
  const CliResult a5 = succeed("a5sim", args, cwd.path());
  CHECK(json::parse(a5.out)["chip"] == "a5");
  CHECK(succeed("a2a3sim", args + Args{"--chip", "a5"}, cwd.path()).out == a5.out);
}

TEST_CASE("output folders are the same to the byte, whatever the threads") {
  const TempDir cwd;
  const Args run = {"run", "qkv_proj_rope", "--set", "era=p718", "--detail", "--out"};
  succeed("a2a3sim", run + Args{"a", "--threads", "1"}, cwd.path());
  succeed("a2a3sim", run + Args{"b", "--threads", "2"}, cwd.path());
  succeed("a2a3sim", run + Args{"c", "--threads", "2"}, cwd.path());
  const auto a = snapshot(cwd / "a");
  REQUIRE(a.size() >= 11);
  for (const char* other : {"b", "c"}) {
    const auto files = snapshot(cwd / other);
    REQUIRE(files.size() == a.size());
    for (const auto& [name, content] : a) {
      INFO(other << "/" << name);
      CHECK((files.count(name) == 1 && files.at(name) == content));
    }
  }
}

TEST_CASE("the seed changes the inputs and is told") {
  const TempDir cwd;
  const auto output = [&](const char* seed) {
    const CliResult r = succeed(
        "a2a3sim", kSmallRun + Args{"--seed", seed, "--no-out", "--save", seed}, cwd.path());
    CHECK(contains(r.out, std::string("(seed ") + seed + ")"));
    return read_file(cwd / seed / "y.npy");
  };
  CHECK(output("1") != output("2"));
}

TEST_CASE("run --verify-lowering says that the lowered program is equal") {
  const TempDir cwd;
  const CliResult r =
      succeed("a2a3sim", kSmallRun + Args{"--verify-lowering", "--no-out"}, cwd.path());
  CHECK(contains(r.out, "lowering PASS"));
}

TEST_CASE("a failed golden is told and ends with code 1") {
  const TempDir cwd;
  make_fixtures(cwd / "fix");
  // NaN is equal to nothing, so no golden can accept it: bf16 0x7fc0 in the last element of x
  std::string x = read_file(cwd / "fix/inputs/good/x.npy");
  x.replace(x.size() - 2, 2, "\xc0\x7f");
  write_file(cwd / "fix/inputs/good/x.npy", x);
  const CliResult r =
      run_cli("a2a3sim", kSmallRun + Args{"--inputs", "fix/inputs/good", "--out", "o"}, cwd.path());
  CHECK(r.exit_code == 1);
  CHECK(contains(r.out, "golden FAIL"));
  CHECK(contains(r.out, "FAIL y"));
  CHECK(json::parse(read_file(cwd / "o/summary.json"))["golden"]["passed"] == false);
}

TEST_CASE("options may stand before the program") {
  const TempDir cwd;
  const Args before = {"run", "--set", kSmallRmsnorm, "--chip-set", "mte2.latency=300", "rmsnorm",
                       "--no-out"};
  CHECK(contains(succeed("a2a3sim", before, cwd.path()).out, "golden PASS"));
}

TEST_CASE("run --save writes what --inputs and load_tensors read") {
  const TempDir cwd;
  succeed("a2a3sim", kSmallRun + Args{"--no-out", "--save", "s"}, cwd.path());
  const kernels::Program& p = kernels::find_program("rmsnorm");
  const kernels::Knobs knobs = p.resolve("decode", app::parse_settings({kSmallRmsnorm}));
  const kernels::TensorSet saved = kernels::load_tensors(cwd / "s", p.outputs(knobs, "decode"));
  const kernels::TensorSet inputs = p.make_inputs(knobs, "decode", 1);
  const kernels::TensorSet golden = p.golden(inputs, knobs, "decode");
  CHECK(p.comparators.at("y")(saved.at("y"), golden.at("y"), inputs).passed);
  // the same inputs from a folder give the same outputs
  succeed("a2a3sim", kSmallRun + Args{"--no-out", "--no-golden", "--save-inputs", "in"}, cwd.path());
  succeed("a2a3sim", kSmallRun + Args{"--no-out", "--inputs", "in", "--save", "t"}, cwd.path());
  CHECK(read_file(cwd / "t/y.npy") == read_file(cwd / "s/y.npy"));
}

TEST_CASE("permute-rope moves the rope lanes of the weights and only those") {
  const TempDir cwd;
  const kernels::Program& p = kernels::find_program("qkv_proj_rope");
  const std::string text =
      "era=p718,tokens=8,hidden=256,q_lora=128,heads=1,kv_split_k=1,qr_split_k=1,"
      "qproj_n_tile=512,qr_norm_chunk=128,q_heads_per_block=1";
  const kernels::Knobs knobs = p.resolve("decode", app::parse_settings({text}));
  kernels::save_tensors(cwd / "in", p.make_inputs(knobs, "decode", 1));
  succeed("a2a3sim", {"permute-rope", "in", "out", "--set", text}, cwd.path());
  const auto specs = p.inputs(knobs, "decode");
  const kernels::TensorSet before = kernels::load_tensors(cwd / "in", specs);
  const kernels::TensorSet after = kernels::load_tensors(cwd / "out", specs);
  CHECK(read_file(cwd / "in/x.npy") == read_file(cwd / "out/x.npy"));
  // wkv [hidden, 512]: rope lanes 448.. of a row, even ones first (kernels.md §3.4)
  const auto& a = before.at("wkv");
  const auto& b = after.at("wkv");
  const auto *from = a.as<uint16_t>(), *to = b.as<uint16_t>();
  int64_t wrong = 0;
  for (int64_t row = 0; row < 256; ++row)
    for (int64_t lane = 0; lane < 512; ++lane) {
      int64_t source = lane;
      if (lane >= 448) source = 448 + (lane < 480 ? 2 * (lane - 448) : 2 * (lane - 480) + 1);
      wrong += to[row * 512 + lane] != from[row * 512 + source];
    }
  CHECK(wrong == 0);
}

TEST_CASE("version and help of every command") {
  const TempDir cwd;
  for (const char* program : {"a2a3sim", "a5sim"}) {
    CHECK(succeed(program, {"--version"}, cwd.path()).out.rfind(program, 0) == 0);
    CHECK(contains(succeed(program, {"--help"}, cwd.path()).out, "Exit codes"));
    for (const char* command :
         {"list", "run", "compare", "sweep", "chip", "validate", "permute-rope"}) {
      INFO(program << " " << command);
      CHECK(contains(succeed(program, {command, "--help"}, cwd.path()).out, "Usage"));
    }
  }
  CHECK(snapshot(cwd.path()).empty());
}

TEST_CASE("list groups the knobs of a block by its parts and can pick some") {
  const TempDir cwd;
  const Args list = {"list", "decode_attention_hca"};
  const std::string all = succeed("a2a3sim", list, cwd.path()).out;
  for (const char* part : {"qkv_proj_rope", "hc_pre", "hc_post", "compressor", "sparse_attn"}) {
    INFO(part);
    CHECK(contains(all, "\n\n" + std::string(part) + ":\n"));
    const size_t title = all.find("\n" + std::string(part) + ":\n");
    CHECK(all.find("\n" + std::string(part) + ":\n", title + 1) == std::string::npos);  // once
  }
  CHECK(all.find("\nqproj_n_tile ") > all.find("\nqkv_proj_rope:\n"));
  CHECK(all.find("\nqproj_n_tile ") < all.find("\nhc_pre:\n"));
  std::istringstream lines(all);
  for (std::string line; std::getline(lines, line);) {
    INFO(line);
    CHECK(line.size() <= 110);
  }
  const std::string some = succeed("a2a3sim", list + Args{"--match", "hc_post"}, cwd.path()).out;
  CHECK(contains(some, "hc_post_t_tile"));
  CHECK_FALSE(contains(some, "hc_pre_t_tile"));
}

TEST_CASE("list shows programs, then knobs with defaults and ranges") {
  const TempDir cwd;
  const std::string all = succeed("a2a3sim", {"list"}, cwd.path()).out;
  for (const kernels::Program& p : kernels::programs()) CHECK(contains(all, p.name));
  const std::string one = succeed("a5sim", {"list", "rmsnorm"}, cwd.path()).out;
  CHECK(contains(one, "decode, prefill"));
  CHECK(contains(one, "[8..1024, multiple of 8]"));
  const json j = json::parse(succeed("a2a3sim", {"list", "--json"}, cwd.path()).out);
  CHECK(j.size() == kernels::programs().size());
  const json k = json::parse(succeed("a2a3sim", {"list", "rmsnorm", "--json"}, cwd.path()).out);
  CHECK(k["knobs"][0]["name"] == "tokens");
  CHECK(k["knobs"][0]["default"] == "128");
}

TEST_CASE("chip shows every constant with its source and marks overridden ones") {
  const TempDir cwd;
  const std::string text = succeed("a2a3sim", {"chip"}, cwd.path()).out;
  CHECK(contains(text, "a2a3 / 910_9382: 24 AIC + 48 AIV at 1800 MHz"));
  CHECK(contains(text, "910B3"));
  CHECK_FALSE(contains(text, "(overridden)"));
  const Args set = {"chip", "--chip-set", "mte2.latency=300"};
  const std::string changed = succeed("a2a3sim", set, cwd.path()).out;
  const size_t at = changed.find("\nmte2.latency ") + 1;
  const std::string line = changed.substr(at, changed.find('\n', at) - at);
  CHECK((contains(line, " 300 ") && contains(line, "(overridden)")));
  const json j = json::parse(succeed("a2a3sim", set + Args{"--json"}, cwd.path()).out);
  CHECK(j["parameters"]["mte2.latency"]["value"] == 300);
  CHECK(j["parameters"]["mte2.latency"]["overridden"] == true);
  CHECK(j["parameters"]["mte2.issue_gap"]["overridden"] == false);
  for (const auto& [key, p] : j["parameters"].items()) {
    INFO(key);
    CHECK((!p["source"].get<std::string>().empty() && !p["confidence"].get<std::string>().empty()));
  }
  CHECK(json::parse(succeed("a5sim", {"chip", "--json"}, cwd.path()).out)["chip"] == "a5");
  const std::string soc = succeed("a2a3sim", {"chip", "--soc", "910_9372"}, cwd.path()).out;
  CHECK(contains(soc, "a2a3 / 910_9372: 20 AIC + 40 AIV"));
}

TEST_CASE("a chip file is used and a slower one is slower") {
  const TempDir cwd;
  make_fixtures(cwd / "fix");
  const Args run = kSmallRun + Args{"--json", "--no-out"};
  const auto wall = [&](const Args& more) {
    return json::parse(succeed("a2a3sim", run + more, cwd.path()).out)["makespan_us"].get<double>();
  };
  const double builtin = wall({});
  CHECK(wall({"--chip", "fix/chips/good.toml"}) == builtin);
  CHECK(wall({"--chip-set", "mte2.latency=2650"}) > builtin);
}

}  // namespace
}  // namespace apps_test
