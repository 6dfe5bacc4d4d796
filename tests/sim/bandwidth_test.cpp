// Each level of memory reaches the bandwidth of the shipped chip files and no more: cores stream in
// closed loop, every one asking again when its last DMA is complete.
#include <algorithm>
#include <catch2/catch.hpp>
#include <queue>
#include <utility>
#include <vector>

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

/// Cores that stream in closed loop, part by part in the order of time.
class Streams {
 public:
  Streams(const chips::Chip& c, const Stream& s) : s_(s), memory_(c) {
    if (s.warm) memory_.warm(0, s.shared ? per_core() : per_core() * s.cores);
    cursors_.resize(static_cast<size_t>(s.cores));
    dma_.resize(static_cast<size_t>(s.cores), 0);
  }
  int64_t per_core() const { return s_.dma_bytes * s_.dmas; }

  /// When the last byte has passed.
  int64_t run() {
    for (int core = 0; core < s_.cores; ++core) turns_.push({core, core});
    int64_t end = 0;
    while (!turns_.empty()) {
      const auto [now, core] = turns_.top();
      turns_.pop();
      sim::MemoryCursor& cursor = cursors_[static_cast<size_t>(core)];
      step(core, cursor, now);
      int64_t next = cursor.next.value;
      if (cursor.done) {
        next = cursor.reply.data_ready.value;
        end = std::max(end, next);
        cursor = sim::MemoryCursor();
        if (++dma_[static_cast<size_t>(core)] == s_.dmas) continue;
      }
      turns_.push({next, core});
    }
    return end;
  }

 private:
  void step(int core, sim::MemoryCursor& cursor, int64_t now) {
    const int64_t floats = s_.dma_bytes / 4;
    const isa::GmAccess g =
        gm(1, static_cast<int>(floats), 0, DType::F32,
           (s_.shared ? 0 : core * per_core() / 4) + dma_[static_cast<size_t>(core)] * floats);
    sim::MemoryRequest r;
    r.gm = &g;
    r.core_kind = s_.kind;
    r.core = CoreId(static_cast<uint16_t>(core));
    r.write = s_.write;
    memory_.step(r, cursor, Picoseconds(now));
  }

  Stream s_;
  sim::MemorySystem memory_;
  std::vector<sim::MemoryCursor> cursors_;
  std::vector<int> dma_;
  using Turn = std::pair<int64_t, int>;
  std::priority_queue<Turn, std::vector<Turn>, std::greater<>> turns_;
};

/// GB/s over all cores.
double rate(const chips::Chip& c, const Stream& s) {
  Streams streams(c, s);
  const int64_t end = streams.run();
  return static_cast<double>(streams.per_core() * s.cores) / static_cast<double>(end) * 1000;
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

TEST_CASE("writing more than L2 holds runs at the HBM rate") {
  chips::Chip c = chips::load_chip("a2a3");
  c.l2.bytes = 8 << 20;  // keep the test small: 100 MB against 8 MB
  Stream s;
  s.cores = c.aiv;
  s.write = true;
  const double hbm = c.hbm.bandwidth * c.hbm.efficiency;
  // Whole lines are not fetched; every line but the last 8 MB is written back.
  CHECK(rate(c, s) == Approx(hbm * 100.66 / (100.66 - 8.39)).epsilon(0.05));
  s.dmas = 5;  // 7.9 MB: absorbed
  CHECK(rate(c, s) == Approx(c.l2.bandwidth).epsilon(0.05));
}

TEST_CASE("a small DMA takes its turn among large ones") {
  const chips::Chip c = chips::load_chip("a2a3");
  sim::MemorySystem memory(c);
  const auto request = [](const isa::GmAccess& g, uint16_t core) {
    sim::MemoryRequest r;
    r.gm = &g;
    r.core = CoreId(core);
    return r;
  };
  // 20 cores ask for 128 KB each at once: 1.76 us of HBM time.
  const double all = 20 * 131072 / (c.hbm.bandwidth * c.hbm.efficiency) * 1000;
  for (uint16_t core = 0; core < 20; ++core) {
    const isa::GmAccess g = gm(1, 32768, 0, DType::F32, core * 32768);
    sim::MemoryCursor cursor;
    memory.step(request(g, core), cursor, Picoseconds(0));
    CHECK_FALSE(cursor.done);
    // The next part comes when the link is free (16 KB), or shortly before HBM is through with
    // this.
    const double link = 16384 / (c.l2.aiv_bytes * c.clock_mhz / 1000) * 1000;
    const double served = (core + 1) * all / 20 / 8;
    const auto next = static_cast<double>(cursor.next.value);
    CHECK(next == Approx(std::max(link, served - 32768)).epsilon(0.02));
  }
  const isa::GmAccess g = gm(1, 128, 0, DType::F32, 1 << 26);
  sim::MemoryCursor cursor;
  memory.step(request(g, 40), cursor, Picoseconds(1));
  CHECK(cursor.done);
  // It waits for the parts in front of it, 16 KB each, not for whole DMAs.
  CHECK(static_cast<double>(cursor.reply.data_ready.value) < all / 7);
  CHECK(static_cast<double>(cursor.reply.data_ready.value) > all / 9);
}
