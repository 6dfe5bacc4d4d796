// Cube, vector and scalar costs against figures worked out by hand or published (hardware.md
// §4-§5).
#include <catch2/catch.hpp>

#include "bench_chip.h"
#include "sim/cost.h"

using namespace simtest;

namespace {
double v(const Instr& i, const chips::Chip& c = chip(), bool streaming = false) {
  return sim::vector_cost(i, streaming, c).value;
}
Instr one(Opcode op, isa::TileOperand src, isa::TileOperand dst) { return vec(op, {src}, dst); }
}  // namespace

TEST_CASE("a matmul is its head and its fractals") {
  const chips::Chip c = chip();
  CHECK(sim::matmul_cost(matmul(128, 64, 128), false, c).value == 21 + 8 * 4 * 8);
  CHECK(sim::matmul_cost(matmul(128, 64, 128), true, c).value == 10 + 8 * 4 * 8);
  CHECK(sim::matmul_cost(matmul(8, 64, 17), false, c).value == 21 + 1 * 4 * 2);  // rounded up
  CHECK(sim::matmul_cost(matmul(16, 64, 16, DType::I8), false, c).value == 21 + 2);
  // fp32 takes two passes per 16 x 8 fractal
  CHECK(sim::matmul_cost(matmul(16, 64, 16, DType::F32), false, c).value == 21 + 8 * 2);
  // 40 x 50 x 60 fp16 is 54 on the camodel with a head of 6 (hardware.md §4.2)
  chips::Chip ref = chip();
  ref.cube.head_idle = 6;
  CHECK(sim::matmul_cost(matmul(40, 50, 60, DType::F16), false, ref).value == 54);
  CHECK(sim::matmul_cost(matmul(120, 110, 50, DType::F32), false, ref).value == 902);
}

TEST_CASE("a flat tile operation is head, tail and a cycle per 256 B") {
  CHECK(v(add(64, 64)) == 24 + 64);               // the bank sample's 88 cycles (hardware.md §2.3)
  CHECK(v(add(16, 256, DType::F16)) == 24 + 32);  // 8 KB
  CHECK(v(one(Opcode::TADDS, tile(32, 64), tile(32, 64))) == 31 + 32);
  CHECK(v(one(Opcode::TEXP, tile(64, 64), tile(64, 64))) == 31 + 128);  // 159 published
  // more than 255 repeats need a second instruction
  CHECK(v(add(255, 64)) == 24 + 255);
  CHECK(v(add(256, 64)) == 48 + 256);
}

TEST_CASE("two-source operations: slope and count mode") {
  chips::Chip c = chip();
  c.vec.two_source_slope = 2;  // both sources in one bank group: TADD 64x64 takes 151-160
  CHECK(v(add(64, 64), c) == 24 + 128);
  CHECK(v(vec(Opcode::TDIV, {tile(64, 64), tile(64, 64)}, tile(64, 64)), c) == 30 + 256);
  CHECK(v(add(64, 80)) == 24 + 80 + 16);                                    // ragged width
  CHECK(v(one(Opcode::TADDS, tile(64, 80), tile(64, 80))) == 31 + 80);      // not one source
  CHECK(v(one(Opcode::TDIVS, tile(32, 64), tile(32, 64))) == 45 + 5 * 32);  // 205 published
  CHECK(v(one(Opcode::TDIVS, tile(64, 128, DType::F16), tile(64, 128, DType::F16))) == 45 + 9 * 64);
}

TEST_CASE("rows with gaps take a repeat each; wide ones an instruction per 256 B of columns") {
  const auto adds = [](isa::TileOperand t) { return one(Opcode::TADDS, t, t); };
  CHECK(v(adds(strided(64, 16, 64))) == 31 + 64);
  CHECK(v(adds(strided(64, 128, 256))) == 2 * 31 + 128);
  CHECK(v(adds(strided(2, 256, 512))) == 2 * 31 + 8);  // fewer rows than chunks: one per row
  CHECK(v(adds(strided(1, 256, 512))) == 31 + 4);      // a single row is flat
}

TEST_CASE("a conversion repeats by its wider side") {
  CHECK(v(one(Opcode::TCVT, tile(64, 64), tile(64, 64, DType::BF16))) == 32 + 2 * 64);
  CHECK(v(one(Opcode::TCVT, tile(64, 64, DType::BF16), tile(64, 64))) == 32 + 2 * 64);
}

TEST_CASE("row reductions and row broadcasts") {
  CHECK(v(one(Opcode::TROWSUM, tile(64, 64), tile(64, 1))) == 46 + 7 * 64);  // 492-494 published
  // 128 columns: one fold of 64 repeats in front
  CHECK(v(one(Opcode::TROWSUM, tile(64, 128), tile(64, 1))) == 46 + 7 * 64 + 24 + 64);
  CHECK(v(one(Opcode::TROWMAX, tile(64, 192), tile(64, 1))) == 46 + 7 * 64 + 2 * (23 + 64));
  const auto mul = [](int r, int n) {
    return vec(Opcode::TROWEXPANDMUL, {tile(r, n), tile(r, 1)}, tile(r, n));
  };
  // 18 + rows/8 + barrier 20 + one instruction of `rows` repeats per 64 columns
  CHECK(v(mul(64, 64)) == 18 + 8 + 20 + 25 + 64);
  CHECK(v(mul(64, 512)) == 18 + 8 + 20 + 8 * (25 + 64));
  CHECK(v(mul(4, 512)) == 18 + 0.5 + 20 + 4 * (25 + 8));  // one instruction per row
  CHECK(v(mul(4, 520)) == 18 + 0.5 + 20 + 4 * (25 + 9) + 16);
  CHECK(v(vec(Opcode::TCOLEXPANDMUL, {tile(16, 128), tile(1, 128)}, tile(16, 128))) ==
        2 * (25 + 16));
  CHECK(v(one(Opcode::TCOLSUM, tile(64, 64), tile(1, 64))) == 15 + 64 * 20);
}

TEST_CASE("a gathered row and its move cost vec.gather_row with their barriers") {
  const chips::Chip c = chip();
  const Instr gather =
      vec(Opcode::TGATHER, {tile(1, 64), tile(1, 64, DType::I32)}, tile(1, 64, DType::F32, 1024));
  const Instr move = one(Opcode::TMOV, tile(1, 64), tile(1, 64));
  CHECK(20 + v(gather) + 20 + v(move) == 130);
  // wider rows add the instruction's slope per 64 indices
  Instr wide = vec(Opcode::TGATHER, {tile(1, 128), tile(1, 128, DType::I32)}, tile(1, 128));
  CHECK(20 + v(wide) + 20 + v(one(Opcode::TMOV, tile(1, 128), tile(1, 128))) == 132);
  chips::Chip cheap = chip();
  cheap.vec.gather_row = 50;  // never below the bare instruction
  CHECK(v(gather, cheap) == 24);
}

TEST_CASE("mask scatter is a scalar loop over the source") {
  Instr i = one(Opcode::TSCATTERM, tile(32, 32), tile(32, 64));
  CHECK(v(i) == 32 * 32 * 38);
}

TEST_CASE("sorting") {
  CHECK(v(one(Opcode::TSORT32, tile(2, 256), tile(2, 512))) == 6 + 2 * 8 * 2);
  Instr merge = one(Opcode::TMRGSORT, tile(1, 1024), tile(1, 1024));
  merge.attr.block_len = 64;
  CHECK(v(merge) == 20 + 4 * 78);
}

TEST_CASE("fills go by the result, high-precision rsqrt is a root and a division") {
  CHECK(v(vec(Opcode::TEXPANDS, {}, tile(32, 64))) == 24 + 32);
  CHECK(v(vec(Opcode::TSEL, {tile(4, 8, DType::U8), tile(4, 64), tile(4, 64)}, tile(4, 64))) ==
        27 + 8);
  Instr r = one(Opcode::TRSQRT, tile(32, 64), tile(32, 64));
  CHECK(v(r) == 24 + 32);
  r.attr.high_precision = true;
  CHECK(v(r) == (39 + 64) + 20 + (45 + 5 * 32));
}

TEST_CASE("streaming scales head and tail") {
  chips::Chip c = chip();
  CHECK(v(add(64, 64), c, true) == 88);  // the chip's scale of 1: charged back to back as well
  c.vec.head_tail_scale = 0.25;
  CHECK(v(add(64, 64), c, true) == 6 + 64);
  CHECK(v(add(64, 64), c, false) == 24 + 64);
}

TEST_CASE("a5's two-dimensional law replaces the strided one where it is given") {
  chips::Chip c = chip();
  chips::VectorOp& op = c.vec.ops[static_cast<size_t>(Opcode::TADDS)];
  op.head = 23;
  op.tail = 30.14;
  op.slope = 1.059;
  op.strided_slope = 1.102;
  op.strided_row = 4.531;
  op.strided_fixed = 49.63;
  const auto adds = [](isa::TileOperand t) { return one(Opcode::TADDS, t, t); };
  CHECK(v(adds(tile(64, 64)), c) == Approx(1.059 * 64 + 53.14));
  CHECK(v(adds(strided(64, 128, 256)), c) == Approx((1.102 * 2 + 4.531) * 64 + 49.63));
}

TEST_CASE("a zero-sized tile costs the instruction's head") {
  isa::TileOperand t = tile(16, 64);
  t.valid_rows = 0;
  CHECK(v(vec(Opcode::TADD, {t, t}, t)) == 10);
}

TEST_CASE("scalar unit") {
  const chips::Chip c = chip();
  CHECK(sim::scalar_cost(work(17), false, c).value == 17);
  CHECK(sim::scalar_cost(scalar(Opcode::SREAD, gm(1, 1, 1)), true, c).value == 10);
  CHECK(sim::scalar_cost(scalar(Opcode::SREAD, gm(1, 1, 1)), false, c).value == 300);
  CHECK(sim::scalar_cost(scalar(Opcode::SREAD), false, c).value == 6);
  CHECK(sim::scalar_cost(scalar(Opcode::SWRITE, gm(1, 1, 1)), false, c).value == 12);
  CHECK(sim::scalar_cost(scalar(Opcode::SWRITE), false, c).value == 6);
  CHECK(sim::scalar_cost(scalar(Opcode::DCCI), false, c).value == 225);  // ns at 1 GHz
  CHECK(sim::scalar_cost(scalar(Opcode::SYNCALL), false, c).value == 500);
  CHECK(sim::scalar_cost(scalar(Opcode::TFREE), false, c).value == 1);
}
