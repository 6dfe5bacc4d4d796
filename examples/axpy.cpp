// A whole program in forty lines: y = 2 x + 1 on eight vector cores, executed, lowered for a2a3,
// replayed, and summed up.
#include <cstdio>
#include <cstring>
#include <memory>
#include <systemc>

#include "chips/chip.h"
#include "lang/pl.h"
#include "lower/lower.h"
#include "sim/machine.h"
#include "traces/report.h"
#include "traces/summary.h"

int sc_main(int, char**) { return 0; }  // SystemC's library expects one

int main() {
  constexpr int64_t kRows = 128, kCols = 256, kBlockRows = 16;
  std::shared_ptr<uint8_t> bytes(new uint8_t[kRows * kCols * sizeof(float)],
                                 std::default_delete<uint8_t[]>());
  auto* values = reinterpret_cast<float*>(bytes.get());
  for (int64_t i = 0; i < kRows * kCols; ++i) values[i] = static_cast<float>(i % 100);

  pl::Session session("axpy");
  pl::Tensor x = session.input("x", isa::DType::F32, {kRows, kCols}, bytes);
  pl::Tensor y = session.output("y", isa::DType::F32, {kRows, kCols});
  pl::spmd(kRows / kBlockRows, {"axpy"}, [&](int64_t block) {
    const pl::Tile t = pl::load(x, {block * kBlockRows, 0}, {kBlockRows, kCols});
    pl::store(pl::add(pl::mul(t, 2.0), 1.0), {block * kBlockRows, 0}, y);
  });

  float seen = 0;
  std::memcpy(&seen, session.data(y) + 7 * sizeof(float), sizeof seen);
  if (seen != 2 * values[7] + 1) return 1;

  const chips::Chip chip = chips::load_chip("a2a3");
  const lower::Result lowered = lower::lower(session.finish(), chip);
  const traces::Timeline timeline = sim::replay(lowered.graph, chip);
  traces::RunInfo info;
  info.program = "axpy";
  std::fputs(traces::scope_table(traces::summarize(timeline, lowered.graph, info)).c_str(), stdout);
  return 0;
}
