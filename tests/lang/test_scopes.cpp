// Scopes, tasks, blocks, lanes and barriers.
#include <algorithm>

#include "lang/support.h"

using namespace test;
using pl::Tensor;
using pl::Tile;
using Kind = pl::OrchEvent::Kind;

TEST_CASE("scopes become tasks with their options") {
  pl::Session s("prog");
  const Tensor t = pl::create_tensor({8}, DType::F32);
  const pl::TaskId first = pl::at({"first"}, [] {});
  pl::ScopeOptions o;
  o.name = "second";
  o.deps = {first};
  o.allow_early_resolve = true;
  o.split = pl::SplitMode::UpDown;
  o.slot_num = 2;
  o.scalars = 3;
  o.no_dep = {t};
  const pl::TaskId second = pl::spmd(5, o, [](int64_t) {});
  const pl::TaskId join = pl::task_dummy({first, second}, "join");
  const pl::RecordedProgram p = s.finish();
  CHECK(p.name == "prog");
  REQUIRE(p.scopes.size() == 3);
  CHECK(first.value == 0);
  CHECK(join.value == 2);
  const pl::ScopeRecord& r = p.scopes[1];
  CHECK(r.name == "second");
  CHECK(r.block_num == 5);
  CHECK(r.blocks.size() == 5);
  CHECK(r.deps == std::vector<pl::TaskId>{first});
  CHECK(r.allow_early_resolve);
  CHECK(r.split == pl::SplitMode::UpDown);
  CHECK(r.slot_num == 2);
  CHECK(r.scalars == 3);
  CHECK(r.no_dep == std::vector<isa::BufferId>{t.buffer()});
  CHECK(r.scope_depth == 1);
  CHECK(p.sites[r.site.value].find("test_scopes.cpp:") == 0);
  CHECK(p.scopes[2].dummy);
  CHECK(p.scopes[2].blocks.empty());
  CHECK(p.scopes[2].deps.size() == 2);
  REQUIRE(p.orchestration.size() == 4);
  CHECK(p.orchestration[0].kind == Kind::Alloc);
  CHECK(p.orchestration[3].kind == Kind::Submit);
  CHECK(p.orchestration[3].task == join);
}

TEST_CASE("every block runs once with its own index and record") {
  pl::Session s("test");
  const Tensor y = s.output("y", DType::I32, {37});
  std::vector<int64_t> seen(37, -1);
  pl::spmd(37, {"blocks"}, [&](int64_t b) {
    seen[static_cast<size_t>(b)] = pl::get_block_idx();
    for (int64_t i = 0; i <= b; ++i) pl::write(y, {b}, static_cast<double>(b + 1));
  });
  const pl::RecordedProgram p = s.finish();
  for (int64_t b = 0; b < 37; ++b) {
    CHECK(seen[static_cast<size_t>(b)] == b);
    CHECK(element(p.storage[0].data.get(), DType::I32, b) == static_cast<double>(b + 1));
    CHECK(p.scopes[0].blocks[static_cast<size_t>(b)].ops.size() == static_cast<size_t>(b + 1));
  }
}

TEST_CASE("runtime scopes bracket orchestration statements") {
  pl::Session s("test");
  pl::auto_scope([&] {
    pl::at({"a"}, [] {});
    pl::manual_scope([&] { pl::at({"b"}, [] {}); });
  });
  CHECK_THROWS(pl::manual_scope([] { throw std::runtime_error("x"); }));
  pl::at({"c"}, [] {});
  const pl::RecordedProgram p = s.finish();
  std::vector<Kind> kinds;
  for (const pl::OrchEvent& e : p.orchestration) kinds.push_back(e.kind);
  CHECK(kinds == std::vector<Kind>{Kind::ScopeBegin, Kind::Submit, Kind::ScopeBegin, Kind::Submit,
                                   Kind::ScopeEnd, Kind::ScopeEnd, Kind::ScopeBegin, Kind::ScopeEnd,
                                   Kind::Submit});
  CHECK_FALSE(p.orchestration[0].manual);
  CHECK(p.orchestration[2].manual);
  CHECK_FALSE(p.scopes[0].manual_scope);
  CHECK(p.scopes[0].scope_depth == 2);
  CHECK(p.scopes[1].manual_scope);
  CHECK(p.scopes[1].scope_depth == 3);
  CHECK(p.scopes[2].scope_depth == 1);
  CHECK_FALSE(p.scopes[2].manual_scope);
}

TEST_CASE("split_aiv runs both lanes") {
  pl::Session s("test");
  const Tensor y = s.output("y", DType::F32, {2, 8});
  pl::at({"s"}, [&] {
    pl::split_aiv([&](int64_t lane) {
      pl::store(pl::full(1, 8, DType::F32, static_cast<double>(lane + 1)), {lane, 0}, y);
    });
  });
  const pl::RecordedProgram p = s.finish();
  CHECK(element(p.storage[0].data.get(), DType::F32, 0) == 1);
  CHECK(element(p.storage[0].data.get(), DType::F32, 8) == 2);
  const auto& ops = p.scopes[0].blocks[0].ops;
  REQUIRE(ops.size() == 8);
  using OpKind = pl::Op::Kind;
  CHECK(ops[0].kind == OpKind::LaneBegin);
  CHECK(ops[3].kind == OpKind::LaneEnd);
  CHECK(ops[4].kind == OpKind::LaneBegin);
  CHECK(ops[4].lane == 1);
  CHECK(ops[5].lane == 1);
  CHECK(ops[7].kind == OpKind::LaneEnd);
}

TEST_CASE("syncall: later phases see what every block wrote, adds included") {
  pl::Session s("test");
  const int64_t blocks = 6;
  const Tensor part = pl::create_tensor({blocks}, DType::F32);
  const Tensor sum = s.inout("sum", DType::F32, {8}, host(DType::F32, std::vector<double>(8, 0)));
  const Tensor y = s.output("y", DType::F32, {blocks, 2});
  pl::ScopeOptions o;
  o.name = "lockstep";
  o.sync_start = true;
  pl::spmd(blocks, o, [&](int64_t b) {
    pl::write(part, {b}, static_cast<double>(b + 1));
    pl::store(pl::full(1, 8, DType::F32, static_cast<double>(b)), {0}, sum, true);
    pl::syncall();
    double total = 0;
    for (int64_t i = 0; i < blocks; ++i) total += pl::read(part, {i});
    pl::write(y, {b, 0}, total);
    pl::syncall();
    pl::write(y, {b, 1}, pl::read(sum, {7}));
  });
  const pl::RecordedProgram p = s.finish();
  const uint8_t* data = p.storage[y.buffer().value].data.get();
  for (int64_t b = 0; b < blocks; ++b) {
    CHECK(element(data, DType::F32, 2 * b) == 21);
    CHECK(element(data, DType::F32, 2 * b + 1) == 15);
  }
  CHECK(p.diagnostics.empty());
  const auto names = opcode_names(p.scopes[0].blocks[3]);
  CHECK(std::count(names.begin(), names.end(), "SYNCALL") == 2);
}

TEST_CASE("syncall in a scope of one block is only recorded") {
  pl::Session s("test");
  pl::at({"s"}, [] { pl::syncall(); });
  CHECK(opcode_names(s.finish().scopes[0].blocks[0]) == std::vector<std::string>{"SYNCALL"});
}

TEST_CASE("a session is usable after an error in a scope") {
  pl::Session s("test");
  const Tensor x = s.input("x", DType::F32, {8, 8}, host(DType::F32, std::vector<double>(64, 1)));
  CHECK_THROWS_AS(pl::spmd(4, {"bad"},
                           [&](int64_t b) {
                             for (int64_t i : pl::range(3)) {
                               pl::load(x, {i, 0}, {1, 8});
                               if (b == 2) pl::load(x, {9, 0}, {1, 8});
                             }
                           }),
                  isa::Error);
  const pl::TaskId task = pl::at({"good"}, [&] { pl::load(x); });
  CHECK(task.value == 0);
  const pl::RecordedProgram p = s.finish();
  REQUIRE(p.scopes.size() == 1);
  CHECK(p.scopes[0].name == "good");
  CHECK(p.orchestration.size() == 1);
}

TEST_CASE("the first failing block wins, whatever the threads") {
  for (int threads : {1, 4}) {
    pl::SessionOptions o;
    o.threads = threads;
    pl::Session s("test", o);
    for (int repeat = 0; repeat < 20; ++repeat) {
      const isa::Error e = error_of([&] {
        pl::spmd(64, {"blocks"}, [&](int64_t b) {
          if (b >= 5) pl::full(0, static_cast<int64_t>(b), DType::F32, 0);
        });
      });
      CHECK(std::string(e.what()).find("[0x5]") != std::string::npos);
    }
  }
}
