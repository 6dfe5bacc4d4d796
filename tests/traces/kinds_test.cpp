// Reasons by kind of instruction, and groups of scopes.
#include "traces/kinds.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "traces/compare.h"
#include "traces/report.h"
#include "traces/sample.h"

using namespace traces;
using Catch::Matchers::Contains;
using nlohmann::json;

namespace {

Picoseconds us(int64_t v) { return sample::ns(v * 1000); }

ScopeSummary scope(const std::string& name, int64_t busy_us) {
  ScopeSummary s;
  s.name = name;
  s.tasks = s.blocks = s.lanes = 2;
  s.busy = us(busy_us);
  return s;
}

/// `count` instructions: `bytes` of GM in all, pipe taken for `busy_us`, `advance_us` of the scope.
void put(ScopeSummary& s, const std::string& opcode, int64_t count, int64_t bytes, int64_t busy_us,
         int64_t advance_us) {
  s.instructions[opcode] = count;
  s.op_costs[opcode] = {bytes, us(busy_us), us(advance_us)};
}

Summary run(std::vector<ScopeSummary> scopes, std::vector<ScopeGroup> groups = {}) {
  Summary s;
  s.run.program = "demo";
  s.makespan = us(100);
  s.scopes = std::move(scopes);
  s.groups = std::move(groups);
  s.clock_mhz = 1850;
  return s;
}

ScopeComparison only(const ScopeSummary& a, const ScopeSummary& b) {
  return compare(run({a}), run({b})).scopes.at(0);
}

/// The six scopes of one rotation change in small: gathers go, a new pre-pass goes, stores come.
Summary gathering() {
  ScopeSummary rope = scope("rope", 1400), cs = scope("rope_cs", 53), step = scope("hca_rope", 91);
  put(rope, "TGATHER", 16384, 0, 1000, 1100);
  put(rope, "TLOAD", 512, 65536, 80, 90);
  put(cs, "TGATHER", 512, 0, 40, 45);
  put(step, "TLOAD", 256, 32768, 30, 40);
  put(step, "TSTORE", 256, 32768, 30, 40);
  return run({rope, cs, step}, {{"RoPE", {"rope", "rope_cs", "hca_rope"}}});
}

Summary slicing() {
  ScopeSummary rope = scope("rope", 300), step = scope("hca_rope", 126);
  put(rope, "TLOAD", 256, 65536, 80, 90);
  put(step, "TLOAD", 512, 65536, 45, 55);
  put(step, "TSTORE", 512, 65536, 50, 60);
  return run({rope, step}, {{"RoPE", {"rope", "rope_cs", "hca_rope"}}});
}

}  // namespace

TEST_CASE("every opcode has a kind, and gathers are rows") {
  CHECK(kind_of("TGATHER") == InstrKind::RowGather);
  CHECK(kind_of("TGATHERM") == InstrKind::MaskGather);
  CHECK(kind_of("TSCATTER") == InstrKind::Scatter);
  CHECK(kind_of("TMATMUL_ACC") == InstrKind::Matmul);
  CHECK(kind_of("TCOLEXPANDMUL") == InstrKind::Vector);
  CHECK(kind_of("TCOLMAX") == InstrKind::Reduction);
  CHECK(kind_of("SREAD") == InstrKind::ScalarRead);
  CHECK(kind_of("SWORK") == InstrKind::Scalar);
  CHECK(kind_of("") == InstrKind::Scalar);
}

TEST_CASE("removed gathers are named with rows, cycles and time") {
  const Comparison c = compare(gathering(), slicing());
  REQUIRE(c.scopes.size() == 3);
  CHECK(c.scopes[0].verdict ==
        "4.67x faster: 16384 row gathers (1850000 cycles) removed (-1100.0 us)");
  CHECK(c.scopes[1].verdict ==
        "removed: -53.0 us, 512 row gathers (74000 cycles) removed (-45.0 us)");
}

TEST_CASE("loads and stores that come are named with their size") {
  const Comparison c = compare(gathering(), slicing());
  CHECK(c.scopes[2].verdict ==
        "1.38x slower: 256 stores of 128 B (37000 cycles) gained (+20.0 us), 256 loads of 128 B "
        "(27750 cycles) gained (+15.0 us)");
}

TEST_CASE("a group sums its scopes, whichever of them a side has") {
  const Comparison c = compare(gathering(), slicing());
  REQUIRE(c.groups.size() == 1);
  CHECK(c.groups[0].busy.a == us(1544));
  CHECK(c.groups[0].busy.b == us(426));
  CHECK(c.groups[0].verdict ==
        "3.62x faster: 16896 row gathers (1924000 cycles) removed (-1145.0 us)");
  CHECK_THAT(c.verdict, Contains("; RoPE busy -72.4 % (1544.0 → 426.0 us)"));
  CHECK(compare(gathering(), gathering()).groups[0].verdict == "unchanged");
}

TEST_CASE("groups of the two sides are joined by name") {
  Summary a = gathering(), b = slicing();
  a.groups = {{"RoPE", {"rope", "rope_cs"}}, {"tables", {"rope_cs"}}};
  b.groups = {{"RoPE", {"hca_rope", "rope"}}, {"step", {"hca_rope"}}};
  const Comparison c = compare(a, b);
  REQUIRE(c.groups.size() == 3);
  CHECK(c.groups[0].group.scopes == std::vector<std::string>{"rope", "rope_cs", "hca_rope"});
  CHECK(c.groups[1].busy.b == us(0));
  CHECK(c.groups[2].group.name == "step");
}

TEST_CASE("a change of number against the time, and none at all") {
  ScopeSummary a = scope("s", 200), b = scope("s", 100);
  put(a, "TLOAD", 64, 1000, 90, 90);
  put(b, "TLOAD", 128, 4000, 20, 20);
  CHECK(only(a, b).verdict == "2.00x faster: loads 64 → 128 (-70.0 us)");
  put(b, "TLOAD", 64, 1000, 20, 20);
  CHECK(only(a, b).verdict == "2.00x faster: the same 64 loads (-70.0 us)");
  put(b, "TLOAD", 64, 500, 20, 20);
  CHECK(only(a, b).verdict == "2.00x faster: the same 64 loads, 1000 B → 500 B (-70.0 us)");
}

TEST_CASE("bytes moved stand beside loads that are named") {
  ScopeSummary a = scope("proj", 400), b = scope("proj", 100);
  put(a, "TLOAD", 1024, 2'000'000, 300, 300);
  put(b, "TLOAD", 128, 2'000'000, 50, 50);
  a.gm.moved_bytes = 16'000'000;
  b.gm.moved_bytes = 2'000'000;
  CHECK(only(a, b).verdict ==
        "4.00x faster: 896 loads (462500 cycles) removed (-250.0 us), GM moved 16.00 MB → 2.00 MB");
}

TEST_CASE("kinds that make less than 15 % of a change are not named") {
  ScopeSummary a = scope("s", 200), b = scope("s", 100);
  put(a, "TGATHER", 10, 0, 14, 14);
  put(b, "TLOAD", 1, 64, 1, 1);
  CHECK(only(a, b).verdict == "2.00x faster: no single pipe or wait explains it");
  put(a, "TGATHER", 1, 0, 15, 15);
  CHECK(only(a, b).verdict == "2.00x faster: 1 row gather (27750 cycles) removed (-15.0 us)");
}

TEST_CASE("without costs of instructions the bound is named") {
  ScopeSummary a = scope("s", 200), b = scope("s", 100);
  a.instructions["TGATHER"] = 64;
  a.pipes[static_cast<size_t>(isa::Pipe::V)] = us(100);
  put(b, "TLOAD", 1, 64, 1, 1);  // one side is of an older version
  CHECK(only(a, b).kinds.empty());
  CHECK(only(a, b).verdict == "2.00x faster: TGATHER 64 → 0 (V -100.0 us)");
}

TEST_CASE("groups and kinds in text, markdown and JSON") {
  Summary a = gathering(), b = slicing();
  a.observer_effect = true;
  b.observer_effect = true;
  const Comparison c = compare(a, b);
  const std::string text = compare_text(c);
  CHECK_THAT(text, Contains("observer effect: on\n"));
  CHECK_THAT(text, Contains("Σ RoPE"));
  CHECK_THAT(text, Contains("cores busy on average"));
  CHECK_THAT(text, Contains("By kind of instruction"));
  CHECK_THAT(text, Contains("row gathers"));
  CHECK_THAT(compare_markdown(c), Contains("| Σ RoPE |  | 1544.0 | 426.0 | -1118.0 | -72.4 % |"));
  CHECK_THAT(
      compare_markdown(c),
      Contains("| hca_rope | stores | 256 | 512 | 32.8 KB | 65.5 KB | 55500 | 92500 | 40.0 | "
               "60.0 | +20.0 |"));
  const json j = json::parse(compare_json(c));
  CHECK(j["groups"][0]["name"] == "RoPE");
  CHECK(j["groups"][0]["scopes"].size() == 3);
  CHECK(j["groups"][0]["busy_us"]["a"] == 1544.0);
  CHECK(j["groups"][0]["kinds"][0]["kind"] == "row gathers");
  CHECK(j["groups"][0]["kinds"][0]["a"] ==
        json({{"count", 16896}, {"bytes", 0}, {"busy_us", 1040.0}, {"advance_us", 1145.0}}));
  CHECK(j["scopes"][2]["kinds"][0]["b"]["bytes"] == 65536);
  CHECK(j["observer_effect"] == json({{"a", true}, {"b", true}}));
  CHECK(j["cores_busy_mean"]["a"] == 15.44);
}

TEST_CASE("only the largest changes are shown in numbers") {
  std::vector<ScopeSummary> left, right;
  for (int i = 0; i < 40; ++i) {
    ScopeSummary a = scope("s" + std::to_string(i), 100 + i), b = scope(a.name, 50);
    put(a, "TADD", 10, 0, 20 + i, 20 + i);
    put(b, "TADD", 5, 0, 1, 1);
    left.push_back(a);
    right.push_back(b);
  }
  const std::string text = compare_text(compare(run(left), run(right)));
  CHECK_THAT(text,
             Contains("12 changes are explained; 28 smaller ones are in the JSON form only."));
  CHECK_THAT(text, Contains("\ns28: "));
  CHECK_THAT(text, !Contains("\ns27: "));
  // 40 rows of scopes, then 12 of kinds, and no pipe or wait differs
  CHECK(text.find("s28 ", text.find("By kind")) != std::string::npos);
  CHECK(text.find("s27 ", text.find("By kind")) == std::string::npos);
}

TEST_CASE("small changes are explained if a group or one side only has them") {
  std::vector<ScopeSummary> left, right;
  for (int i = 0; i < 20; ++i) {
    left.push_back(scope("s" + std::to_string(i), 1000 + i));
    right.push_back(scope("s" + std::to_string(i), 500));
  }
  left.push_back(scope("in_group", 10));
  right.push_back(scope("in_group", 11));
  left.push_back(scope("outside", 10));
  right.push_back(scope("outside", 11));
  right.push_back(scope("fresh", 1));
  const std::string text = compare_text(compare(run(left, {{"g", {"in_group"}}}), run(right)));
  CHECK_THAT(text, Contains("\nΣ g: 1.10x slower"));
  CHECK_THAT(text, Contains("\nin_group: 1.10x slower"));
  CHECK_THAT(text, Contains("\nfresh: new: +1.00 us"));
  CHECK_THAT(text, !Contains("\noutside: "));
}

TEST_CASE("the totals of a run show groups, wall, busy, cores and the observer effect") {
  Summary s = gathering();
  CHECK(totals_text(s) ==
        "RoPE busy 1544.0 us, 100.0 % of the module (rope, rope_cs, hca_rope)\n"
        "module wall 100.0 us, busy 1544.0 us, 15.4 cores busy on average\n");
  s.observer_effect = false;
  s.groups = {{"none of these ran", {"x"}}};
  CHECK(totals_text(s) ==
        "module wall 100.0 us, busy 1544.0 us, 15.4 cores busy on average; observer effect off\n");
}

TEST_CASE("groups and costs survive summary.json; older files have neither") {
  Summary s = gathering();
  s.observer_effect = true;
  const std::string text = summary_json(s);
  const Summary back = parse_summary(text, "x");
  CHECK(summary_json(back) == text);
  CHECK(back.groups[0].scopes == s.groups[0].scopes);
  CHECK(back.scopes[0].op_costs.at("TGATHER").advance == us(1100));
  CHECK(back.clock_mhz == 1850);
  json old = json::parse(text);
  for (const char* key : {"groups", "observer_effect", "clock_mhz"}) old.erase(key);
  for (json& sc : old["scopes"]) sc.erase("op_costs");
  const Summary older = parse_summary(old.dump(), "x");
  CHECK(older.groups.empty());
  CHECK_FALSE(older.observer_effect.has_value());
  CHECK(older.scopes[0].op_costs.empty());
  old["groups"] = {{{"name", "RoPE"}, {"scopes", {1}}}};
  CHECK(sample::error_id([&] { parse_summary(old.dump(), "x"); }) == "summary.type");
}
