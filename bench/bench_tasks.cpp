// Programs of very many small tasks (P253's sparse attention has 166,000): time per task of
// recording, lowering, dependencies and replay. A rate that falls with the number of tasks means
// that some step is not linear.
#include <benchmark/benchmark.h>

#include <memory>
#include <systemc>

#include "chips/chip.h"
#include "lang/pl.h"
#include "lower/deps.h"
#include "lower/lower.h"
#include "sim/machine.h"

namespace {

using isa::DType;

constexpr int64_t kSteps = 160;  ///< tasks of a chain, as keys of a head

/// Chains of tasks that update a state of their own; the last of each writes a row of a buffer all
/// chains share, which as many tasks then read one by one.
pl::RecordedProgram chains(int64_t count) {
  pl::Session s("chains");
  const std::shared_ptr<uint8_t> zeros(new uint8_t[16 * 64 * 4](), [](uint8_t* p) { delete[] p; });
  const pl::Tensor x = s.input("x", DType::F32, {16, 64}, zeros);
  const pl::Tensor rows = pl::create_tensor({count, 64}, DType::F32);
  const pl::Tensor y = s.output("y", DType::F32, {count, 64});
  for (int64_t c : pl::parallel(count)) {
    const pl::Tensor state = pl::create_tensor({16, 64}, DType::F32);
    pl::at({"init"}, [&] { pl::store(pl::load(x), {0, 0}, state); });
    for (int64_t i : pl::range(kSteps)) {
      (void)i;
      pl::at({"accum"}, [&] {
        const pl::Tile a = pl::load(state);
        const pl::Tile b = pl::load(x);
        pl::store(pl::add(pl::mul(a, 0.5), pl::exp(b)), {0, 0}, state);
      });
    }
    pl::at({"norm"}, [&] { pl::store(pl::load(state, {0, 0}, {1, 64}), {c, 0}, rows); });
  }
  for (int64_t c : pl::parallel(count))
    pl::at({"pack"}, [&] { pl::store(pl::load(rows, {c, 0}, {1, 64}), {c, 0}, y); });
  return s.finish();
}

/// Nothing but tasks that write a row of one buffer and tasks that read one.
pl::RecordedProgram rows_of_one_buffer(int64_t count) {
  pl::Session s("rows");
  const pl::Tensor rows = pl::create_tensor({count, 16}, DType::F32);
  const pl::Tensor y = s.output("y", DType::F32, {count, 16});
  for (int64_t i : pl::parallel(count))
    pl::at({"write"}, [&] { pl::store(pl::full(1, 16, DType::F32, 1), {i, 0}, rows); });
  for (int64_t i : pl::parallel(count))
    pl::at({"read"}, [&] { pl::store(pl::load(rows, {i, 0}, {1, 16}), {i, 0}, y); });
  return s.finish();
}

void rate(benchmark::State& state, size_t tasks) {
  state.counters["tasks"] = static_cast<double>(tasks);
  state.counters["tasks/s"] =
      benchmark::Counter(static_cast<double>(tasks), benchmark::Counter::kIsIterationInvariantRate);
}

lower::Options one_thread() {
  lower::Options options;
  options.threads = 1;
  return options;
}

void BM_Record(benchmark::State& state) {
  size_t tasks = 0;
  for (auto _ : state) tasks = chains(state.range(0)).scopes.size();
  rate(state, tasks);
}

void BM_Lower(benchmark::State& state) {
  const chips::Chip chip = chips::load_chip("a2a3");
  const pl::RecordedProgram program = chains(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(lower::lower(program, chip, one_thread()));
  rate(state, program.scopes.size());
}

void dependencies(benchmark::State& state, const pl::RecordedProgram& program) {
  const chips::Chip chip = chips::load_chip("a2a3");
  lower::Result lowered = lower::lower(program, chip, one_thread());
  for (auto _ : state) {
    lower::derive_dependencies(program, lowered.graph);
    benchmark::DoNotOptimize(lower::find_hazards(program, lowered.graph));
  }
  rate(state, program.scopes.size());
}
void BM_DependenciesOfChains(benchmark::State& s) { dependencies(s, chains(s.range(0))); }
void BM_DependenciesOfRows(benchmark::State& s) { dependencies(s, rows_of_one_buffer(s.range(0))); }

void BM_Replay(benchmark::State& state) {
  const chips::Chip chip = chips::load_chip("a2a3");
  const pl::RecordedProgram program = chains(state.range(0));
  const lower::Result lowered = lower::lower(program, chip, one_thread());
  for (auto _ : state) benchmark::DoNotOptimize(sim::replay(lowered.graph, chip));
  rate(state, program.scopes.size());
}

BENCHMARK(BM_Record)->Arg(16)->Arg(128)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Lower)->Arg(16)->Arg(128)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_DependenciesOfChains)->Arg(16)->Arg(128)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_DependenciesOfRows)->Arg(1 << 12)->Arg(1 << 15)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Replay)->Arg(16)->Arg(128)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();

int sc_main(int, char**) { return 0; }  // SystemC's library wants one
