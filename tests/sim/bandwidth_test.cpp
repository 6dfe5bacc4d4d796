// Each level of memory reaches the bandwidth of the shipped chip files and no more: cores stream in
// closed loop, every one asking again when its last DMA is complete.
#include <algorithm>
#include <catch2/catch.hpp>
#include <queue>
#include <tuple>

#include "bench_chip.h"
#include "sim/cost.h"
#include "sim/memory_system.h"

using namespace simtest;

namespace {

struct Stream {
  int cores = 1;
  CoreKind kind = CoreKind::AIV;
  int64_t dma_bytes = 32768;
  int dmas = 64;        ///< per core
  bool shared = false;  ///< all cores read the same bytes
  bool warm = false;
  bool write = false;
};

/// GB/s over all cores.
double rate(const chips::Chip& c, const Stream& s) {
  sim::MemorySystem memory(c);
  const int64_t per_core = s.dma_bytes * s.dmas;
  if (s.warm) memory.warm(0, s.shared ? per_core : per_core * s.cores);
  using Turn = std::tuple<int64_t, int, int>;  // time, core, DMA
  std::priority_queue<Turn, std::vector<Turn>, std::greater<>> turns;
  for (int core = 0; core < s.cores; ++core) turns.push({core, core, 0});
  int64_t end = 0;
  while (!turns.empty()) {
    const auto [now, core, dma] = turns.top();
    turns.pop();
    const int64_t floats = s.dma_bytes / 4;
    const isa::GmAccess g = gm(1, static_cast<int>(floats), 0, DType::F32,
                               (s.shared ? 0 : core * per_core / 4) + dma * floats);
    sim::MemoryRequest r;
    r.gm = &g;
    r.core_kind = s.kind;
    r.core = CoreId(static_cast<uint16_t>(core));
    r.write = s.write;
    const int64_t done = memory.access(r, Picoseconds(now)).data_ready.value;
    end = std::max(end, done);
    if (dma + 1 < s.dmas) turns.push({done, core, dma + 1});
  }
  return static_cast<double>(per_core * s.cores) / static_cast<double>(end) * 1000;
}

}  // namespace

TEST_CASE("all vector cores streaming cold data reach the HBM rate") {
  for (const char* name : {"a2a3", "a5"}) {
    const chips::Chip c = chips::load_chip(name);
    Stream s;
    s.cores = c.aiv;
    const double hbm = c.hbm.bandwidth * c.hbm.efficiency;
    INFO(name << " " << hbm);
    CHECK(rate(c, s) == Approx(hbm).epsilon(0.03));
    s.kind = CoreKind::AIC;
    s.cores = c.aic;
    CHECK(rate(c, s) == Approx(hbm).epsilon(0.03));
  }
}

TEST_CASE("all cores streaming resident data reach the L2 rate or the sum of their links") {
  for (const char* name : {"a2a3", "a5"}) {
    const chips::Chip c = chips::load_chip(name);
    const double ghz = c.clock_mhz / 1000;
    Stream s;
    s.warm = true;
    s.cores = c.aiv;
    s.dmas = 16;
    INFO(name);
    CHECK(rate(c, s) ==
          Approx(std::min(c.l2.bandwidth, c.aiv * c.l2.aiv_bytes * ghz)).epsilon(0.03));
    s.kind = CoreKind::AIC;
    s.cores = c.aic;
    CHECK(rate(c, s) ==
          Approx(std::min(c.l2.bandwidth, c.aic * c.l2.aic_bytes * ghz)).epsilon(0.03));
  }
}

TEST_CASE("one core is bound by its link") {
  const chips::Chip c = chips::load_chip("a2a3");
  Stream s;
  s.warm = true;
  CHECK(rate(c, s) == Approx(c.l2.aiv_bytes * c.clock_mhz / 1000).epsilon(0.01));
  s.kind = CoreKind::AIC;
  CHECK(rate(c, s) == Approx(c.l2.aic_bytes * c.clock_mhz / 1000).epsilon(0.01));
}

TEST_CASE("reuse by other cores runs at L2 speed behind one fill") {
  const chips::Chip c = chips::load_chip("a2a3");
  Stream s;
  s.cores = c.aiv;
  s.shared = true;
  const double hbm = c.hbm.bandwidth * c.hbm.efficiency;
  CHECK(rate(c, s) > 3 * hbm);
  CHECK(rate(c, s) <= c.l2.bandwidth * 1.01);
}

TEST_CASE("writing more than L2 holds costs HBM bandwidth for the write-backs") {
  chips::Chip c = chips::load_chip("a2a3");
  c.l2.bytes = 8 << 20;  // keep the test small: 100 MB against 8 MB
  Stream s;
  s.cores = c.aiv;
  s.write = true;
  const double hbm = c.hbm.bandwidth * c.hbm.efficiency;
  const double got = rate(c, s);
  // Whole lines are not fetched, every line but the last 8 MB is written back.
  CHECK(got < c.l2.bandwidth);
  CHECK(got > hbm);
  s.dmas = 8;  // 12.6 MB: mostly absorbed
  CHECK(rate(c, s) > 2 * got);
}

TEST_CASE("small DMAs are not starved by large ones") {
  const chips::Chip c = chips::load_chip("a2a3");
  sim::MemorySystem memory(c);
  // 20 cores ask for 128 KB each at once; their links spread that over more than 500 ns.
  for (uint16_t core = 0; core < 20; ++core) {
    const isa::GmAccess g = gm(1, 32768, 0, DType::F32, core * 32768);
    sim::MemoryRequest r;
    r.gm = &g;
    r.core = CoreId(core);
    memory.access(r, Picoseconds(0));
  }
  const isa::GmAccess g = gm(1, 128, 0, DType::F32, 1 << 26);
  sim::MemoryRequest r;
  r.gm = &g;
  r.core = CoreId(40);
  const double all = 20 * 131072 / (c.hbm.bandwidth * c.hbm.efficiency) * 1000;
  const auto ready = static_cast<double>(memory.access(r, Picoseconds(1)).data_ready.value);
  CHECK(ready < all);
}
