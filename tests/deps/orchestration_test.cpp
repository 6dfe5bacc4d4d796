// The steps of the orchestration program.
#include "program_maker.h"

using namespace maker;
using Kind = pl::OrchEvent::Kind;

namespace {

/// "alloc 2048", "submit 0", "read 1: 0 2", "{", "}"
std::vector<std::string> steps(const TaskGraph& g) {
  std::vector<std::string> list;
  for (const OrchStep& s : g.orchestration) {
    std::string text;
    switch (s.kind) {
      case OrchStep::Kind::Alloc:
        text = "alloc " + std::to_string(s.heap_bytes);
        break;
      case OrchStep::Kind::Submit:
        text = "submit " + std::to_string(s.task.value);
        if (s.heap_bytes != 0) text += " heap " + std::to_string(s.heap_bytes);
        break;
      case OrchStep::Kind::Read:
        text = "read " + std::to_string(s.buffer.value) + ":";
        for (TaskId t : s.waits) text += " " + std::to_string(t.value);
        break;
      case OrchStep::Kind::ScopeBegin:
        text = "{";
        break;
      case OrchStep::Kind::ScopeEnd:
        text = "}";
        break;
    }
    list.push_back(text);
  }
  return list;
}
using Steps = std::vector<std::string>;

}  // namespace

TEST_CASE("allocations of a runtime scope are one call at its head, in 1024 B slots") {
  Maker m;
  const BufferId a = m.buffer("a", {1, 8});  // 32 B -> 1024
  m.scope("s").writes(a);
  const BufferId b = m.buffer("b", {16, 17});  // 1088 B -> 2048
  m.scope("s").writes(b);
  m.event(Kind::ScopeBegin);
  const BufferId c = m.buffer("c", {16, 16});  // exactly 1024
  m.scope("s").writes(c);
  m.event(Kind::ScopeEnd);
  const BufferId d = m.buffer("d", {1, 1});
  m.scope("s").writes(d);
  CHECK(steps(m.derive()) == Steps{"alloc 4096", "submit 0", "submit 1", "{", "alloc 1024",
                                   "submit 2", "}", "submit 3"});
}

TEST_CASE("an allocation is not moved before a blocking read") {
  Maker m;
  const BufferId a = m.buffer("a", {1, 8});
  m.event(Kind::ScopeBegin);
  m.scope("s").writes(a);
  m.event(Kind::Read).buffer = a;
  m.buffer("b", {1, 8});
  m.event(Kind::ScopeEnd);
  m.buffer("c", {1, 8});
  m.scope("t");
  m.buffer("d", {1, 8});
  CHECK(steps(m.derive()) == Steps{"alloc 1024", "{", "submit 0", "read 0: 0", "alloc 1024", "}",
                                   "alloc 2048", "submit 1"});
}

TEST_CASE("a blocking read waits for the buffer's live writers and its creator") {
  Maker m;
  const BufferId t = m.buffer("t", {32, 16}),
                 own = m.buffer("own", {1, 8}, BufferRole::Temp, false);
  m.scope("a", 1).writes(t, {0, 0, 16, 16});
  m.scope("b", 1).writes(t, {16, 0, 16, 16});
  m.scope("c").reads(t, {0, 0, 16, 16}).writes(t, {0, 0, 16, 16});
  m.scope("d").writes(own);
  m.event(Kind::Read).buffer = t;
  m.event(Kind::Read).buffer = own;
  const auto s = steps(m.derive());
  CHECK(s[s.size() - 2] == "read 0: 1 2");
  CHECK(s.back() == "read 1: 3");
}

TEST_CASE("a runtime scope inside does not hold an allocation back") {
  Maker m;
  m.scope("s");
  m.event(Kind::ScopeBegin);
  m.scope("t");
  m.event(Kind::ScopeEnd);
  m.buffer("late", {1, 8});
  CHECK(steps(m.derive()) == Steps{"alloc 1024", "submit 0", "{", "submit 1", "}"});
}

TEST_CASE("a blocking read knows nothing of writers of a manual_dep tensor") {
  Maker m;
  const BufferId t = m.buffer("t", {16, 16});
  m.p.storage[t.value].manual_dep = true;
  m.scope("w").writes(t);
  m.event(Kind::Read).buffer = t;
  CHECK(steps(m.derive()).back() == "read 0:");
}

TEST_CASE("a scalar write also waits for registered readers") {
  Maker m;
  const BufferId t = m.buffer("t", {16, 16});
  m.scope("w").writes(t);
  m.scope("r").reads(t);
  m.event(Kind::Write).buffer = t;
  CHECK(steps(m.derive()).back() == "read 0: 0 1");
}

TEST_CASE("a manual scope's writer is unknown to a blocking read") {
  Maker m;
  const BufferId t = m.buffer("t", {16, 16});
  m.manual = true;
  m.scope("w").writes(t);
  m.event(Kind::Read).buffer = t;
  CHECK(steps(m.derive()).back() == "read 0:");
}

TEST_CASE("the ring of a mixed task is an OUTPUT and takes heap with the submit") {
  Maker m;
  const BufferId x = m.buffer("x", {16, 16}, BufferRole::Input);
  m.scope("mix").reads(x);
  TaskGraph g;
  g.buffers = m.p.buffers;
  GmBuffer ring;
  ring.name = "ring";
  ring.shape = {8, 300};
  ring.bytes = 9600;
  ring.role = BufferRole::Ring;
  g.buffers.push_back(ring);
  g.tasks.emplace_back();
  g.tasks[0].kind = TaskKind::MIX;
  g.tasks[0].blocks.resize(2);
  for (BlockCode& b : g.tasks[0].blocks)
    for (int k = 0; k < 2; ++k) {
      Instr i;
      i.op = Opcode::TPUSH;
      i.gm.buffer = BufferId(1);
      b.aic.instrs.push_back(i);
    }
  lower::derive_dependencies(m.p, g);
  REQUIRE(g.tasks[0].args.size() == 2);
  CHECK(g.tasks[0].args[1].dir == Direction::Output);
  CHECK(g.tasks[0].args[1].shape == std::vector<int64_t>{8, 300});
  CHECK(steps(g) == Steps{"submit 0 heap 10240"});
}
