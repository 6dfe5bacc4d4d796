// DMA laws against figures worked out by hand or published (first-model.md §2, hardware.md §3).
#include <catch2/catch.hpp>

#include "bench_chip.h"
#include "sim/cost.h"

using namespace simtest;

namespace {
constexpr uint64_t kBase = 1 << 30;
double load(const Instr& i, int64_t misses = 0, const chips::Chip& c = chip()) {
  return sim::load_cost(i, kBase, misses, c).total().value;
}
double store(const Instr& i, const chips::Chip& c = chip()) {
  return sim::store_cost(i, kBase, 0, c).total().value;
}
}  // namespace

TEST_CASE("a cube load pays latency, every row and its bytes") {
  // 265 + 128 x (3 + 128/128) for [128 x 32] fp32 rows of 128 B
  CHECK(load(load_l1(gm(128, 32, 4096))) == Approx(265 + 128 * 4));
  // 64 B rows: half the byte part
  CHECK(load(load_l1(gm(128, 32, 4096, DType::BF16))) == Approx(265 + 128 * 3.5));
  // logical rows count even if they follow each other in GM
  CHECK(load(load_l1(gm(128, 32, 32))) == Approx(265 + 128 * 4));
  Instr merged = load_l1(gm(128, 32, 32));
  merged.gm.rows = 1;
  merged.gm.cols = 128 * 32;
  CHECK(load(merged) == Approx(265 + 128 * 4));
}

TEST_CASE("a missed line costs mte2.line_miss, and a miss mte2.latency_miss once") {
  const Instr i = load_l1(gm(128, 32, 4096));
  CHECK(load(i, 128) - load(i, 0) == Approx(128 * 9));
  chips::Chip c = chip();
  c.mte2.latency_miss = 200;
  CHECK(load(i, 3, c) - load(i, 0, c) == Approx(200 + 27));
  // vector loads have no line charge: 8 KB from HBM take 350 cycles on the device (hardware.md
  // §3.4)
  const chips::Chip shipped = chips::load_chip("a2a3");
  CHECK(load(load_ub(gm(1, 2048, 0)), 16, shipped) == Approx(350).epsilon(0.12));
  // the published cost of a missed 512 B row: 16.7 cycles with 3 / 110 / 9 (first-model.md §2.2)
  c = chip();
  c.mte2.row_nd2nz_bytes = 110;
  const double row = (load(load_l1(gm(64, 128, 4096)), 64, c) - 265) / 64;
  CHECK(row == Approx(16.65).epsilon(0.001));
}

TEST_CASE("a vector load pays the larger of rows and bytes") {
  CHECK(load(load_ub(gm(64, 16, 1024))) == Approx(265 + 64 * 8));   // 64 B rows: row bound
  CHECK(load(load_ub(gm(64, 128, 1024))) == Approx(265 + 64 * 8));  // 512 B rows: both equal
  CHECK(load(load_ub(gm(64, 256, 1024))) == Approx(265 + 64 * 1024 / 64));  // bytes
  CHECK(load(load_ub(gm(64, 16, 16))) == Approx(265 + 64 * 64 / 64.0));     // contiguous: no rows
  CHECK(load(load_ub(gm(1, 16, 0))) == Approx(265 + 1));
}

TEST_CASE("a tile with gaps between its rows is moved row by row") {
  Instr i = load_ub(gm(64, 16, 16));
  i.dst = strided(64, 16, 32);
  CHECK(load(i) == Approx(265 + 64 * 8));
  // an [M,1] column: one element per row, also when it is contiguous in GM
  Instr column = store_ub(gm(128, 1, 1));
  column.src[0] = strided(128, 1, 8);
  CHECK(store(column) == Approx(230 + 128 * 8));
  CHECK(store(store_ub(gm(128, 1, 4096))) == Approx(230 + 128 * 8));
  CHECK(store(store_ub(gm(128, 1, 1))) == Approx(230 + 512 / 64.0));
}

TEST_CASE("rows or starts off 32 B pay the unaligned factor") {
  CHECK(load(load_ub(gm(64, 256, 1025))) == Approx(265 + 1.25 * 1024));
  CHECK(load(load_ub(gm(64, 256, 1032))) == Approx(265 + 1024));  // pitch 4128 = 129 x 32
  CHECK(load(load_ub(gm(64, 256, 1024, DType::F32, 7))) == Approx(265 + 1.25 * 1024));
  CHECK(load(load_ub(gm(64, 256, 1024, DType::F32, 8))) == Approx(265 + 1024));
  CHECK(load(load_l1(gm(64, 64, 1025))) == Approx(265 + 2 * 64 * (3 + 2)));
  // the miss charge is not scaled
  CHECK(load(load_l1(gm(64, 64, 1025)), 10) == Approx(265 + 2 * 64 * (3 + 2) + 90));
}

TEST_CASE("an atomic add from UB is charged per 512 B segment of each row") {
  Instr i = store_ub(gm(16, 256, 4096));  // 1 KB rows: two segments
  const double plain = store(i);
  i.attr.atomic = true;
  CHECK(store(i) - plain == Approx(16 * 2 * 50));
  i.gm = gm(16, 129, 4096);  // 516 B: a second segment begins
  i.src[0] = tile(16, 129);
  Instr plain_i = i;
  plain_i.attr.atomic = false;
  CHECK(store(i) - store(plain_i) == Approx(16 * 2 * 50));
}

TEST_CASE("FIXPIPE follows the drain law of the device sweep") {
  const chips::Chip c = chip();
  // hardware.md §3.6: m = 128, n = 256 gives 1275 cycles in fp32 and 992 in 16 bit
  CHECK(sim::drain_cost(drain(gm(128, 256, 4096)), c).total().value == Approx(1275).epsilon(0.001));
  CHECK(sim::drain_cost(drain(gm(128, 256, 4096, DType::BF16)), c).total().value ==
        Approx(992).epsilon(0.001));
  // narrow rows hit the floor of 4.45; n = 24 has ceil(24/8) = 3, odd part 3: + 2.6 x 2
  CHECK(sim::drain_cost(drain(gm(16, 16, 64)), c).total().value == Approx(164 + 16 * 4.45));
  CHECK(sim::drain_cost(drain(gm(16, 24, 64)), c).total().value ==
        Approx(164 + 16 * (4.45 + 2 * 2.6)));
  Instr atomic = drain(gm(128, 256, 4096));
  atomic.attr.atomic = true;
  // first-model.md §2.8: about 80 us for a 128 x 256 fp32 tile at 1.8 GHz
  const double extra = sim::drain_cost(atomic, c).total().value -
                       sim::drain_cost(drain(gm(128, 256, 4096)), c).total().value;
  CHECK(extra == Approx(128 * 2 * 560));
  CHECK(extra / 1800 == Approx(79.6).epsilon(0.01));
}

TEST_CASE("on-chip hand-over and L0 moves: latency and bytes") {
  const chips::Chip c = chip();
  Instr push;
  push.op = Opcode::TPUSH;
  push.src[0] = tile(64, 64, DType::F32, 0, MemSpace::L0C);
  CHECK(sim::handover_cost(push, c).value == Approx(26 + 16384 / 128.0));

  Instr a;
  a.op = Opcode::TEXTRACT;
  a.dst = tile(128, 64, DType::BF16, 0, MemSpace::L0A);
  CHECK(sim::l0_move_cost(a, c).value == Approx(28 + 16384 / 256.0));
  a.dst = tile(64, 128, DType::BF16, 0, MemSpace::L0B);
  CHECK(sim::l0_move_cost(a, c).value == Approx(28 + 16384 / 128.0));
  a.dst = tile(8, 64, DType::BF16, 0, MemSpace::L0A);  // 8 rows move as a 16-row fractal
  CHECK(sim::l0_move_cost(a, c).value == Approx(28 + 2048 / 256.0));
}

TEST_CASE("cycles become picoseconds rounded up") {
  chips::Chip c = chip();
  CHECK(sim::duration(c, sim::Cycles(1.5)).value == 1500);
  c.clock_mhz = 1800;  // 555.5 ps
  CHECK(sim::duration(c, sim::Cycles(1)).value == 556);
  CHECK(sim::duration(c, sim::Cycles(9)).value == 5000);
  CHECK(sim::nanoseconds(0.35).value == 350);
}
