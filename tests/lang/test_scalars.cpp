// Scalar reads and writes, in scopes and in the orchestration.
#include "lang/support.h"

using namespace test;
using pl::Tensor;

TEST_CASE("reads and writes in a scope are recorded") {
  pl::Session s("test");
  const Tensor x = s.input("x", DType::I64, {2, 3}, host(DType::I64, {1, 2, 3, 4, 5, 6}));
  const Tensor f = s.input("f", DType::BF16, {3}, host(DType::BF16, {0.5, 1.5, -2}));
  const Tensor y = s.output("y", DType::F32, {4});
  const Tensor big = s.output("big", DType::I64, {1});
  pl::at({"s"}, [&] {
    CHECK(pl::read_int(x, {1, 2}) == 6);
    CHECK(pl::read(f, {2}) == -2);
    pl::write(y, {3}, 7.25);
    CHECK(pl::read(y, {3}) == 7.25);
    pl::write_int(big, {0}, int64_t{1} << 60 | 1);
    CHECK(pl::read_int(big, {0}) == (int64_t{1} << 60 | 1));
    const pl::Tile t = pl::full(2, 8, DType::F32, 1);
    pl::write(t, 1, 3, 9);
    CHECK(pl::read(t, 1, 3) == 9);
    CHECK(pl::read(t, 1, 2) == 1);
  });
  const pl::RecordedProgram p = s.finish();
  const auto ops = instructions(p.scopes[0].blocks[0]);
  CHECK(ops[0].opcode == Opcode::SREAD);
  CHECK(ops[0].gm.offset == 5);
  CHECK(ops[0].gm.rows == 1);
  CHECK(ops[2].opcode == Opcode::SWRITE);
  CHECK(ops[2].attr.imm == 7.25);
  CHECK(ops[7].opcode == Opcode::SWRITE);  // into the tile
  CHECK(ops[7].dst.offset == 8 + 3);
  CHECK_FALSE(ops[7].gm.present());
  CHECK(ops[8].src[0].offset == 8 + 3);
  CHECK(element(p.storage[2].data.get(), DType::F32, 3) == 7.25);
  CHECK(p.diagnostics.empty());
}

TEST_CASE("loops over neighbouring elements are recorded as runs") {
  using Kind = pl::Op::Kind;
  pl::Session s("test");
  const pl::Tensor i = s.input("i", DType::I32, {2, 16},
                               host(DType::I32, sequence(32, [](int64_t k) { return k; })));
  const pl::Tensor y = s.output("y", DType::I32, {16});
  const auto scan = [&](int64_t row) {
    int64_t sum = 0;
    for (int64_t k : pl::range(16)) sum += pl::read_int(i, {row, k});
    return sum;
  };
  int64_t sum = 0;
  pl::at({"runs"}, [&] {
    sum = scan(1);
    for (int64_t k : pl::range(16)) pl::write_int(y, {k}, k < 12 ? -1 : 7);
  });
  pl::at({"no runs"}, [&] {
    for (int64_t k : pl::pipeline(4, 2)) pl::read_int(i, {0, k});  // overlapping iterations
    for (int64_t k : pl::range(4)) pl::read_int(i, {0, 2 * k});    // not neighbours
    for (int64_t k : pl::range(2)) {                               // more than a read
      pl::full(1, 8, DType::F32, 0);
      pl::read_int(i, {0, k});
    }
  });
  const pl::RecordedProgram p = s.finish();
  CHECK(sum == 16 * 16 + 15 * 8);
  CHECK(element(p.storage[1].data.get(), DType::I32, 11) == -1);
  CHECK(element(p.storage[1].data.get(), DType::I32, 12) == 7);

  const auto& ops = p.scopes[0].blocks[0].ops;
  std::vector<Kind> kinds;
  for (const pl::Op& op : ops) kinds.push_back(op.kind);
  const auto B = Kind::LoopBegin, I = Kind::LoopIter, E = Kind::LoopEnd, X = Kind::Instr;
  CHECK(kinds == std::vector<Kind>{B, I, X, E, B, I, X, I, X, E});
  CHECK(ops[2].gm.offset == 16);
  CHECK(ops[2].gm.cols == 16);
  CHECK(ops[2].attr.run_iterations == 15);
  CHECK(ops[6].gm.cols == 12);
  CHECK(ops[6].attr.imm == -1);
  CHECK(ops[8].gm.cols == 4);
  CHECK(ops[8].attr.run_iterations == 3);
  for (const pl::Op& op : instructions(p.scopes[1].blocks[0]))
    if (op.opcode == Opcode::SREAD) CHECK(op.gm.cols == 1);
}

TEST_CASE("orchestration reads and writes are events") {
  pl::Session s("test");
  const Tensor x = s.input("x", DType::I32, {4}, host(DType::I32, {3, 1, 4, 1}));
  const Tensor y = pl::create_tensor({4}, DType::I32);
  CHECK(pl::read_int(x, {2}) == 4);
  pl::write(y, {1}, 8);
  CHECK(pl::read(y, {1}) == 8);
  const pl::RecordedProgram p = s.finish();
  using Kind = pl::OrchEvent::Kind;
  REQUIRE(p.orchestration.size() == 4);
  CHECK(p.orchestration[0].kind == Kind::Alloc);
  CHECK(p.orchestration[1].kind == Kind::Read);
  CHECK(p.orchestration[1].buffer == x.buffer());
  CHECK(p.orchestration[2].kind == Kind::Write);
  CHECK(p.orchestration[3].buffer == y.buffer());
}

TEST_CASE("an index past a dimension is flat memory, past the buffer its last element") {
  pl::Session s("test");
  const Tensor x =
      s.inout("x", DType::I32, {3, 4},
              host(DType::I32, sequence(12, [](int64_t i) { return static_cast<double>(i); })));
  pl::at({"writer"}, [&] {
    for (int64_t c = 4; c < 8; ++c) pl::write(x, {0, c}, static_cast<double>(100 + c));
    pl::write(x, {2, 9}, -1);
    CHECK(pl::read_int(x, {1, -1}) == 3);
    CHECK(pl::read_int(x, {0, -3}) == 0);
  });
  CHECK(pl::read_int(x, {0, 6}) == 106);  // the orchestration too
  const pl::RecordedProgram p = s.finish();
  const std::vector<double> expected = {0, 1, 2, 3, 104, 105, 106, 107, 8, 9, 10, -1};
  for (int i = 0; i < 12; ++i)
    CHECK(element(p.storage[0].data.get(), DType::I32, i) == expected[static_cast<size_t>(i)]);
  REQUIRE(p.diagnostics.size() == 5);
  for (const pl::Diagnostic& d : p.diagnostics) CHECK(d.id == "lang.scalar-out-of-bounds");
  CHECK(p.diagnostics[0].where.find("scope writer, test_scalars.cpp:") == 0);
  CHECK(
      p.diagnostics[0].message ==
      "index [0, 4] is outside tensor 'x' of shape [3, 4]; flat memory gives element 4 (4 times)");
  CHECK(p.diagnostics[1].message ==
        "index [2, 9] is outside tensor 'x' of shape [3, 4]; past the buffer, clamped to its end");
  CHECK(p.diagnostics[4].where.find("test_scalars.cpp:") == 0);
  // the record names the element really touched
  CHECK(p.scopes[0].blocks[0].ops[4].gm.offset == 11);
}

TEST_CASE("scalar helpers") {
  CHECK(pl::min(3, 5) == 3);
  CHECK(pl::max(3, 5) == 5);
  CHECK(pl::cast_scalar<int64_t>(2.9) == 2);
  CHECK(pl::constant<int32_t>(4) == 4);
  const pl::Array<int, 2> a = {1, 2};
  CHECK(a[1] == 2);
}
