#include "lower/l0.h"

#include <catch2/catch.hpp>

#include "isa/layout.h"
#include "tests/lower/test_chip.h"

using isa::DType;
using isa::Instr;
using isa::MemSpace;
using isa::Opcode;
using isa::Pipe;
using isa::TileOperand;
using lower::L0Tile;
using lower::MatmulShape;

namespace {

/// kernel-language.md §3.4: what the compiler generated for these L1 products.
struct Row {
  MatmulShape shape;
  int32_t tk;
  bool whole;
};
const Row kHarvest[] = {
    {{16, 128, 256, DType::BF16}, 128, false}, {{16, 256, 512, DType::I8}, 128, false},
    {{16, 512, 128, DType::I8}, 64, false},    {{32, 128, 512, DType::BF16}, 128, false},
    {{32, 512, 128, DType::BF16}, 32, false},  {{16, 64, 512, DType::BF16}, 256, false},
    {{16, 16, 2048, DType::F32}, 512, false},  {{16, 32, 256, DType::F32}, 256, true},
    {{64, 128, 128, DType::BF16}, 128, true},  {{128, 128, 64, DType::I8}, 64, true},
};

TileOperand l1(DType t, int rows, int cols, uint32_t addr = 0) {
  TileOperand o;
  o.space = MemSpace::L1;
  o.layout = isa::Layout::NZ;
  o.dtype = t;
  o.addr = addr;
  o.tile_rows = o.rows = o.valid_rows = static_cast<uint16_t>(rows);
  o.tile_cols = o.cols = o.valid_cols = static_cast<uint16_t>(cols);
  return o;
}

TileOperand l0c(DType t, int rows, int cols) {
  TileOperand o = l1(t, rows, cols);
  o.space = MemSpace::L0C;
  return o;
}

}  // namespace

TEST_CASE("L0 tiles equal the compiler's for every harvested shape") {
  chips::Chip chip = lower_test::a2a3();
  for (bool roofline : {true, false}) {
    chip.l0.roofline = roofline;
    for (const Row& row : kHarvest) {
      const L0Tile t = lower::choose_l0(row.shape, chip);
      INFO(row.shape.m << "x" << row.shape.n << "x" << row.shape.k << " roofline " << roofline);
      CHECK(t.m == row.shape.m);
      CHECK(t.n == row.shape.n);
      CHECK(t.k == row.tk);
      CHECK(t.whole(row.shape) == row.whole);
    }
  }
}

TEST_CASE("L0 tiles respect the half buffers, L0C and the fractal for odd shapes") {
  chips::Chip chip = lower_test::a2a3();
  for (bool roofline : {true, false}) {
    chip.l0.roofline = roofline;
    for (const MatmulShape& s :
         {MatmulShape{16, 4096, 64, DType::BF16}, MatmulShape{1, 16, 96, DType::I8},
          MatmulShape{512, 512, 512, DType::F32}, MatmulShape{128, 256, 256, DType::BF16},
          MatmulShape{48, 208, 400, DType::BF16}}) {
      const L0Tile t = lower::choose_l0(s, chip);
      const auto size = static_cast<int64_t>(isa::size_of(s.dtype));
      INFO(s.m << "x" << s.n << "x" << s.k << " -> " << t.m << "x" << t.n << "x" << t.k);
      CHECK(t.m % 16 == 0);
      CHECK(t.n % 16 == 0);
      CHECK(t.k % isa::c0(s.dtype, MemSpace::L1) == 0);
      CHECK(t.m * t.k * size <= 32 * 1024);
      CHECK(t.k * t.n * size <= 32 * 1024);
      CHECK(static_cast<int64_t>(t.m) * t.n * 4 <= 128 * 1024);
    }
  }
  // 128 x 256 x 256 BF16: n is the larger side, 32 KB / (256 x 2 B) = 64.
  CHECK(lower::choose_l0({128, 256, 256, DType::BF16}, chip).k == 64);
  // K = 192 under a cap of 128 takes two steps either way: the even one.
  CHECK(lower::choose_l0({16, 128, 192, DType::BF16}, chip).k == 96);
}

TEST_CASE("a K loop extracts, multiplies and ping-pongs the L0 halves") {
  const chips::Chip chip = lower_test::a2a3();
  lower::L0Emitter l0(chip);
  std::vector<Instr> out;
  l0.emit(l0c(DType::F32, 16, 128), l1(DType::BF16, 16, 256), l1(DType::BF16, 256, 128, 8192),
          false, false, isa::SiteId(7), out);
  REQUIRE(out.size() == 6);  // 2 steps x (A, B, product)
  for (int k = 0; k < 2; ++k) {
    const Instr &a = out[3 * k], &b = out[3 * k + 1], &mm = out[3 * k + 2];
    CHECK(a.op == Opcode::TEXTRACT);
    CHECK(a.pipe == Pipe::MTE1);
    CHECK(a.dst.space == MemSpace::L0A);
    CHECK(a.dst.addr == static_cast<uint32_t>(k) * 32768);
    CHECK(a.src[0].col0 == 128 * k);
    CHECK(a.src[0].cols == 128);
    CHECK(b.dst.space == MemSpace::L0B);
    CHECK(b.dst.layout == isa::Layout::ZN);
    CHECK(b.dst.addr == static_cast<uint32_t>(k) * 32768);
    CHECK(b.src[0].row0 == 128 * k);
    CHECK(b.src[0].addr == 8192);
    CHECK(mm.op == (k == 0 ? Opcode::TMATMUL : Opcode::TMATMUL_ACC));
    CHECK(mm.pipe == Pipe::M);
    CHECK(mm.barrier);
    CHECK(mm.dst.space == MemSpace::L0C);
    CHECK(mm.site == isa::SiteId(7));
  }
  CHECK(l0.peak_a() == 32768 + 4096);
  CHECK(l0.peak_b() == 65536);
}

TEST_CASE("a whole product moves its operands; the next one takes the other half") {
  const chips::Chip chip = lower_test::a2a3();
  lower::L0Emitter l0(chip);
  std::vector<Instr> out;
  const auto product = [&] {
    out.clear();
    l0.emit(l0c(DType::F32, 64, 128), l1(DType::BF16, 64, 128), l1(DType::BF16, 128, 128), true,
            true, {}, out);
  };
  product();
  REQUIRE(out.size() == 3);
  CHECK(out[0].op == Opcode::TMOV);
  CHECK_FALSE(out[0].attr.trans_b);
  CHECK(out[1].attr.trans_b);
  CHECK(out[2].op == Opcode::TMATMUL_ACC);
  CHECK(out[1].dst.addr == 0);
  product();
  CHECK(out[1].dst.addr == 32768);
  l0.start_iteration();  // a range loop's next iteration runs the same code
  product();
  CHECK(out[1].dst.addr == 0);
}

TEST_CASE("K steps without valid data are left out, transposed windows follow [N,K]") {
  const chips::Chip chip = lower_test::a2a3();
  lower::L0Emitter l0(chip);
  std::vector<Instr> out;
  TileOperand a = l1(DType::BF16, 16, 512), b = l1(DType::BF16, 64, 512);
  a.valid_cols = b.valid_cols = 200;
  l0.emit(l0c(DType::F32, 16, 64), a, b, true, false, {}, out);
  REQUIRE(out.size() == 3);  // tk = 256: the second step has no valid column
  CHECK(out[1].src[0].rows == 64);
  CHECK(out[1].src[0].cols == 256);
  CHECK(out[1].src[0].valid_cols == 200);
  CHECK(out[1].dst.rows == 256);
  CHECK(out[1].dst.valid_rows == 200);
  CHECK(out[1].dst.cols == 64);
}
