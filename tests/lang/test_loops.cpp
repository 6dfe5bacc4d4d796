// Loops inside and outside scopes.
#include "lang/support.h"

using namespace test;
using OpKind = pl::Op::Kind;
using Kind = pl::OrchEvent::Kind;

namespace {

std::vector<int64_t> values(pl::LoopRange&& loop) {
  std::vector<int64_t> v;
  for (int64_t i : loop) v.push_back(i);
  return v;
}

}  // namespace

TEST_CASE("loops count as declared") {
  pl::Session s("test");
  using V = std::vector<int64_t>;
  CHECK(values(pl::range(3)) == V{0, 1, 2});
  CHECK(values(pl::range(2, 9, 3)) == V{2, 5, 8});
  CHECK(values(pl::range(2, 8, 3)) == V{2, 5});
  CHECK(values(pl::range(5, 5)).empty());
  CHECK(values(pl::range(7, 5)).empty());
  CHECK(values(pl::parallel(1, 3)) == V{1, 2});
  CHECK(values(pl::unroll(2)) == V{0, 1});
  CHECK(values(pl::pipeline(2, 4, 2)) == V{2, 3});
  CHECK(values(pl::pipeline(0, 8, 4, 2)) == V{0, 4});
}

TEST_CASE("loops in a scope are recorded with their iterations") {
  const auto p = run([](pl::Session&) {},
                     [] {
                       for (int64_t i : pl::pipeline(1, 3, 2)) {
                         pl::full(1, 8, DType::F32, static_cast<double>(i));
                         for (int64_t j : pl::unroll(1))
                           pl::full(1, 8, DType::F32, static_cast<double>(j));
                       }
                       for (int64_t i : pl::range(0))
                         pl::full(1, 8, DType::F32, static_cast<double>(i));
                       for (int64_t i : pl::parallel(4)) {
                         if (i == 1) break;
                       }
                     });
  const auto& ops = p.scopes[0].blocks[0].ops;
  std::vector<OpKind> kinds;
  for (const pl::Op& op : ops) kinds.push_back(op.kind);
  const auto B = OpKind::LoopBegin, I = OpKind::LoopIter, E = OpKind::LoopEnd, X = OpKind::Instr;
  CHECK(kinds == std::vector<OpKind>{B, I, X, B, I, X, E, I, X, B, I, X, E, E,  // pipeline
                                     B, I, I, E});                              // left by break
  CHECK(ops[0].loop == pl::LoopKind::Pipeline);
  CHECK(ops[0].trip == 2);
  CHECK(ops[0].stage == 2);
  CHECK(ops[3].loop == pl::LoopKind::Unroll);
  CHECK(ops[1].iter == 0);
  CHECK(ops[7].iter == 1);
  CHECK(ops[14].loop == pl::LoopKind::Parallel);
  CHECK(ops[14].trip == 4);
}

TEST_CASE("orchestration loops: range marks its tasks, each iteration is a runtime scope") {
  pl::Session s("test");
  for (int64_t i : pl::range(2)) pl::at({"r" + std::to_string(i)}, [] {});
  for (int64_t i : pl::parallel(1)) pl::at({"p" + std::to_string(i)}, [] {});
  for (int64_t i : pl::unroll(1)) pl::at({"u" + std::to_string(i)}, [] {});
  for (int64_t i : pl::range(5)) {
    pl::at({"b" + std::to_string(i)}, [] {});
    break;
  }
  pl::at({"after"}, [] {});
  const pl::RecordedProgram p = s.finish();
  REQUIRE(p.scopes.size() == 6);
  CHECK(p.scopes[0].in_loop);
  CHECK(p.scopes[1].in_loop);
  CHECK_FALSE(p.scopes[2].in_loop);
  CHECK_FALSE(p.scopes[3].in_loop);
  CHECK(p.scopes[4].in_loop);
  CHECK_FALSE(p.scopes[5].in_loop);
  CHECK(p.scopes[0].scope_depth == 2);
  CHECK(p.scopes[3].scope_depth == 1);
  CHECK(p.scopes[5].scope_depth == 1);
  std::vector<Kind> kinds;
  for (const pl::OrchEvent& e : p.orchestration) kinds.push_back(e.kind);
  const auto B = Kind::ScopeBegin, S = Kind::Submit, E = Kind::ScopeEnd;
  CHECK(kinds == std::vector<Kind>{B, S, E, B, S, E, B, S, E, S, B, S, E, S});
}

TEST_CASE("loop_scopes off and manual scopes leave the loops bare") {
  pl::SessionOptions o;
  o.loop_scopes = false;
  pl::Session s("test", o);
  for (int64_t i : pl::range(2)) pl::at({"r" + std::to_string(i)}, [] {});
  CHECK(s.finish().orchestration.size() == 2);
  pl::Session t("test");
  pl::manual_scope([] {
    for (int64_t i : pl::range(2)) pl::at({"r" + std::to_string(i)}, [] {});
  });
  const pl::RecordedProgram p = t.finish();
  CHECK(p.orchestration.size() == 4);
  CHECK(p.scopes[1].manual_scope);
}
