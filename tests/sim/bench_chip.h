// A chip with the a2a3 constants of first-model.md §2 and hardware.md §10.1, at a clock of 1 GHz so
// that a cycle is 1000 ps, and helpers to write instruction streams by hand.
#pragma once

#include <utility>
#include <vector>

#include "chips/chip.h"
#include "isa/graph.h"
#include "isa/instr.h"
#include "sim/core.h"
#include "sim/memory_system.h"
#include "sim/pipes.h"
#include "traces/timeline.h"

namespace simtest {

using isa::CoreId;
using isa::CoreKind;
using isa::DType;
using isa::Instr;
using isa::MemSpace;
using isa::Opcode;
using isa::Pipe;
using traces::Picoseconds;

inline chips::Chip chip() {
  chips::Chip c;
  c.name = "bench";
  c.clock_mhz = 1000;
  c.aic = 24;
  c.aiv = 48;
  c.mte2.latency = 265;
  c.mte2.issue_gap = 21;
  c.mte2.row_nd2nz = 3;
  c.mte2.row_nd2nz_bytes = 128;  // 110 on the chip; a round figure here
  c.mte2.row_ub = 8;
  c.mte2.bytes_ub = 64;
  c.mte2.line_miss = 9;
  c.mte2.unaligned_nd2nz = 2;
  c.mte2.unaligned_ub = 1.25;
  c.mte3 = c.mte2;
  c.mte3.latency = 230;
  c.mte3.line_miss = 0;
  c.mte3.unaligned_ub = 1;
  c.mte3.atomic_row_512 = 50;
  c.fix = {164, 4.45, 118, 2.6, 39.6, 26, 128, 560};
  c.mte1 = {28, 256, 128};
  c.cube = {4096, 8192, 1024, 21, 10};
  c.vec.bytes_per_cycle = 256;
  c.vec.barrier = 20;
  c.vec.two_source_slope = 1;
  c.vec.reduce_row = 7;
  c.vec.reduce_fixed = 46;
  c.vec.gather_row = 130;
  c.vec.scatter_mask_element = 38;
  c.vec.sort32_group = 2;
  c.vec.mrgsort_step = 78;
  c.vec.count_mode = 16;
  const auto op = [&c](Opcode o, double head, double slope, double tail) {
    chips::VectorOp& v = c.vec.ops[static_cast<size_t>(o)];
    v.head = head;
    v.slope = slope;
    v.tail = tail;
  };
  op(Opcode::TADD, 10, 1, 14);
  op(Opcode::TMAX, 10, 1, 13);
  op(Opcode::TDIV, 11, 4, 19);
  op(Opcode::TADDS, 13, 1, 18);
  op(Opcode::TDIVS, 11, 5, 34);
  c.vec.ops[static_cast<size_t>(Opcode::TDIVS)].slope16 = 9;
  op(Opcode::TEXP, 13, 2, 18);
  op(Opcode::TSQRT, 14, 2, 25);
  op(Opcode::TRSQRT, 10, 1, 14);
  op(Opcode::TCVT, 14, 2, 18);
  op(Opcode::TMOV, 11, 1, 13);
  op(Opcode::TEXPANDS, 11, 1, 13);
  op(Opcode::TSEL, 13, 2, 14);
  op(Opcode::TGATHER, 24, 2, 0);
  op(Opcode::TSORT32, 6, 0, 0);
  op(Opcode::TMRGSORT, 20, 0, 0);
  op(Opcode::TCOLEXPANDMUL, 10, 1, 15);
  op(Opcode::TROWEXPANDMUL, 10, 1, 15);
  c.vec.ops[static_cast<size_t>(Opcode::TROWEXPANDMUL)].setup = 38;
  c.vec.ops[static_cast<size_t>(Opcode::TROWEXPANDMUL)].row = 0.125;
  chips::VectorOp& colsum = c.vec.ops[static_cast<size_t>(Opcode::TCOLSUM)];
  colsum.setup = 15;
  colsum.row = 18.5;
  colsum.slope = 1.5;
  c.scalar.op = 1;
  c.scalar.issue = 4;
  c.scalar.gm_read = 10;
  c.scalar.gm_read_miss = 300;
  c.scalar.gm_write = 12;
  c.scalar.ub_access = 6;
  c.scalar.dcci_line_ns = 225;
  c.scalar.dcache_bytes = 32768;
  c.scalar.dcache_line = 64;
  c.sync = {1, 500};
  c.task = {1000, 3000};
  c.l2.bytes = 4 << 20;
  c.l2.line = 512;
  c.l2.request = 128;
  c.l2.ways = 4;
  c.l2.bandwidth = 5900;
  c.l2.aic_bytes = 128;
  c.l2.aiv_bytes = 128;
  c.hbm = {1600, 1.0};
  c.runtime.propagate = 140;
  c.runtime.head_warm = 210;
  c.runtime.head_cold = 2160;
  c.runtime.head_cold_spread = 1600;
  c.runtime.task_switch = 300;
  c.runtime.fin_visible = 600;
  c.runtime.observer = 500;
  c.runtime.queue_depth = 32;
  return c;
}

inline isa::TileOperand tile(int rows, int cols, DType dtype = DType::F32, uint32_t addr = 0,
                             MemSpace space = MemSpace::UB) {
  isa::TileOperand t;
  t.addr = addr;
  t.space = space;
  t.dtype = dtype;
  t.layout = space == MemSpace::UB ? isa::Layout::ND : isa::Layout::NZ;
  t.tile_rows = t.rows = t.valid_rows = static_cast<uint16_t>(rows);
  t.tile_cols = t.cols = t.valid_cols = static_cast<uint16_t>(cols);
  return t;
}

/// The first `cols` columns of a tile `pitch` elements wide.
inline isa::TileOperand strided(int rows, int cols, int pitch, DType dtype = DType::F32) {
  isa::TileOperand t = tile(rows, cols, dtype);
  t.tile_cols = static_cast<uint16_t>(pitch);
  return t;
}

inline isa::GmAccess gm(int rows, int cols, int64_t row_stride, DType dtype = DType::F32,
                        int64_t offset = 0, uint32_t buffer = 0) {
  isa::GmAccess g;
  g.buffer = isa::BufferId(buffer);
  g.dtype = dtype;
  g.offset = offset;
  g.row_stride = row_stride;
  g.rows = rows;
  g.cols = cols;
  return g;
}

inline Instr vec(Opcode op, std::vector<isa::TileOperand> src, isa::TileOperand dst) {
  Instr i;
  i.op = op;
  i.pipe = Pipe::V;
  i.n_src = static_cast<uint8_t>(src.size());
  for (size_t s = 0; s < src.size(); ++s) i.src[s] = src[s];
  i.dst = dst;
  return i;
}
/// dst = src op src on whole [rows, cols] tiles.
inline Instr add(int rows, int cols, DType dtype = DType::F32) {
  return vec(Opcode::TADD, {tile(rows, cols, dtype), tile(rows, cols, dtype, 65536)},
             tile(rows, cols, dtype));
}

inline Instr load_ub(isa::GmAccess g) {
  Instr i;
  i.op = Opcode::TLOAD;
  i.pipe = Pipe::MTE2;
  i.gm = g;
  i.dst = tile(g.rows, g.cols, g.dtype);
  return i;
}
inline Instr load_l1(isa::GmAccess g) {
  Instr i = load_ub(g);
  i.dst = tile(g.rows, g.cols, g.dtype, 0, MemSpace::L1);
  return i;
}
inline Instr store_ub(isa::GmAccess g) {
  Instr i;
  i.op = Opcode::TSTORE;
  i.pipe = Pipe::MTE3;
  i.n_src = 1;
  i.gm = g;
  i.src[0] = tile(g.rows, g.cols, g.dtype);
  return i;
}
inline Instr drain(isa::GmAccess g) {
  Instr i = store_ub(g);
  i.pipe = Pipe::FIX;
  i.src[0] = tile(g.rows, g.cols, DType::F32, 0, MemSpace::L0C);
  return i;
}
inline Instr matmul(int m, int k, int n, DType dtype = DType::BF16) {
  Instr i;
  i.op = Opcode::TMATMUL;
  i.pipe = Pipe::M;
  i.n_src = 2;
  i.src[0] = tile(m, k, dtype, 0, MemSpace::L0A);
  i.src[1] = tile(k, n, dtype, 0, MemSpace::L0B);
  i.dst = tile(m, n, DType::F32, 0, MemSpace::L0C);
  return i;
}
inline Instr work(int n) {
  Instr i;
  i.op = Opcode::SWORK;
  i.pipe = Pipe::S;
  i.attr.imm = n;
  return i;
}
inline Instr scalar(Opcode op, isa::GmAccess g = {}) {
  Instr i;
  i.op = op;
  i.pipe = Pipe::S;
  i.gm = g;
  return i;
}
/// `i` waits for the completion of instruction `earlier` (index) on `pipe`.
inline Instr after(Instr i, Pipe pipe, uint32_t earlier) {
  i.after[static_cast<size_t>(pipe)] = earlier + 1;
  return i;
}
/// ... only until it has read its sources.
inline Instr after_release(Instr i, Pipe pipe, uint32_t earlier) {
  i = after(i, pipe, earlier);
  i.after_release |= static_cast<uint8_t>(1U << static_cast<unsigned>(pipe));
  return i;
}

/// One core's pipes on a memory of their own, without SystemC time: accesses happen as they come.
struct Lane {
  explicit Lane(const chips::Chip& c, CoreKind kind = CoreKind::AIV, int buffers = 4)
      : the_chip(c), memory(the_chip) {
    for (int b = 0; b < buffers; ++b) {
      isa::GmBuffer buffer;
      buffer.gm_addr = static_cast<uint64_t>(b + 1) << 30;
      graph.buffers.push_back(buffer);
    }
    context.chip = &the_chip;
    context.graph = &graph;
    context.memory = &memory;
    context.record_instructions = true;
    pipes = std::make_unique<sim::LanePipes>(context, CoreId(0), kind);
  }

  /// Counts times by opcode from the next run on, as function 0.
  void record_op_times() {
    op_times.resize(1);
    context.op_times = &op_times;
  }

  /// Runs to the end; fails the test when something waits for an event.
  void run(std::vector<Instr> instrs, sim::BlockEvents* events = nullptr) {
    stream.instrs = std::move(instrs);
    row = {};
    row.func = isa::FuncId(0);
    pipes->begin(stream, events, Picoseconds(0), row);
    sim::LanePipes::Step step;
    while ((step = pipes->advance()).kind == sim::LanePipes::Step::Kind::Access) pipes->access();
    finished = step.kind == sim::LanePipes::Step::Kind::Done;
    end = step.at.value;
  }
  const traces::InstrRow& at(uint32_t index) const {
    for (const traces::InstrRow& r : pipes->instructions())
      if (r.instr == index) return r;
    throw std::out_of_range("instruction did not run");
  }
  int64_t start_of(uint32_t index) const { return at(index).start.value; }
  int64_t end_of(uint32_t index) const { return at(index).end.value; }
  int64_t wait(traces::WaitReason r) const { return row.waits[static_cast<size_t>(r)].value; }

  chips::Chip the_chip;
  isa::TaskGraph graph;
  sim::MemorySystem memory;
  sim::CoreContext context;
  std::unique_ptr<sim::LanePipes> pipes;
  isa::Stream stream;
  traces::LaneRow row;
  std::vector<std::array<traces::OpTimes, isa::kOpcodes>> op_times;
  bool finished = false;
  int64_t end = 0;
};

}  // namespace simtest
