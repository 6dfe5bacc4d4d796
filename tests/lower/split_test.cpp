#include "lower/split.h"

#include <catch2/catch.hpp>

#include "isa/error.h"
#include "tests/lower/record_builder.h"
#include "tests/lower/test_chip.h"

using isa::DType;
using isa::MemSpace;
using isa::Opcode;
using isa::Pipe;
using isa::TaskKind;
using lower::BlockWork;
using lower::Item;
using lower::kAic;
using lower::kAiv0;
using lower::kAiv1;
using lower_test::RecordBuilder;

namespace {

/// load a, w; c = a x w; y = exp(c); store y -- `n` times.
RecordBuilder to_vector(int n, int rows = 16) {
  RecordBuilder b;
  for (int i = 0; i < n; ++i) {
    const auto a = b.value(DType::BF16, rows, 64), w = b.value(DType::BF16, 64, 32),
               c = b.value(DType::F32, rows, 32), y = b.value(DType::F32, rows, 32);
    b.load(a, 0);
    b.load(w, 1);
    b.op(Opcode::TMATMUL, c, {a, w});
    b.op(Opcode::TEXP, y, {c});
    b.store(y, 2, rows * i);
  }
  return b;
}

/// As above, and exp(c) as BF16 is an operand of another product.
RecordBuilder both_ways() {
  RecordBuilder b = to_vector(0);
  const auto a = b.value(DType::BF16, 16, 64), w = b.value(DType::BF16, 64, 32),
             c = b.value(DType::F32, 16, 32), p = b.value(DType::BF16, 16, 32),
             v = b.value(DType::BF16, 32, 64), o = b.value(DType::F32, 16, 64);
  b.load(a, 0);
  b.load(w, 1);
  b.load(v, 3);
  b.op(Opcode::TMATMUL, c, {a, w});
  b.op(Opcode::TCVT, p, {c});
  b.op(Opcode::TMATMUL, o, {p, v});
  b.store(o, 2);
  return b;
}

struct Built {
  pl::ScopeRecord scope;
  lower::ScopePlan plan;
  BlockWork work;
};

Built build(RecordBuilder b, const chips::Chip& chip, pl::SplitMode split = pl::SplitMode::None,
            int slot_num = 0, int32_t block = 0) {
  Built r;
  r.scope.name = "test";
  r.scope.split = split;
  r.scope.slot_num = slot_num;
  r.scope.blocks.push_back(std::move(b.record));
  const lower::BlockSpaces spaces = lower::infer_spaces(r.scope.blocks[0], "scope test", {});
  r.plan = lower::plan_scope(r.scope, {spaces}, chip);
  r.plan.ring.buffer = isa::BufferId(9);
  r.work.record = &r.scope.blocks[0];
  r.work.where = "scope test";
  lower::build_streams(r.work, spaces, r.plan, block, chip, {});
  return r;
}

std::vector<const Item*> find(const Built& b, int stream, Opcode op) {
  std::vector<const Item*> found;
  for (const Item& it : b.work.streams[static_cast<size_t>(stream)])
    if (lower::is_instr(it) && it.op->opcode == op) found.push_back(&it);
  return found;
}

std::string opcodes(const Built& b, int stream) {
  std::string t;
  for (const Item& it : b.work.streams[static_cast<size_t>(stream)])
    t += (t.empty() ? "" : " ") + std::string(isa::name(it.op->opcode));
  return t;
}

}  // namespace

TEST_CASE("a scope is AIC, AIV or MIX by the operations of all its blocks") {
  const chips::Chip chip = lower_test::a2a3();
  pl::ScopeRecord scope;
  lower::BlockSpaces cube, vector;
  cube.has_cube = true;
  vector.has_vector = true;
  CHECK(lower::plan_scope(scope, {cube, cube}, chip).kind == TaskKind::AIC);
  CHECK(lower::plan_scope(scope, {vector}, chip).kind == TaskKind::AIV);
  CHECK(lower::plan_scope(scope, {cube, vector}, chip).kind == TaskKind::MIX);
  CHECK(lower::plan_scope(scope, {lower::BlockSpaces()}, chip).kind == TaskKind::AIV);
  vector.has_lanes = true;
  const lower::ScopePlan lanes = lower::plan_scope(scope, {vector}, chip);
  CHECK(lanes.kind == TaskKind::MIX);
  CHECK_FALSE(lanes.uses(kAic));
  CHECK(lanes.uses(kAiv1));
}

TEST_CASE("ring depth: 8 one way, 4 both ways, slot_num overrides") {
  const chips::Chip chip = lower_test::a2a3();
  CHECK(build(to_vector(1), chip).plan.ring.depth == 8);
  CHECK(build(to_vector(1), chip).plan.ring.directions() == 1);
  const Built both = build(both_ways(), chip);
  CHECK(both.plan.ring.depth == 4);
  CHECK(both.plan.ring.slot_bytes == 16 * 32 * 4);  // the larger of the two tiles
  CHECK(both.plan.ring.block_bytes() == 2 * 4 * 2048);
  CHECK(build(both_ways(), chip, pl::SplitMode::None, 2).plan.ring.depth == 2);
}

TEST_CASE("a ring that exceeds its memory gets fewer slots, unless the author asked for a number") {
  const chips::Chip chip = lower_test::a2a3();
  pl::ScopeRecord scope;
  lower::BlockSpaces mixed;
  mixed.has_cube = mixed.has_vector = true;
  const auto depth = [&](int64_t slot_bytes) {
    mixed.cube_to_vector = mixed.cube_to_vector_windows = slot_bytes;
    return lower::plan_scope(scope, {mixed}, chip).ring.depth;
  };
  CHECK(depth(chip.memory.ub / 8) == 8);
  CHECK(depth(chip.memory.ub / 8 + 32) == 4);
  CHECK(depth(chip.memory.ub / 4 + 32) == 2);
  CHECK(depth(chip.memory.ub) == 2);  // never fewer: the overflow is reported
  scope.slot_num = 8;
  CHECK(depth(chip.memory.ub) == 8);
}

TEST_CASE("cube to vector: FIX push, MTE2 pop, free behind the last use; lane 1 answers") {
  const Built b = build(to_vector(1), lower_test::a2a3(), pl::SplitMode::None, 0, 3);
  CHECK(opcodes(b, kAic) == "TLOAD TLOAD TMATMUL TPUSH");
  CHECK(opcodes(b, kAiv0) == "TPOP TEXP TFREE TSTORE");
  CHECK(opcodes(b, kAiv1) == "TPOP TFREE");
  const Item &push = *find(b, kAic, Opcode::TPUSH)[0], &pop = *find(b, kAiv0, Opcode::TPOP)[0],
             &free = *find(b, kAiv0, Opcode::TFREE)[0];
  CHECK(push.wait_event == -1);
  CHECK(push.signal_event >= 0);
  CHECK(pop.wait_event == push.signal_event);
  CHECK(find(b, kAiv1, Opcode::TPOP)[0]->wait_event == push.signal_event);
  CHECK(free.signal_event >= 0);
  CHECK(free.pipe == static_cast<int8_t>(Pipe::V));
  CHECK(push.op->gm.buffer == isa::BufferId(9));
  CHECK(push.op->gm.offset * 4 == 3 * 8 * 2048);  // region of block 3
  CHECK(pop.op->gm.offset == push.op->gm.offset);
  CHECK_FALSE(find(b, kAiv1, Opcode::TPOP)[0]->op->dst.present());
  const lower::Value& slot = b.work.values[pop.op->dst.value.value];
  CHECK(slot.fixed);
  CHECK(slot.space == MemSpace::UB);
  CHECK(slot.addr == 0);
  CHECK(b.work.reserved[static_cast<size_t>(MemSpace::UB)] == 8 * 2048);
}

TEST_CASE("push k + depth waits for free k; slots repeat after depth") {
  const Built b = build(to_vector(5), lower_test::a2a3(), pl::SplitMode::None, 2);
  const auto push = find(b, kAic, Opcode::TPUSH), pop = find(b, kAiv0, Opcode::TPOP),
             free = find(b, kAiv0, Opcode::TFREE);
  REQUIRE(push.size() == 5);
  REQUIRE(pop.size() == 5);
  REQUIRE(free.size() == 5);
  for (size_t k = 0; k < 5; ++k) {
    CHECK(pop[k]->wait_event == push[k]->signal_event);
    CHECK(push[k]->op->gm.offset * 4 == static_cast<int64_t>(k % 2) * 2048);
    CHECK(b.work.values[pop[k]->op->dst.value.value].addr == k % 2 * 2048);
    CHECK(push[k]->wait_event == (k < 2 ? -1 : free[k - 2]->signal_event));
  }
}

TEST_CASE("a product that does not fit UB in whole tiles crosses in the windows that are read") {
  const chips::Chip chip = lower_test::a2a3();
  const auto drain = [](int rows, bool again) {
    RecordBuilder b;
    const auto a = b.value(DType::BF16, 128, 64), w = b.value(DType::BF16, 64, 256),
               c = b.value(DType::F32, 128, 256);
    b.load(a, 0);
    b.load(w, 1);
    b.op(Opcode::TMATMUL, c, {a, w});
    const auto part = [&](int row) {
      const auto y = b.value(DType::F32, rows, 256);
      pl::Op& exp = b.op(Opcode::TEXP, y, {c});
      exp.src[0] = b.window(c, row, 0, rows, 256);
      b.store(y, 2, row);
    };
    for (int row = 0; row < 128; row += rows) part(row);
    if (again) part(0);
    return b;
  };
  const auto pieces = build(drain(32, false), chip);
  CHECK(pieces.plan.ring.by_window);
  CHECK(pieces.plan.ring.slot_bytes == 32 * 256 * 4);
  const auto pushes = find(pieces, kAic, Opcode::TPUSH);
  const auto pops = find(pieces, kAiv0, Opcode::TPOP);
  REQUIRE(pushes.size() == 4);
  REQUIRE(pops.size() == 4);
  CHECK(find(pieces, kAiv0, Opcode::TFREE).size() == 4);
  for (size_t i = 0; i < 4; ++i) {
    CHECK(pushes[i]->op->src[0].offset == i * 32 * 256);
    CHECK(pushes[i]->op->src[0].rows == 32);
    CHECK(pushes[i]->op->gm.rows == 32);
    CHECK(pops[i]->op->gm.offset == pushes[i]->op->gm.offset);
    CHECK(pops[i]->wait_event == pushes[i]->signal_event);
  }
  for (const Item* exp : find(pieces, kAiv0, Opcode::TEXP)) CHECK(exp->op->src[0].offset == 0);

  // Reading a window again would need two in the ring at once; fractals cannot be cut.
  CHECK_FALSE(build(drain(32, true), chip).plan.ring.by_window);
  CHECK_FALSE(build(drain(8, false), chip).plan.ring.by_window);
  CHECK_FALSE(build(drain(32, false), chip, pl::SplitMode::None, 1).plan.ring.by_window);  // fits
}

TEST_CASE("both ways: the vector result goes to the second half of the ring and into L1") {
  const Built b = build(both_ways(), lower_test::a2a3());
  CHECK(opcodes(b, kAic) == "TLOAD TLOAD TLOAD TMATMUL TPUSH TPOP TMATMUL TFREE TSTORE");
  CHECK(opcodes(b, kAiv0) == "TPOP TCVT TFREE TPUSH");
  CHECK(opcodes(b, kAiv1) == "TPOP TFREE TPUSH");
  const Item &push = *find(b, kAiv0, Opcode::TPUSH)[0], &pop = *find(b, kAic, Opcode::TPOP)[0];
  CHECK(push.op->gm.offset * 2 == 4 * 2048);
  CHECK(pop.op->gm.offset == push.op->gm.offset);
  CHECK(pop.wait_event == push.signal_event);
  CHECK(b.work.values[pop.op->dst.value.value].space == MemSpace::L1);
  CHECK(find(b, kAic, Opcode::TFREE)[0]->pipe == static_cast<int8_t>(Pipe::MTE1));
  CHECK(find(b, kAic, Opcode::TMATMUL)[1]->op->src[0].value == pop.op->dst.value);
}

TEST_CASE("on chip: the push writes the peer's ring, the vector pop re-lays it out") {
  const Built b = build(both_ways(), lower_test::a5());
  CHECK(b.plan.ring.on_chip);
  const Item &to_vec = *find(b, kAic, Opcode::TPUSH)[0],
             &vec_pop = *find(b, kAiv0, Opcode::TPOP)[0];
  CHECK_FALSE(to_vec.op->gm.present());
  CHECK(b.work.values[to_vec.op->dst.value.value].nz);
  CHECK(vec_pop.op->src[0].value == to_vec.op->dst.value);
  CHECK(vec_pop.pipe == static_cast<int8_t>(Pipe::V));
  CHECK_FALSE(b.work.values[vec_pop.op->dst.value.value].fixed);
  const Item &to_cube = *find(b, kAiv0, Opcode::TPUSH)[0],
             &cube_pop = *find(b, kAic, Opcode::TPOP)[0];
  CHECK(b.work.values[to_cube.op->dst.value.value].space == MemSpace::L1);
  CHECK(cube_pop.op->dst.value == to_cube.op->dst.value);
  CHECK(cube_pop.pipe == static_cast<int8_t>(Pipe::MTE1));
}

TEST_CASE(
    "split up/down: each lane pops, computes and stores its half; push waits for both frees") {
  const Built b = build(to_vector(2, 32), lower_test::a2a3(), pl::SplitMode::UpDown, 1);
  for (int lane = 0; lane < 2; ++lane) {
    const int s = kAiv0 + lane;
    CHECK(opcodes(b, s) == "TPOP TEXP TFREE TSTORE TPOP TEXP TFREE TSTORE");
    const Item &pop = *find(b, s, Opcode::TPOP)[0], &exp = *find(b, s, Opcode::TEXP)[0],
               &store = *find(b, s, Opcode::TSTORE)[1];
    CHECK(pop.op->gm.rows == 16);
    CHECK(pop.op->gm.offset == lane * 16 * 32);
    CHECK(exp.op->dst.rows == 16);
    CHECK(b.work.values[exp.op->dst.value.value].bytes == 16 * 32 * 4);
    CHECK(store.op->gm.offset == (32 + lane * 16) * 32);
    CHECK(store.op->gm.rows == 16);
  }
  CHECK(opcodes(b, kAic) == "TLOAD TLOAD TMATMUL TPUSH TLOAD TLOAD TMATMUL SWORK TPUSH");
  const Item &wait = *find(b, kAic, Opcode::SWORK)[0], &push = *find(b, kAic, Opcode::TPUSH)[1];
  CHECK(wait.pipe == static_cast<int8_t>(Pipe::FIX));
  CHECK(wait.wait_event == find(b, kAiv1, Opcode::TFREE)[0]->signal_event);
  CHECK(push.wait_event == find(b, kAiv0, Opcode::TFREE)[0]->signal_event);
}

TEST_CASE("tiles with an odd extent cannot be halved") {
  CHECK_THROWS_WITH(build(to_vector(1, 15), lower_test::a2a3(), pl::SplitMode::UpDown),
                    Catch::Contains("scope test") && Catch::Contains("[lower.split]"));
}

TEST_CASE("scalar reads and loop structure are duplicated, effects on GM are not") {
  RecordBuilder b = to_vector(1);
  b.op(Opcode::SREAD).gm = RecordBuilder::gm(4, DType::I32, 1, 0, 0, 1, 1);
  b.op(Opcode::SWRITE).gm = RecordBuilder::gm(5, DType::I32, 1, 0, 0, 1, 1);
  b.loop(pl::LoopKind::Range, 1);
  b.iter(0);
  b.end();
  const Built r = build(std::move(b), lower_test::a2a3());
  for (int s = 0; s < lower::kStreams; ++s) {
    CHECK(find(r, s, Opcode::SREAD).size() == 1);
    CHECK(find(r, s, Opcode::SWRITE).size() == (s == kAiv0 ? 1 : 0));
    CHECK(r.work.streams[static_cast<size_t>(s)].back().op->kind == pl::Op::Kind::LoopEnd);
  }
}

TEST_CASE("an accumulator filled with zero starts with a plain product") {
  RecordBuilder b;
  const auto a = b.value(DType::BF16, 16, 64), w = b.value(DType::BF16, 64, 32),
             c = b.value(DType::F32, 16, 32);
  b.op(Opcode::TEXPANDS, c);
  b.load(a, 0);
  b.load(w, 1);
  for (int i = 0; i < 2; ++i) b.op(Opcode::TMATMUL_ACC, c, {a, w});
  b.store(c, 2);
  CHECK(opcodes(build(std::move(b), lower_test::a2a3()), kAic) ==
        "TLOAD TLOAD TMATMUL TMATMUL_ACC TSTORE");
}

TEST_CASE("an INT32 accumulator takes the chip's minimum of rows") {
  RecordBuilder b;
  const auto a = b.value(DType::I8, 16, 64), w = b.value(DType::I8, 64, 32),
             c = b.value(DType::I32, 16, 32);
  b.load(a, 0);
  b.load(w, 1);
  b.op(Opcode::TMATMUL, c, {a, w});
  b.store(c, 2);
  CHECK(build(b, lower_test::a2a3()).work.values[c.value].bytes == 32 * 32 * 4);
  CHECK(build(b, lower_test::a5()).work.values[c.value].bytes == 16 * 32 * 4);
}
