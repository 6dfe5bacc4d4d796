// Every row of the table in runtime.md §1.5, and what follows from it.
#include "program_maker.h"

using namespace maker;

TEST_CASE("INPUT: creator yes, lookup yes, insert no") {
  Maker m;
  const BufferId t = m.buffer("t", {16, 16}),
                 own = m.buffer("own", {16, 16}, BufferRole::Temp, false);
  m.scope("write").writes(t);
  m.scope("create").writes(own);
  m.scope("read").reads(t).reads(own);
  m.scope("read again").reads(t);
  CHECK(edges(m.derive()) ==
        Edges{"0->2:tensormap/covered", "1->2:creator", "0->3:tensormap/covered"});
}

TEST_CASE("INPUT: an edge to every overlapping live writer, with its argument") {
  Maker m;
  const BufferId x = m.buffer("x", {16, 16}, BufferRole::Input), t = m.buffer("t", {32, 16});
  for (int i = 0; i < 4; ++i) m.scope("write", 1).reads(x).writes(t, {8 * i, 0, 8, 16});
  m.scope("read").reads(x).reads(t, {4, 0, 16, 16});
  const TaskGraph g = m.derive();
  CHECK(edges(g) == Edges{"0->4:tensormap", "1->4:tensormap/covered", "2->4:tensormap"});
  for (const TaskEdge& e : g.edges) CHECK(e.arg == 1);
}

TEST_CASE("INOUT: RAW and WAW; covered entries disappear, others stay; insert yes") {
  Maker m;
  const BufferId t = m.buffer("t", {32, 16});
  m.scope("a", 1).writes(t, {0, 0, 16, 16});
  m.scope("b", 1).writes(t, {16, 0, 16, 16});
  m.scope("update").reads(t, {0, 0, 24, 16}).writes(t, {0, 0, 24, 16});  // covers a, not b
  m.scope("read top").reads(t, {0, 0, 8, 16});
  m.scope("read bottom").reads(t, {24, 0, 8, 16});
  m.scope("read all").reads(t);
  CHECK(edges(m.derive()) == Edges{"0->2:tensormap/covered", "1->2:tensormap", "2->3:tensormap",
                                   "1->4:tensormap", "1->5:tensormap/covered",
                                   "2->5:tensormap/covered"});
}

TEST_CASE("OUTPUT: no lookup, no insert; found through the owner only") {
  Maker m;
  const BufferId t = m.buffer("t", {16, 16}, BufferRole::Temp, false);
  m.scope("create").writes(t);
  m.scope("read").reads(t);
  const TaskGraph g = m.derive();
  CHECK(g.tasks[0].args[0].dir == Direction::Output);
  CHECK(edges(g) == Edges{"0->1:creator"});
  CHECK(g.edges[0].arg == 0);
}

TEST_CASE("OUTPUT_EXISTING: creator yes, no lookup, insert yes") {
  Maker m;
  const BufferId t = m.buffer("t", {16, 16});
  // Same source position (a parallel loop), so neither is promoted: no edge between the writers.
  m.scope("w", 1).writes(t);
  m.scope("w", 1).writes(t);
  m.scope("read").reads(t);
  CHECK(edges(m.derive()) == Edges{"0->2:tensormap/covered", "1->2:tensormap/covered"});

  Maker c;
  const BufferId own = c.buffer("own", {16, 16}, BufferRole::Temp, false);
  c.scope("create", 1).writes(own);
  c.scope("create", 1).writes(own);  // again the same call: OUTPUT_EXISTING of an owned buffer
  const TaskGraph g = c.derive();
  CHECK(g.tasks[1].args[0].dir == Direction::OutputExisting);
  CHECK(edges(g) == Edges{"0->1:creator"});
}

TEST_CASE("NO_DEP: creator only, no lookup, no insert") {
  Maker m;
  const BufferId t = m.buffer("t", {16, 16}),
                 own = m.buffer("own", {16, 16}, BufferRole::Temp, false);
  m.scope("write").writes(t).writes(own);
  m.scope("no_dep").no_dep(t).no_dep(own).reads(t).writes(t).reads(own);
  m.scope("read").reads(t);
  const TaskGraph g = m.derive();
  CHECK(g.tasks[1].args[0].dir == Direction::NoDep);
  CHECK(edges(g) == Edges{"0->1:creator", "0->2:tensormap/covered"});
}

TEST_CASE("manual_dep tensors: creator only") {
  Maker m;
  const BufferId t = m.buffer("t", {16, 16}),
                 own = m.buffer("own", {16, 16}, BufferRole::Temp, false);
  m.p.storage[t.value].manual_dep = m.p.storage[own.value].manual_dep = true;
  m.scope("write").writes(t).writes(own);
  m.scope("update").adds(t);
  m.scope("read").reads(t).reads(own);
  const TaskGraph g = m.derive();
  CHECK(g.tasks[1].args[0].dir == Direction::InOut);  // the direction itself is unchanged
  CHECK(edges(g) == Edges{"0->2:creator"});
}

TEST_CASE("manual scope: nothing automatic, neither lookup nor registration") {
  Maker m;
  const BufferId t = m.buffer("t", {16, 16}),
                 own = m.buffer("own", {16, 16}, BufferRole::Temp, false);
  m.scope("create").writes(own).writes(t);
  m.manual = true;
  m.scope("hidden").reads(t).writes(t).reads(own);
  m.scope("after it").deps({TaskId(1)}).reads(t);
  m.manual = false;
  m.scope("read").reads(t);
  const TaskGraph g = m.derive();
  CHECK(g.tasks[1].manual_scope);
  CHECK(edges(g) == Edges{"1->2:explicit", "0->3:tensormap/covered"});
}

TEST_CASE("explicit dependencies add to automatic ones, once per pair, sorted") {
  Maker m;
  const BufferId t = m.buffer("t", {16, 16});
  m.scope("a").writes(t);
  m.scope("b");
  m.scope("c").deps({TaskId(1), TaskId(0), TaskId(1)}).reads(t);
  const TaskGraph g = m.derive();
  CHECK(edges(g) == Edges{"0->2:explicit", "1->2:explicit"});
  CHECK(g.edges[0].arg == -1);
  CHECK(g.tasks[2].explicit_deps.size() == 3);
}

TEST_CASE("two arguments of one producer give one edge, the first argument's") {
  Maker m;
  const BufferId t = m.buffer("t", {16, 16}), u = m.buffer("u", {16, 16});
  m.scope("a").writes(t).writes(u);
  m.scope("b").reads(u).reads(t);
  const TaskGraph g = m.derive();
  REQUIRE(g.edges.size() == 1);
  CHECK(g.edges[0].arg == 0);
}

TEST_CASE("a dummy joins its dependencies") {
  Maker m;
  m.scope("a");
  m.scope("b");
  m.scope("join").deps({TaskId(0), TaskId(1)});
  m.p.scopes[2].dummy = true;
  m.p.scopes[2].blocks.clear();
  CHECK(edges(m.derive()) == Edges{"0->2:explicit", "1->2:explicit"});
}

TEST_CASE("WAR is not tracked") {
  Maker m;
  const BufferId x = m.buffer("x", {16, 16});
  m.scope("write").writes(x);
  m.scope("read").reads(x);
  m.scope("overwrite").writes(x);  // INOUT by promotion: ordered behind the first write only
  CHECK(edges(m.derive()) == Edges{"0->1:tensormap/covered", "0->2:tensormap/covered"});
}

TEST_CASE("a seed and atomic adds: a chain of INOUT writers") {
  Maker m;
  const BufferId sum = m.buffer("sum", {16, 16});
  m.scope("seed").writes(sum);
  for (int i = 0; i < 3; ++i) m.scope("split_k", 1).adds(sum);
  m.scope("read").reads(sum);
  // Each add covers its predecessor's entry, so it waits for that one alone.
  CHECK(edges(m.derive()) == Edges{"0->1:tensormap/covered", "1->2:tensormap/covered",
                                   "2->3:tensormap/covered", "3->4:tensormap/covered"});
}

TEST_CASE("a sequential loop over slices: disjoint iterations stay independent") {
  Maker m;
  const BufferId t = m.buffer("t", {64, 16});
  for (int i = 0; i < 4; ++i) m.scope("slice", 1).in_loop().writes(t, {16 * i, 0, 16, 16});
  CHECK(edges(m.derive()).empty());
  for (int i = 0; i < 2; ++i) m.scope("slice", 1).in_loop().writes(t, {0, 0, 16, 16});
  CHECK(edges(m.derive()) == Edges{"0->4:tensormap/covered", "4->5:tensormap/covered"});
}

TEST_CASE("a dependency on a task that does not come before") {
  Maker m;
  m.scope("a").deps({TaskId(0)});
  CHECK(error_of("lower.deps", [&] { m.derive(); }).find("scope a: depends on task 0") == 0);
  Maker n;
  n.scope("a").deps({TaskId()});
  error_of("lower.deps", [&] { n.derive(); });
  Maker k;
  k.scope("a");
  TaskGraph empty;
  error_of("lower.deps", [&] { lower::derive_dependencies(k.p, empty); });
}

TEST_CASE("five thousand tasks: edges grow with the tasks, not with their square") {
  // 1250 rows through four stages each; each task touches its own row.
  Maker m;
  std::vector<BufferId> stage;
  for (int s = 0; s < 4; ++s) stage.push_back(m.buffer("t" + std::to_string(s), {1250, 64}));
  for (int row = 0; row < 1250; ++row)
    for (int s = 0; s < 4; ++s) {
      m.scope("stage", s);
      if (s > 0) m.reads(stage[size_t(s - 1)], {row, 0, 1, 64});
      m.writes(stage[size_t(s)], {row, 0, 1, 64});
    }
  const TaskGraph g = m.derive();
  CHECK(g.edges.size() == 3 * 1250);
  for (const TaskEdge& e : g.edges) REQUIRE(e.pred.value + 1 == e.succ.value);
  CHECK(lower::find_hazards(m.p, g).empty());
}
