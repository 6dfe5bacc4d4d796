// Rates of the functional instruction semantics: cube products in GFLOP/s, vector operations in
// elements/s, per host instruction set (argument 0: level 2, 3 or 4).
#include <benchmark/benchmark.h>

#include <array>
#include <random>
#include <string>
#include <vector>

#include "isa/error.h"
#include "isa/numerics.h"
#include "isa/semantics.h"

namespace {

using isa::DType;
using isa::Opcode;
using isa::TileView;

/// A tile with its own storage, filled with small seeded values.
class Tile {
 public:
  Tile(DType t, int rows, int cols) : bytes_(static_cast<size_t>(rows) * cols * isa::size_of(t)) {
    view = {bytes_.data(), t, rows, cols, rows, cols, cols};
    std::mt19937 random(7);
    std::uniform_int_distribution<int> value(-120, 120);
    const double scale = t == DType::F32 || t == DType::BF16 || t == DType::F16 ? 1.0 / 128 : 1.0;
    for (int r = 0; r < rows; ++r)
      for (int c = 0; c < cols; ++c) isa::set_scalar(view, r, c, value(random) * scale);
  }
  TileView view;

 private:
  std::vector<uint8_t> bytes_;
};

/// Forces the host ISA of the benchmark's first argument for its lifetime.
class HostIsa {
 public:
  explicit HostIsa(benchmark::State& state) {
    try {
      isa::force_host_isa(("x86-64-v" + std::to_string(state.range(0))).c_str());
    } catch (const isa::Error& e) {
      state.SkipWithError(e.what());
    }
  }
  ~HostIsa() { isa::force_host_isa(""); }
};

void matmul(benchmark::State& state, DType input, bool trans_b) {
  const HostIsa host(state);
  const int m = static_cast<int>(state.range(1)), k = static_cast<int>(state.range(2)),
            n = static_cast<int>(state.range(3));
  const Tile a(input, m, k), b = trans_b ? Tile(input, n, k) : Tile(input, k, n);
  Tile c(input == DType::I8 ? DType::I32 : DType::F32, m, n);
  for (auto _ : state) isa::matmul(c.view, a.view, b.view, trans_b, false);
  state.counters["FLOP"] =
      benchmark::Counter(2.0 * m * k * n, benchmark::Counter::kIsIterationInvariantRate);
}

void matmul_shapes(benchmark::internal::Benchmark* b) {
  for (int level : {2, 3, 4})
    for (const auto& [m, k, n] : {std::array<int, 3>{128, 256, 256},
                                  {128, 512, 256},
                                  {16, 512, 512},
                                  {64, 512, 128},
                                  {32, 512, 128},
                                  {128, 1024, 1024}})
      b->Args({level, m, k, n});
}

/// An instruction on 16 x 256 elements (16 KiB of fp32).
void vector_op(benchmark::State& state, Opcode op, DType to, DType from, int dst_rows, int dst_cols,
               int src1_rows, int src1_cols, isa::RoundMode mode) {
  const HostIsa host(state);
  const Tile a(from, 16, 256);
  Tile d(to, dst_rows, dst_cols);
  std::vector<Tile> b;
  if (src1_rows > 0) b.emplace_back(from, src1_rows, src1_cols);
  isa::Attr attr;
  attr.imm = 0.75;
  attr.round = mode;
  attr.mask = isa::MaskPattern::P0101;
  const TileView src[2] = {a.view, b.empty() ? TileView{} : b[0].view};
  const int n_src = b.empty() ? 1 : 2;
  for (auto _ : state) {
    isa::execute(op, attr, d.view, src, n_src);
    benchmark::ClobberMemory();
  }
  state.counters["ns/element"] = benchmark::Counter(
      16 * 256 * 1e-9, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void levels(benchmark::internal::Benchmark* b) {
  for (int level : {2, 3, 4}) b->Arg(level);
}

void gather(benchmark::State& state) {
  const HostIsa host(state);
  const Tile a(DType::F32, 16, 64);
  Tile d(DType::F32, 16, 64), index(DType::I32, 16, 64);
  for (int r = 0; r < 16; ++r)
    for (int c = 0; c < 64; ++c) isa::set_scalar(index.view, r, c, c ^ 1);
  const TileView src[2] = {a.view, index.view};
  for (auto _ : state) {
    isa::execute(Opcode::TGATHER, {}, d.view, src, 2);
    benchmark::ClobberMemory();
  }
  state.counters["ns/element"] = benchmark::Counter(
      16 * 64 * 1e-9, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void register_all() {
  const std::pair<const char*, DType> inputs[] = {
      {"bf16", DType::BF16}, {"int8", DType::I8}, {"fp32", DType::F32}};
  for (const auto& [label, type] : inputs)
    for (bool trans : {false, true}) {
      const DType t = type;
      benchmark::RegisterBenchmark(("matmul/" + std::string(label) + (trans ? "_bt" : "")).c_str(),
                                   [t, trans](benchmark::State& s) { matmul(s, t, trans); })
          ->Apply(matmul_shapes);
    }
  struct Row {
    const char* label;
    Opcode op;
    DType to = DType::F32, from = DType::F32;
    int dst_rows = 16, dst_cols = 256;
    int src1_rows = 0, src1_cols = 0;
    isa::RoundMode mode = isa::RoundMode::Rint;
  };
  const Row rows[] = {
      {"add", Opcode::TADD, DType::F32, DType::F32, 16, 256, 16, 256},
      {"mul", Opcode::TMUL, DType::F32, DType::F32, 16, 256, 16, 256},
      {"max", Opcode::TMAX, DType::F32, DType::F32, 16, 256, 16, 256},
      {"div", Opcode::TDIV, DType::F32, DType::F32, 16, 256, 16, 256},
      {"adds", Opcode::TADDS},
      {"muls", Opcode::TMULS},
      {"exp", Opcode::TEXP},
      {"log", Opcode::TLOG},
      {"sqrt", Opcode::TSQRT},
      {"rsqrt", Opcode::TRSQRT},
      {"copy", Opcode::TMOV},
      {"row_sum", Opcode::TROWSUM, DType::F32, DType::F32, 16, 1},
      {"row_max", Opcode::TROWMAX, DType::F32, DType::F32, 16, 1},
      {"col_sum", Opcode::TCOLSUM, DType::F32, DType::F32, 1, 256},
      {"row_expand_mul", Opcode::TROWEXPANDMUL, DType::F32, DType::F32, 16, 256, 16, 1},
      {"col_expand_mul", Opcode::TCOLEXPANDMUL, DType::F32, DType::F32, 16, 256, 1, 256},
      {"gather_mask", Opcode::TGATHERM, DType::F32, DType::F32, 16, 128},
      {"transpose", Opcode::TTRANS, DType::F32, DType::F32, 256, 16},
      {"bf16_to_fp32", Opcode::TCVT, DType::F32, DType::BF16},
      {"fp32_to_bf16", Opcode::TCVT, DType::BF16, DType::F32},
      {"fp32_to_int32_rint", Opcode::TCVT, DType::I32, DType::F32},
      {"fp32_to_int32_round", Opcode::TCVT, DType::I32, DType::F32, 16, 256, 0, 0,
       isa::RoundMode::Round},
      {"int32_to_fp32", Opcode::TCVT, DType::F32, DType::I32},
      {"int32_to_fp16", Opcode::TCVT, DType::F16, DType::I32, 16, 256, 0, 0, isa::RoundMode::Round},
      {"fp16_to_int8", Opcode::TCVT, DType::I8, DType::F16, 16, 256, 0, 0, isa::RoundMode::Trunc},
      {"fp32_to_fp16", Opcode::TCVT, DType::F16, DType::F32},
      {"fp16_add", Opcode::TADD, DType::F16, DType::F16, 16, 256, 16, 256},
      {"int32_add", Opcode::TADD, DType::I32, DType::I32, 16, 256, 16, 256},
  };
  for (const Row& r : rows)
    benchmark::RegisterBenchmark(("vector/" + std::string(r.label)).c_str(), [r](benchmark::State&
                                                                                     s) {
      vector_op(s, r.op, r.to, r.from, r.dst_rows, r.dst_cols, r.src1_rows, r.src1_cols, r.mode);
    })->Apply(levels);
  benchmark::RegisterBenchmark("vector/gather", gather)->Apply(levels);
}

const bool registered = (register_all(), true);

}  // namespace
