#include "lower/spaces.h"

#include <catch2/catch.hpp>

#include "isa/error.h"
#include "tests/lower/record_builder.h"

using isa::DType;
using isa::MemSpace;
using isa::Opcode;
using lower::BlockSpaces;
using lower_test::RecordBuilder;

namespace {

BlockSpaces infer(const RecordBuilder& b) {
  return lower::infer_spaces(b.record, "scope test", {"t.cpp:1"});
}

struct Product {
  RecordBuilder b;
  pl::ValueId a, w, c;
  Product() {
    a = b.value(DType::BF16, 16, 64);
    w = b.value(DType::BF16, 64, 32);
    c = b.value(DType::F32, 16, 32);
    b.load(a, 0);
    b.load(w, 1);
    b.op(Opcode::TMATMUL, c, {a, w});
  }
};

}  // namespace

TEST_CASE("a matmul's loads go to L1 and its result to L0C; storing it needs no vector core") {
  Product p;
  p.b.store(p.c, 2);
  const BlockSpaces s = infer(p.b);
  CHECK(s.space[p.a.value] == MemSpace::L1);
  CHECK(s.space[p.w.value] == MemSpace::L1);
  CHECK(s.space[p.c.value] == MemSpace::L0C);
  CHECK(s.has_cube);
  CHECK_FALSE(s.has_vector);
  CHECK(s.cube_to_vector == 0);
}

TEST_CASE("a vector operation on the result makes the scope mixed and the tile cross") {
  Product p;
  const auto y = p.b.value(DType::F32, 16, 32);
  p.b.op(Opcode::TEXP, y, {p.c});
  p.b.store(y, 2);
  const BlockSpaces s = infer(p.b);
  CHECK(s.has_vector);
  CHECK(s.space[y.value] == MemSpace::UB);
  CHECK(s.cube_to_vector == 16 * 32 * 4);
  CHECK(s.vector_to_cube == 0);
}

TEST_CASE("a computed operand crosses to the cube; windows and reshapes do not hide the matmul") {
  RecordBuilder b;
  const auto x = b.value(DType::F32, 16, 64), a = b.value(DType::BF16, 16, 64),
             w = b.value(DType::BF16, 64, 64), c = b.value(DType::F32, 16, 32);
  b.load(x, 0);
  b.op(Opcode::TCVT, a, {x});
  b.load(w, 1);
  b.op(Opcode::TMATMUL, b.ref(c), {b.ref(a), b.window(w, 0, 32, 64, 32)});
  b.store(c, 2);
  const BlockSpaces s = infer(b);
  CHECK(s.space[a.value] == MemSpace::UB);
  CHECK(s.space[w.value] == MemSpace::L1);
  CHECK(s.vector_to_cube == 16 * 64 * 2);
  CHECK(s.cube_to_vector == 0);
}

TEST_CASE("a load both halves read is loaded twice; one nobody reads is dropped") {
  Product p;
  const auto y = p.b.value(DType::BF16, 16, 64), unused = p.b.value(DType::F32, 4, 64);
  p.b.op(Opcode::TABS, y, {p.a});
  p.b.store(y, 2);
  p.b.load(unused, 3);
  const BlockSpaces s = infer(p.b);
  CHECK(s.space[p.a.value] == MemSpace::L1);
  CHECK(s.twin(p.a));
  CHECK_FALSE(s.twin(p.w));
  CHECK(s.dead(unused));
  CHECK_FALSE(s.dead(p.w));
}

TEST_CASE("what the author asked for wins") {
  RecordBuilder b;
  const auto mat = b.value(DType::BF16, 16, 64, pl::TileSpace::Mat),
             vec = b.value(DType::BF16, 64, 32, pl::TileSpace::Vec),
             c = b.value(DType::F32, 16, 32);
  b.load(mat, 0);
  b.load(vec, 1);
  b.op(Opcode::TMATMUL, c, {mat, vec});
  b.store(c, 2);
  const BlockSpaces s = infer(b);
  CHECK(s.space[mat.value] == MemSpace::L1);
  CHECK(s.space[vec.value] == MemSpace::UB);
  CHECK(s.vector_to_cube == 64 * 32 * 2);
}

TEST_CASE("a zero fill starts an accumulator, any other vector write to it is refused") {
  const auto accumulate = [](Opcode op, double imm) {
    RecordBuilder b;
    const auto a = b.value(DType::BF16, 16, 64), w = b.value(DType::BF16, 64, 32),
               c = b.value(DType::F32, 16, 32);
    b.op(op, c).attr.imm = imm;
    b.load(a, 0);
    b.load(w, 1);
    b.op(Opcode::TMATMUL_ACC, c, {a, w});
    b.store(c, 2);
    return infer(b);
  };
  CHECK_FALSE(accumulate(Opcode::TEXPANDS, 0).has_vector);
  CHECK_THROWS_WITH(accumulate(Opcode::TEXPANDS, 1), Catch::Contains("[lower.space-conflict]"));
  CHECK_THROWS_WITH(accumulate(Opcode::TCI, 0), Catch::Contains("scope test"));
}
