// Unordered conflicts between tasks.
#include <set>

#include "lower/deps_reach.h"
#include "program_maker.h"

using namespace maker;
using lower::Hazard;
using lower::HazardKind;

namespace {

std::vector<std::string> hazards(const Maker& m) {
  const TaskGraph g = m.derive();
  std::vector<std::string> list;
  for (const Hazard& h : lower::find_hazards(m.p, g)) list.push_back(describe(h, g));
  return list;
}
using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("WAR: a reader and a later writer nothing orders") {
  Maker m;
  const BufferId x = m.buffer("x", {16, 32});
  m.scope("write").writes(x);
  m.scope("attn").reads(x, {2, 8, 4, 8});
  m.scope("update").writes(x);
  CHECK(hazards(m) ==
        Texts{"hazard WAR: x[2, 8]: scope attn (task 1) reads, scope update (task 2) writes, "
              "unordered"});
  SECTION("an explicit dependency settles it") {
    m.deps({TaskId(1)});
    CHECK(hazards(m).empty());
  }
  SECTION("so does a path through other tasks") {
    const BufferId y = m.buffer("y", {16, 32});
    Maker n;
    const BufferId a = n.buffer("x", {16, 32}), b = n.buffer("y", {16, 32});
    n.scope("write").writes(a);
    n.scope("attn").reads(a).writes(b);
    n.scope("update").reads(b).writes(a);
    CHECK(hazards(n).empty());
    CHECK(y.valid());
  }
}

TEST_CASE("WAW between unpromoted writers, RAW out of a manual scope") {
  Maker m;
  const BufferId t = m.buffer("t", {16, 16});
  m.scope("w", 1).writes(t, {0, 0, 8, 16});
  m.scope("w", 1).writes(t, {7, 3, 8, 4});
  CHECK(hazards(m) ==
        Texts{"hazard WAW: t[7, 3]: scope w (task 0) writes, scope w (task 1) writes, unordered"});

  Maker n;
  const BufferId u = n.buffer("u", {16, 16});
  n.manual = true;
  n.scope("w").writes(u, {4, 0, 1, 16});
  n.scope("r").reads(u);
  CHECK(hazards(n) ==
        Texts{"hazard RAW: u[4, 0]: scope w (task 0) writes, scope r (task 1) reads, unordered"});
}

TEST_CASE("footprints are exact: interleaved columns and rows are no conflict") {
  Maker m;
  const BufferId t = m.buffer("t", {16, 64});
  m.p.storage[t.value].manual_dep = true;  // no edges at all
  m.scope("left").writes(t, {0, 0, 16, 32});
  m.scope("right").writes(t, {0, 32, 16, 32});
  CHECK(hazards(m).empty());
  // Two blocks write the first and the last row: the box covers all, the footprint does not.
  Maker n;
  const BufferId u = n.buffer("u", {16, 16});
  n.p.storage[u.value].manual_dep = true;
  n.scope("ends").writes(u, {0, 0, 1, 16}).block().writes(u, {15, 0, 1, 16});
  n.scope("middle").writes(u, {1, 0, 14, 16});
  CHECK(hazards(n).empty());
  n.scope("last").reads(u, {15, 15, 1, 1});
  CHECK(hazards(n) ==
        Texts{"hazard RAW: u[15, 15]: scope ends (task 0) writes, scope last (task 2) reads, "
              "unordered"});
}

TEST_CASE("atomic adds commute with each other, not with the seed or the reader") {
  Maker m;
  const BufferId sum = m.buffer("sum", {4, 16});
  m.p.storage[sum.value].manual_dep = true;
  m.scope("seed").writes(sum);
  m.scope("add").deps({TaskId(0)}).adds(sum);
  m.scope("add").deps({TaskId(0)}).adds(sum);
  CHECK(hazards(m).empty());
  m.scope("read").deps({TaskId(2)}).reads(sum);
  CHECK(hazards(m) ==
        Texts{"hazard RAW: sum[0, 0]: scope add (task 1) writes, scope read (task 3) reads, "
              "unordered"});
}

TEST_CASE("an ordered atomic add does not hide what another add races with") {
  const bool seed_writes = GENERATE(true, false);
  Maker m;
  const BufferId sum = m.buffer("sum", {4, 16});
  m.p.storage[sum.value].manual_dep = true;
  m.scope("first");
  if (seed_writes)
    m.writes(sum);
  else
    m.reads(sum);
  m.scope("behind it").deps({TaskId(0)}).adds(sum);
  m.scope("racing").adds(sum);
  const std::string kind = seed_writes ? "WAW: sum[0, 0]: scope first (task 0) writes"
                                       : "WAR: sum[0, 0]: scope first (task 0) reads";
  CHECK(hazards(m) == Texts{"hazard " + kind + ", scope racing (task 2) writes, unordered"});
}

TEST_CASE("a task does not conflict with itself") {
  Maker m;
  const BufferId t = m.buffer("t", {16, 16}), u = m.buffer("u", {4, 4});
  m.scope("s").writes(t).reads(t).adds(t).writes(t);
  m.scope("other").reads(u).writes(u);
  CHECK(hazards(m).empty());
}

TEST_CASE("a blocking read orders everything behind it") {
  const bool blocking = GENERATE(false, true);
  Maker m;
  const BufferId x = m.buffer("x", {16, 16}), y = m.buffer("y", {1, 8});
  m.scope("w").writes(x);
  m.scope("r").reads(x).writes(y);
  if (blocking) m.event(pl::OrchEvent::Kind::Read).buffer = y;
  m.scope("unrelated");
  m.scope("update").writes(x);
  CHECK(hazards(m).size() == (blocking ? 0u : 1u));
}

TEST_CASE("reachability: bit rows and the search agree with a plain walk") {
  uint32_t seed = 11;
  const auto random = [&](uint32_t n) {
    return (seed = seed * 1664525u + 1013904223u) / 65536 % n;
  };
  // 300 tasks with random edges; the large case hides them behind 20000 unrelated ones, which makes
  // the index switch to searching.
  for (const uint32_t padding : {0u, 20000u}) {
    TaskGraph g;
    g.tasks.resize(300 + padding);
    std::vector<std::set<uint32_t>> preds(300);
    for (uint32_t t = 0; t < 300; ++t) {
      OrchStep s;
      s.task = TaskId(t);
      g.orchestration.push_back(s);
      for (int k = 0; t > 0 && k < 2; ++k) {
        if (random(3) == 0) continue;
        const uint32_t p = random(t);
        preds[t].insert(p);
        g.edges.push_back({TaskId(p), TaskId(t), 0, EdgeSource::TensorMap, false});
      }
    }
    for (uint32_t t = 300; t < 300 + padding; ++t) {
      OrchStep s;
      s.task = TaskId(t);
      g.orchestration.push_back(s);
    }
    std::vector<std::vector<bool>> reach(300, std::vector<bool>(300));
    for (uint32_t t = 0; t < 300; ++t)
      for (uint32_t p : preds[t]) {
        reach[t][p] = true;
        for (uint32_t a = 0; a < 300; ++a)
          if (reach[p][a]) reach[t][a] = true;
      }
    lower::Reachability index(g);
    int wrong = 0, yes = 0;
    for (int k = 0; k < 20000; ++k) {
      const uint32_t a = random(300), b = random(300);
      const bool expected = a < b && reach[b][a];
      wrong += index.before(TaskId(a), TaskId(b)) != expected;
      yes += expected;
    }
    CHECK(wrong == 0);
    CHECK(yes > 200);
  }
}

TEST_CASE("random programs against an element-by-element, all-pairs check") {
  uint32_t seed = 5;
  const auto random = [&](uint32_t n) {
    return int((seed = seed * 1664525u + 1013904223u) / 65536 % n);
  };
  int with = 0;
  for (int round = 0; round < 200; ++round) {
    Maker m;
    const BufferId t = m.buffer("t", {8, 8});
    m.p.storage[t.value].manual_dep = true;
    const int n = 6;
    struct Touch {
      std::set<int> cells[3];  // read, write, atomic
    };
    std::vector<Touch> touch(n);
    std::vector<std::vector<bool>> before(n, std::vector<bool>(n));
    for (int k = 0; k < n; ++k) {
      m.scope("s" + std::to_string(k));
      std::vector<TaskId> deps;
      for (int j = 0; j < k; ++j)
        if (random(8) < (round % 4) * 2 + 1) {
          deps.push_back(TaskId(uint32_t(j)));
          before[size_t(k)][size_t(j)] = true;
          for (int i = 0; i < j; ++i)
            if (before[size_t(j)][size_t(i)]) before[size_t(k)][size_t(i)] = true;
        }
      m.deps(deps);
      for (int a = 0; a < 2; ++a) {
        const int kind = random(3), r = random(8), c = random(8);
        const Maker::Window w{r, c, 1 + random(uint32_t(8 - r)), 1 + random(uint32_t(8 - c))};
        if (kind == 0) m.reads(t, w);
        if (kind == 1) m.writes(t, w);
        if (kind == 2) m.adds(t, w);
        for (int i = 0; i < w.rows; ++i)
          for (int j = 0; j < w.cols; ++j) touch[size_t(k)].cells[kind].insert((r + i) * 8 + c + j);
      }
    }
    // A conflicting unordered pair must be reported unless an ordered write in between took over
    // the cell from the earlier one; then another unordered pair stands for it. So: the check is
    // that every report is real, and that there is a report exactly when there is a conflict.
    const auto first_common = [](const std::set<int>& a, const std::set<int>& b) {
      for (int x : a)
        if (b.count(x) != 0) return x;
      return -1;
    };
    std::set<std::string> real;
    for (int k = 0; k < n; ++k)
      for (int j = 0; j < k; ++j) {
        if (before[size_t(k)][size_t(j)]) continue;
        for (int x = 0; x < 3; ++x)
          for (int y = 0; y < 3; ++y) {
            if ((x == 0 && y == 0) || (x == 2 && y == 2)) continue;
            if (first_common(touch[size_t(j)].cells[x], touch[size_t(k)].cells[y]) < 0) continue;
            const char* kind = x == 0 ? "WAR" : y == 0 ? "RAW" : "WAW";
            real.insert(std::to_string(j) + "-" + std::to_string(k) + kind);
          }
      }
    std::set<std::string> reported;
    const TaskGraph g = m.derive();
    for (const Hazard& h : lower::find_hazards(m.p, g)) {
      const char* kind = h.kind == HazardKind::WriteAfterRead   ? "WAR"
                         : h.kind == HazardKind::ReadAfterWrite ? "RAW"
                                                                : "WAW";
      reported.insert(std::to_string(h.first.value) + "-" + std::to_string(h.second.value) + kind);
    }
    INFO("round " << round);
    for (const std::string& r : reported) {
      INFO(r);
      CHECK(real.count(r) == 1);
    }
    CHECK(reported.empty() == real.empty());
    with += real.empty() ? 0 : 1;
  }
  CHECK(with > 50);
  CHECK(with < 200);
}
