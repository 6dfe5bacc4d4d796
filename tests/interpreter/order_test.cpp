// The sync sanitizer: what is ordered and what is not.
#include "graph_maker.h"

using namespace maker;

namespace {

constexpr uint32_t kA = 0, kB = 1024, kC = 2048;

TileOperand f32(uint32_t addr) { return ub(addr, DType::F32, 1, 64); }

/// load A; load B; C = A + B; store C, without edges; tests add them.
struct Fixture {
  Program p;
  GmAccess x = p.buffer("x", DType::F32, 1, 64, ramp<float>(64));
  GmAccess y = p.empty("y", DType::F32, 1, 64);
  std::vector<Instr> instrs{load(f32(kA), x), load(f32(kB), x),
                            vec(Opcode::TADD, f32(kC), {f32(kA), f32(kB)}), store(f32(kC), y)};
  I& at(size_t k) { return static_cast<I&>(instrs[k]); }
  void run() {
    p.block().aiv[0].instrs = instrs;
    p.run();
  }
};

}  // namespace

TEST_CASE("edges to the last load and the add order everything") {
  Fixture f;
  f.at(2).edge(Pipe::MTE2, 1);  // in-order pipe: instr 0 is complete too
  f.at(3).edge(Pipe::V, 2);
  f.run();
  CHECK(f.p.contents<float>(f.y)[63] == 126.0f);
}

TEST_CASE("a missing read-after-write edge is found") {
  Fixture f;
  f.at(2).edge(Pipe::MTE2, 0);  // B is not known to be there
  f.at(3).edge(Pipe::V, 2);
  const std::string text = error_of("isa.order", [&] { f.run(); });
  CHECK(text.find("scope scope_a block 0 AIV0 instr 2 TADD: read after write at byte 0x400") == 0);
  CHECK(text.find("AIV0 instr 1 TLOAD (MTE2)") != std::string::npos);
}

TEST_CASE("edges chain through other pipes") {
  Fixture f;
  // The store of C waits for the add, which waited for the loads: a new load over A is ordered
  // behind the add's read by waiting for the store alone.
  f.at(2).edge(Pipe::MTE2, 1);
  f.at(3).edge(Pipe::V, 2);
  f.instrs.push_back(load(f32(kA), f.x).edge(Pipe::MTE3, 3));
  SECTION("with the chain") { f.run(); }
  SECTION("without") {
    f.instrs[4].after = {};
    const std::string text = error_of("isa.order", [&] { f.run(); });
    CHECK(text.find("write after read") != std::string::npos);
  }
}

TEST_CASE("a release edge covers write after read only") {
  Fixture f;
  f.at(2).edge(Pipe::MTE2, 1);
  f.at(3).edge(Pipe::V, 2);
  SECTION("the sources of the add may be overwritten") {
    f.instrs.push_back(load(f32(kA), f.x).edge(Pipe::V, 2, true));
    f.run();
  }
  SECTION("its result may not") {
    f.instrs.push_back(load(f32(kC), f.x).edge(Pipe::V, 2, true).edge(Pipe::MTE3, 3));
    // The store's completion implies the add's: that chain saves it.
    f.run();
  }
  SECTION("its result may not be overwritten on a release edge alone") {
    f.instrs.pop_back();
    f.instrs.push_back(load(f32(kC), f.x).edge(Pipe::V, 2, true));
    const std::string text = error_of("isa.order", [&] { f.run(); });
    CHECK(text.find("write after write") != std::string::npos);
  }
}

TEST_CASE("a pipe barrier completes what its pipe did before") {
  Fixture f;
  f.at(2).edge(Pipe::MTE2, 1);
  f.at(3).edge(Pipe::V, 2);
  // A second add that reads only A; the load over C waits just for its release.
  f.instrs.pop_back();
  f.instrs.push_back(vec(Opcode::TADDS, f32(4096), {f32(kA)}));
  f.instrs.push_back(load(f32(kC), f.x).edge(Pipe::V, 3, true));
  SECTION("without the barrier the first add may still be writing C") {
    error_of("isa.order", [&] { f.run(); });
  }
  SECTION("with it") {
    f.instrs[3].barrier = true;
    f.run();
  }
}

TEST_CASE("disjoint windows of one tile do not conflict") {
  Program p;
  const GmAccess x = p.buffer("x", DType::F32, 4, 16, ramp<float>(64));
  const TileOperand whole = ub(0, DType::F32, 4, 16);
  GmAccess left = x, right = x;
  left.cols = right.cols = 8;
  right.offset = 8;
  p.block().aiv[0].instrs = std::vector<isa::Instr>{
      load(window(whole, 0, 0, 4, 8), left), load(window(whole, 0, 8, 4, 8), right),
      vec(Opcode::TADDS, window(whole, 0, 0, 4, 8), {window(whole, 0, 0, 4, 8)})
          .edge(Pipe::MTE2, 0)};
  p.run();
}

TEST_CASE("wrong edges are named") {
  Fixture f;
  f.at(2).edge(Pipe::MTE2, 1);
  SECTION("a later instruction") { f.at(3).edge(Pipe::V, 5); }
  SECTION("another pipe") { f.at(3).edge(Pipe::V, 1); }
  error_of("isa.order", [&] { f.run(); });
}

TEST_CASE("GM written in a block is tracked, read-only GM is not") {
  Program p;
  const GmAccess x = p.buffer("x", DType::F32, 1, 64, ramp<float>(64));
  const GmAccess y = p.empty("y", DType::F32, 1, 64);
  std::vector<Instr> instrs{load(f32(kA), x), store(f32(kA), y).edge(Pipe::MTE2, 0),
                            load(f32(kB), x), load(f32(kC), y)};
  SECTION("reload without an edge") {
    p.block().aiv[0].instrs = instrs;
    const std::string text = error_of("isa.order", [&] { p.run(); });
    CHECK(text.find("instr 3 TLOAD: read after write") != std::string::npos);
  }
  SECTION("reload behind the store") {
    static_cast<I&>(instrs[3]).edge(Pipe::MTE3, 1);
    p.block().aiv[0].instrs = instrs;
    p.run();
  }
}

TEST_CASE("atomic adds commute, other accesses to them do not") {
  Program p;
  const GmAccess x = p.buffer("x", DType::F32, 1, 64, ramp<float>(64));
  const GmAccess y = p.buffer("y", DType::F32, 1, 64, ramp<float>(64));
  I add = store(f32(kA), y);
  add.attr.atomic = true;
  BlockCode& b = p.block();
  b.aiv[0].instrs = std::vector<isa::Instr>{load(f32(kA), x), I(add).edge(Pipe::MTE2, 0)};
  b.aiv[1].instrs = std::vector<isa::Instr>{load(f32(kA), x), I(add).edge(Pipe::MTE2, 0)};
  SECTION("two lanes") {
    p.run();
    CHECK(p.contents<float>(y)[10] == 30.0f);
  }
  SECTION("a lane that reads the sum needs the other's event") {
    b.events = 1;
    b.aiv[0].instrs[1].signal_event = 0;
    b.aiv[1].instrs.push_back(load(f32(kB), y).edge(Pipe::MTE3, 1));
    SECTION("missing") {
      error_of("isa.order", [&] { p.run(); });
    }
    SECTION("given") {
      b.aiv[1].instrs.back().wait_event = 0;
      p.run();
    }
  }
}

TEST_CASE("long chains keep the maps exact: random streams against an all-pairs check") {
  // Random loads, adds and stores on a few overlapping windows with random edges. The reference
  // compares every pair of instructions byte by byte and closes the order relation by brute force.
  uint32_t seed = 7;
  const auto random = [&](uint32_t n) {
    return (seed = seed * 1664525u + 1013904223u) / 65536 % n;
  };
  int accepted = 0, rejected = 0;
  for (int round = 0; round < 300; ++round) {
    Program p;
    const GmAccess x = p.buffer("x", DType::F32, 1, 64, ramp<float>(64));
    const GmAccess y = p.empty("y", DType::F32, 1, 64);
    struct Use {
      uint32_t begin, end;
      bool write;
    };
    std::vector<Instr> instrs;
    std::vector<std::vector<Use>> uses;
    const auto operand = [&](uint32_t& begin, uint32_t& end) {
      begin = 32 * random(6);
      const uint32_t n = 8 * (1 + random(6));
      end = begin + 4 * n;
      return ub(begin, DType::F32, 1, static_cast<int>(n));
    };
    // First fill everything so that no read is uninitialised.
    instrs.push_back(load(ub(0, DType::F32, 1, 96), [&] {
      GmAccess g = x;
      g.cols = 64;
      return g;
    }()));
    uses.push_back({{0, 384, true}});
    for (int k = 0; k < 10; ++k) {
      uint32_t b = 0, e = 0;
      const TileOperand o = operand(b, e);
      GmAccess g = x;
      g.cols = o.cols;
      const uint32_t kind = random(3);
      if (kind == 0) {
        instrs.push_back(load(o, g));
        uses.push_back({{b, e, true}});
      } else if (kind == 1) {
        instrs.push_back(vec(Opcode::TADDS, o, {o}));
        uses.push_back({{b, e, false}, {b, e, true}});
      } else {
        g.buffer = y.buffer;
        instrs.push_back(store(o, g));
        uses.push_back({{b, e, false}});
      }
    }
    const size_t n = instrs.size();
    for (size_t k = 1; k < n; ++k) {
      instrs[k].barrier = random(3) == 0;
      for (Pipe pipe : {Pipe::MTE2, Pipe::V, Pipe::MTE3}) {
        if (random(4) == 0 || pipe == instrs[k].pipe) continue;
        for (size_t j = k; j-- > 0;)
          if (instrs[j].pipe == pipe) {
            static_cast<I&>(instrs[k]).edge(pipe, static_cast<uint32_t>(j), random(3) == 0);
            break;
          }
      }
    }
    // done[i][j]: j is complete when i starts; freed[i][j]: j has read its sources.
    std::vector<std::vector<bool>> done(n, std::vector<bool>(n)), freed = done;
    for (size_t k = 0; k < n; ++k) {
      const auto learn = [&](size_t from) {
        for (size_t j = 0; j < n; ++j) {
          if (done[from][j]) done[k][j] = true;
          if (freed[from][j]) freed[k][j] = true;
        }
      };
      for (size_t j = 0; j < k; ++j)
        if (instrs[j].pipe == instrs[k].pipe) {
          learn(j);
          if (instrs[k].barrier) done[k][j] = freed[k][j] = true;
        }
      for (size_t q = 0; q < kPipes; ++q) {
        if (instrs[k].after[q] == 0) continue;
        const size_t target = instrs[k].after[q] - 1;
        learn(target);
        for (size_t j = 0; j <= target; ++j) {
          if (instrs[j].pipe != instrs[target].pipe) continue;
          freed[k][j] = true;
          if ((instrs[k].after_release >> q & 1) == 0) done[k][j] = true;
        }
      }
    }
    bool legal = true;
    for (size_t k = 0; k < n; ++k)
      for (size_t j = 0; j < k; ++j) {
        if (instrs[j].pipe == instrs[k].pipe) continue;
        for (const Use& u : uses[k])
          for (const Use& v : uses[j]) {
            if (u.begin >= v.end || v.begin >= u.end || !(u.write || v.write)) continue;
            legal = legal && (v.write ? done[k][j] : freed[k][j]);
          }
      }
    p.block().aiv[0].instrs = instrs;
    INFO("round " << round);
    if (legal) {
      ++accepted;
      CHECK_NOTHROW(p.run());
    } else {
      ++rejected;
      error_of("isa.order", [&] { p.run(); });
    }
  }
  CHECK(accepted > 20);
  CHECK(rejected > 20);
}
