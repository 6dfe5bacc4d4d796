// The executor loop in simulated time: receive, head, start, end, visibility, slots, doorbells.
#include <catch2/catch.hpp>
#include <functional>
#include <memory>

#include "bench_chip.h"
#include "sim/fresh_systemc.h"

using namespace simtest;

namespace {

/// Cores on one memory, and a script of what a scheduler does at which time.
class World : public sc_core::sc_module {
 public:
  SC_HAS_PROCESS(World);
  World(const chips::Chip& c, int cores, bool observer = false)
      : sc_module(sc_core::sc_module_name("world")), the_chip_(c), memory_(the_chip_) {
    for (uint32_t b = 0; b < 4; ++b) {
      isa::GmBuffer buffer;
      buffer.gm_addr = static_cast<uint64_t>(b + 1) << 30;
      graph_.buffers.push_back(buffer);
    }
    isa::Task task;
    task.name = "qproj_matmul";
    graph_.tasks.push_back(task);
    context_.chip = &the_chip_;
    context_.graph = &graph_;
    context_.memory = &memory_;
    context_.observer_effect = observer;
    context_.record_instructions = true;
    context_.lanes = &lanes;
    context_.instrs = &instrs;
    for (int i = 0; i < cores; ++i) {
      const CoreKind kind = i == 0 ? CoreKind::AIC : CoreKind::AIV;
      cores_.push_back(std::make_unique<sim::Core>(
          ("core" + std::to_string(i)).c_str(), CoreId(static_cast<uint16_t>(i)), kind, context_));
    }
    SC_THREAD(play);
  }

  /// Calls `what` at `ps`. In order of time.
  void at(int64_t ps, std::function<void()> what) { script_.push_back({ps, std::move(what)}); }
  sim::Core& core(int i) { return *cores_[static_cast<size_t>(i)]; }
  const chips::Chip& the_chip() const { return the_chip_; }
  sim::LaneJob job(std::vector<Instr> body, std::shared_ptr<sim::BlockEvents> events = nullptr,
                   bool gated = false) {
    streams_.push_back(std::make_unique<isa::Stream>());
    streams_.back()->instrs = std::move(body);
    sim::LaneJob j;
    j.stream = streams_.back().get();
    j.events = std::move(events);
    j.gated = gated;
    j.row.task = isa::TaskId(0);
    return j;
  }

  std::vector<traces::LaneRow> lanes;
  std::vector<traces::InstrRow> instrs;

 private:
  void play() {
    for (auto& [ps, what] : script_) {
      const auto now = static_cast<int64_t>(sc_core::sc_time_stamp().value());
      if (ps > now) wait(sc_core::sc_time::from_value(static_cast<sc_dt::uint64>(ps - now)));
      what();
    }
  }

  chips::Chip the_chip_;
  sim::MemorySystem memory_;
  isa::TaskGraph graph_;
  sim::CoreContext context_;
  std::vector<std::unique_ptr<sim::Core>> cores_;
  std::vector<std::unique_ptr<isa::Stream>> streams_;
  std::vector<std::pair<int64_t, std::function<void()>>> script_;
};

constexpr int64_t kNs = 1000;
constexpr int64_t kBodyAiv = 1000 * kNs, kBodyAic = 3000 * kNs;
constexpr int64_t kCold = (140 + 2160) * kNs, kWarm = (140 + 210) * kNs;

chips::Chip no_spread() {
  chips::Chip c = chip();
  c.runtime.head_cold_spread = 0;
  return c;
}

}  // namespace

TEST_CASE("a first job pays the cold head, a later one the warm head") {
  sim::FreshSystemC systemc;
  World w(no_spread(), 2);
  w.at(1000, [&] { CHECK(w.core(1).post(w.job({work(100)})) == 0); });
  w.at(20'000 * kNs, [&] {
    CHECK(w.core(1).take_finished() == 0);
    CHECK(w.core(1).post(w.job({})) == 1);
  });
  sc_core::sc_start();
  REQUIRE(w.lanes.size() == 2);
  const traces::LaneRow& a = w.lanes[0];
  CHECK(a.first_on_core);
  CHECK(a.receive.value == 1000 + 140 * kNs);
  CHECK(a.start.value == 1000 + kCold);
  CHECK(a.end.value == a.start.value + kBodyAiv + 100 * kNs);
  const traces::LaneRow& b = w.lanes[1];
  CHECK_FALSE(b.first_on_core);
  CHECK(b.start.value == 20'000 * kNs + kWarm);
  CHECK(b.end.value == b.start.value + kBodyAiv);
  CHECK(b.reg_task_id == 1);
}

TEST_CASE("cold heads spread over the cores, a cube body costs more") {
  sim::FreshSystemC systemc;
  World w(chip(), 4);
  w.at(0, [&] {
    for (int i = 0; i < 4; ++i) w.core(i).post(w.job({}));
  });
  sc_core::sc_start();
  REQUIRE(w.lanes.size() == 4);
  // the number's bits behind the point: 0, 1/2, 1/4, 3/4 of 1600 ns
  for (const auto& [core, extra] : {std::pair(0, 0), {1, 800}, {2, 400}, {3, 1200}}) {
    const auto row = std::find_if(w.lanes.begin(), w.lanes.end(), [c = core](const auto& r) {
      return r.end - r.start == Picoseconds(c == 0 ? kBodyAic : kBodyAiv) &&
             r.start.value == kCold + std::array{0, 800, 400, 1200}[static_cast<size_t>(c)] * kNs;
    });
    INFO(core << " " << extra);
    CHECK(row != w.lanes.end());
  }
}

TEST_CASE("an end is visible runtime.fin_visible later and not before") {
  sim::FreshSystemC systemc;
  World w(no_spread(), 2);
  const int64_t end = kCold + kBodyAiv, visible = end + 600 * kNs;
  std::vector<int64_t> fired;
  w.at(0, [&] { w.core(1).post(w.job({})); });
  w.at(end, [&] { CHECK_FALSE(w.core(1).take_finished()); });
  w.at(visible - 1, [&] {
    CHECK_FALSE(w.core(1).take_finished());
    CHECK(w.core(1).outstanding() == 1);
  });
  w.at(visible, [&] {
    CHECK(w.core(1).take_finished() == 0);
    CHECK(w.core(1).outstanding() == 0);
    CHECK_FALSE(w.core(1).take_finished());  // once
  });
  sc_core::sc_start();
}

TEST_CASE("finished_event fires once for every end, also when nobody has taken the last") {
  sim::FreshSystemC systemc;
  World w(no_spread(), 2);
  struct Watcher : sc_core::sc_module {
    SC_HAS_PROCESS(Watcher);
    Watcher(sc_core::sc_module_name n, sc_core::sc_event& e) : sc_module(n) {
      SC_METHOD(note);
      dont_initialize();
      sensitive << e;
    }
    void note() { fired.push_back(static_cast<int64_t>(sc_core::sc_time_stamp().value())); }
    std::vector<int64_t> fired;
  } watcher("watcher", w.core(1).finished_event());
  w.at(0, [&] {
    w.core(1).post(w.job({}));
    w.core(1).post(w.job({}));
  });
  w.at(100'000 * kNs, [&] { w.core(1).post(w.job({})); });
  sc_core::sc_start();
  const int64_t first = kCold + kBodyAiv + 600 * kNs;
  CHECK(watcher.fired == std::vector<int64_t>{first, first + (300 + 1000) * kNs,
                                              100'000 * kNs + kWarm + kBodyAiv + 600 * kNs});
}

TEST_CASE("a job pending while its predecessor ran pays the switch instead of the head") {
  const int64_t end = kCold + kBodyAiv;
  for (const bool in_time : {true, false}) {
    sim::FreshSystemC systemc;
    World w(no_spread(), 2);
    // Noticed at the end at the latest, or a picosecond after it.
    const int64_t posted = end - 140 * kNs + (in_time ? 0 : 1);
    w.at(0, [&] { w.core(1).post(w.job({})); });
    w.at(posted, [&] { w.core(1).post(w.job({})); });
    sc_core::sc_start();
    REQUIRE(w.lanes.size() == 2);
    CHECK(w.lanes[1].receive.value == (in_time ? end : posted + 140 * kNs));
    CHECK(w.lanes[1].start.value == (in_time ? end + 300 * kNs : posted + kWarm));
  }
}

TEST_CASE("profiling keeps the core busy after the end, for the next job only") {
  sim::FreshSystemC systemc;
  World w(no_spread(), 2, true);
  w.at(0, [&] {
    w.core(1).post(w.job({}));
    w.core(1).post(w.job({}));
  });
  const int64_t end = kCold + kBodyAiv;
  w.at(end + 600 * kNs, [&] { CHECK(w.core(1).take_finished() == 0); });
  sc_core::sc_start();
  REQUIRE(w.lanes.size() == 2);
  CHECK(w.lanes[0].end.value == end);
  CHECK(w.lanes[1].receive.value == end + 500 * kNs);
  CHECK(w.lanes[1].start.value == end + (500 + 300) * kNs);
}

TEST_CASE("a gated job starts when the doorbell has reached it") {
  sim::FreshSystemC systemc;
  World w(no_spread(), 3);
  uint32_t late = 0, early = 0;
  w.at(0, [&] {
    late = w.core(1).post(w.job({}, nullptr, true));
    early = w.core(2).post(w.job({}, nullptr, true));
  });
  w.at(100 * kNs, [&] { w.core(2).ring(early); });  // long before it is prepared
  w.at(50'000 * kNs, [&] {
    CHECK(w.lanes.size() == 1);
    CHECK(w.core(1).describe_wait() == "AIV_1: qproj_matmul block 0, waits for its doorbell");
    w.core(1).ring(late);
  });
  sc_core::sc_start();
  REQUIRE(w.lanes.size() == 2);
  CHECK(w.lanes[0].start.value == kCold);
  CHECK(w.lanes[1].receive.value == 140 * kNs);
  CHECK(w.lanes[1].start.value == (50'000 + 140) * kNs);
}

TEST_CASE("a gated job behind another keeps its place") {
  sim::FreshSystemC systemc;
  World w(no_spread(), 2);
  w.at(0, [&] {
    w.core(1).post(w.job({}));
    const uint32_t gated = w.core(1).post(w.job({}, nullptr, true));
    CHECK(gated == 1);
    CHECK(w.core(1).outstanding() == 2);
  });
  w.at(kCold + kBodyAiv + 600 * kNs, [&] { CHECK(w.core(1).take_finished() == 0); });
  w.at(30'000 * kNs, [&] { w.core(1).ring(1); });
  sc_core::sc_start();
  REQUIRE(w.lanes.size() == 2);
  CHECK(w.lanes[1].start.value == (30'000 + 140) * kNs);
}

TEST_CASE("the halves of a mixed block meet through events") {
  sim::FreshSystemC systemc;
  World w(no_spread(), 3);
  auto events = std::make_shared<sim::BlockEvents>(2);
  Instr push = matmul(128, 64, 128);  // 277 cycles
  push.signal_event = 0;
  Instr pop = add(64, 64);
  pop.wait_event = 0;
  pop.signal_event = 1;
  Instr back = matmul(128, 64, 128);
  back.wait_event = 1;
  w.at(0, [&] {
    w.core(1).post(w.job({pop}, events));  // the waiting half first
    w.core(0).post(w.job({push, back}, events));
  });
  sc_core::sc_start();
  REQUIRE(w.lanes.size() == 2);
  const int64_t pushed = kCold + kBodyAic + (4 + 277) * kNs;
  const int64_t popped = pushed + (500 + 88) * kNs;
  CHECK(events->when(0).value == pushed);
  CHECK(events->when(1).value == popped);
  CHECK(w.lanes[0].end.value == popped);
  CHECK(w.lanes[1].end.value == popped + (500 + 277) * kNs);
}

TEST_CASE("a core that waits for ever says for what") {
  sim::FreshSystemC systemc;
  World w(no_spread(), 2);
  Instr pop = load_ub(gm(16, 16, 16));
  pop.op = Opcode::TPOP;
  pop.wait_event = 5;
  CHECK(w.core(1).describe_wait() == "AIV_1: idle");
  w.at(0, [&] {
    sim::LaneJob job = w.job({work(1), pop}, std::make_shared<sim::BlockEvents>(6));
    job.row.block = 2;
    w.core(1).post(job);
  });
  sc_core::sc_start();
  CHECK(w.lanes.empty());
  CHECK(w.core(1).outstanding() == 1);
  CHECK(w.core(1).describe_wait() ==
        "AIV_1: qproj_matmul block 2, MTE2 instr 1 (TPOP) waits for event 5");
}

TEST_CASE("cores reach the memory in the order of time: the later one finds the line") {
  sim::FreshSystemC systemc;
  World w(no_spread(), 3);
  // Core 2 is posted first but works longer before it loads the same line.
  w.at(0, [&] {
    w.core(2).post(w.job({work(1000), load_ub(gm(1, 128, 0))}));
    w.core(1).post(w.job({work(500), load_ub(gm(1, 128, 0))}));
  });
  sc_core::sc_start();
  REQUIRE(w.lanes.size() == 2);
  const auto misses = [&](int64_t least, int64_t most) {
    for (const auto& r : w.lanes) {
      const int64_t body = (r.end - r.start).value - kBodyAiv;
      if (body >= least * kNs && body < most * kNs) return r.gm.line_misses;
    }
    return int64_t{-1};
  };
  CHECK(misses(500, 1000) == 1);
  CHECK(misses(1000, 2000) == 0);
}

TEST_CASE("instruction rows name their lane") {
  sim::FreshSystemC systemc;
  World w(no_spread(), 3);
  w.at(0, [&] {
    w.core(1).post(w.job({add(64, 64), add(64, 64)}));
    w.core(2).post(w.job({work(7)}));
  });
  sc_core::sc_start();
  REQUIRE(w.instrs.size() == 3);
  for (const traces::InstrRow& r : w.instrs) {
    const traces::LaneRow& lane = w.lanes.at(r.lane_row);
    CHECK(lane.instructions == (r.opcode == static_cast<uint8_t>(Opcode::SWORK) ? 1 : 2));
    CHECK(r.start >= lane.start);
    CHECK(r.end <= lane.end);
  }
}

TEST_CASE("the same script gives the same rows") {
  const auto play = [] {
    sim::FreshSystemC systemc;
    World w(chip(), 6);
    w.at(0, [&] {
      for (int i = 0; i < 6; ++i) {
        std::vector<Instr> s;
        for (int k = 0; k < 20; ++k) {
          s.push_back(load_ub(gm(32, 32, 1024, DType::F32, (i * k % 7) * 32)));
          s.push_back(after(add(32, 32), Pipe::MTE2, static_cast<uint32_t>(3 * k)));
          s.push_back(after(store_ub(gm(32, 32, 1024, DType::F32, k * 32, 1)), Pipe::V,
                            static_cast<uint32_t>(3 * k + 1)));
        }
        w.core(i).post(w.job(s));
      }
    });
    sc_core::sc_start();
    std::vector<int64_t> all;
    for (const traces::InstrRow& r : w.instrs) {
      all.push_back(r.start.value);
      all.push_back(r.end.value);
    }
    for (const traces::LaneRow& r : w.lanes) all.push_back(r.gm.line_misses);
    return all;
  };
  const auto first = play();
  CHECK(first.size() == 2 * 6 * 60 + 6);
  CHECK(first == play());
}
