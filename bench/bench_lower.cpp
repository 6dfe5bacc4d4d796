// Lowering rate: recorded operations and lowered instructions per second, one thread.
#include <benchmark/benchmark.h>

#include <memory>

#include "chips/chip.h"
#include "lang/pl.h"
#include "lower/lower.h"

namespace {

using isa::DType;

pl::Tensor zeros(pl::Session& s, const char* name, DType t, pl::Dims shape) {
  int64_t n = 1;
  for (int64_t d : shape) n *= d;
  const size_t bytes = static_cast<size_t>(n) * isa::size_of(t);
  return s.input(name, t, shape,
                 std::shared_ptr<uint8_t>(new uint8_t[bytes](), [](uint8_t* p) { delete[] p; }));
}

/// `blocks` blocks of a K-pipelined matmul: about 130 recorded operations a block.
pl::RecordedProgram projection(int64_t blocks) {
  pl::Session s("projection");
  const pl::Tensor x = zeros(s, "x", DType::BF16, {16, 4096}),
                   w = zeros(s, "w", DType::BF16, {4096, 32});
  const pl::Tensor y = s.output("y", DType::F32, {16 * blocks, 32});
  pl::spmd(blocks, {"projection"}, [&](int64_t b) {
    pl::Tile acc;
    for (int64_t k : pl::pipeline(32, 2)) {
      pl::Tile a = pl::load(x, {0, k * 128}, {16, 128}), c = pl::load(w, {k * 128, 0}, {128, 32});
      acc = k == 0 ? pl::matmul(a, c) : pl::matmul_acc(acc, a, c);
    }
    pl::store(acc, {b * 16, 0}, y);
  });
  return s.finish();
}

/// Norm and rotary embedding by index gather: vector instructions, row by row.
pl::RecordedProgram rope(int64_t blocks) {
  pl::Session s("rope");
  const pl::Tensor x = zeros(s, "x", DType::F32, {32, 512}),
                   index = zeros(s, "index", DType::I32, {32, 64});
  const pl::Tensor cos = zeros(s, "cos", DType::F32, {32, 64});
  const pl::Tensor y = s.output("y", DType::BF16, {32 * blocks, 512});
  pl::spmd(blocks, {"rope"}, [&](int64_t b) {
    const pl::Tile swap = pl::load(index), c = pl::load(cos);
    for (int64_t head : pl::range(4)) {
      (void)head;
      pl::Tile sum = pl::full(32, 1, DType::F32, 0);
      for (int64_t k : pl::pipeline(8, 2)) {
        pl::Tile t = pl::load(x, {0, k * 64}, {32, 64});
        sum = pl::add(sum, pl::row_sum(pl::mul(t, t)));
      }
      pl::Tile inv = pl::rsqrt(sum);
      for (int64_t k : pl::pipeline(7, 2))
        pl::store(
            pl::cast(pl::row_expand_mul(pl::load(x, {0, k * 64}, {32, 64}), inv), DType::BF16),
            {b * 32, k * 64}, y);
      pl::Tile r = pl::load(x, {0, 448}, {32, 64});
      pl::Tile rotated = pl::add(pl::mul(r, c), pl::mul(pl::gather(r, swap), c));
      pl::store(pl::cast(rotated, DType::BF16), {b * 32, 448}, y);
    }
  });
  return s.finish();
}

void run(benchmark::State& state, const pl::RecordedProgram& program) {
  const chips::Chip chip = chips::load_chip("a2a3");
  lower::Options options;
  options.threads = 1;
  int64_t recorded = 0, lowered = 0;
  for (const pl::ScopeRecord& scope : program.scopes)
    for (const pl::BlockRecord& block : scope.blocks)
      recorded += static_cast<int64_t>(block.ops.size());
  for (auto _ : state) lowered = lower::lower(program, chip, options).graph.instruction_count();
  state.counters["recorded"] = static_cast<double>(recorded);
  state.counters["lowered"] = static_cast<double>(lowered);
  state.counters["instr/s"] = benchmark::Counter(static_cast<double>(lowered),
                                                 benchmark::Counter::kIsIterationInvariantRate);
}

void BM_LowerCube(benchmark::State& state) { run(state, projection(state.range(0))); }
void BM_LowerVector(benchmark::State& state) { run(state, rope(state.range(0))); }
BENCHMARK(BM_LowerCube)->Arg(300)->Arg(3000)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_LowerVector)->Arg(200)->Arg(2000)->Unit(benchmark::kMillisecond);

}  // namespace
