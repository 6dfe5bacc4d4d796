// DMA on the pipes: serial and overlapped latency, release of store sources, contention, traffic.
#include <catch2/catch.hpp>

#include "bench_chip.h"

using namespace simtest;
using traces::WaitReason;

namespace {
constexpr int64_t kIssue = 4000;

/// 64 KB into L1 at `slot` of buffer 0: 265 + 64 x (3 + 8) cycles and 128 line misses of 9.
Instr big_load(int64_t slot = 0) { return load_l1(gm(64, 256, 256, DType::F32, slot * 16384)); }
constexpr int64_t kBigTransfer = (64 * 11 + 128 * 9) * 1000;
}  // namespace

TEST_CASE("a serial queue exposes the latency of every DMA") {
  Lane l(chip());
  l.run({big_load(0), big_load(1)});
  CHECK(l.start_of(0) == kIssue);
  CHECK(l.end_of(0) == kIssue + 265'000 + kBigTransfer);
  CHECK(l.start_of(1) == l.end_of(0));
}

TEST_CASE("an overlapped queue is held for the gap and the transfer only") {
  chips::Chip c = chip();
  c.mte2.serial = false;
  Lane l(c);
  l.run({big_load(0), big_load(1)});
  CHECK(l.start_of(1) == kIssue + 21'000 + kBigTransfer);
  CHECK(l.end_of(1) == l.start_of(1) + 265'000 + kBigTransfer);
  CHECK(l.row.pipe_busy[static_cast<size_t>(Pipe::MTE2)].value == 2 * (21'000 + kBigTransfer));
}

TEST_CASE("completion is in order even when the latency overlaps") {
  chips::Chip c = chip();
  c.mte2.serial = false;
  c.mte2.latency_miss = 2000;
  c.mte2.line_miss = 0;
  Lane l(c);
  l.memory.warm((1 << 30) + 4096, 64);
  // A long miss, then a short hit: the hit's data is there earlier but counts behind the miss.
  l.run({load_ub(gm(1, 16, 0)), load_ub(gm(1, 16, 0, DType::F32, 1024))});
  CHECK(l.end_of(1) == l.end_of(0));
}

TEST_CASE("a hit is cheaper by its line charges") {
  Lane l(chip());
  l.run({big_load(), big_load()});
  CHECK(l.end_of(1) - l.start_of(1) == 265'000 + 64 * 11'000);
}

TEST_CASE("load, compute and store overlap only as far as buffers allow") {
  Lane l(chip());
  Instr compute = after(add(64, 64), Pipe::MTE2, 0);
  Instr reload = after(load_ub(gm(64, 64, 64)), Pipe::V, 1);  // the buffer compute read
  Instr other = load_ub(gm(64, 64, 64, DType::F32, 0, 1));    // another buffer
  l.run({load_ub(gm(64, 64, 64)), compute, reload});
  CHECK(l.start_of(1) == l.end_of(0) + 1000);
  CHECK(l.start_of(2) == l.end_of(1) + 1000);
  Lane pingpong(chip());
  pingpong.run({load_ub(gm(64, 64, 64)), compute, other});
  CHECK(pingpong.start_of(2) == pingpong.end_of(0));
}

TEST_CASE("a store's source is free when the data has left, not when it is acknowledged") {
  const Instr store = store_ub(gm(64, 64, 64));  // 16 KB: 230 + 256 cycles
  Lane done(chip());
  done.run({store, after(add(64, 64), Pipe::MTE3, 0)});
  CHECK(done.end_of(0) == kIssue + 486'000);
  CHECK(done.start_of(1) == done.end_of(0) + 1000);

  Lane released(chip());
  released.run({store, after_release(add(64, 64), Pipe::MTE3, 0)});
  CHECK(released.start_of(1) == released.end_of(0) - 230'000 + 1000);
  CHECK(released.wait(WaitReason::Buffer) == released.start_of(1));
}

TEST_CASE("a later store edge with a plain one: the later constraint wins") {
  Lane l(chip());
  Instr next = after_release(add(64, 64), Pipe::MTE3, 0);
  next = after(next, Pipe::MTE2, 1);
  l.run({store_ub(gm(64, 64, 64)), load_ub(gm(64, 64, 64, DType::F32, 0, 1)), next});
  CHECK(l.start_of(2) == l.end_of(1) + 1000);
}

TEST_CASE("FIXPIPE drains are serial and release L0C before the write is acknowledged") {
  Lane l(chip(), CoreKind::AIC);
  Instr mm = after_release(matmul(16, 16, 16), Pipe::FIX, 0);
  l.run({drain(gm(128, 256, 256)), drain(gm(128, 256, 256)), mm});
  // 4 x 256 / 118 > 4.45
  const int64_t alone = static_cast<int64_t>(164'000 + 128 * 1'024'000.0 / 118) + 1;
  CHECK(l.end_of(0) - l.start_of(0) == Approx(alone).margin(2));
  CHECK(l.start_of(1) == l.end_of(0));
  CHECK(l.start_of(2) == Approx(l.end_of(0) - 164'000 + 1000).margin(2));
}

TEST_CASE("what the memory cannot deliver in time is counted as a memory wait") {
  chips::Chip c = chip();
  c.hbm.bandwidth = 16;  // 16 B per ns: 64 KB take 4096 ns, the core alone 2121
  Lane l(c);
  l.run({big_load()});
  const int64_t alone = 265'000 + kBigTransfer;
  CHECK(l.wait(WaitReason::Memory) == l.end_of(0) - l.start_of(0) - alone);
  CHECK(l.end_of(0) - l.start_of(0) == Approx(265'000 + 4'096'000).epsilon(0.01));
}

TEST_CASE("traffic: asked, moved, lines, misses") {
  Lane l(chip());
  l.run({load_ub(gm(128, 16, 1024)), load_ub(gm(128, 16, 1024)),
         store_ub(gm(1, 128, 0, DType::F32, 0, 1))});
  const traces::GmTraffic& t = l.row.gm;
  CHECK(t.dmas == 3);
  CHECK(t.rows == 257);
  CHECK(t.asked_bytes == 2 * 128 * 64 + 512);
  CHECK(t.read_bytes == 2 * 128 * 64);
  CHECK(t.write_bytes == 512);
  CHECK(t.moved_bytes == 2 * 128 * 128 + 512);
  CHECK(t.lines == 2 * 128 + 1);
  CHECK(t.line_misses == 128 + 1);
  CHECK(t.hbm_bytes == 128 * 512);  // the store overwrites its line
}

TEST_CASE("a zero-sized access and an idle lane's pop are only flags") {
  Lane l(chip());
  Instr empty = load_ub(gm(1, 16, 0));
  empty.gm.rows = 0;
  Instr pop;
  pop.op = Opcode::TPOP;
  pop.pipe = Pipe::MTE2;
  l.run({empty, pop});
  CHECK(l.end_of(0) - l.start_of(0) == 1000);
  CHECK(l.end_of(1) - l.start_of(1) == 1000);
  CHECK(l.row.gm.dmas == 0);
}

TEST_CASE("ring hand-over: a push to GM is a store, a pop a load") {
  Lane l(chip());
  Instr push = store_ub(gm(64, 64, 64));
  push.op = Opcode::TPUSH;
  Instr pop = load_ub(gm(64, 64, 64));
  pop.op = Opcode::TPOP;
  l.run({push, after(pop, Pipe::MTE3, 0)});
  CHECK(l.end_of(0) - l.start_of(0) == 486'000);
  CHECK(l.end_of(1) - l.start_of(1) == 265'000 + 256'000);  // 32 lines, all resident
  CHECK(l.row.gm.line_misses == 32);
}

TEST_CASE("on chip, a push costs its bytes and a pop on the cube nothing but a flag") {
  Lane l(chip());
  Instr push;
  push.op = Opcode::TPUSH;
  push.pipe = Pipe::MTE3;
  push.n_src = 1;
  push.src[0] = tile(64, 64);
  Instr pop;
  pop.op = Opcode::TPOP;
  pop.pipe = Pipe::MTE1;
  pop.dst = tile(64, 64, DType::F32, 0, MemSpace::L1);
  Instr relayout = vec(Opcode::TPOP, {tile(64, 64)}, tile(64, 64));
  l.run({push, pop, relayout});
  CHECK(l.end_of(0) - l.start_of(0) == (26 + 128) * 1000);
  CHECK(l.end_of(1) - l.start_of(1) == 1000);
  CHECK(l.end_of(2) - l.start_of(2) == (24 + 64) * 1000);  // a vector move
}

TEST_CASE("accesses of one core come in the order of their times, not of the program") {
  Lane l(chip());
  // The store is first in the program and waits for a long computation; the load goes ahead.
  Instr slow = vec(Opcode::TEXP, {tile(250, 64)}, tile(250, 64));
  l.stream.instrs = std::vector<isa::Instr>{slow, after(store_ub(gm(64, 64, 64)), Pipe::V, 0),
                                            load_ub(gm(64, 64, 64, DType::F32, 0, 1))};
  l.row = {};
  l.pipes->begin(l.stream, nullptr, Picoseconds(0), l.row);
  const auto first = l.pipes->advance();
  CHECK(first.at.value == 3 * kIssue);
  l.pipes->access();
  const auto second = l.pipes->advance();
  CHECK(second.kind == sim::LanePipes::Step::Kind::Access);
  CHECK(second.at.value == kIssue + (31 + 500) * 1000 + 1000);
  CHECK(second.at > first.at);
}
