#include "traces/compare.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "traces/sample.h"

using namespace traces;
using Catch::Matchers::Contains;
using nlohmann::json;

namespace {

Picoseconds us(int64_t v) { return sample::ns(v * 1000); }

ScopeSummary scope(const std::string& name, int64_t busy_us) {
  ScopeSummary s;
  s.name = name;
  s.tasks = s.blocks = s.lanes = 32;
  s.busy = us(busy_us);
  return s;
}

Summary run(std::vector<ScopeSummary> scopes, int64_t wall_us = 100) {
  Summary s;
  s.run.program = "demo";
  s.makespan = us(wall_us);
  s.scopes = std::move(scopes);
  return s;
}

Picoseconds& pipe(ScopeSummary& s, isa::Pipe p) { return s.pipes[static_cast<size_t>(p)]; }
Picoseconds& wait(ScopeSummary& s, WaitReason w) { return s.waits[static_cast<size_t>(w)]; }

ScopeComparison only(const ScopeSummary& a, const ScopeSummary& b) {
  return compare(run({a}), run({b})).scopes.at(0);
}

}  // namespace

TEST_CASE("the verdict names the instructions that are gone from the pipe that got free") {
  ScopeSummary a = scope("q_head_rope_fused", 1444), b = scope("q_head_rope_fused", 439);
  pipe(a, isa::Pipe::V) = us(1300);
  pipe(b, isa::Pipe::V) = us(296);
  pipe(a, isa::Pipe::MTE2) = us(100);
  pipe(b, isa::Pipe::MTE2) = us(90);
  a.instructions = {{"TGATHER", 16384}, {"TMUL", 200}, {"TLOAD", 64}};
  b.instructions = {{"TMUL", 300}, {"TLOAD", 60}};
  const ScopeComparison s = only(a, b);
  CHECK(s.verdict == "3.29x faster: TGATHER 16384 → 0 (V -1004.0 us)");
  CHECK(s.change == Change::Faster);
  CHECK(s.reason.kind == Reason::Kind::Pipe);
  CHECK(s.reason.pipe == isa::Pipe::V);
  CHECK(s.reason.change == us(-1004));
  REQUIRE(s.reason.facts.size() == 1);  // TMUL rose, TLOAD runs elsewhere
}

TEST_CASE("a load-bound change is explained by the bytes moved") {
  ScopeSummary a = scope("qr_proj", 400), b = scope("qr_proj", 100);
  pipe(a, isa::Pipe::MTE2) = us(380);
  pipe(b, isa::Pipe::MTE2) = us(90);
  a.gm.asked_bytes = b.gm.asked_bytes = 2'000'000;
  a.gm.moved_bytes = 16'000'000;
  b.gm.moved_bytes = 2'000'000;
  a.gm.rows = 100;
  b.gm.rows = 100;  // unchanged: no fact
  a.gm.dmas = 100;
  b.gm.dmas = 99;  // by less than 2 %: no fact
  a.gm.line_misses = 10;
  b.gm.line_misses = 20;  // the other way: no fact
  a.instructions = {{"TLOAD", 100}};
  b.instructions = {{"TLOAD", 50}};
  const ScopeComparison s = only(a, b);
  CHECK(s.verdict == "4.00x faster: GM moved 16.00 MB → 2.00 MB (MTE2 -290.0 us)");
  std::vector<std::string> facts;
  for (const Fact& f : s.reason.facts) facts.push_back(f.what);
  CHECK(facts == std::vector<std::string>{"GM moved bytes", "over-fetch %", "TLOAD"});
  CHECK(s.reason.facts[1].a == 800);
  CHECK(only(b, a).verdict == "4.00x slower: GM moved 2.00 MB → 16.00 MB (MTE2 +290.0 us)");
}

TEST_CASE("a pipe explains a change from a quarter of it on, else a wait does") {
  ScopeSummary a = scope("s", 200), b = scope("s", 100);
  pipe(a, isa::Pipe::M) = us(25);
  wait(a, WaitReason::CrossCore) = us(90);
  CHECK(only(a, b).verdict == "2.00x faster: same instruction counts (M -25.0 us)");
  pipe(a, isa::Pipe::M) = us(24);
  CHECK(only(a, b).verdict == "2.00x faster: wait for cross_core -90.0 us");
  wait(a, WaitReason::CrossCore) = us(24);
  CHECK(only(a, b).verdict == "2.00x faster: no single pipe or wait explains it");
  wait(a, WaitReason::Memory) = us(50);
  a.gm.line_misses = 1000;
  CHECK(only(a, b).verdict == "2.00x faster: lines missed 1000 → 0, wait for memory -50.0 us");
}

TEST_CASE("a pipe that changed the other way explains nothing") {
  ScopeSummary a = scope("s", 200), b = scope("s", 100);
  pipe(b, isa::Pipe::V) = us(80);
  CHECK(only(a, b).reason.kind == Reason::Kind::None);
}

TEST_CASE("scopes on one side only, and none to divide by") {
  const Comparison c = compare(run({scope("gone", 53), scope("kept", 10)}),
                               run({scope("kept", 10), scope("new", 7), scope("idle", 0)}));
  REQUIRE(c.scopes.size() == 4);
  CHECK(c.scopes[0].change == Change::Removed);
  CHECK(c.scopes[0].verdict == "removed: -53.0 us");
  CHECK_FALSE(c.scopes[0].b.has_value());
  CHECK(c.scopes[1].verdict == "unchanged");
  CHECK(c.scopes[2].verdict == "new: +7.00 us");
  CHECK(c.scopes[3].verdict == "new: +0.00 us");
  CHECK_FALSE(c.scopes[0].busy.ratio().has_value());
  CHECK(only(scope("z", 0), scope("z", 5)).verdict ==
        "+5.00 us: no single pipe or wait explains it");
  CHECK(only(scope("z", 0), scope("z", 0)).verdict == "unchanged");
}

TEST_CASE("half a percent is the same, more is not") {
  CHECK(TimePair{us(1000), us(1000)}.change() == Change::Same);
  CHECK(TimePair{sample::ns(1000000), sample::ns(995001)}.change() == Change::Same);
  CHECK(TimePair{sample::ns(1000000), sample::ns(995000)}.change() == Change::Faster);
  CHECK(TimePair{sample::ns(995000), sample::ns(1000000)}.change() == Change::Slower);
  CHECK(TimePair{Picoseconds(0), Picoseconds(999)}.change() == Change::Same);
  CHECK(TimePair{Picoseconds(0), Picoseconds(1000)}.change() == Change::Slower);
}

TEST_CASE("the total names wall, busy and the scope behind it") {
  const Comparison c = compare(run({scope("a", 800), scope("b", 100)}, 936),
                               run({scope("a", 200), scope("b", 120)}, 407));
  CHECK(c.verdict ==
        "2.30x faster (936.0 → 407.0 us wall), busy 2.81x faster (900.0 → 320.0 us); most of it in "
        "a (-600.0 us)");
}

TEST_CASE("labels come from what differs") {
  Summary a = run({}), b = run({});
  CHECK(compare(a, b).label_a == "A");
  CHECK(compare(a, b).label_b == "B");
  a.run.knobs = {{"tiling", "m16n32"}, {"layout", "swap"}};
  b.run.knobs = {{"tiling", "m128n256"}, {"layout", "swap"}};
  CHECK(compare(a, b).label_a == "tiling=m16n32");
  CHECK(compare(a, b).label_b == "tiling=m128n256");
  b.run.chip = "a5";
  CHECK(compare(a, b).label_b == "a5 tiling=m128n256");
  for (const char* knob : {"k1", "k2", "k3"}) a.run.knobs[knob] = "1";
  CHECK(compare(a, b).label_a == "k1=1 (and 3 more knobs)");
  CHECK(compare(a, b, "before", "after").label_a == "before");
}

TEST_CASE("opcodes belong to the pipes they run on") {
  using isa::Pipe;
  CHECK(runs_on("TLOAD", Pipe::MTE2));
  CHECK_FALSE(runs_on("TLOAD", Pipe::V));
  CHECK(runs_on("TSTORE", Pipe::MTE3));
  CHECK(runs_on("TSTORE", Pipe::FIX));
  CHECK(runs_on("TMOV", Pipe::MTE1));
  CHECK(runs_on("TMOV", Pipe::V));
  CHECK(runs_on("TMATMUL_ACC", Pipe::M));
  CHECK(runs_on("TGATHER", Pipe::V));
  CHECK(runs_on("SREAD", Pipe::S));
  CHECK_FALSE(runs_on("", Pipe::V));
  // every opcode runs somewhere
  for (int op = 0; op < isa::kOpcodes; ++op) {
    bool any = false;
    for (int p = 0; p < isa::kPipes; ++p)
      any |= runs_on(std::string(isa::name(static_cast<isa::Opcode>(op))), static_cast<Pipe>(p));
    INFO(isa::name(static_cast<isa::Opcode>(op)));
    CHECK(any);
  }
}

TEST_CASE("the three forms carry the same facts") {
  ScopeSummary a = scope("rope", 300), b = scope("rope", 100);
  pipe(a, isa::Pipe::V) = us(250);
  pipe(b, isa::Pipe::V) = us(50);
  a.instructions = {{"TGATHER", 64}};
  Summary left = run({a, scope("gone", 1)}, 50), right = run({b}, 20);
  left.golden = Golden{true, {}};
  const Comparison c = compare(left, right);

  const std::string text = compare_text(c);
  CHECK_THAT(text, Contains("golden: A PASS, B not checked"));
  CHECK_THAT(text, Contains("3.00x faster: TGATHER 64 → 0 (V -200.0 us)"));
  CHECK_THAT(text, Contains("-66.7 %"));
  CHECK_THAT(text, Contains("pipe V us"));
  CHECK_THAT(text, Contains("B against A: 2.50x faster (50.0 → 20.0 us wall)"));

  const std::string markdown = compare_markdown(c);
  CHECK_THAT(markdown, Contains("| rope | 32 | 300.0 | 100.0 | -200.0 | -66.7 % | 3.00x | 0.00 "
                                "→ 0.00 | 3.00x faster: TGATHER 64 → 0 (V -200.0 us) |"));
  CHECK_THAT(markdown,
             Contains("| gone | 32 → 0 | 1.00 | - | -1.00 | removed | - | 0.00 | removed"));

  const json j = json::parse(compare_json(c));
  CHECK(j["verdict"] == c.verdict);
  CHECK(j["makespan_us"] ==
        json({{"a", 50.0}, {"b", 20.0}, {"difference", -30.0}, {"ratio", 2.5}}));
  CHECK(j["scopes"][0]["reason"] ==
        json({{"kind", "pipe"},
              {"name", "V"},
              {"change_us", -200.0},
              {"facts", {{{"what", "TGATHER"}, {"a", 64}, {"b", 0}}}}}));
  CHECK(j["scopes"][1]["change"] == "removed");
  CHECK(j["scopes"][1]["b"].is_null());
  CHECK(j["scopes"][1]["busy_us"]["ratio"].is_null());
  CHECK(j["scopes"][1]["reason"].is_null());
}

TEST_CASE("comparing a run with itself changes nothing") {
  const Summary s = summarize(sample::timeline(), sample::graph(), {});
  const Comparison c = compare(s, s);
  for (const ScopeComparison& scope : c.scopes) CHECK(scope.verdict == "unchanged");
  CHECK_THAT(c.verdict, Contains("unchanged"));
  CHECK_THAT(compare_text(c), !Contains("Behind the changes"));
}
