#include "lower/expand.h"

#include <catch2/catch.hpp>

#include "isa/error.h"
#include "tests/lower/record_builder.h"
#include "tests/lower/test_chip.h"

using isa::DType;
using isa::Instr;
using isa::Opcode;
using isa::TileOperand;
using lower_test::RecordBuilder;

namespace {

/// Bytes of the scratch an operation gets; -1 = none.
int64_t scratch_bytes(RecordBuilder& b, const chips::Chip& chip) {
  lower::BlockWork w = lower_test::one_stream(b.record);
  lower::add_scratch(w, lower::kAiv0, chip, {"t.cpp:1"});
  const uint32_t s = w.streams[lower::kAiv0].back().scratch;
  return s == lower::kNone ? -1 : w.values[s].bytes;
}

int64_t unary(Opcode op, DType from, DType to, int rows, int cols, const chips::Chip& chip,
              bool high_precision = false) {
  RecordBuilder b;
  const auto x = b.value(from, rows, cols), y = b.value(to, rows, op == Opcode::TROWSUM ? 1 : cols);
  b.op(op, y, {x}).attr.high_precision = high_precision;
  return scratch_bytes(b, chip);
}

TileOperand tile(uint32_t addr, DType t, int rows, int cols) {
  TileOperand o;
  o.addr = addr;
  o.dtype = t;
  o.tile_rows = o.rows = o.valid_rows = static_cast<uint16_t>(rows);
  o.tile_cols = o.cols = o.valid_cols = static_cast<uint16_t>(cols);
  return o;
}

}  // namespace

TEST_CASE("row reductions get rows x max(cols, 128) elements of scratch") {
  const chips::Chip chip = lower_test::a2a3();
  CHECK(unary(Opcode::TROWSUM, DType::F32, DType::F32, 8, 64, chip) == 8 * 128 * 4);
  CHECK(unary(Opcode::TROWSUM, DType::F32, DType::F32, 8, 200, chip) == 8 * 200 * 4);
  CHECK(unary(Opcode::TCOLSUM, DType::F32, DType::F32, 8, 64, chip) == -1);
}

TEST_CASE("only the high-precision reciprocal root needs scratch") {
  const chips::Chip chip = lower_test::a2a3();
  CHECK(unary(Opcode::TRSQRT, DType::F32, DType::F32, 8, 64, chip, true) == 8 * 64 * 4);
  CHECK(unary(Opcode::TRSQRT, DType::F32, DType::F32, 8, 64, chip, false) == -1);
}

TEST_CASE("casts: native, by way of FP32 on a5, refused") {
  const chips::Chip a2 = lower_test::a2a3(), a5 = lower_test::a5();
  CHECK(unary(Opcode::TCVT, DType::F32, DType::BF16, 8, 64, a2) == -1);
  CHECK(unary(Opcode::TCVT, DType::I32, DType::F16, 8, 64, a2) == -1);
  CHECK(unary(Opcode::TCVT, DType::I32, DType::F16, 8, 64, a5) == 8 * 64 * 4);
  CHECK_THROWS_WITH(unary(Opcode::TCVT, DType::I8, DType::I32, 8, 64, a2),
                    "scope test: t.cpp:1: a2a3 has no conversion INT8 -> INT32 [lower.cast]");
  CHECK(unary(Opcode::TCVT, DType::I8, DType::I32, 8, 64, a5) == -1);
}

TEST_CASE("a gather is a gather and a move per row, a barrier in front of each") {
  Instr whole;
  whole.op = Opcode::TGATHER;
  whole.pipe = isa::Pipe::V;
  whole.n_src = 2;
  whole.src[0] = tile(0, DType::F32, 8, 64);
  whole.src[1] = tile(2048, DType::I32, 8, 64);
  whole.dst = tile(4096, DType::F32, 8, 64);
  std::vector<Instr> out;
  lower::emit_gather(whole, tile(8192, DType::F32, 1, 64), out);
  REQUIRE(out.size() == 16);  // kernel-language.md §3.2: 8 rows = 16 instructions
  for (int r = 0; r < 8; ++r) {
    const Instr &g = out[2 * r], &m = out[2 * r + 1];
    CHECK(g.op == Opcode::TGATHER);
    CHECK(m.op == Opcode::TMOV);
    CHECK(g.barrier);
    CHECK(m.barrier);
    CHECK(g.src[0].row0 == r);
    CHECK(g.src[1].row0 == r);
    CHECK(g.src[1].rows == 1);
    CHECK(g.dst.addr == 8192);
    CHECK(m.src[0].addr == 8192);
    CHECK(m.dst.addr == 4096);
    CHECK(m.dst.row0 == r);
    CHECK(m.n_src == 1);
  }
  // Rows without data are not gathered.
  whole.dst.valid_rows = 3;
  out.clear();
  lower::emit_gather(whole, tile(8192, DType::F32, 1, 64), out);
  CHECK(out.size() == 6);
}

TEST_CASE("the mask form of scatter needs the chip's support") {
  RecordBuilder b;
  const auto x = b.value(DType::F32, 8, 32), y = b.value(DType::F32, 8, 64);
  b.op(Opcode::TSCATTERM, y, {x});
  CHECK(scratch_bytes(b, lower_test::a2a3()) == -1);
  CHECK_THROWS_WITH(scratch_bytes(b, lower_test::a5()), Catch::Contains("[lower.mask-scatter]"));
}
