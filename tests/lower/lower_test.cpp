#include "lower/lower.h"

#include <catch2/catch.hpp>
#include <set>

#include "isa/error.h"
#include "isa/interpreter.h"
#include "tests/lower/record_builder.h"
#include "tests/lower/test_chip.h"

using isa::CoreKind;
using isa::DType;
using isa::Instr;
using isa::MemSpace;
using isa::Opcode;
using isa::Pipe;
using lower_test::RecordBuilder;
using pl::LoopKind;

namespace {

constexpr auto at(Pipe p) { return static_cast<size_t>(p); }

pl::RecordedProgram program(RecordBuilder b, const std::string& name,
                            std::vector<isa::GmBuffer> buffers) {
  pl::ScopeRecord scope;
  scope.name = name;
  scope.blocks.push_back(std::move(b.record));
  return lower_test::one_scope(std::move(scope), std::move(buffers));
}

lower::Options serial() {
  lower::Options o;
  o.threads = 1;
  return o;
}

/// kernel-language.md §3.8 qr_proj_matmul: 8 chunks of K = 256, x [16x256], w [256x128], stage 2.
pl::RecordedProgram qr_proj(LoopKind kind) {
  RecordBuilder b;
  const auto acc = b.value(DType::F32, 16, 128);
  b.loop(kind, 8, 2);
  for (int k = 0; k < 8; ++k) {
    b.iter(k);
    const auto x = b.value(DType::BF16, 16, 256), w = b.value(DType::BF16, 256, 128);
    b.op(Opcode::TLOAD, x).gm = RecordBuilder::gm(0, DType::BF16, 4096, 0, 256 * k, 16, 256);
    b.op(Opcode::TLOAD, w).gm = RecordBuilder::gm(1, DType::BF16, 1024, 256 * k, 0, 256, 128);
    b.op(k == 0 ? Opcode::TMATMUL : Opcode::TMATMUL_ACC, acc, {x, w});
  }
  b.end();
  b.store(acc, 2);
  return program(std::move(b), "qr_proj_matmul",
                 {lower_test::buffer("x", DType::BF16, 16, 4096),
                  lower_test::buffer("w", DType::BF16, 4096, 1024),
                  lower_test::buffer("y", DType::F32, 16, 128, isa::BufferRole::Output)});
}

std::vector<Instr> only(const isa::CodeList<Instr>& s, Opcode op) {
  std::vector<Instr> r;
  for (const Instr& i : s)
    if (i.op == op) r.push_back(i);
  return r;
}

int64_t peak(const lower::Result& r, CoreKind core, MemSpace space) {
  for (const lower::MemoryUse& m : r.memory)
    if (m.core == core && m.space == space) return m.peak_bytes;
  return 0;
}

}  // namespace

TEST_CASE("qr_proj_matmul comes out as the compiler's: counts, order and L1 addresses") {
  const lower::Result r = lower::lower(qr_proj(LoopKind::Pipeline), lower_test::a2a3(), serial());
  const isa::Task& t = r.graph.tasks[0];
  CHECK(t.kind == isa::TaskKind::AIC);
  const auto& s = t.blocks[0].aic.instrs;
  CHECK(t.blocks[0].aiv[0].empty());
  CHECK(only(s, Opcode::TLOAD).size() == 16);
  CHECK(only(s, Opcode::TEXTRACT).size() == 32);
  CHECK(only(s, Opcode::TMATMUL).size() == 1);
  CHECK(only(s, Opcode::TMATMUL_ACC).size() == 15);
  CHECK(only(s, Opcode::TSTORE).size() == 1);
  CHECK(only(s, Opcode::SWORK).size() == 4);  // a loop of 4
  const auto loads = only(s, Opcode::TLOAD);
  const uint32_t addresses[] = {0, 8192, 73728, 81920};
  for (size_t i = 0; i < loads.size(); ++i) CHECK(loads[i].dst.addr == addresses[i % 4]);
  CHECK(peak(r, CoreKind::AIC, MemSpace::L1) == 147456);
  CHECK(peak(r, CoreKind::AIC, MemSpace::L0C) == 16 * 128 * 4);
  CHECK(peak(r, CoreKind::AIC, MemSpace::L0B) == 65536);
  CHECK(only(s, Opcode::TSTORE)[0].pipe == Pipe::FIX);
  CHECK(s[0].op == Opcode::SWORK);
  for (size_t i = 1; i < 5; ++i) CHECK(s[i].op == Opcode::TLOAD);
}

TEST_CASE("a pipeline's loads overlap the previous stage, a range loop's wait for the consumer") {
  const auto stream = [](LoopKind kind) {
    return lower::lower(qr_proj(kind), lower_test::a2a3(), serial())
        .graph.tasks[0]
        .blocks[0]
        .aic.instrs;
  };
  const auto range = stream(LoopKind::Range), piped = stream(LoopKind::Pipeline);
  // In a range loop the load of iteration 1 waits for the last extract of iteration 0's x.
  const auto loads = only(range, Opcode::TLOAD);
  CHECK(loads[2].dst.addr == loads[0].dst.addr);
  REQUIRE(loads[2].after[at(Pipe::MTE1)] > 0);
  const Instr& consumer = range[loads[2].after[at(Pipe::MTE1)] - 1];
  CHECK(consumer.op == Opcode::TEXTRACT);
  CHECK(consumer.src[0].addr == loads[0].dst.addr);
  // The pipeline's first four loads wait for nothing.
  const auto first = only(piped, Opcode::TLOAD);
  for (size_t i = 0; i < 4; ++i) CHECK(first[i].after == std::array<uint32_t, isa::kPipes>{});
  // The next group's first load waits for stage 0's extracts only, not for stage 1's.
  const uint32_t edge = first[4].after[at(Pipe::MTE1)];
  REQUIRE(edge > 0);
  CHECK(piped[edge - 1].src[0].addr == first[0].dst.addr);
}

TEST_CASE("software pipelining can be switched off") {
  lower::Options o = serial();
  o.software_pipeline = false;
  const lower::Result r = lower::lower(qr_proj(LoopKind::Pipeline), lower_test::a2a3(), o);
  CHECK(only(r.graph.tasks[0].blocks[0].aic.instrs, Opcode::SWORK).size() == 8);
  CHECK(peak(r, CoreKind::AIC, MemSpace::L1) == 73728);
  CHECK(r.hints.size() == 1);  // PH001 for 256 B rows of w, nothing about ping-pong
}

namespace {

/// Pipeline of stage 2 whose two stages need `rows` x 1 KB each.
pl::RecordedProgram ub_pipeline(int rows) {
  RecordBuilder b;
  b.loop(LoopKind::Pipeline, 4, 2);
  for (int i = 0; i < 4; ++i) {
    b.iter(i);
    b.site = 1;
    const auto x = b.value(DType::F32, rows, 256);
    b.record.values.back().site = isa::SiteId(1);
    b.load(x, 0, rows * i);
    b.store(x, 1, rows * i);
  }
  b.end();
  return program(std::move(b), "copy",
                 {lower_test::buffer("x", DType::F32, 4 * rows, 256),
                  lower_test::buffer("y", DType::F32, 4 * rows, 256, isa::BufferRole::Output)});
}

}  // namespace

TEST_CASE("ping-pong is given up where memory forbids it, with a hint; then it is an error") {
  const chips::Chip chip = lower_test::a2a3();  // 184 KB
  const lower::Result fits = lower::lower(ub_pipeline(92), chip, serial());
  CHECK(peak(fits, CoreKind::AIV, MemSpace::UB) == 2 * 92 * 1024);
  CHECK(fits.hints.empty());
  const lower::Result tight = lower::lower(ub_pipeline(93), chip, serial());
  CHECK(peak(tight, CoreKind::AIV, MemSpace::UB) == 93 * 1024);
  REQUIRE(tight.hints.size() == 1);
  CHECK(tight.hints[0].id == "PH-MR-001");
  CHECK_THROWS_WITH(lower::lower(ub_pipeline(185), chip, serial()),
                    "scope copy: UB needs 189440 B, a2a3 has 188416 B; use smaller tiles; live: "
                    "[185x256] FP32 (test.cpp:2) [lower.ub-overflow]");
}

TEST_CASE("an output beyond L0C is an error naming it") {
  RecordBuilder b;
  const auto x = b.value(DType::BF16, 128, 64), w = b.value(DType::BF16, 64, 512),
             c = b.value(DType::F32, 128, 512);
  b.load(x, 0);
  b.load(w, 1);
  b.op(Opcode::TMATMUL, c, {x, w});
  b.store(c, 2);
  const auto p = program(
      std::move(b), "qproj_matmul",
      {lower_test::buffer("x", DType::BF16, 128, 64), lower_test::buffer("w", DType::BF16, 64, 512),
       lower_test::buffer("c", DType::F32, 128, 512, isa::BufferRole::Output)});
  CHECK_THROWS_WITH(lower::lower(p, lower_test::a2a3(), serial()),
                    "scope qproj_matmul: L0C needs 262144 B, a2a3 has 131072 B; use smaller tiles; "
                    "live: [128x512] "
                    "FP32 [lower.l0c-overflow]");
  CHECK_NOTHROW(lower::lower(p, lower_test::a5(), serial()));  // 256 KB there
}

TEST_CASE("an operand beyond L1 is an error") {
  RecordBuilder b;
  const auto x = b.value(DType::BF16, 16, 512), w = b.value(DType::BF16, 512, 512),
             c = b.value(DType::F32, 16, 512);
  b.load(x, 0);
  b.load(w, 1);
  b.op(Opcode::TMATMUL, c, {x, w});
  b.store(c, 2);
  const auto p = program(std::move(b), "mm",
                         {lower_test::buffer("x", DType::BF16, 16, 512),
                          lower_test::buffer("w", DType::BF16, 512, 512),
                          lower_test::buffer("c", DType::F32, 16, 512, isa::BufferRole::Output)});
  CHECK_THROWS_WITH(lower::lower(p, lower_test::a2a3(), serial()),
                    Catch::Contains("L1 needs 540672 B, a2a3 has 524288 B") &&
                        Catch::Contains("[lower.l1-overflow]"));
}

TEST_CASE("scalar writes wait for the bulk stores they overlap, and give a hint") {
  const auto make = [](uint32_t scalar_to, int32_t row) {
    RecordBuilder b;
    const auto x = b.value(DType::F32, 8, 64);
    b.load(x, 0);
    b.site = 1;
    b.store(x, 1);
    b.site = 2;
    b.op(Opcode::SWRITE).gm = RecordBuilder::gm(scalar_to, DType::F32, 64, row, 0, 1, 1);
    return program(
        std::move(b), "w",
        {lower_test::buffer("x", DType::F32, 8, 64), lower_test::buffer("y", DType::F32, 16, 64),
         lower_test::buffer("z", DType::F32, 16, 64)});
  };
  const auto stream = [](const lower::Result& r) -> const auto& {
    return r.graph.tasks[0].blocks[0].aiv[0].instrs;
  };
  const auto mixed_hints = [](const lower::Result& r) {
    std::vector<lower::PerfHint> found;
    for (const lower::PerfHint& h : r.hints)
      if (h.id == "lower.mixed-write") found.push_back(h);
    return found;
  };
  const auto of_mixed = lower::lower(make(1, 0), lower_test::a2a3(), serial());
  const auto hints = mixed_hints(of_mixed);
  REQUIRE(hints.size() == 1);
  CHECK(hints[0].site == "test.cpp:3");
  CHECK_THAT(hints[0].message,
             Catch::Contains("scalar writes beside bulk stores (test.cpp:2) to tensor y:"));
  const auto& mixed = stream(of_mixed);
  const Instr write = only(mixed, Opcode::SWRITE).at(0);
  REQUIRE(write.after[at(Pipe::MTE3)] != 0);
  CHECK(mixed[write.after[at(Pipe::MTE3)] - 1].op == Opcode::TSTORE);
  CHECK((write.after_release >> at(Pipe::MTE3) & 1) == 0);  // the bytes are there, not only read

  const auto beside = lower::lower(make(1, 9), lower_test::a2a3(), serial());
  CHECK(only(stream(beside), Opcode::SWRITE).at(0).after[at(Pipe::MTE3)] == 0);
  CHECK(mixed_hints(beside).size() == 1);

  const auto other = lower::lower(make(2, 0), lower_test::a2a3(), serial());
  CHECK(mixed_hints(other).empty());
  const Instr& last = stream(other).back();
  CHECK(last.op == Opcode::DCCI);
  CHECK(last.attr.imm == 1);
}

namespace {

bool hinted(const lower::Result& r) {
  for (const lower::PerfHint& h : r.hints)
    if (h.id == "lower.mixed-write") return true;
  return false;
}

}  // namespace

TEST_CASE("a loop of constant writes to a tensor with bulk stores becomes a store") {
  const auto make = [](int trip, double last) {
    RecordBuilder b;
    const auto x = b.value(DType::F32, 8, 64);
    b.load(x, 0);
    b.store(x, 1);
    b.loop(pl::LoopKind::Range, trip);
    for (int i = 0; i < trip; ++i) {
      b.iter(i);
      for (uint32_t buffer : {1u, 2u}) {
        b.site = buffer;
        pl::Op& write = b.op(Opcode::SWRITE);
        write.gm = RecordBuilder::gm(buffer, DType::F32, 64, 9, 16 + i, 1, 1);
        write.attr.imm = i + 1 < trip ? 3 : last;
      }
    }
    b.end();
    return program(
        std::move(b), "w",
        {lower_test::buffer("x", DType::F32, 8, 64), lower_test::buffer("y", DType::F32, 16, 64),
         lower_test::buffer("z", DType::F32, 16, 64)});
  };
  const auto r = lower::lower(make(8, 3), lower_test::a2a3(), serial());
  const auto& instrs = r.graph.tasks[0].blocks[0].aiv[0].instrs;
  CHECK(only(instrs, Opcode::SWRITE).empty());
  CHECK(only(instrs, Opcode::DCCI).empty());
  CHECK(only(instrs, Opcode::TEXPANDS).size() == 2);
  const std::vector<Instr> stores = only(instrs, Opcode::TSTORE);
  REQUIRE(stores.size() == 3);
  for (uint32_t buffer : {1u, 2u}) {
    CHECK(stores[buffer].gm.buffer.value == buffer);
    CHECK(stores[buffer].gm.offset == 9 * 64 + 16);
    CHECK(stores[buffer].gm.rows == 1);
    CHECK(stores[buffer].gm.cols == 8);
  }
  CHECK_FALSE(hinted(r));
  CHECK(hinted(lower::lower(make(8, 4), lower_test::a2a3(), serial())));
  CHECK(hinted(lower::lower(make(7, 3), lower_test::a2a3(), serial())));  // 28 B
}

TEST_CASE("a constant map with scalar writes behind it is built in UB and stored once") {
  const auto make = [](int rows, bool read_back) {
    RecordBuilder b;
    const auto map = b.value(DType::I32, 1, 16);
    b.op(Opcode::TEXPANDS, map).attr.imm = -1;
    b.store(map, 0);
    b.loop(pl::LoopKind::Range, 2);
    b.iter(0);
    b.op(Opcode::SWRITE).gm = RecordBuilder::gm(0, DType::I32, 16, 0, 3, 1, 1);
    b.record.ops.back().attr.imm = 70;
    b.iter(1);
    pl::Op& run = b.op(Opcode::SWRITE);  // two iterations of an inner loop
    run.gm = RecordBuilder::gm(0, DType::I32, 16, 0, 5, 1, 2);
    run.attr.imm = 80;
    run.attr.run_iterations = 1;
    b.end();
    if (read_back) b.op(Opcode::SREAD).gm = RecordBuilder::gm(0, DType::I32, 16, 0, 3, 1, 1);
    return program(std::move(b), "map",
                   {lower_test::buffer("map", DType::I32, rows, 16, isa::BufferRole::Output)});
  };
  const auto r = lower::lower(make(1, false), lower_test::a2a3(), serial());
  std::vector<double> written;
  std::vector<uint32_t> addresses;
  size_t stores = 0, cleans = 0;
  const auto& instrs = r.graph.tasks[0].blocks[0].aiv[0].instrs;
  for (const Instr& in : instrs) {
    stores += in.op == Opcode::TSTORE ? 1 : 0;
    cleans += in.op == Opcode::DCCI ? 1 : 0;
    if (in.op != Opcode::SWRITE) continue;
    CHECK(stores == 0);  // all of them in front of the store
    CHECK_FALSE(in.gm.present());
    written.push_back(in.attr.imm);
    addresses.push_back(in.dst.addr + (in.dst.row0 * in.dst.tile_cols + in.dst.col0) * 4u);
  }
  CHECK(stores == 1);
  CHECK(cleans == 0);
  CHECK(written == std::vector<double>{70, 80, 80});
  REQUIRE(addresses.size() == 3);
  CHECK(addresses[1] - addresses[0] == 8);
  CHECK(addresses[2] - addresses[1] == 4);
  CHECK(hinted(lower::lower(make(2, false), lower_test::a2a3(), serial())));  // a part of it
  CHECK(hinted(lower::lower(make(1, true), lower_test::a2a3(), serial())));
}

namespace {

pl::RecordedProgram one_product(RecordBuilder b, pl::TileRef a, pl::TileRef w) {
  const auto c = b.value(DType::F32, a.rows, w.cols);
  b.op(Opcode::TMATMUL, b.ref(c), {a, w});
  b.store(c, 2);
  return program(
      std::move(b), "mm",
      {lower_test::buffer("x", DType::BF16, 256, 64), lower_test::buffer("w", DType::BF16, 64, 64),
       lower_test::buffer("c", DType::F32, 256, 64, isa::BufferRole::Output)});
}

}  // namespace

TEST_CASE("operands nobody writes and reshaped fractal tiles are errors") {
  RecordBuilder b;
  const auto x = b.value(DType::BF16, 16, 64), w = b.value(DType::BF16, 64, 64),
             never = b.value(DType::BF16, 16, 64);
  b.load(x, 0);
  b.load(w, 1);
  const chips::Chip chip = lower_test::a2a3();
  CHECK_NOTHROW(lower::lower(one_product(b, b.ref(x), b.ref(w)), chip, serial()));
  CHECK_THROWS_WITH(lower::lower(one_product(b, b.ref(never), b.ref(w)), chip, serial()),
                    Catch::Contains("scope mm") && Catch::Contains("[lower.undefined-tile]"));
  pl::TileRef reshaped = b.ref(x);  // [16,64] seen as [8,128]
  reshaped.rows = reshaped.valid_rows = 8;
  reshaped.cols = reshaped.valid_cols = 64;
  reshaped.stride = 128;
  CHECK_THROWS_WITH(
      lower::lower(one_product(b, reshaped, b.ref(w)), chip, serial()),
      "scope mm: test.cpp:1: TMATMUL uses a reshaped view of a tile in L1 [lower.l1-window]");
}

TEST_CASE("an accumulator tile that starts as a non-zero constant is refused") {
  RecordBuilder b;
  const auto acc = b.value(DType::F32, 16, 64, pl::TileSpace::Acc);
  b.op(Opcode::TEXPANDS, acc).attr.imm = 1;
  b.store(acc, 0);
  CHECK_THROWS_WITH(
      lower::lower(program(std::move(b), "acc", {lower_test::buffer("y", DType::F32, 16, 64)}),
                   lower_test::a2a3(), serial()),
      Catch::Contains("[lower.acc-init]"));
}

TEST_CASE("the ring is a buffer behind the program's, one region per block") {
  pl::ScopeRecord scope;
  scope.name = "mix";
  for (int blk = 0; blk < 3; ++blk) {
    RecordBuilder b;
    const auto x = b.value(DType::BF16, 16, 64), w = b.value(DType::BF16, 64, 32),
               c = b.value(DType::F32, 16, 32), y = b.value(DType::F32, 16, 32);
    b.load(x, 0);
    b.load(w, 1);
    b.op(Opcode::TMATMUL, c, {x, w});
    b.op(Opcode::TEXP, y, {c});
    b.store(y, 2, 16 * blk);
    scope.blocks.push_back(b.record);
  }
  const auto p = lower_test::one_scope(
      scope,
      {lower_test::buffer("x", DType::BF16, 16, 64), lower_test::buffer("w", DType::BF16, 64, 32),
       lower_test::buffer("y", DType::F32, 48, 32, isa::BufferRole::Output)});
  const lower::Result r = lower::lower(p, lower_test::a2a3(), serial());
  REQUIRE(r.graph.buffers.size() == 4);
  const isa::GmBuffer& ring = r.graph.buffers[3];
  CHECK(ring.role == isa::BufferRole::Ring);
  CHECK(ring.bytes == 3 * 8 * 2048);
  CHECK(ring.gm_addr % 512 == 0);
  CHECK(ring.gm_addr >= r.graph.buffers[2].gm_addr + 48 * 32 * 4);
  const isa::Task& t = r.graph.tasks[0];
  CHECK(t.kind == isa::TaskKind::MIX);
  CHECK(t.func[0].valid());
  CHECK(t.func[1] == t.func[2]);
  CHECK(r.graph.func_kinds[t.func[0].value] == CoreKind::AIC);
  CHECK(r.graph.func_kinds[t.func[1].value] == CoreKind::AIV);
  std::set<int64_t> regions;
  for (const isa::BlockCode& b : t.blocks)
    regions.insert(only(b.aic.instrs, Opcode::TPUSH)[0].gm.offset);
  CHECK(regions.size() == 3);
  CHECK(peak(r, CoreKind::AIV, MemSpace::UB) == 8 * 2048 + 16 * 32 * 4);  // ring and the result
  const lower::Result a5 = lower::lower(p, lower_test::a5(), serial());
  CHECK(a5.graph.buffers.size() == 3);
}

TEST_CASE("scopes of one name share a function; dummies have none") {
  RecordBuilder b;
  const auto x = b.value(DType::F32, 8, 64);
  b.load(x, 0);
  b.store(x, 1);
  pl::RecordedProgram p = program(
      std::move(b), "copy",
      {lower_test::buffer("x", DType::F32, 8, 64), lower_test::buffer("y", DType::F32, 8, 64)});
  p.scopes.push_back(p.scopes[0]);
  p.scopes[1].deps = {isa::TaskId(0)};
  pl::ScopeRecord dummy;
  dummy.name = "join";
  dummy.dummy = true;
  dummy.deps = {isa::TaskId(1)};
  p.scopes.push_back(dummy);
  for (uint32_t t = 1; t < 3; ++t) {
    p.orchestration.push_back(p.orchestration[0]);
    p.orchestration.back().task = isa::TaskId(t);
  }
  const lower::Result r = lower::lower(p, lower_test::a2a3(), serial());
  REQUIRE(r.graph.func_names.size() == 1);
  CHECK(r.graph.tasks[0].func[1] == r.graph.tasks[1].func[1]);
  CHECK_FALSE(r.graph.tasks[0].func[0].valid());
  CHECK_FALSE(r.graph.tasks[0].func[2].valid());
  CHECK(r.graph.tasks[2].kind == isa::TaskKind::Dummy);
  CHECK(r.graph.tasks[2].blocks.empty());
  REQUIRE(r.memory.size() == 1);
  CHECK(r.memory[0].live_at_peak.size() == 1);
  CHECK(r.memory[0].live_at_peak[0].shape == "[8x64] FP32");
}

TEST_CASE("the interpreter's order check sees every edge that is taken away") {
  lower::Result r = lower::lower(qr_proj(LoopKind::Pipeline), lower_test::a2a3(), serial());
  isa::GmImage gm;
  for (const isa::GmBuffer& b : r.graph.buffers)
    gm.bytes.emplace_back(static_cast<size_t>(b.bytes));
  CHECK_NOTHROW(isa::interpret(r.graph, lower_test::a2a3().memory, gm));
  auto& s = r.graph.tasks[0].blocks[0].aic.instrs;
  int edges = 0;
  for (Instr& i : s)
    for (uint32_t& e : i.after) {
      if (e == 0) continue;
      const uint32_t kept = e;
      e = 0;
      ++edges;
      CHECK_THROWS_WITH(isa::interpret(r.graph, lower_test::a2a3().memory, gm),
                        Catch::Contains("[isa.order]"));
      e = kept;
    }
  CHECK(edges > 20);
}
