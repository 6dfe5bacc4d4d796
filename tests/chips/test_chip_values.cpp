// The built-in chips: typed view, SoC variants, overrides. Expected values are those of the tables
// in hardware.md §1 and §10, not of the .toml files.
#include <catch2/catch.hpp>
#include <fstream>
#include <set>
#include <sstream>

#include "chips/chip.h"

using chips::Chip;
using chips::load_chip;

TEST_CASE("a2a3's default part has the constants of hardware.md §10.1") {
  const Chip c = load_chip("a2a3");
  CHECK(c.name == "a2a3");
  CHECK(c.soc == "910_9382");
  CHECK(c.aic == 24);
  CHECK(c.aiv == 48);
  CHECK(c.clock_mhz == 1800);
  CHECK(c.aicpu_schedulers == 3);
  CHECK(c.counter_hz == 50'000'000);
  CHECK(c.l2.bytes == 192LL << 20);
  CHECK(c.l2.line == 512);
  CHECK(c.l2.request == 128);
  CHECK(c.l2.bandwidth == 5900);
  CHECK(c.memory.ub == 184 * 1024);
  CHECK(c.memory.l1 == 512 * 1024);
  CHECK(c.memory.l0a == 64 * 1024);
  CHECK(c.memory.l0b == 64 * 1024);
  CHECK(c.memory.l0c == 128 * 1024);
  CHECK(c.mte2.latency == 265);
  CHECK(c.mte3.latency == 230);
  CHECK(c.mte1.l0b_bytes == 128);
  CHECK(c.cube.mac_f32 == 1024);
  CHECK(c.cube.head_idle == 21);
  CHECK(c.l0a_layout == isa::Layout::ZZ);
  CHECK_FALSE(c.handover_on_chip);
  CHECK(c.mask_scatter);
  CHECK(c.mte2.serial);
  // first-model.md §2
  CHECK(c.mte2.row_nd2nz == 3);
  CHECK(c.mte2.row_nd2nz_bytes == 110);
  CHECK(c.mte2.line_miss == 9);
  CHECK(c.vec.gather_row == 130);
  CHECK(c.fix.atomic_row_512 == 560);
  CHECK(c.mte3.atomic_row_512 == 0);
  CHECK(c.runtime.submit == 874);
  // 350 and 2300 ns from dispatch to start, propagation included (hardware.md §10.1)
  CHECK(c.runtime.propagate + c.runtime.head_warm == 350);
  CHECK(c.runtime.propagate + c.runtime.head_cold == 2300);
  // 500 ns for one consumer, about 5 us for 50 (runtime.md §2.3)
  CHECK(c.runtime.resolve_base + c.runtime.resolve_per_consumer == 500);
  // hardware.md §5.2 with the conflict-free slope of §2.3
  CHECK(c.vec.op(isa::Opcode::TADD).head == 10);
  CHECK(c.vec.op(isa::Opcode::TADD).slope == 1);
  CHECK(c.vec.op(isa::Opcode::TADD).tail == 14);
  CHECK(c.vec.op(isa::Opcode::TDIV).slope == 4);
  CHECK(c.vec.op(isa::Opcode::TLOAD).head == 0);
}

TEST_CASE("a5's default part has the constants of hardware.md §10.2") {
  const Chip c = load_chip("a5");
  CHECK(c.soc == "950PR_9599");
  CHECK(c.aic == 36);
  CHECK(c.aiv == 72);
  CHECK(c.aicpu_schedulers == 4);
  CHECK(c.counter_hz == 1'000'000'000);
  CHECK(c.l2.bytes == 128LL << 20);
  CHECK(c.memory.ub == 248 * 1024);
  CHECK(c.memory.l0c == 256 * 1024);
  CHECK(c.mte2.latency == 320);
  CHECK(c.mte2.issue_gap == 39);
  CHECK(c.cube.mac_f32 == 256);
  CHECK(c.cube.head_idle == 25);
  CHECK(c.fix.bytes == 159);
  CHECK(c.l0a_layout == isa::Layout::NZ);
  CHECK(c.handover_on_chip);
  CHECK_FALSE(c.mask_scatter);
  CHECK(c.hbm.efficiency == 1);
  CHECK(c.vec.op(isa::Opcode::TADD).slope == Approx(1.247));
  CHECK(c.vec.op(isa::Opcode::TADD).head + c.vec.op(isa::Opcode::TADD).tail == Approx(55.07));
  CHECK(c.vec.op(isa::Opcode::TRSQRT).slope16 == Approx(8.107));
}

TEST_CASE("SoC variants override cores, clock, L2 and HBM") {
  struct Row {
    const char *chip, *soc;
    int aic;
    double mhz;
    int64_t l2_mib;
    double hbm;
  };
  const Row rows[] = {
      // hardware.md §1.1, §1.2
      {"a2a3", "910B1", 24, 1850, 192, 1600},    {"a2a3", "910B2C", 24, 1800, 192, 1600},
      {"a2a3", "910B3", 20, 1800, 192, 1600},    {"a2a3", "910B4", 20, 1500, 96, 800},
      {"a2a3", "910_9362", 20, 1500, 168, 1600}, {"a2a3", "910_9392", 24, 1850, 192, 1600},
      {"a5", "950PR_9589", 32, 1650, 128, 1600}, {"a5", "950PR_957d", 28, 1650, 96, 1187},
      {"a5", "950DT_9591", 36, 1800, 128, 4000}, {"a5", "950DT_9583", 32, 1650, 112, 3500},
      {"a5", "950DT_950x", 8, 1650, 32, 950},
  };
  for (const Row& row : rows) {
    CAPTURE(row.chip, row.soc);
    const Chip c = load_chip(row.chip, row.soc);
    CHECK(c.soc == row.soc);
    CHECK(c.aic == row.aic);
    CHECK(c.aiv == 2 * row.aic);
    CHECK(c.clock_mhz == row.mhz);
    CHECK(c.l2.bytes == row.l2_mib << 20);
    CHECK(c.hbm.bandwidth == row.hbm);
  }
}

TEST_CASE("every SoC of both chips loads, the default is listed first") {
  for (const char* chip : {"a2a3", "a5"}) {
    const std::vector<std::string> names = chips::soc_names(chip);
    CHECK(names.front() == load_chip(chip).soc);
    CHECK(std::set<std::string>(names.begin(), names.end()).size() == names.size());
    for (const std::string& soc : names) CHECK(load_chip(chip, soc).aic >= 4);
  }
  CHECK(chips::soc_names("a2a3").size() == 13);
  CHECK(chips::soc_names("a5").size() == 30);
}

TEST_CASE("every parameter says unit, source, confidence and range") {
  for (const char* name : {"a2a3", "a5"}) {
    const Chip c = load_chip(name);
    CHECK(c.parameters.size() > 200);
    for (const auto& [key, p] : c.parameters) {
      CAPTURE(key);
      CHECK(p.key == key);
      CHECK_FALSE(p.unit.empty());
      CHECK(p.source.find(".md §") != std::string::npos);
      CHECK_FALSE(p.text.empty());
      CHECK(p.min <= p.value);
      CHECK(p.value <= p.max);
      CHECK_FALSE(p.overridden);
    }
  }
}

TEST_CASE("overrides change the value and are marked") {
  const Chip c =
      load_chip("a2a3", "910B1",
                {"mte2.latency=300.5", "mte2.serial=false", "memory.l0a_layout=NZ",
                 "vec.ops.TADD.slope=2", "vec.ops.TADD.row=1", "soc.aicpu_schedulers=1"});
  CHECK(c.mte2.latency == 300.5);
  CHECK_FALSE(c.mte2.serial);
  CHECK(c.l0a_layout == isa::Layout::NZ);
  CHECK(c.vec.op(isa::Opcode::TADD).slope == 2);
  CHECK(c.vec.op(isa::Opcode::TADD).row == 1);
  CHECK(c.aicpu_schedulers == 1);
  CHECK(c.parameters.at("mte2.latency").overridden);
  CHECK(c.parameters.at("mte2.latency").text == "300.5");
  CHECK_FALSE(c.parameters.at("mte3.latency").overridden);
  CHECK(c.parameters.at("soc.clock_mhz").source == "hardware.md §1.1");
}

TEST_CASE("an override wins over the SoC variant") {
  CHECK(load_chip("a2a3", "910B1", {"soc.clock_mhz=1000"}).clock_mhz == 1000);
}

TEST_CASE("a file on disk loads like the built-in text") {
  const Chip a = load_chip("a5");
  const Chip b = load_chip(std::string(CHIPS_SOURCE_DIR) + "/a5.toml");
  CHECK(a.parameters.size() == b.parameters.size());
  for (const auto& [key, p] : a.parameters) CHECK(b.parameters.at(key).value == p.value);
}

TEST_CASE("cycles become whole picoseconds, rounded up") {
  Chip c = load_chip("a2a3");  // 1.8 GHz: 9 cycles are exactly 5000 ps
  CHECK(c.ps(9) == 5000);
  CHECK(c.ps(18) == 10000);
  CHECK(c.ps(1) == 556);
  CHECK(c.ps(0) == 0);
  CHECK(c.ps(0.9) == 500);
  CHECK(c.ps(900'000'009) == 500'000'005'000);
  c.clock_mhz = 1000;
  CHECK(c.ps(1.0005) == 1001);
}
