// L2 tags, bandwidth servers and the memory system they make up.
#include <catch2/catch.hpp>

#include "bench_chip.h"
#include "isa/error.h"
#include "sim/hbm.h"
#include "sim/l2.h"
#include "sim/memory_system.h"

using namespace simtest;

namespace {

struct Memory {
  explicit Memory(const chips::Chip& c = chip()) : system(c) {}
  sim::MemoryReply access(const isa::GmAccess& g, int64_t now, bool write = false,
                          uint16_t core = 0, bool atomic = false) {
    sim::MemoryRequest r;
    r.gm = &g;
    r.gm_addr = 1 << 30;
    r.core = CoreId(core);
    r.write = write;
    r.atomic = atomic;
    return system.access(r, Picoseconds(now));
  }
  sim::MemorySystem system;
};

}  // namespace

TEST_CASE("L2 replaces the least recently used line of a set") {
  sim::L2Tags tags(4 * 512 * 3, 512, 3);  // four sets of three ways: line % 4 picks the set
  CHECK_FALSE(tags.touch(0).hit);
  CHECK_FALSE(tags.touch(4).hit);
  CHECK_FALSE(tags.touch(8).hit);
  CHECK(tags.touch(0).hit);         // 4 is the oldest now
  CHECK_FALSE(tags.touch(12).hit);  // evicts 4
  CHECK(tags.touch(0).hit);
  CHECK(tags.touch(8).hit);
  CHECK(tags.touch(12).hit);
  CHECK_FALSE(tags.touch(4).hit);
  CHECK_FALSE(tags.touch(1).hit);  // another set is untouched by all that
}

TEST_CASE("L2 reports a modified victim, once") {
  sim::L2Tags tags(512, 512, 1);
  tags.set_dirty(tags.touch(1).slot);
  CHECK(tags.touch(2).dirty_victim);
  CHECK_FALSE(tags.touch(3).dirty_victim);
}

TEST_CASE("a bandwidth server queues what exceeds its rate") {
  sim::BandwidthServer s(1000);  // one byte per picosecond
  CHECK(s.reserve(0, 512) == 512);
  CHECK(s.reserve(0, 512) == 1024);
  CHECK(s.reserve(5000, 512) == 5512);  // idle in between: no waiting
}

TEST_CASE("a bandwidth server loses no capacity and serves gaps") {
  sim::BandwidthServer s(1000);
  const int64_t window = 32768;
  CHECK(s.reserve(10 * window, 512) == 10 * window + 512);
  CHECK(s.reserve(0, 512) == 512);  // an earlier gap is still free
  int64_t last = 0;
  for (int i = 0; i < 5000 * 64; ++i) last = s.reserve(0, 512);  // 5000 windows' worth: it grows
  CHECK(last == (5000 * 64 + 2) * 512);
  s.advance(20000 * window);
  CHECK(s.reserve(20000 * window, 512) == 20000 * window + 512);
}

TEST_CASE("first touch misses, the second hits, whoever asks") {
  Memory m;
  const isa::GmAccess g = gm(8, 128, 1024);  // eight rows of one line each
  const sim::MemoryReply cold = m.access(g, 0);
  CHECK(cold.lines == 8);
  CHECK(cold.line_misses == 8);
  CHECK(cold.requests == 8 * 4);
  CHECK(cold.hbm_bytes == 8 * 512);
  const sim::MemoryReply warm = m.access(g, 1'000'000, false, 7);
  CHECK(warm.lines == 8);
  CHECK(warm.line_misses == 0);
  CHECK(warm.hbm_bytes == 0);
  CHECK(warm.requests == 8 * 4);
}

TEST_CASE("short rows over-fetch: a 64 B row is a 128 B request and a 512 B fill") {
  Memory m;
  const sim::MemoryReply r = m.access(gm(128, 32, 4096, DType::BF16), 0);
  CHECK(r.requests == 128);
  CHECK(r.lines == 128);
  CHECK(r.hbm_bytes == 128 * 512);
  // the neighbouring columns are in the same lines
  CHECK(m.access(gm(128, 32, 4096, DType::BF16, 32), 1'000'000).line_misses == 0);
  // a row that straddles a request boundary takes two, a line boundary two lines
  CHECK(m.access(gm(1, 32, 0, DType::BF16, 48), 2'000'000).requests == 2);
  CHECK(m.access(gm(1, 32, 0, DType::BF16, 240), 2'000'000).lines == 2);
}

TEST_CASE("rows that follow each other are one run") {
  Memory m;
  const sim::MemoryReply r = m.access(gm(64, 16, 16), 0);  // 64 rows of 64 B = 4 KB
  CHECK(r.lines == 8);
  CHECK(r.requests == 32);
}

TEST_CASE("consecutive rows of one line touch it once") {
  Memory m;
  const sim::MemoryReply r = m.access(gm(4, 16, 32), 0);  // pitch 128 B
  CHECK(r.lines == 1);
  CHECK(r.requests == 4);
}

TEST_CASE("warm lines hit") {
  Memory m;
  m.system.warm(1 << 30, 4096);
  CHECK(m.access(gm(8, 128, 128), 0).line_misses == 0);
  CHECK(m.access(gm(1, 128, 0, DType::F32, 1024), 0).line_misses == 1);
}

TEST_CASE("a fill in flight holds the second reader until its data is there") {
  chips::Chip c = chip();
  c.mte2.latency_miss = 200;
  Memory m(c);
  const isa::GmAccess g = gm(1, 128, 0);
  const int64_t filled = m.access(g, 0).data_ready.value;
  CHECK(filled >= 200'000);
  const sim::MemoryReply second = m.access(g, 100'000, false, 1);
  CHECK(second.line_misses == 0);
  CHECK(second.data_ready.value == filled);
  // one picosecond of its own link time before the fill it still waits, well after it does not
  CHECK(m.access(g, filled - 1, false, 2).data_ready.value > filled);
  const int64_t late = filled + 50'000;
  CHECK(m.access(g, late, false, 3).data_ready.value == late + 4000);  // 512 B at 128 B/cycle
}

TEST_CASE("stores allocate; modified lines go to HBM when they leave") {
  chips::Chip c = chip();
  c.l2.bytes = 16 * 512;
  c.l2.ways = 4;
  Memory m(c);
  // A whole line needs no fetch, a part of one does.
  CHECK(m.access(gm(1, 128, 0), 0, true).hbm_bytes == 0);
  CHECK(m.access(gm(1, 128, 0), 1000).line_misses == 0);
  CHECK(m.access(gm(1, 16, 0, DType::F32, 128), 2000, true).hbm_bytes == 512);
  CHECK(m.access(gm(1, 16, 0, DType::F32, 144), 3000, true).line_misses == 0);
  // Sixteen new lines push both out: 16 fills and two write-backs.
  const sim::MemoryReply sweep = m.access(gm(1, 16 * 128, 0, DType::F32, 4096), 4000);
  CHECK(sweep.line_misses == 16);
  CHECK(sweep.hbm_bytes == (16 + 2) * 512);
}

TEST_CASE("an atomic add needs the old line") {
  Memory m;
  CHECK(m.access(gm(1, 128, 0), 0, true, 0, true).hbm_bytes == 512);
}

TEST_CASE("the core's link bounds a single DMA") {
  Memory m;
  m.system.warm(1 << 30, 1 << 20);
  // 64 KB at 128 B per cycle of 1 ns
  CHECK(m.access(gm(1, 16384, 0), 0).data_ready.value == 512'000);
  // reads and writes have links of their own; the next read queues on its link
  CHECK(m.access(gm(1, 16384, 0), 0, true).data_ready.value == 512'000);
  CHECK(m.access(gm(1, 16384, 0), 0).data_ready.value == 1'024'000);
  CHECK(m.access(gm(1, 16384, 0), 0, false, 1).data_ready.value == 512'000);
}

TEST_CASE("requests in one 512 B window are serialised when the chip says so") {
  const isa::GmAccess g = gm(1, 128, 0);  // four requests
  chips::Chip c = chip();
  Memory free(c);
  free.access(g, 0);
  CHECK(free.access(g, 0, false, 1).data_ready == free.access(g, 0, false, 2).data_ready);

  c.l2.same_address = 10;
  Memory m(c);
  CHECK(m.access(g, 0, false, 0).data_ready.value == 40'000);
  CHECK(m.access(g, 0, false, 1).data_ready.value == 80'000);
  CHECK(m.access(gm(1, 128, 0, DType::F32, 128), 0, false, 2).data_ready.value == 40'000);
}

TEST_CASE("lines and requests must be powers of two, addresses in range") {
  const auto error = [](const chips::Chip& c, int64_t offset) -> std::string {
    try {
      Memory m(c);
      m.access(gm(1, 128, 0, DType::F32, offset), 0);
    } catch (const isa::Error& e) {
      return e.id();
    }
    return "";
  };
  chips::Chip c = chip();
  CHECK(error(c, 0).empty());
  CHECK(error(c, int64_t{1} << 38).empty());           // 1 TB
  CHECK(error(c, int64_t{1} << 39) == "sim.address");  // 2 TB: line numbers have 32 bits
  c.l2.line = 384;
  CHECK(error(c, 0) == "sim.l2-line");
  c.l2.line = 512;
  c.l2.request = 100;
  CHECK(error(c, 0) == "sim.l2-line");
}
