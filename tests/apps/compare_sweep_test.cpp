// Side by side and ranked: compare, sweep and validate with the real executable.
#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "apps/cli_fixtures.h"
#include "apps/run_cli.h"

namespace apps_test {
namespace {

using nlohmann::json;
using Args = std::vector<std::string>;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Args operator+(Args a, const Args& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::string out_of(const Args& args, const std::filesystem::path& cwd) {
  const CliResult r = run_cli("a2a3sim", args, cwd);
  INFO("stderr: " << r.err);
  CHECK(r.exit_code == 0);
  CHECK(r.err == "");
  return r.out;
}

const Args kCompare = {"compare", "rmsnorm",  "--set", kSmallRmsnorm,
                       "--a",     "chunk=32", "--b",   "chunk=128"};

TEST_CASE("compare of two variants: text, markdown, json") {
  const TempDir cwd;
  const std::string text = out_of(kCompare, cwd.path());
  CHECK(contains(text, "chunk=32"));
  CHECK(contains(text, "chunk=128"));
  CHECK(contains(text, "rms_norm"));
  CHECK(contains(out_of(kCompare + Args{"--format", "markdown"}, cwd.path()), "| rms_norm"));
  const std::string j = out_of(kCompare + Args{"--format", "json"}, cwd.path());
  CHECK(json::accept(j));
  CHECK(out_of(kCompare + Args{"--json"}, cwd.path()) == j);
  CHECK(snapshot(cwd.path()).empty());
}

TEST_CASE("compare --out leaves both folders and the comparison, which two folders give too") {
  const TempDir cwd;
  const std::string first = out_of(kCompare + Args{"--out", "c"}, cwd.path());
  CHECK(contains(first, "c/compare"));
  for (const char* file : {"a/summary.json", "b/summary.json", "compare/compare.txt",
                           "compare/compare.md", "compare/compare.json", "compare/compare.html"}) {
    INFO(file);
    CHECK(std::filesystem::exists(cwd / "c" / file));
  }
  json from_folders = json::parse(out_of({"compare", "c/a", "c/b", "--json"}, cwd.path()));
  json from_runs = json::parse(read_file(cwd / "c/compare/compare.json"));
  for (json* j : {&from_folders, &from_runs})  // folders are named after all of their settings
    for (const char* label : {"label_a", "label_b"}) CHECK(j->erase(label) == 1);
  CHECK(from_folders == from_runs);
  out_of(kCompare + Args{"--out", "c"}, cwd.path());  // replaces itself
  CHECK(snapshot(cwd / "c").size() >= 20);
}

TEST_CASE("sweep ranks what runs and gives the reason of what cannot") {
  const TempDir cwd;
  const Args sweep = {"sweep",  "rmsnorm",         "--set",  "tokens=8,hidden=256",
                      "--vary", "chunk=16,96,256", "--jobs", "2"};
  const json points = json::parse(out_of(sweep + Args{"--json"}, cwd.path()));
  REQUIRE(points.size() == 3);
  CHECK(points[0]["makespan_us"].get<double>() <= points[1]["makespan_us"].get<double>());
  CHECK(points[0]["passed"] == true);
  CHECK(points[2]["knobs"]["chunk"] == "96");
  CHECK(contains(points[2]["error"], "knob.conflict"));
  const std::string text = out_of(sweep, cwd.path());
  const auto position = [&](const std::string& part) { return text.find(part); };
  CHECK(position("   1  chunk=" + points[0]["knobs"]["chunk"].get<std::string>()) <
        position("   2  chunk="));
  CHECK(position("   2  chunk=") < position("   -  chunk=96"));
  CHECK(contains(text, "hidden 256 is not divisible by chunk 96"));
  CHECK(snapshot(cwd.path()).empty());
}

TEST_CASE("every point of a grid is in the sweep") {
  const TempDir cwd;
  const json points = json::parse(out_of({"sweep", "rmsnorm", "--set", kSmallRmsnorm, "--vary",
                                          "chunk=64,128", "--vary", "stage=1,2", "--json"},
                                         cwd.path()));
  std::vector<std::string> seen;
  for (const json& p : points)
    seen.push_back(p["knobs"]["chunk"].get<std::string>() + "/" +
                   p["knobs"]["stage"].get<std::string>());
  std::sort(seen.begin(), seen.end());
  CHECK(seen == std::vector<std::string>{"128/1", "128/2", "64/1", "64/2"});
}

TEST_CASE("validate runs the rows of a table on both sides") {
  const TempDir cwd;
  make_fixtures(cwd / "fix");
  const Args validate = {"validate", "--table", "fix/tables/good.toml"};
  const json j = json::parse(out_of(validate + Args{"--json"}, cwd.path()));
  REQUIRE(j["rows"].size() == 1);
  const auto side = [&](const char* setting) {
    return json::parse(out_of({"run", "rmsnorm", "--json", "--no-out", "--set", setting},
                              cwd.path()))["makespan_us"];
  };
  CHECK(j["rows"][0]["predicted"][0] == side("stage=1"));
  CHECK(j["rows"][0]["predicted"][1] == side("stage=2"));
  CHECK(contains(out_of(validate + Args{"--format", "markdown"}, cwd.path()), "| R1 | a row |"));
}

TEST_CASE("validate --rows takes ids and sets; a set is a table of its own") {
  const TempDir cwd;
  make_fixtures(cwd / "fix");
  const std::string row = read_file(cwd / "fix/tables/good.toml");
  std::string in_set = row;
  in_set.replace(in_set.find("\"R1\""), 4, "\"R2\"");
  in_set += "set = \"S\"\nchange_bound = [-1000, 1000]\n";
  write_file(cwd / "t.toml", row + in_set);
  const Args validate = {"validate", "--table", "t.toml", "--format", "markdown", "--rows"};
  const std::string set = out_of(validate + Args{"S"}, cwd.path());
  CHECK(contains(set, "**S (rmsnorm, A: stage=1, B: stage=2)**"));
  CHECK(contains(set, "| R2 | a row |"));
  CHECK_FALSE(contains(set, "| R1 |"));
  const std::string both = out_of(validate + Args{"R1,S"}, cwd.path());
  CHECK(contains(both, "| R1 |"));
  CHECK(contains(both, "| R2 |"));
}

TEST_CASE("run, compare and sweep show the sums of the program's scope groups and the reasons") {
  const TempDir cwd;
  const std::string small = "tokens=32,hidden=1024,heads=8";
  const std::string run =
      out_of({"run", "qkv_proj_rope", "--no-out", "--set", small, "--set", "era=p570"}, cwd.path());
  CHECK(contains(run, "q norm and RoPE busy "));
  CHECK(contains(run, "(q_head_rms_nope, q_head_rope_fused)"));
  CHECK(contains(run, "cores busy on average; observer effect on"));

  const Args compare = {"compare", "qkv_proj_rope", "--set", small,
                        "--a",     "era=pre570",    "--b",   "era=p570"};
  const std::string text = out_of(compare, cwd.path());
  CHECK(contains(text, "Σ q norm and RoPE"));
  const json j = json::parse(out_of(compare + Args{"--json"}, cwd.path()));
  const auto rope = std::find_if(j["scopes"].begin(), j["scopes"].end(),
                                 [](const json& s) { return s["name"] == "q_head_rope_fused"; });
  REQUIRE(rope != j["scopes"].end());
  // 32 tokens of 8 heads in tiles of 32 rows; each block also duplicates its two tables.
  const json& gathers = (*rope)["kinds"][0];
  CHECK(gathers["kind"] == "row gathers");
  CHECK(gathers["b"]["count"] == 0);
  const int64_t blocks = (*rope)["a"]["blocks"];
  CHECK(gathers["a"]["count"] == 32 * 8 + blocks * 2 * 32);
  CHECK(contains((*rope)["verdict"].get<std::string>(),
                 std::to_string(gathers["a"]["count"].get<int64_t>()) + " row gathers ("));
  // The kinds add up to the busy time but for the start of each kernel body, which is a constant.
  std::vector<double> starts;
  for (const char* side : {"a", "b"}) {
    double rest = (*rope)["busy_us"][side];
    for (const json& kind : (*rope)["kinds"]) rest -= kind[side]["advance_us"].get<double>();
    starts.push_back(rest / (*rope)[side]["blocks"].get<double>());
  }
  CHECK(starts[0] == Approx(starts[1]));
  CHECK(starts[0] > 0);
  CHECK(starts[0] < 2);

  const std::string sweep =
      out_of({"sweep", "qkv_proj_rope", "--set", small, "--vary", "era=pre570,p570"}, cwd.path());
  CHECK(contains(sweep, "Σ kv norm and RoPE us"));
  CHECK(sweep.find("era=p570") < sweep.find("era=pre570"));
}

TEST_CASE("a row that cannot run is shown with its reason and ends with code 1") {
  const TempDir cwd;
  make_fixtures(cwd / "fix");
  std::string table = read_file(cwd / "fix/tables/good.toml");
  table.replace(table.find("stage=1"), 7, "stage=9");
  write_file(cwd / "t.toml", table);
  const CliResult r = run_cli("a2a3sim", {"validate", "--table", "t.toml"}, cwd.path());
  CHECK(r.exit_code == 1);
  CHECK(contains(r.out, "[knob.value]"));
  CHECK(contains(r.out, "0 of 1 rows"));
}

}  // namespace
}  // namespace apps_test
