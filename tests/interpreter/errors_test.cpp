// Every error of the interpreter, with the place it names.
#include "graph_maker.h"

using namespace maker;

namespace {

TileOperand f32(uint32_t addr, int rows = 1, int cols = 8) {
  return ub(addr, DType::F32, rows, cols);
}

/// One AIV instruction after a load of UB bytes [0, 1024).
std::string error_with(const std::string& id, Instr bad) {
  Program p;
  const GmAccess x = p.buffer("x", DType::F32, 16, 16, ramp<float>(256));
  bad.site = SiteId(0);
  if (bad.gm.present()) bad.gm.buffer = x.buffer;
  p.task("rope");
  p.block().aiv[0] = serial({load(f32(0, 16, 16), x), bad});
  return error_of(id, [&] { p.run(); });
}
std::string aic_error_with(const std::string& id, Instr bad) {
  Program p;
  p.task("matmul");
  p.block().aic = serial({bad});
  return error_of(id, [&] { p.run(); });
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("out of bounds") {
  SECTION("beyond the memory: limit and value") {
    const std::string text =
        error_with("isa.out-of-bounds", vec(Opcode::TADDS, f32(188416 - 32, 2, 8), {f32(0, 2, 8)}));
    CHECK(text ==
          "scope rope block 0 AIV0 instr 1 TADDS (kernel.cpp:7): dst UB tile [2x8] FP32 at 0x2dfe0 "
          "ends at 188448, UB has 188416 B [isa.out-of-bounds]");
  }
  SECTION("the last byte still fits") {
    Program p;
    p.block().aiv[0] = serial({vec(Opcode::TEXPANDS, f32(188416 - 32), {})});
    CHECK_NOTHROW(p.run());
  }
  SECTION("a window beyond its tile") {
    error_with("isa.out-of-bounds",
               vec(Opcode::TADDS, f32(2048, 16, 16), {window(f32(0, 16, 16), 8, 0, 9, 16)}));
  }
  SECTION("more valid than static") {
    error_with("isa.out-of-bounds", vec(Opcode::TADDS, f32(2048), {valid(f32(0), 1, 9)}));
  }
  SECTION("a GM window beyond its buffer") {
    GmAccess g;
    g.buffer = BufferId(0);
    g.row_stride = 16;
    g.rows = 2;
    g.cols = 8;
    g.offset = 15 * 16;
    const std::string text = error_with("isa.out-of-bounds", load(f32(2048, 2, 8), g));
    CHECK(has(text, "GM window row 1 covers bytes [1024, 1056), x has 1024 B"));
    g.offset = 14 * 16 + 8;  // ends with the buffer
    Program p;
    const GmAccess x = p.buffer("x", DType::F32, 16, 16, ramp<float>(256));
    g.buffer = x.buffer;
    p.block().aiv[0] = serial({load(f32(2048, 2, 8), g)});
    CHECK_NOTHROW(p.run());
  }
  SECTION("a GM image without the graph's buffers") {
    Program p;
    p.empty("x", DType::F32, 1, 8);
    p.gm.bytes.clear();
    error_of("isa.out-of-bounds", [&] { p.run(); });
  }
}

TEST_CASE("misaligned") {
  SECTION("UB address, 32 B") {
    CHECK(has(error_with("isa.misaligned", vec(Opcode::TADDS, f32(2048 + 16), {f32(0)})),
              "starts at 0x810, UB needs 32 B alignment"));
  }
  SECTION("a window that starts inside a 32 B block") {
    error_with("isa.misaligned",
               vec(Opcode::TADDS, f32(2048), {window(f32(0, 16, 16), 0, 4, 1, 8)}));
  }
  SECTION("a row pitch that is no multiple of 32 B") {
    CHECK(has(error_with("isa.misaligned",
                         vec(Opcode::TADDS, f32(2048, 2, 8), {window(f32(0, 4, 12), 0, 0, 2, 8)})),
              "row pitch 48 B"));
  }
  SECTION("scalars need only their own size") {
    error_with("isa.misaligned", I(Opcode::SREAD, Pipe::S).from(ub(2, DType::F32, 1, 1)));
    Program p;
    p.block().aiv[0] = serial({vec(Opcode::TEXPANDS, f32(0), {}),
                               I(Opcode::SREAD, Pipe::S).from(ub(4, DType::F32, 1, 1))});
    CHECK_NOTHROW(p.run());
  }
  SECTION("L0A 512 B, L0C 64 B, L1 32 B") {
    const TileOperand l1 = tile(MemSpace::L1, 0, DType::BF16, 16, 16, Layout::NZ);
    const auto poke = [&](TileOperand o, uint32_t addr) {
      o.addr = addr;
      return o;
    };
    const TileOperand a = tile(MemSpace::L0A, 0, DType::BF16, 16, 16, Layout::ZZ);
    Program p;
    const GmAccess x = p.buffer("x", DType::BF16, 16, 16, std::vector<uint16_t>(256));
    p.block().aic = serial({load(l1, x), I(Opcode::TMOV, Pipe::MTE1).to(poke(a, 256)).from(l1)});
    CHECK(has(error_of("isa.misaligned", [&] { p.run(); }), "L0A needs 512 B alignment"));
    p.graph.tasks[0].blocks[0].aic = serial({load(poke(l1, 16), x)});
    CHECK(has(error_of("isa.misaligned", [&] { p.run(); }), "L1 needs 32 B alignment"));
    const TileOperand c = tile(MemSpace::L0C, 32, DType::F32, 16, 16, Layout::NZ);
    p.graph.tasks[0].blocks[0].aic = serial({store(c, x, Pipe::FIX)});
    CHECK(has(error_of("isa.misaligned", [&] { p.run(); }), "L0C needs 64 B alignment"));
  }
  SECTION("MTE1 takes whole fractals") {
    const TileOperand l1 = tile(MemSpace::L1, 0, DType::BF16, 32, 32, Layout::NZ);
    const TileOperand a = tile(MemSpace::L0A, 0, DType::BF16, 16, 16, Layout::ZZ);
    Program p;
    const GmAccess x = p.buffer("x", DType::BF16, 32, 32, std::vector<uint16_t>(1024));
    const auto run = [&](int row, int col) {
      p.graph.tasks.clear();
      p.block().aic = serial(
          {load(l1, x), I(Opcode::TEXTRACT, Pipe::MTE1).to(a).from(window(l1, row, col, 16, 16))});
      p.run();
    };
    CHECK_NOTHROW(run(16, 16));
    CHECK(has(error_of("isa.misaligned", [&] { run(8, 0); }), "[16x16] fractal"));
    error_of("isa.misaligned", [&] { run(0, 8); });
  }
}

TEST_CASE("uninitialised") {
  SECTION("core-local") {
    const std::string text =
        error_with("isa.uninitialised", vec(Opcode::TADD, f32(4096), {f32(0), f32(1008 + 16)}));
    CHECK(text ==
          "scope rope block 0 AIV0 instr 1 TADD (kernel.cpp:7): src1 UB tile [1x8] FP32 at 0x400: "
          "byte 0x400 was never written [isa.uninitialised]");
  }
  SECTION("GM") {
    Program p;
    const GmAccess y = p.empty("kv_cache", DType::F32, 1, 8);
    p.block().aiv[0] = serial({load(f32(0), y)});
    CHECK(has(error_of("isa.uninitialised", [&] { p.run(); }),
              "GM kv_cache: byte 0 was never written"));
    p.gm.written.clear();  // tracking off
    CHECK_NOTHROW(p.run());
  }
  SECTION("an atomic add reads GM") {
    Program p;
    const GmAccess y = p.empty("sum", DType::F32, 1, 8);
    I add = store(f32(0), y);
    add.attr.atomic = true;
    p.block().aiv[0] = serial({vec(Opcode::TEXPANDS, f32(0), {}), add});
    error_of("isa.uninitialised", [&] { p.run(); });
  }
  SECTION("an accumulation reads L0C") {
    Program p;
    const GmAccess x = p.buffer("x", DType::BF16, 16, 16, std::vector<uint16_t>(256));
    const TileOperand l1 = tile(MemSpace::L1, 0, DType::BF16, 16, 16, Layout::NZ);
    const TileOperand a = tile(MemSpace::L0A, 0, DType::BF16, 16, 16, Layout::ZZ);
    const TileOperand b = tile(MemSpace::L0B, 0, DType::BF16, 16, 16, Layout::ZN);
    const TileOperand c = tile(MemSpace::L0C, 0, DType::F32, 16, 16, Layout::NZ);
    p.block().aic = serial({load(l1, x), I(Opcode::TMOV, Pipe::MTE1).to(a).from(l1),
                            I(Opcode::TMOV, Pipe::MTE1).to(b).from(l1),
                            I(Opcode::TMATMUL_ACC, Pipe::M).to(c).from(a).from(b)});
    CHECK(has(error_of("isa.uninitialised", [&] { p.run(); }), "dst L0C tile"));
  }
}

TEST_CASE("deadlock says who waits for what") {
  Program p;
  p.task("qk_pv");
  BlockCode& b = p.block();
  b.events = 3;
  b.aic = serial({I(Opcode::SWORK, Pipe::S), I(Opcode::TPOP, Pipe::MTE2).waits(0)});
  b.aiv[0] = serial({I(Opcode::TPOP, Pipe::MTE2).waits(1), I(Opcode::TFREE, Pipe::S).signals(0)});
  b.aic.instrs[1].site = SiteId(0);
  SECTION("a circle") {
    b.aic.instrs.push_back(I(Opcode::TFREE, Pipe::S).signals(1));
    const std::string text = error_of("isa.deadlock", [&] { p.run(); });
    CHECK(
        text ==
        "scope qk_pv block 0: AIC instr 1 TPOP waits for event 0 (kernel.cpp:7); AIV0 instr 0 TPOP "
        "waits for event 1 [isa.deadlock]");
  }
  SECTION("somebody raises it") {
    b.aiv[1] = serial({I(Opcode::TFREE, Pipe::S).signals(1)});
    CHECK_NOTHROW(p.run());
  }
  SECTION("a stream that waits behind another's SYNCALL and has one itself") {
    b.aiv[0] = serial({I(Opcode::SYNCALL, Pipe::S), I(Opcode::TFREE, Pipe::S).signals(0)});
    b.aic.instrs.push_back(I(Opcode::SYNCALL, Pipe::S));
    const std::string text = error_of("isa.deadlock", [&] { p.run(); });
    CHECK(has(text, "AIV0 instr 0 SYNCALL waits for the other cores of the launch"));
  }
  SECTION("a stream without SYNCALL may wait for what comes behind it") {
    b.aiv[0] = serial({I(Opcode::SYNCALL, Pipe::S), I(Opcode::TFREE, Pipe::S).signals(0)});
    CHECK_NOTHROW(p.run());
  }
  SECTION("an event the block does not have") {
    b.aic.instrs[1].wait_event = 3;
    CHECK(has(error_of("isa.operand", [&] { p.run(); }), "event 3 of a block with 3 events"));
  }
}

TEST_CASE("operands in the wrong place") {
  const TileOperand l1 = tile(MemSpace::L1, 0, DType::BF16, 16, 16, Layout::NZ);
  const TileOperand a = tile(MemSpace::L0A, 0, DType::BF16, 16, 16, Layout::ZZ);
  const TileOperand b = tile(MemSpace::L0B, 0, DType::BF16, 16, 16, Layout::ZN);
  const TileOperand c = tile(MemSpace::L0C, 0, DType::F32, 16, 16, Layout::NZ);
  CHECK(has(error_with("isa.operand", vec(Opcode::TADDS, l1, {f32(0)})), "dst must be in UB"));
  CHECK(has(error_with("isa.operand", vec(Opcode::TADDS, f32(2048), {l1})), "src0 must be in UB"));
  CHECK(has(aic_error_with("isa.operand", I(Opcode::TMATMUL, Pipe::M).to(c).from(b).from(a)),
            "src0 must be in L0A"));
  CHECK(has(aic_error_with("isa.operand", I(Opcode::TMATMUL, Pipe::M).to(c).from(a)),
            "src1 must be in L0B, is missing"));
  CHECK(has(aic_error_with("isa.operand", I(Opcode::TEXTRACT, Pipe::MTE1).to(a).from(f32(0))),
            "src0 must be in L1"));
  CHECK(has(aic_error_with("isa.operand", vec(Opcode::TEXPANDS, f32(0), {})),
            "an AIC has no such memory"));
  GmAccess g;
  g.buffer = BufferId(0);
  CHECK(has(error_with("isa.operand", load(a, g)), "dst must be in L1"));
  CHECK(has(error_with("isa.operand", store(a, g)), "src0 must be in L0C"));
  CHECK(has(error_with("isa.operand", I(Opcode::TPUSH, Pipe::MTE3).from(f32(0)).to(l1)),
            "pushes to AIC, which has no code in this block"));
}

TEST_CASE("results that do not fit") {
  CHECK(has(error_with("isa.shape", vec(Opcode::TADDS, f32(2048, 1, 8), {f32(0, 2, 8)})),
            "is too small for a [2x8] result"));
  Program p;
  const GmAccess x = p.buffer("x", DType::F32, 16, 8, ramp<float>(128));
  const TileOperand acc = tile(MemSpace::L0C, 0, DType::F32, 32, 32, Layout::NZ);
  BlockCode& b = p.block();
  b.aiv[0] = serial({load(f32(0, 16, 8), x)});
  b.aic = serial({I(Opcode::TPUSH, Pipe::FIX).from(acc).to(f32(0, 8, 32))});
  CHECK(has(error_of("isa.shape", [&] { p.run(); }), "neither the source"));
}

TEST_CASE("errors of the semantics get a place too") {
  const std::string text =
      error_with("isa.dtype", vec(Opcode::TADD, ub(2048, DType::I32, 1, 8), {f32(0), f32(32)}));
  CHECK(text.find("scope rope block 0 AIV0 instr 1 TADD (kernel.cpp:7): ") == 0);
}
