// Vector instructions, scalars and GM moves on UB memory.
#include "graph_maker.h"

using namespace maker;

TEST_CASE("load, add, store; a clipped window is padded with zeros") {
  Program p;
  const GmAccess x = p.buffer("x", DType::F32, 3, 10, ramp<float>(30));
  const GmAccess y = p.empty("y", DType::F32, 4, 16);
  const TileOperand a = ub(0, DType::F32, 4, 16), b = ub(512, DType::F32, 4, 16);
  p.block().aiv[0] = serial({load(a, x), vec(Opcode::TADDS, b, {a}).imm(1), store(b, y)});
  p.run();
  const auto out = p.contents<float>(y);
  for (int r = 0; r < 4; ++r)
    for (int c = 0; c < 16; ++c)
      CHECK(out[size_t(r * 16 + c)] == (r < 3 && c < 10 ? float(r * 10 + c) + 1 : 1.0f));
}

TEST_CASE("strided GM windows") {
  Program p;
  const GmAccess x = p.buffer("x", DType::I32, 8, 32, ramp<int32_t>(256));
  const GmAccess y = p.buffer("y", DType::I32, 8, 32, std::vector<int32_t>(256, -1));
  GmAccess from = x, to = y;
  from.offset = 2 * 32 + 8;
  from.rows = to.rows = 3;
  from.cols = to.cols = 8;
  to.offset = 4 * 32 + 16;
  const TileOperand t = ub(64, DType::I32, 3, 8);
  p.block().aiv[0] = serial({load(t, from), store(t, to)});
  p.run();
  const auto out = p.contents<int32_t>(y);
  for (int r = 0; r < 8; ++r)
    for (int c = 0; c < 32; ++c) {
      const bool inside = r >= 4 && r < 7 && c >= 16 && c < 24;
      CHECK(out[size_t(r * 32 + c)] == (inside ? (r - 2) * 32 + (c - 8) : -1));
    }
}

TEST_CASE("windows of a tile, columns and their [1,M] alias") {
  Program p;
  const GmAccess x = p.buffer("x", DType::F32, 8, 16, ramp<float>(128));
  const GmAccess y = p.empty("y", DType::F32, 8, 8);
  const TileOperand a = ub(0, DType::F32, 8, 16);
  const TileOperand sums = ub(1024, DType::F32, 8, 1);    // 8 contiguous words
  const TileOperand as_row = ub(1024, DType::F32, 1, 8);  // the same bytes
  const TileOperand right = window(a, 0, 8, 8, 8);
  p.block().aiv[0] = serial({load(a, x), vec(Opcode::TROWSUM, sums, {right}),
                             vec(Opcode::TMULS, as_row, {as_row}).imm(0.5),
                             vec(Opcode::TROWEXPANDSUB, right, {right, sums}), store(right, y)});
  p.run();
  const auto out = p.contents<float>(y);
  for (int r = 0; r < 8; ++r) {
    float sum = 0;
    for (int c = 8; c < 16; ++c) sum += float(r * 16 + c);
    for (int c = 0; c < 8; ++c) CHECK(out[size_t(r * 8 + c)] == float(r * 16 + c + 8) - sum / 2);
  }
}

TEST_CASE("partial valid parts: only they are read and written") {
  Program p;
  const GmAccess x = p.buffer("x", DType::F32, 2, 8, ramp<float>(16, 1.0f));
  const GmAccess y = p.empty("y", DType::F32, 4, 8);
  const TileOperand whole = ub(0, DType::F32, 4, 8);
  GmAccess two_rows = x;
  const TileOperand top = window(whole, 0, 0, 2, 8), result = ub(512, DType::F32, 4, 8);
  const std::vector<Instr> head{
      load(top, two_rows), vec(Opcode::TADDS, valid(result, 2, 8), {valid(whole, 2, 8)}).imm(1)};
  SECTION("the valid part") {
    auto instrs = head;
    instrs.push_back(store(valid(result, 2, 8), y));
    p.block().aiv[0] = serial(instrs);
    p.run();
    CHECK(p.contents<float>(y)[15] == 17.0f);
    CHECK(p.gm.written[y.buffer.value][63] == 1);
    CHECK(p.gm.written[y.buffer.value][64] == 0);
  }
  SECTION("beyond it nothing was written") {
    auto instrs = head;
    instrs.push_back(store(result, y));
    p.block().aiv[0] = serial(instrs);
    error_of("isa.uninitialised", [&] { p.run(); });
  }
  SECTION("fillpad writes the whole tile") {
    auto instrs = head;
    instrs.push_back(vec(Opcode::TFILLPAD, result, {valid(result, 2, 8)}));
    instrs.push_back(store(result, y));
    p.block().aiv[0] = serial(instrs);
    p.run();
    CHECK(p.contents<float>(y)[16] == 0.0f);
  }
}

TEST_CASE("mask scatters fill a fresh tile lane by lane") {
  Program p;
  const GmAccess x = p.buffer("x", DType::F32, 2, 8, ramp<float>(16));
  const GmAccess y = p.empty("y", DType::F32, 2, 16);
  const TileOperand a = ub(0, DType::F32, 2, 8), d = ub(512, DType::F32, 2, 16);
  I even = vec(Opcode::TSCATTERM, d, {a}), odd = even;
  even.attr.mask = MaskPattern::P0101;
  odd.attr.mask = MaskPattern::P1010;
  SECTION("both halves") {
    p.block().aiv[0] = serial({load(a, x), even, odd, store(d, y)});
    p.run();
    for (int c = 0; c < 16; ++c) CHECK(p.contents<float>(y)[size_t(c)] == float(c / 2));
  }
  SECTION("one half leaves holes") {
    p.block().aiv[0] = serial({load(a, x), even, store(d, y)});
    const std::string text = error_of("isa.uninitialised", [&] { p.run(); });
    CHECK(text.find("byte 0x204") != std::string::npos);  // lane 1 of row 0
  }
}

TEST_CASE("an expansion's shape operand is not read") {
  Program p;
  const GmAccess x = p.buffer("x", DType::F32, 8, 1, ramp<float>(8));
  const GmAccess y = p.empty("y", DType::F32, 8, 16);
  const TileOperand column = ub(0, DType::F32, 8, 1), result = ub(1024, DType::F32, 8, 16);
  const TileOperand never_written = ub(512, DType::F32, 8, 16);
  p.block().aiv[0] =
      serial({load(column, x), vec(Opcode::TROWEXPAND, result, {never_written, column}),
              store(result, y)});
  p.run();
  for (int r = 0; r < 8; ++r) CHECK(p.contents<float>(y)[size_t(r * 16 + 9)] == float(r));
}

TEST_CASE("index gather and scatter") {
  Program p;
  const GmAccess x = p.buffer("x", DType::F32, 1, 8, ramp<float>(8));
  const GmAccess ix =
      p.buffer("ix", DType::I32, 1, 8, std::vector<int32_t>{1, 0, 3, 2, 5, 4, 7, 99});
  const GmAccess y = p.empty("y", DType::F32, 1, 8), z = p.empty("z", DType::F32, 1, 8);
  const TileOperand a = ub(0, DType::F32, 1, 8), i = ub(32, DType::I32, 1, 8);
  const TileOperand g = ub(64, DType::F32, 1, 8), s = ub(96, DType::F32, 1, 8);
  p.block().aiv[0] =
      serial({load(a, x), load(i, ix), vec(Opcode::TGATHER, g, {a, i}), store(g, y),
              vec(Opcode::TEXPANDS, s, {}).imm(-1), vec(Opcode::TSCATTER, s, {a, i}), store(s, z)});
  p.run();
  CHECK(p.contents<float>(y) == std::vector<float>{1, 0, 3, 2, 5, 4, 7, 0});
  CHECK(p.contents<float>(z) == std::vector<float>{1, 0, 3, 2, 5, 4, -1, 6});
}

TEST_CASE("scalar reads and writes in UB and GM") {
  Program p;
  const GmAccess y = p.buffer("y", DType::I32, 1, 8, std::vector<int32_t>(8, 5));
  GmAccess third = y;
  third.offset = 3;
  third.cols = third.rows = 1;
  const TileOperand t = ub(32, DType::I32, 1, 8);
  const auto scalar = [](Opcode op) { return I(op, Pipe::S); };
  p.block().aiv[0] =
      serial({load(t, y), scalar(Opcode::SWRITE).to(window(t, 0, 5, 1, 1)).imm(-7),
              scalar(Opcode::SREAD).from(window(t, 0, 5, 1, 1)), store(t, y),
              scalar(Opcode::SWRITE).window(third).imm(42), scalar(Opcode::SREAD).window(third),
              scalar(Opcode::SWORK).imm(9), scalar(Opcode::DCCI)});
  p.run();
  CHECK(p.contents<int32_t>(y) == std::vector<int32_t>{5, 5, 5, 42, 5, -7, 5, 5});
}

TEST_CASE("a scalar write of a run reaches each of its elements") {
  Program p;
  const GmAccess y = p.buffer("y", DType::I32, 1, 8, std::vector<int32_t>(8, 5));
  GmAccess run = y;
  run.offset = 2;
  run.rows = 1;
  run.cols = 5;
  p.block().aiv[0] = serial(
      {I(Opcode::SWRITE, Pipe::S).window(run).imm(-3), I(Opcode::SREAD, Pipe::S).window(run)});
  p.run();
  CHECK(p.contents<int32_t>(y) == std::vector<int32_t>{5, 5, -3, -3, -3, -3, -3, 5});
}

TEST_CASE("an operand behind the sources is scratch and loses its contents") {
  Program p;
  const GmAccess x = p.buffer("x", DType::F32, 1, 8, ramp<float>(8));
  const GmAccess y = p.empty("y", DType::F32, 1, 8);
  const TileOperand a = ub(0, DType::F32, 1, 8), tmp = ub(64, DType::F32, 1, 8),
                    sum = ub(128, DType::F32, 1, 1);
  p.block().aiv[0] = serial(
      {load(a, x), load(tmp, x), vec(Opcode::TROWSUM, sum, {a}).scratch(tmp), store(tmp, y)});
  const std::string text = error_of("isa.uninitialised", [&] { p.run(); });
  CHECK(text.find("instr 3 TSTORE") != std::string::npos);
}

TEST_CASE("a block starts on poisoned memory") {
  Program p;
  const GmAccess x = p.buffer("x", DType::F32, 1, 8, ramp<float>(8));
  const GmAccess y = p.empty("y", DType::F32, 1, 8);
  const TileOperand a = ub(0, DType::F32, 1, 8);
  p.block().aiv[0] = serial({load(a, x)});
  p.block().aiv[0] = serial({store(a, y)});
  const std::string text = error_of("isa.uninitialised", [&] { p.run(); });
  CHECK(text.find("scope scope_a block 1 AIV0 instr 0 TSTORE") == 0);
}
