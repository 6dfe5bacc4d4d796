// Instructions replayed per second: the whole machine on synthetic kernels whose mix resembles the
// compiled ones (cube: two loads, L0 moves, matmuls, a drain; vector: load, a few operations with
// barriers, store).
#include <benchmark/benchmark.h>

#include <systemc>

#include "chips/chip.h"
#include "isa/graph.h"
#include "sim/machine.h"

namespace {

using isa::DType;
using isa::Instr;
using isa::MemSpace;
using isa::Opcode;
using isa::Pipe;

isa::TileOperand tile(int rows, int cols, DType dtype, MemSpace space) {
  isa::TileOperand t;
  t.space = space;
  t.dtype = dtype;
  t.layout = space == MemSpace::UB ? isa::Layout::ND : isa::Layout::NZ;
  t.tile_rows = t.rows = t.valid_rows = static_cast<uint16_t>(rows);
  t.tile_cols = t.cols = t.valid_cols = static_cast<uint16_t>(cols);
  return t;
}

class Kernel {
 public:
  uint32_t gm(Opcode op, Pipe pipe, isa::TileOperand t, int64_t stride, int64_t offset) {
    Instr i = make(op, pipe);
    i.gm.buffer = isa::BufferId(0);
    i.gm.dtype = t.dtype;
    i.gm.rows = t.rows;
    i.gm.cols = t.cols;
    i.gm.row_stride = stride;
    i.gm.offset = offset;
    (op == Opcode::TSTORE ? i.src[0] : i.dst) = t;
    return put(i);
  }
  uint32_t op(Opcode o, Pipe pipe, std::initializer_list<isa::TileOperand> src,
              isa::TileOperand dst) {
    Instr i = make(o, pipe);
    for (const isa::TileOperand& t : src) i.src[i.n_src++] = t;
    i.dst = dst;
    return put(i);
  }
  void edge(uint32_t from) {
    const Instr& earlier = stream_.instrs[from];
    stream_.instrs.back().after[static_cast<size_t>(earlier.pipe)] = from + 1;
  }
  void barrier() { stream_.instrs.back().barrier = true; }
  isa::Stream take() { return std::move(stream_); }

 private:
  static Instr make(Opcode op, Pipe pipe) {
    Instr i;
    i.op = op;
    i.pipe = pipe;
    return i;
  }
  uint32_t put(const Instr& i) {
    stream_.instrs.push_back(i);
    return static_cast<uint32_t>(stream_.instrs.size() - 1);
  }
  isa::Stream stream_;
};

isa::Stream cube(int block, int steps) {
  Kernel k;
  uint32_t mm = 0;
  for (int s = 0; s < steps; ++s) {
    const int64_t at = (int64_t{block} * steps + s) * 256 * 128;
    const auto a =
        k.gm(Opcode::TLOAD, Pipe::MTE2, tile(16, 256, DType::BF16, MemSpace::L1), 4096, s * 256);
    if (s > 0) k.edge(mm);
    const auto b =
        k.gm(Opcode::TLOAD, Pipe::MTE2, tile(256, 128, DType::BF16, MemSpace::L1), 128, at);
    for (int h = 0; h < 2; ++h) {
      const auto la = tile(16, 128, DType::BF16, MemSpace::L0A);
      const auto lb = tile(128, 128, DType::BF16, MemSpace::L0B);
      k.op(Opcode::TEXTRACT, Pipe::MTE1, {}, la);
      k.edge(a);
      const auto move = k.op(Opcode::TEXTRACT, Pipe::MTE1, {}, lb);
      k.edge(b);
      mm = k.op(Opcode::TMATMUL_ACC, Pipe::M, {la, lb}, tile(16, 128, DType::F32, MemSpace::L0C));
      k.edge(move);
    }
  }
  k.gm(Opcode::TSTORE, Pipe::FIX, tile(16, 128, DType::F32, MemSpace::L0C), 4096, block * 128);
  k.edge(mm);
  return k.take();
}

isa::Stream vector(int block, int steps) {
  Kernel k;
  const auto t = tile(16, 128, DType::F32, MemSpace::UB);
  uint32_t store = 0;
  for (int s = 0; s < steps; ++s) {
    const int64_t at = (int64_t{block} * steps + s) * 16 * 128;
    const auto in = k.gm(Opcode::TLOAD, Pipe::MTE2, t, 4096, at);
    if (s > 0) k.edge(store);
    uint32_t last = in;
    for (const Opcode o : {Opcode::TADD, Opcode::TMULS, Opcode::TEXP, Opcode::TMUL, Opcode::TCVT}) {
      last = k.op(o, Pipe::V, {t, t}, t);
      if (o == Opcode::TADD)
        k.edge(in);
      else
        k.barrier();
    }
    store = k.gm(Opcode::TSTORE, Pipe::MTE3, t, 4096, (int64_t{1} << 26) + at);
    k.edge(last);
  }
  return k.take();
}

isa::TaskGraph graph(int tasks, int blocks, int steps) {
  isa::TaskGraph g;
  g.program = "replay";
  g.func_names = {"cube", "vector"};
  g.func_kinds = {isa::CoreKind::AIC, isa::CoreKind::AIV};
  isa::GmBuffer buffer;
  buffer.gm_addr = int64_t{1} << 30;
  buffer.bytes = int64_t{1} << 30;
  g.buffers.push_back(buffer);
  for (uint32_t i = 0; i < static_cast<uint32_t>(tasks); ++i) {
    const bool is_cube = i % 2 == 0;
    isa::Task t;
    t.name = is_cube ? "cube" : "vector";
    t.kind = is_cube ? isa::TaskKind::AIC : isa::TaskKind::AIV;
    t.func[is_cube ? 0 : 1] = isa::FuncId(is_cube ? 0 : 1);
    t.block_num = blocks;
    for (int b = 0; b < blocks; ++b) {
      isa::BlockCode code;
      (is_cube ? code.aic : code.aiv[0]) = is_cube ? cube(b, steps) : vector(b, steps);
      t.blocks.push_back(std::move(code));
    }
    g.tasks.push_back(std::move(t));
    if (i > 0) {
      isa::TaskEdge e;
      e.pred = isa::TaskId(i - 1);
      e.succ = isa::TaskId(i);
      g.edges.push_back(e);
    }
    isa::OrchStep step;
    step.task = isa::TaskId(i);
    g.orchestration.push_back(step);
  }
  return g;
}

void replay(benchmark::State& state, const char* name) {
  const chips::Chip chip = chips::load_chip(name);
  const isa::TaskGraph g = graph(8, 24, static_cast<int>(state.range(0)));
  int64_t count = 0;
  for (const isa::Task& t : g.tasks)
    for (const isa::BlockCode& b : t.blocks)
      count += static_cast<int64_t>(b.aic.instrs.size() + b.aiv[0].instrs.size());
  for (auto _ : state) benchmark::DoNotOptimize(sim::replay(g, chip));
  state.SetItemsProcessed(state.iterations() * count);
}

BENCHMARK_CAPTURE(replay, a2a3, "a2a3")->Arg(64)->Arg(512)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(replay, a5, "a5")->Arg(512)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();

int sc_main(int, char**) { return 0; }  // SystemC's library wants one
