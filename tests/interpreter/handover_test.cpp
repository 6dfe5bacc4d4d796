// Cube <-> vector hand-over, events, SYNCALL.
#include "graph_maker.h"

using namespace maker;

namespace {

I push(Pipe p) { return I(Opcode::TPUSH, p); }
I pop(Pipe p) { return I(Opcode::TPOP, p); }
I signal(int32_t event) { return I(Opcode::TFREE, Pipe::S).signals(event); }

TileOperand l1(uint32_t addr, DType t, int r, int c) {
  return tile(MemSpace::L1, addr, t, r, c, Layout::NZ);
}

/// AIC code that leaves [rows x cols] fp32 = x x 1 in L0C (x [rows,8] has one used column).
std::vector<Instr> cube(const GmAccess& x, const GmAccess& ones, int rows, int cols) {
  const TileOperand a = l1(0, DType::F32, rows, 8), b = l1(65536, DType::F32, 8, cols);
  const TileOperand fa = tile(MemSpace::L0A, 0, DType::F32, rows, 8, Layout::ZZ);
  const TileOperand fb = tile(MemSpace::L0B, 0, DType::F32, 8, cols, Layout::ZN);
  return {load(a, x), load(b, ones), I(Opcode::TMOV, Pipe::MTE1).to(fa).from(a),
          I(Opcode::TMOV, Pipe::MTE1).to(fb).from(b),
          I(Opcode::TMATMUL, Pipe::M)
              .to(tile(MemSpace::L0C, 0, DType::F32, rows, cols, Layout::NZ))
              .from(fa)
              .from(fb)};
}

/// Row r of x is {r, 0, ...}; `ones` has ones in row 0: the product's row r is all r.
struct Cube {
  Program p;
  int rows, cols;
  GmAccess x, ones, out;
  explicit Cube(int r, int c) : rows(r), cols(c) {
    std::vector<float> a(size_t(r * 8), 0), b(size_t(8 * c), 0);
    for (int i = 0; i < r; ++i) a[size_t(i * 8)] = float(i);
    for (int j = 0; j < c; ++j) b[size_t(j)] = 1 + float(j) / 128;
    x = p.buffer("x", DType::F32, r, 8, a);
    ones = p.buffer("ones", DType::F32, 8, c, b);
    out = p.empty("out", DType::F32, r, c);
  }
  static float at(int r, int c) { return float(r) * (1 + float(c) / 128); }
  void check(float plus = 0) const {
    const auto got = p.contents<float>(out);
    int wrong = 0;
    for (int r = 0; r < rows; ++r)
      for (int c = 0; c < cols; ++c) wrong += got[size_t(r * cols + c)] != at(r, c) + plus;
    CHECK(wrong == 0);
  }
};

}  // namespace

TEST_CASE("through a GM ring: push, pop, add, push back, with slot reuse") {
  Cube k(16, 16);
  GmAccess ring = k.p.empty("ring", DType::F32, 2 * 16, 16);
  k.p.graph.buffers.back().role = BufferRole::Ring;
  GmAccess slot0 = ring, slot1 = ring;
  slot0.rows = slot1.rows = 16;
  slot1.offset = 256;
  const TileOperand acc = tile(MemSpace::L0C, 0, DType::F32, 16, 16, Layout::NZ);
  const TileOperand t = ub(0, DType::F32, 16, 16), back = l1(131072, DType::F32, 16, 16);

  BlockCode& b = k.p.block();
  b.events = 4;
  auto aic = cube(k.x, k.ones, 16, 16);
  aic.push_back(push(Pipe::FIX).from(acc).window(slot0).signals(0));
  aic.push_back(push(Pipe::FIX).from(acc).window(slot0).waits(1).signals(2));  // slot 0 again
  aic.push_back(pop(Pipe::MTE2).to(back).window(slot1).waits(3));
  b.aic = serial(aic);
  std::vector<Instr> aiv{pop(Pipe::MTE2).to(t).window(slot0).waits(0),
                         signal(1),
                         pop(Pipe::MTE2).to(t).window(slot0).waits(2),
                         vec(Opcode::TADDS, t, {t}).imm(1),
                         store(t, k.out),
                         push(Pipe::MTE3).from(t).window(slot1).signals(3)};
  SECTION("ordered") {
    b.aiv[0] = serial(aiv);
    k.p.run();
    k.check(1);
  }
  SECTION("freeing the slot too early is an unordered overwrite") {
    b.aiv[0] = serial(aiv);
    b.aiv[0].instrs[1].after = {};  // the signal no longer waits for the pop
    const std::string text = error_of("isa.order", [&] { k.p.run(); });
    CHECK(text.find("AIC instr 6 TPUSH: write after read") != std::string::npos);
    CHECK(text.find("AIV0 instr 0 TPOP") != std::string::npos);
  }
}

TEST_CASE("on chip: the push lands in lane 0's UB and is re-laid by the pop") {
  Cube k(32, 48);
  BlockCode& b = k.p.block();
  b.events = 1;
  const TileOperand acc = tile(MemSpace::L0C, 0, DType::F32, 32, 48, Layout::NZ);
  TileOperand slot = tile(MemSpace::UB, 0, DType::F32, 32, 48, Layout::NZ);
  const TileOperand t = ub(16384, DType::F32, 32, 48);
  auto aic = cube(k.x, k.ones, 32, 48);
  aic.push_back(push(Pipe::FIX).from(acc).to(slot).signals(0));
  b.aic = serial(aic);
  SECTION("NZ slot, pop with a re-layout move") {
    b.aiv[0] = serial({pop(Pipe::V).from(slot).to(t).waits(0), store(t, k.out)});
  }
  SECTION("ND slot, taken over where it lies") {
    slot = ub(0, DType::F32, 32, 48);
    b.aic.instrs.back().dst = slot;
    b.aiv[0] = serial({pop(Pipe::V).to(slot).waits(0), store(slot, k.out)});
  }
  // Lane 1 only takes part in the handshake.
  b.aiv[1] = serial({pop(Pipe::S).waits(0), I(Opcode::TFREE, Pipe::S)});
  k.p.run();
  k.check();
}

TEST_CASE("on chip: half-size destinations split the tile over both lanes") {
  const bool up_down = GENERATE(true, false);
  Cube k(32, 32);
  BlockCode& b = k.p.block();
  b.events = 1;
  const int rows = up_down ? 16 : 32, cols = up_down ? 32 : 16;
  const TileOperand slot = ub(4096, DType::F32, rows, cols);
  auto aic = cube(k.x, k.ones, 32, 32);
  aic.push_back(push(Pipe::FIX)
                    .from(tile(MemSpace::L0C, 0, DType::F32, 32, 32, Layout::NZ))
                    .to(slot)
                    .signals(0));
  b.aic = serial(aic);
  for (int lane = 0; lane < 2; ++lane) {
    GmAccess part = k.out;
    part.rows = rows;
    part.cols = cols;
    part.offset = lane * (up_down ? 16 * 32 : 16);
    b.aiv[size_t(lane)] = serial({pop(Pipe::V).to(slot).waits(0), store(slot, part)});
  }
  k.p.run();
  k.check();
}

TEST_CASE("on chip: both lanes push their half into one L1 tile") {
  Program p;
  const GmAccess x = p.buffer("x", DType::F32, 32, 8, ramp<float>(256));
  std::vector<float> unit(64, 0);
  for (int i = 0; i < 8; ++i) unit[size_t(i * 9)] = 1;
  const GmAccess one = p.buffer("one", DType::F32, 8, 8, unit);
  const GmAccess y = p.empty("y", DType::F32, 32, 8);
  const TileOperand joined = l1(0, DType::F32, 32, 8), b1 = l1(4096, DType::F32, 8, 8);
  const TileOperand fa = tile(MemSpace::L0A, 0, DType::F32, 32, 8, Layout::NZ);
  const TileOperand fb = tile(MemSpace::L0B, 0, DType::F32, 8, 8, Layout::ZN);
  const TileOperand acc = tile(MemSpace::L0C, 0, DType::F32, 32, 8, Layout::NZ);
  BlockCode& b = p.block();
  b.events = 2;
  for (int lane = 0; lane < 2; ++lane) {
    GmAccess half = x;
    half.rows = 16;
    half.offset = lane * 128;
    const TileOperand t = ub(0, DType::F32, 16, 8);
    b.aiv[size_t(lane)] =
        serial({load(t, half),
                push(Pipe::MTE3).from(t).to(window(joined, lane * 16, 0, 16, 8)).signals(lane)});
  }
  std::vector<Instr> aic{load(b1, one),
                         pop(Pipe::S).waits(0),
                         pop(Pipe::S).waits(1),
                         I(Opcode::TMOV, Pipe::MTE1).to(fa).from(joined),
                         I(Opcode::TMOV, Pipe::MTE1).to(fb).from(b1),
                         I(Opcode::TMATMUL, Pipe::M).to(acc).from(fa).from(fb),
                         store(acc, y, Pipe::FIX)};
  SECTION("after both events") {
    b.aic = serial(aic);
    p.run();
    CHECK(p.contents<float>(y) == ramp<float>(256));
  }
  SECTION("after one event only, lane 1's write is unordered") {
    aic[2].wait_event = -1;
    b.aiv[0].instrs.push_back(I(Opcode::TFREE, Pipe::S).waits(1));  // lane 1 has run before
    aic[1].wait_event = 0;
    b.aic = serial(aic);
    std::vector<isa::Instr> lane(b.aiv[1].instrs.begin(), b.aiv[1].instrs.end());
    lane.insert(lane.begin(), I(Opcode::SWORK, Pipe::S));
    b.aiv[1] = serial(lane);
    // The AIC runs on as soon as lane 0 has raised its event: lane 1's half is not there yet.
    const std::string text = error_of("isa.order", [&] { p.run(); });
    CHECK(text.find("AIV1 instr 2 TPUSH") != std::string::npos);
  }
}

TEST_CASE("streams are interleaved by their events") {
  // Lane 0 and lane 1 pass a counter back and forth through GM.
  Program p;
  const GmAccess n = p.buffer("n", DType::I32, 1, 8, std::vector<int32_t>(8, 0));
  BlockCode& b = p.block();
  b.events = 20;
  const TileOperand t = ub(0, DType::I32, 1, 8);
  std::array<std::vector<Instr>, 2> lanes;
  for (int turn = 0; turn < 20; ++turn) {
    auto& lane = lanes[size_t(turn % 2)];
    lane.push_back(load(t, n));
    if (turn > 0) lane.back().wait_event = turn - 1;
    // 2 x + 1 for lane 0, 2 x for lane 1: the order of the turns shows in the result.
    lane.push_back(vec(Opcode::TMULS, t, {t}).imm(2));
    if (turn % 2 == 0) lane.push_back(vec(Opcode::TADDS, t, {t}).imm(1));
    lane.push_back(store(t, n).signals(turn));
  }
  b.aiv[0] = serial(lanes[0]);
  b.aiv[1] = serial(lanes[1]);
  p.run();
  int32_t expected = 0;
  for (int turn = 0; turn < 20; ++turn) expected = 2 * expected + (turn % 2 == 0 ? 1 : 0);
  CHECK(p.contents<int32_t>(n)[7] == expected);
}

TEST_CASE("SYNCALL: every block finishes its phase before any goes on") {
  // Each block stores its number, then all read the neighbour's.
  Program p;
  const int blocks = 4;
  const GmAccess a = p.empty("a", DType::I32, blocks, 8),
                 out = p.empty("out", DType::I32, blocks, 8);
  const TileOperand t = ub(0, DType::I32, 1, 8), u = ub(32, DType::I32, 1, 8);
  for (int block = 0; block < blocks; ++block) {
    GmAccess mine = a, next = a, result = out;
    mine.rows = next.rows = result.rows = 1;
    mine.offset = result.offset = block * 8;
    next.offset = (block + 1) % blocks * 8;
    p.block().aiv[0] = serial({vec(Opcode::TEXPANDS, t, {}).imm(block), store(t, mine),
                               I(Opcode::SYNCALL, Pipe::S), load(u, next), store(u, result)});
  }
  SECTION("all blocks take part") {
    p.run();
    for (int block = 0; block < blocks; ++block)
      CHECK(p.contents<int32_t>(out)[size_t(block * 8)] == (block + 1) % blocks);
  }
  SECTION("one block does not") {
    auto& instrs = p.graph.tasks[0].blocks[2].aiv[0].instrs;
    instrs[2] = I(Opcode::SWORK, Pipe::S);
    const std::string text = error_of("isa.deadlock", [&] { p.run(); });
    CHECK(text.find("scope scope_a block 2: not every core") == 0);
  }
}

TEST_CASE("SYNCALL orders the lanes of a block against each other") {
  Program p;
  const GmAccess a = p.empty("a", DType::I32, 1, 8), out = p.empty("out", DType::I32, 1, 8);
  const TileOperand t = ub(0, DType::I32, 1, 8);
  BlockCode& b = p.block();
  b.aiv[0] =
      serial({vec(Opcode::TEXPANDS, t, {}).imm(3), store(t, a), I(Opcode::SYNCALL, Pipe::S)});
  b.aiv[1] = serial({I(Opcode::SYNCALL, Pipe::S), load(t, a), store(t, out)});
  SECTION("behind the store") {
    p.run();
    CHECK(p.contents<int32_t>(out)[0] == 3);
  }
  SECTION("the barrier itself must wait for the store") {
    b.aiv[0].instrs[2].after = {};
    error_of("isa.order", [&] { p.run(); });
  }
}
