// Order and overlap inside one core: issue, queues, edges, barriers, heads. Times are exact, so
// each check says both "not a picosecond earlier" and "then".
#include <catch2/catch.hpp>

#include "bench_chip.h"

using namespace simtest;
using traces::WaitReason;

namespace {
constexpr int64_t kIssue = 4000;
constexpr int64_t kAdd = 88'000;  // [64 x 64] fp32: 24 + 64 cycles
}  // namespace

TEST_CASE("an instruction starts when it is issued and its pipe is free") {
  Lane l(chip());
  l.run({add(64, 64), add(64, 64), work(500), add(64, 64)});
  CHECK(l.start_of(0) == kIssue);
  CHECK(l.end_of(0) == kIssue + kAdd);
  CHECK(l.start_of(1) == kIssue + kAdd);         // pipe
  CHECK(l.start_of(3) == 3 * kIssue + 500'000);  // issue, behind the scalar work
  CHECK(l.end == l.end_of(3));
  CHECK(l.wait(WaitReason::Issue) == kIssue + l.start_of(3) - l.end_of(1));
  CHECK(l.row.pipe_busy[static_cast<size_t>(Pipe::V)].value == 3 * kAdd);
  CHECK(l.row.pipe_busy[static_cast<size_t>(Pipe::S)].value == 3 * kIssue + 500'000);
  CHECK(l.row.instructions == 4);
}

TEST_CASE("what moves the end of a lane is counted to opcodes and adds up to the lane") {
  Lane l(chip());
  l.record_op_times();
  Instr mte1;
  mte1.op = Opcode::TEXTRACT;
  mte1.pipe = Pipe::MTE1;
  mte1.dst = tile(16, 16, DType::BF16, 0, MemSpace::L0A);
  l.run({add(64, 64), mte1, add(64, 64), work(500), add(64, 64)});
  const auto times = [&](Opcode op) { return l.op_times[0][static_cast<size_t>(op)]; };
  CHECK(times(Opcode::TADD).busy.value == 3 * kAdd);
  CHECK(times(Opcode::SWORK).busy.value == 500'000);
  CHECK(l.end_of(1) < l.end_of(0));  // beside the first add: it moves nothing
  CHECK(times(Opcode::TEXTRACT).busy.value > 0);
  CHECK(times(Opcode::TEXTRACT).advance.value == 0);
  int64_t sum = 0;
  for (const traces::OpTimes& t : l.op_times[0]) sum += t.advance.value;
  CHECK(sum == l.end);

  l.run({add(64, 64)});  // a second lane of the function adds to it
  CHECK(times(Opcode::TADD).busy.value == 4 * kAdd);
  Lane other(chip());
  other.run({add(64, 64)});  // nobody asked
  CHECK(other.op_times.empty());
}

TEST_CASE("a full queue stalls the scalar unit until its head starts") {
  chips::Chip c = chip();
  c.runtime.queue_depth = 2;
  Lane l(c);
  Instr mte1;
  mte1.op = Opcode::TEXTRACT;
  mte1.pipe = Pipe::MTE1;
  mte1.dst = tile(16, 16, DType::BF16, 0, MemSpace::L0A);
  l.run({add(64, 64), add(64, 64), add(64, 64), add(64, 64), mte1});
  // #0 starts at 4 and leaves the queue; #1, #2 fill it; #3 may enter when #1 starts at 92.
  const int64_t enter = l.start_of(1);
  CHECK(enter == kIssue + kAdd);
  CHECK(l.start_of(4) == enter + 2 * kIssue);  // issue of #3, then its own
  CHECK(l.wait(WaitReason::QueueFull) > 0);

  c.runtime.queue_depth = 3;
  Lane deeper(c);
  deeper.run({add(64, 64), add(64, 64), add(64, 64), add(64, 64), mte1});
  CHECK(deeper.start_of(4) == 5 * kIssue);
  CHECK(deeper.wait(WaitReason::QueueFull) == 0);
}

TEST_CASE("an edge waits for completion and pays the flag") {
  Lane l(chip());
  Instr mte1;
  mte1.op = Opcode::TEXTRACT;
  mte1.pipe = Pipe::MTE1;
  mte1.dst = tile(128, 64, DType::BF16, 0, MemSpace::L0A);  // 28 + 64 cycles
  Instr mm = after(matmul(16, 16, 16), Pipe::MTE1, 0);
  l.run({mte1, mm});
  CHECK(l.start_of(1) == l.end_of(0) + 1000);
  CHECK(l.wait(WaitReason::Data) == l.start_of(1));  // the M pipe's whole idle time
  CHECK(l.wait(WaitReason::Buffer) == 0);

  // A write-after-read edge has the same timing and another reason.
  Instr again = after(mte1, Pipe::M, 0);
  again.dst.addr = 4096;
  Instr first = matmul(16, 16, 16);
  first.src[0].addr = 4096;
  first.dst = tile(16, 16, DType::F32, 0, MemSpace::L0C);
  Lane war(chip());
  war.run({first, again});
  CHECK(war.start_of(1) == war.end_of(0) + 1000);
  CHECK(war.wait(WaitReason::Buffer) == war.start_of(1));
}

TEST_CASE("a V barrier drains the pipe") {
  Lane l(chip());
  Instr barrier = add(64, 64);
  barrier.barrier = true;
  l.run({add(64, 64), barrier, add(64, 64)});
  CHECK(l.start_of(1) == l.end_of(0) + 20'000);
  CHECK(l.start_of(2) == l.end_of(1));
  CHECK(l.wait(WaitReason::Barrier) == 20'000);

  Lane idle(chip());  // the pipe had drained long ago
  idle.run({add(64, 64), work(1000), barrier});
  CHECK(idle.start_of(2) == idle.end_of(1) + kIssue);
  Lane first(chip());
  first.run({barrier});
  CHECK(first.start_of(0) == kIssue);
}

TEST_CASE("head and tail are hidden in a stream only without a barrier") {
  chips::Chip c = chip();
  c.vec.head_tail_scale = 0;
  Lane l(c);
  Instr barrier = add(64, 64);
  barrier.barrier = true;
  l.run({add(64, 64), add(64, 64), barrier});
  CHECK(l.end_of(0) - l.start_of(0) == kAdd);
  CHECK(l.end_of(1) - l.start_of(1) == 64'000);
  CHECK(l.end_of(2) - l.start_of(2) == kAdd);
}

TEST_CASE("the cube's head is short while its queue streams") {
  Lane l(chip(), CoreKind::AIC);
  Instr fenced = matmul(128, 64, 128);
  fenced.barrier = true;
  l.run({matmul(128, 64, 128), matmul(128, 64, 128), work(1000), matmul(128, 64, 128), fenced});
  const auto length = [&](uint32_t i) { return l.end_of(i) - l.start_of(i); };
  CHECK(length(0) == 277'000);  // 21 + 256
  CHECK(length(1) == 266'000);  // 10 + 256
  CHECK(length(3) == 277'000);
  CHECK(l.start_of(4) == l.end_of(3));
  CHECK(length(4) == 277'000);
}

TEST_CASE("the scalar unit waits for other pipes and holds back what follows") {
  Lane l(chip());
  Instr read = after(scalar(Opcode::SREAD), Pipe::V, 0);
  l.run({add(64, 64), read, add(64, 64)});
  CHECK(l.start_of(1) == l.end_of(0) + 1000);
  CHECK(l.end_of(1) == l.start_of(1) + 6000);
  CHECK(l.start_of(2) == l.end_of(1) + kIssue);
}

TEST_CASE("scalar reads go through a data cache of 64 B lines") {
  Lane l(chip());
  const auto read = [](int64_t element) {
    return scalar(Opcode::SREAD, gm(1, 1, 1, DType::I32, element));
  };
  // miss, hit in the line, miss in the next, hit in the first; 32 KB away: same place of the cache
  l.run({read(0), read(15), read(16), read(1), read(8192), read(2), scalar(Opcode::DCCI), read(2)});
  const auto length = [&](uint32_t i) { return l.end_of(i) - l.start_of(i); };
  CHECK(length(0) == 300'000);
  CHECK(length(1) == 10'000);
  CHECK(length(2) == 300'000);
  CHECK(length(3) == 10'000);
  CHECK(length(4) == 300'000);
  CHECK(length(5) == 300'000);
  CHECK(length(7) == 300'000);  // cleaned
  CHECK(l.row.gm.read_bytes == 7 * 4);
  CHECK(l.row.gm.moved_bytes == 5 * 64);
  l.run({read(0)});  // a new kernel starts cold
  CHECK(length(0) == 300'000);
}

TEST_CASE("a run of scalar reads takes as long as its elements and its loop") {
  chips::Chip c = chip();
  c.scalar.loop_iteration = 5;
  Lane l(c);
  Instr run = scalar(Opcode::SREAD, gm(1, 20, 20, DType::I32, 4));
  run.attr.run_iterations = 19;
  l.run({run});
  CHECK(l.end_of(0) - l.start_of(0) == 2 * 300'000 + 18 * 10'000 + 19 * 5'000);
  CHECK(l.row.gm.read_bytes == 20 * 4);
  CHECK(l.row.gm.moved_bytes == 2 * 64);
}

TEST_CASE("mask scatter on the scalar unit takes its element loop") {
  Lane l(chip());
  Instr scatter = vec(Opcode::TSCATTERM, {tile(32, 32)}, tile(32, 64));
  scatter.pipe = Pipe::S;
  l.run({scatter});
  CHECK(l.end == 32 * 32 * 38 * 1000);
}

TEST_CASE("flags on a pipe cost a cycle and keep its order") {
  Lane l(chip());
  Instr flag;
  flag.op = Opcode::TFREE;
  flag.pipe = Pipe::V;
  l.run({add(64, 64), flag, add(64, 64)});
  CHECK(l.start_of(1) == l.end_of(0));
  CHECK(l.start_of(2) == l.end_of(0) + 1000);
}

TEST_CASE("an event is seen sync.cross_core after it was raised") {
  sim::BlockEvents events(2);
  Lane l(chip());
  Instr waiting = add(64, 64);
  waiting.wait_event = 1;
  Instr other;  // another pipe is not held back
  other.op = Opcode::TEXTRACT;
  other.pipe = Pipe::MTE1;
  other.dst = tile(16, 16, DType::BF16, 0, MemSpace::L0A);
  other.signal_event = 0;
  l.run({waiting, other}, &events);
  CHECK_FALSE(l.finished);
  CHECK(l.pipes->describe_wait() == "V instr 0 (TADD) waits for event 1");
  CHECK(events.raised(0));
  CHECK(events.when(0).value == l.end_of(1));

  events.raise(1, Picoseconds(2'000'000));
  CHECK(l.pipes->advance().kind == sim::LanePipes::Step::Kind::Done);
  CHECK(l.start_of(0) == 2'000'000 + 500'000);
  CHECK(l.wait(WaitReason::CrossCore) == 2'500'000);
  CHECK(l.pipes->describe_wait().empty());
}

TEST_CASE("a scalar instruction can wait for an event, too") {
  sim::BlockEvents events(1);
  Lane l(chip());
  Instr w = work(0);
  w.wait_event = 0;
  l.run({w, add(64, 64)}, &events);
  CHECK_FALSE(l.finished);
  CHECK(l.pipes->describe_wait() == "S instr 0 (SWORK) waits for event 0");
  events.raise(0, Picoseconds(0));
  CHECK(l.pipes->advance().kind == sim::LanePipes::Step::Kind::Done);
  CHECK(l.start_of(1) == 500'000 + kIssue);
}

TEST_CASE("an empty stream is done at once") {
  Lane l(chip());
  l.run({});
  CHECK(l.finished);
  CHECK(l.end == 0);
}
