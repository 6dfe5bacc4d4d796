// Programs of several ranks after lowering: the same values, the order flags promise, the
// dependencies the runtime sees.
#include <catch2/catch.hpp>

#include <algorithm>

#include "isa/interpreter.h"
#include "lower/deps.h"
#include "lower/lower.h"
#include "tests/ranks/support.h"

using namespace ranks_test;

namespace {

constexpr int64_t kRows = 16, kCols = 64;

/// Every rank gives its matrix to all, in three ways, and sums what it got.
std::vector<pl::RecordedProgram> all_to_all(int ranks) {
  pl::World world(ranks);
  const pl::WindowId a = world.alloc_window(ranks * kRows * kCols * 4);
  const pl::WindowId b = world.alloc_window(kRows * kCols * 4);
  const pl::WindowId f1 = world.alloc_window(ranks * 4), f2 = world.alloc_window(ranks * 4);
  return record(world, [&](pl::Session& session, int rank) {
    const pl::Tensor x =
        session.input("x", DType::F32, {kRows, kCols}, ramp(kRows * kCols, 1000.0f * rank));
    const pl::Tensor y = session.output("y", DType::F32, {kRows, kCols});
    const pl::Tensor slots = pl::window(a, DType::F32, {ranks * kRows, kCols}, "slots");
    const pl::Tensor sums = pl::window(b, DType::F32, {kRows, kCols}, "sums");
    const pl::Tensor sent = pl::window(f1, DType::I32, {ranks, 1}, "sent");
    const pl::Tensor added = pl::window(f2, DType::I32, {ranks, 1}, "added");
    pl::CopyOptions chunks;
    chunks.chunk_rows = 4;
    chunks.chunk_cols = kCols;
    chunks.pipeline = true;
    pl::at({"push"}, [&] {
      for (int64_t peer : pl::range(ranks))
        pl::put(slots, peer, x, {rank * kRows, 0}, {0, 0}, {kRows, kCols}, chunks);
      barrier(sent);
    });
    pl::at({"combine"}, [&] {
      for (int64_t peer : pl::range(ranks)) {
        const pl::Tile t = pl::load(slots, {peer * kRows, 0}, {kRows, kCols});
        pl::remote_store(t, sums, (peer + rank) % ranks, {0, 0}, true);
      }
      barrier(added);
    });
    pl::at({"sum"}, [&] {
      pl::Tile total = pl::load(sums);
      for (int64_t peer : pl::range(ranks))
        total = pl::add(total, pl::remote_load(sums, peer, {0, 0}, {kRows, kCols}));
      pl::store(total, {0, 0}, y);
    });
  });
}

}  // namespace

TEST_CASE("lowered programs of two and four ranks give the eager values") {
  for (const int ranks : {1, 2, 4}) {
    const auto programs = all_to_all(ranks);
    for (const char* name : {"a2a3", "a5"}) lower_and_verify(programs, chips::load_chip(name));
    // Each rank's sum holds one matrix of every rank from every rank.
    float sum = 0;
    for (int r = 0; r < ranks; ++r) sum += 1000.0f * r + 7;
    CHECK(f32(programs[0], "sums", 7) == sum);
    CHECK(f32(programs[0], "y", 7) == sum * static_cast<float>(ranks + 1));
  }
}

TEST_CASE("a notify waits for every DMA in front of it") {
  const auto graphs = ranks_test::lower(all_to_all(2), chip());
  const isa::Task& push = graphs[0].tasks[0];
  const auto& instrs = push.blocks[0].aiv[0].instrs;
  bool found = false;
  for (size_t i = 0; i < instrs.size(); ++i) {
    const isa::Instr in = instrs[i];
    if (in.op != isa::Opcode::TNOTIFY) continue;
    found = true;
    uint32_t last_store = 0;
    for (size_t k = 0; k < i; ++k)
      if (instrs[k].op == isa::Opcode::TSTORE) last_store = static_cast<uint32_t>(k) + 1;
    CHECK(in.after[static_cast<size_t>(isa::Pipe::MTE3)] == last_store);
    CHECK((in.after_release >> static_cast<size_t>(isa::Pipe::MTE3) & 1) == 0);
  }
  CHECK(found);
}

TEST_CASE("loads and stores do not move across flags in a pipelined loop") {
  pl::World world(2);
  const pl::WindowId data = world.alloc_window(4 * 64 * 4), flag = world.alloc_window(8);
  const auto programs = record(world, [&](pl::Session& session, int rank) {
    const pl::Tensor x = session.input("x", DType::F32, {4, 64}, ramp(4 * 64, 10.0f * rank));
    const pl::Tensor y = session.output("y", DType::F32, {4, 64});
    const pl::Tensor w = pl::window(data, DType::F32, {4, 64}, "w");
    const pl::Tensor f = pl::window(flag, DType::I32, {2, 1}, "flags");
    pl::at({"s"}, [&] {
      for (int64_t i : pl::pipeline(4, 2)) {
        pl::remote_store(pl::load(x, {i, 0}, {1, 64}), w, 1 - rank, {i, 0});
        pl::notify(f, 1 - rank, {rank, 0}, 1, pl::NotifyOp::AtomicAdd);
        pl::wait(f, {1 - rank, 0}, i + 1, pl::WaitCmp::Ge);
        pl::store(pl::load(w, {i, 0}, {1, 64}), {i, 0}, y);
      }
    });
  });
  lower_and_verify(programs, chip());
}

TEST_CASE("the runtime sees windows as arguments: stores order tasks, flags do not") {
  const auto programs = all_to_all(2);
  const auto graphs = ranks_test::lower(programs, chip());
  const auto edge = [&](uint32_t from, uint32_t to) {
    const auto& e = graphs[1].edges;
    return std::any_of(e.begin(), e.end(), [&](const isa::TaskEdge& x) {
      return x.pred == isa::TaskId(from) && x.succ == isa::TaskId(to);
    });
  };
  CHECK(edge(0, 1));  // through slots
  CHECK(edge(1, 2));  // through sums
  for (const isa::TensorArg& arg : graphs[1].tasks[0].args)
    if (graphs[1].buffer(arg.buffer).name == "sent") CHECK(arg.dir == isa::Direction::Input);
  CHECK(lower::find_hazards(programs[1], graphs[1]).empty());
}

TEST_CASE("interpreted ranks that wait for each other are reported") {
  pl::World world(2);
  const pl::WindowId flag = world.alloc_window(8);
  auto programs = record(world, [&](pl::Session&, int rank) {
    const pl::Tensor f = pl::window(flag, DType::I32, {2, 1}, "flags");
    pl::at({"s"}, [&] {
      if (rank == 0) pl::notify(f, 1, {0, 0}, 1, pl::NotifyOp::AtomicAdd);
      if (rank == 1) pl::wait(f, {0, 0}, 1, pl::WaitCmp::Ge);
    });
  });
  for (pl::Op& op : programs[0].scopes[0].blocks[0].ops) op.attr.imm = 0;  // a notify of nothing
  const isa::Error e = error_of([&] { lower_and_verify(programs, chip()); });
  CHECK(e.id() == "isa.rank-deadlock");
  CHECK_THAT(e.what(), Catch::Matchers::Contains("rank 1 at scope s block 0") &&
                           Catch::Matchers::Contains("TWAIT (lowering_test.cpp:") &&
                           Catch::Matchers::Contains("already ended: rank 0"));
}
