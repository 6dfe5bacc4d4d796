// The C++ half of a pair: the same program as split_k_norm.py, operation by operation. Writes what
// scripts/compare_runs reads into the folder named on the command line.
#include <memory>
#include <systemc>

#include "chips/chip.h"
#include "lang/pl.h"
#include "lower/lower.h"
#include "sim/machine.h"
#include "traces/deps.h"
#include "traces/folder.h"
#include "traces/summary.h"
#include "traces/swimlane.h"

int sc_main(int, char**) { return 0; }  // SystemC's library expects one

namespace {

using isa::DType;
using pl::Tensor;
using pl::Tile;

constexpr int64_t kRows = 64, kDepth = 512, kCols = 128;
constexpr int64_t kParts = 4, kSlice = kDepth / kParts, kStep = 64;
constexpr int64_t kBlockRows = 16, kChunk = 32;

std::shared_ptr<uint8_t> zeros(int64_t bytes) {
  return {new uint8_t[static_cast<size_t>(bytes)](), std::default_delete<uint8_t[]>()};
}

void clear_sums(const Tensor& sums) {
  pl::ScopeOptions options;
  options.name = "clear_sums";
  pl::at(options, [&] {
    for (int64_t c : pl::range(0, kCols, kStep))
      pl::store(pl::full(kRows, kStep, DType::F32, 0.0), {0, c}, sums);
  });
}

void partial_products(const Tensor& x, const Tensor& w, const Tensor& sums) {
  pl::ScopeOptions options;
  options.name = "partial_products";
  pl::spmd(kParts, options, [&](int64_t part) {
    Tile acc;
    for (int64_t i : pl::pipeline(kSlice / kStep, 2)) {
      const int64_t k = part * kSlice + i * kStep;
      const Tile a = pl::load(x, {0, k}, {kRows, kStep});
      const Tile b = pl::load(w, {k, 0}, {kStep, kCols});
      acc = i == 0 ? pl::matmul(a, b) : pl::matmul_acc(acc, a, b);
    }
    pl::assemble(sums, acc, {0, 0}, /*atomic=*/true);
  });
}

void norm_rows(const Tensor& sums, const Tensor& y) {
  pl::ScopeOptions options;
  options.name = "norm_rows";
  pl::spmd(kRows / kBlockRows, options, [&](int64_t block) {
    const int64_t r = block * kBlockRows;
    Tile squares = pl::full(1, kBlockRows, DType::F32, 0.0);
    for (int64_t c : pl::pipeline(0, kCols, kChunk, 2)) {
      const Tile t = pl::load(sums, {r, c}, {kBlockRows, kChunk});
      squares = pl::add(squares, pl::reshape(pl::row_sum(pl::mul(t, t)), 1, kBlockRows));
    }
    const Tile mean = pl::add(pl::mul(squares, 1.0 / kCols), 1e-6);
    const Tile inverse = pl::reshape(pl::recip(pl::sqrt(mean)), kBlockRows, 1);
    for (int64_t c : pl::pipeline(0, kCols, kChunk, 2)) {
      const Tile t = pl::load(sums, {r, c}, {kBlockRows, kChunk});
      const Tile scaled = pl::row_expand_mul(t, inverse);
      pl::store(pl::cast(scaled, DType::BF16, pl::RoundMode::Rint), {r, c}, y);
    }
  });
}

pl::RecordedProgram record() {
  pl::Session session("split_k_norm");
  const Tensor x = session.input("x", DType::BF16, {kRows, kDepth}, zeros(kRows * kDepth * 2));
  const Tensor w = session.input("w", DType::BF16, {kDepth, kCols}, zeros(kDepth * kCols * 2));
  const Tensor y = session.output("y", DType::BF16, {kRows, kCols});
  const Tensor sums = pl::create_tensor("sums", {kRows, kCols}, DType::F32);
  clear_sums(sums);
  partial_products(x, w, sums);
  norm_rows(sums, y);
  return session.finish();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const chips::Chip chip = chips::load_chip("a2a3");
  const lower::Result lowered = lower::lower(record(), chip);
  sim::Options options;
  options.observer_effect = true;
  const traces::Timeline timeline = sim::replay(lowered.graph, chip, options);
  traces::RunInfo info;
  info.program = "split_k_norm";
  traces::Summary summary = traces::summarize(timeline, lowered.graph, info);
  summary.observer_effect = true;
  traces::OutputFolder folder(argv[1]);
  folder.write("summary.json", traces::summary_json(summary));
  folder.write("dfx_outputs/name_map_split_k_norm.json", traces::name_map_json(lowered.graph));
  folder.write("dfx_outputs/deps.json", [&](const traces::Sink& sink) {
    traces::write_deps_json(lowered.graph, sink);
  });
  folder.commit();
  return 0;
}
