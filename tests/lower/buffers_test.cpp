#include "lower/buffers.h"

#include <catch2/catch.hpp>

#include "isa/error.h"
#include "tests/lower/record_builder.h"
#include "tests/lower/test_chip.h"

using isa::DType;
using isa::MemSpace;
using isa::Opcode;
using lower::Placement;
using lower_test::RecordBuilder;

namespace {

Placement place(const RecordBuilder& b, bool reuse = true) {
  const lower::BlockWork w = lower_test::one_stream(b.record);
  Placement p;
  lower::place_buffers(w, lower::kAiv0, reuse, p);
  return p;
}

int64_t ub(const Placement& p) { return p.peak[static_cast<size_t>(MemSpace::UB)]; }

}  // namespace

TEST_CASE("first fit hands a dead buffer to the next value") {
  RecordBuilder b;
  const auto x = b.value(DType::F32, 8, 64), y = b.value(DType::BF16, 8, 64),
             z = b.value(DType::F32, 8, 64);
  b.load(x, 0);
  b.op(Opcode::TROWMAX, y, {x});  // not in place
  b.load(z, 0);                   // x is dead: same place
  b.op(Opcode::TADD, z, {z, z});
  b.store(y, 1);
  const Placement p = place(b);
  CHECK(p.addr[x.value] == 0);
  CHECK(p.addr[y.value] == 2048);
  CHECK(p.addr[z.value] == 0);
  CHECK(ub(p) == 2048 + 1024);
}

TEST_CASE("a carried value stays in one buffer; no-alias operations do not work in place") {
  const auto second = [](Opcode op, DType from, DType to) {
    RecordBuilder b;
    const auto x = b.value(from, 8, 64), y = b.value(to, 8, 64);
    b.load(x, 0);
    b.op(op, y, {x});
    b.store(y, 1);
    return place(b).addr[y.value];
  };
  CHECK(second(Opcode::TEXP, DType::F32, DType::F32) == 0);
  CHECK(second(Opcode::TCVT, DType::F32, DType::BF16) == 0);
  CHECK(second(Opcode::TCVT, DType::BF16, DType::F32) != 0);  // widening
  CHECK(second(Opcode::TRECIP, DType::F32, DType::F32) != 0);
  CHECK(second(Opcode::TRSQRT, DType::F32, DType::F32) != 0);
  CHECK(second(Opcode::TMOV, DType::F32, DType::F32) != 0);
}

TEST_CASE("the broadcast operand is never overwritten, a live input neither") {
  RecordBuilder b;
  const auto x = b.value(DType::F32, 1, 64), r = b.value(DType::F32, 1, 64),
             y = b.value(DType::F32, 1, 64);
  b.load(x, 0);
  b.load(r, 0);
  b.op(Opcode::TCOLEXPANDMUL, y, {x, r});
  b.store(x, 1);  // x lives on, r dies above
  b.store(y, 1);
  const Placement p = place(b);
  CHECK(p.addr[y.value] != p.addr[x.value]);
  CHECK(p.addr[y.value] != p.addr[r.value]);
}

TEST_CASE("a window or a larger pitch is not taken over") {
  RecordBuilder b;
  const auto x = b.value(DType::F32, 8, 64), y = b.value(DType::F32, 8, 32);
  b.load(x, 0);
  b.op(Opcode::TEXP, b.ref(y), {b.window(x, 0, 32, 8, 32)});
  b.store(y, 1);
  CHECK(place(b).addr[y.value] == 2048);
}

TEST_CASE("without reuse a buffer belongs to its source position") {
  RecordBuilder b;
  std::vector<pl::ValueId> v;
  for (int i = 0; i < 3; ++i) {  // three iterations of one line, then another line
    v.push_back(b.value(DType::F32, 8, 64));
    b.site = 1;
    b.load(v.back(), 0, i);
    b.store(v.back(), 1, i);
  }
  v.push_back(b.value(DType::F32, 8, 64));
  b.site = 2;
  b.load(v.back(), 0);
  b.store(v.back(), 1);
  const Placement own = place(b, false), shared = place(b, true);
  CHECK(own.addr[v[0].value] == own.addr[v[1].value]);
  CHECK(own.addr[v[1].value] == own.addr[v[2].value]);
  CHECK(own.addr[v[3].value] == 2048);
  CHECK(shared.addr[v[3].value] == 0);
}

TEST_CASE("rings are kept free at address 0; scratch lives for one operation") {
  RecordBuilder b;
  const auto x = b.value(DType::F32, 8, 64), y = b.value(DType::F32, 8, 1),
             z = b.value(DType::F32, 8, 64);
  b.load(x, 0);
  b.op(Opcode::TROWSUM, y, {x});
  b.load(z, 0);
  b.op(Opcode::TADD, z, {z, x});
  b.store(z, 1);
  b.store(y, 1);
  lower::BlockWork w = lower_test::one_stream(b.record);
  w.reserved[static_cast<size_t>(MemSpace::UB)] = 4096;
  lower::Value scratch = w.values[x.value];
  scratch.cols = scratch.stride = 128;
  scratch.bytes = lower::value_bytes(scratch);
  w.streams[lower::kAiv0][1].scratch = w.add_value(scratch);
  Placement p;
  lower::place_buffers(w, lower::kAiv0, true, p);
  CHECK(p.addr[x.value] == 4096);
  CHECK(p.addr[3] == 4096 + 2048);  // scratch
  CHECK(p.addr[y.value] == 4096 + 2048 + 4096);
  CHECK(p.addr[z.value] == 4096 + 2048);  // where the scratch was
}

TEST_CASE("an overflow names scope, space, limit, value and the live tiles") {
  RecordBuilder b;
  std::vector<pl::ValueId> v;
  for (int i = 0; i < 3; ++i) {
    v.push_back(b.value(DType::F32, 128, 128));
    b.record.values.back().site = isa::SiteId(static_cast<uint32_t>(i));
    b.load(v.back(), 0);
  }
  for (pl::ValueId x : v) b.store(x, 1);
  const lower::BlockWork w = lower_test::one_stream(b.record);
  Placement p;
  lower::place_buffers(w, lower::kAiv0, true, p);
  chips::Chip chip = lower_test::a2a3();
  const std::vector<std::string> sites = {"k.cpp:1", "k.cpp:2", "k.cpp:3"};
  CHECK_FALSE(lower::fits(p, chip));
  CHECK_THROWS_WITH(
      lower::check_capacity(w, p, chip, sites),
      "scope test: UB needs 196608 B, a2a3 has 188416 B; use smaller tiles; live: [128x128] FP32 "
      "(k.cpp:1), [128x128] FP32 (k.cpp:2), [128x128] FP32 (k.cpp:3) [lower.ub-overflow]");
  chip.memory.ub = 196608;  // exactly enough
  CHECK(lower::fits(p, chip));
  CHECK_NOTHROW(lower::check_capacity(w, p, chip, sites));
}
