#include "lower/pipeline.h"

#include <catch2/catch.hpp>

#include "tests/lower/record_builder.h"

using isa::DType;
using isa::Opcode;
using lower::Hoist;
using lower_test::RecordBuilder;
using pl::LoopKind;

namespace {

/// One letter per item in stream order: L3 = load of iteration 3, V = vector op, S = store,
/// | = loop iteration marker; numbers are the iteration (the operation's site).
std::string text(const lower::BlockWork& w, int stream = lower::kAiv0) {
  std::string t;
  for (const lower::Item& it : w.streams[static_cast<size_t>(stream)]) {
    if (!t.empty()) t += ' ';
    if (!lower::is_instr(it)) {
      t += '|';
      continue;
    }
    switch (it.op->opcode) {
      case Opcode::TLOAD:
        t += 'L';
        break;
      case Opcode::TSTORE:
        t += 'S';
        break;
      case Opcode::SREAD:
        t += 'R';
        break;
      case Opcode::TPUSH:
        t += '>';
        break;
      case Opcode::TPOP:
        t += '<';
        break;
      default:
        t += 'V';
    }
    t += std::to_string(it.op->site.value);
  }
  return t;
}

void iteration(RecordBuilder& b, int n, int row, uint32_t from = 0, uint32_t to = 1) {
  b.site = static_cast<uint32_t>(n);
  const auto x = b.value(DType::F32, 4, 64), y = b.value(DType::F32, 4, 64);
  b.load(x, from, row);
  b.op(Opcode::TEXP, y, {x});
  b.store(y, to, row);
}

RecordBuilder simple_loop(LoopKind kind, int trip, int stage, uint32_t to = 1, int row_step = 4) {
  RecordBuilder b;
  b.loop(kind, trip, stage);
  for (int i = 0; i < trip; ++i) {
    b.iter(i);
    iteration(b, i, i * row_step, 0, to);
  }
  b.end();
  return b;
}

std::string ordered(const RecordBuilder& b, Hoist hoist = Hoist::Merged, bool* moved = nullptr) {
  lower::BlockWork w = lower_test::one_stream(b.record);
  const bool m = lower::order_loops(w, lower::kAiv0, hoist);
  if (moved != nullptr) *moved = m;
  return text(w);
}

}  // namespace

TEST_CASE("a range loop keeps program order, an unrolled one loses its loop control") {
  bool moved = true;
  CHECK(ordered(simple_loop(LoopKind::Range, 2, 1), Hoist::Merged, &moved) ==
        "| L0 V0 S0 | L1 V1 S1");
  CHECK_FALSE(moved);
  CHECK(ordered(simple_loop(LoopKind::Parallel, 2, 1)) == "| L0 V0 S0 | L1 V1 S1");
  CHECK(ordered(simple_loop(LoopKind::Unroll, 2, 1)) == "L0 V0 S0 L1 V1 S1");
}

TEST_CASE("a pipeline loads a group first; the rest is a group of its own") {
  bool moved = false;
  CHECK(ordered(simple_loop(LoopKind::Pipeline, 5, 2), Hoist::Merged, &moved) ==
        "| L0 L1 V0 S0 V1 S1 | L2 L3 V2 S2 V3 S3 | L4 V4 S4");
  CHECK(moved);
  CHECK(ordered(simple_loop(LoopKind::Pipeline, 2, 1)) == "| L0 V0 S0 | L1 V1 S1");
  // trip <= F: no loop at all
  CHECK(ordered(simple_loop(LoopKind::Pipeline, 2, 2)) == "L0 L1 V0 S0 V1 S1");
  CHECK(ordered(simple_loop(LoopKind::Pipeline, 3, 4)) == "L0 L1 L2 V0 S0 V1 S1 V2 S2");
  CHECK(ordered(simple_loop(LoopKind::Pipeline, 2, 2), Hoist::None) == "| L0 V0 S0 | L1 V1 S1");
}

TEST_CASE("a load behind a store to its own window stays there") {
  // Iteration i stores rows [4i + 4, 4i + 8) of the tensor iteration i + 1 loads.
  const auto chain = [](int store_row) {
    RecordBuilder b;
    b.loop(LoopKind::Pipeline, 2, 2);
    for (int i = 0; i < 2; ++i) {
      b.iter(i);
      b.site = static_cast<uint32_t>(i);
      const auto x = b.value(DType::F32, 4, 64);
      b.load(x, 0, 4 * i);
      b.store(x, 0, 4 * i + store_row);
    }
    b.end();
    return b;
  };
  CHECK(ordered(chain(4)) == "L0 S0 L1 S1");
  CHECK(ordered(chain(7)) == "L0 S0 L1 S1");  // one row in common
  CHECK(ordered(chain(8)) == "L0 L1 S0 S1");
}

TEST_CASE("a load into a tile the group has already used stays; scalar reads go first") {
  RecordBuilder b;
  const auto table = b.value(DType::F32, 8, 64);
  b.loop(LoopKind::Pipeline, 2, 2);
  for (int i = 0; i < 2; ++i) {
    b.iter(i);
    b.site = static_cast<uint32_t>(i);
    b.op(Opcode::SREAD).gm = RecordBuilder::gm(3, DType::I32, 1, i, 0, 1, 1);
    pl::Op& l = b.op(Opcode::TLOAD, b.window(table, i, 0, 1, 64));
    l.gm = RecordBuilder::gm(0, DType::F32, 64, i, 0, 1, 64);
    if (i == 0) b.op(Opcode::TEXP, b.ref(table), {b.ref(table)});
  }
  b.end();
  CHECK(ordered(b) == "R0 R1 L0 V0 L1");
}

TEST_CASE("inner loops are units of the outer pipeline, short inner pipelines dissolve") {
  const auto nest = [](LoopKind inner, int inner_trip) {
    RecordBuilder b;
    b.loop(LoopKind::Pipeline, 2, 2);
    for (int i = 0; i < 2; ++i) {
      b.iter(i);
      iteration(b, i, 8 * i);
      b.loop(inner, inner_trip, 2);
      for (int k = 0; k < inner_trip; ++k) {
        b.iter(k);
        iteration(b, 10 + 10 * i + k, 100 + 50 * i + 4 * k);
      }
      b.end();
    }
    b.end();
    return b;
  };
  CHECK(ordered(nest(LoopKind::Range, 1)) == "L0 L1 V0 S0 | L10 V10 S10 V1 S1 | L20 V20 S20");
  CHECK(ordered(nest(LoopKind::Pipeline, 1)) == "L0 L10 L1 L20 V0 S0 V10 S10 V1 S1 V20 S20");
  CHECK(ordered(nest(LoopKind::Pipeline, 1), Hoist::Nested) ==
        "L0 L1 V0 S0 L10 V10 S10 V1 S1 L20 V20 S20");
  CHECK(ordered(nest(LoopKind::Pipeline, 2), Hoist::Innermost) ==
        "| L0 V0 S0 L10 L11 V10 S10 V11 S11 | L1 V1 S1 L20 L21 V20 S20 V21 S21");
  CHECK(ordered(nest(LoopKind::Pipeline, 3)) ==
        "L0 L1 V0 S0 | L10 L11 V10 S10 V11 S11 | L12 V12 S12 "
        "V1 S1 | L20 L21 V20 S20 V21 S21 | L22 V22 S22");
}

TEST_CASE("vector stores go behind the computation of their own iteration") {
  const auto two_stores = [](bool overwrite) {
    RecordBuilder b;
    b.loop(LoopKind::Pipeline, 2, 2);
    for (int i = 0; i < 2; ++i) {
      b.iter(i);
      b.site = static_cast<uint32_t>(i);
      const auto x = b.value(DType::F32, 4, 64), y = b.value(DType::F32, 4, 64);
      b.load(x, 0, 4 * i);
      b.store(x, 1, 4 * i);
      b.op(Opcode::TEXP, overwrite ? x : y, {x});
      b.store(overwrite ? x : y, 2, 4 * i);
    }
    b.end();
    return b;
  };
  CHECK(ordered(two_stores(false), Hoist::Merged) == "L0 L1 S0 V0 S0 S1 V1 S1");
  CHECK(ordered(two_stores(false), Hoist::Full) == "L0 L1 V0 S0 S0 V1 S1 S1");
  CHECK(ordered(two_stores(true), Hoist::Full) == "L0 L1 S0 V0 S0 S1 V1 S1");
}

namespace {

/// A mixed pipeline as split.cpp leaves it: load, product, push, pop, product, store.
std::string mixed(int stream, int trip, int stage, bool push, bool pop) {
  RecordBuilder b;
  b.loop(LoopKind::Pipeline, trip, stage);
  for (int i = 0; i < trip; ++i) {
    b.iter(i);
    b.site = static_cast<uint32_t>(i);
    const auto x = b.value(DType::F32, 4, 64);
    b.load(x, 0, i);
    if (push) b.op(Opcode::TPUSH).src[0] = b.ref(x);
    if (pop) b.op(Opcode::TPOP, b.ref(b.value(DType::F32, 4, 64)));
    b.store(x, 1, i);
  }
  b.end();
  lower::BlockWork w = lower_test::one_stream(b.record, stream);
  lower::order_loops(w, stream, Hoist::Merged);
  return text(w, stream);
}

}  // namespace

TEST_CASE("the cube side of a two-way mixed pipeline runs D iterations ahead") {
  CHECK(mixed(lower::kAic, 2, 2, true, true) == "L0 >0 L1 >1 <0 S0 <1 S1");  // unrolled
  CHECK(mixed(lower::kAic, 4, 2, true, true) ==
        "| L0 >0 | L1 >1 | L2 >2 <0 S0 | L3 >3 <1 S1 <2 S2 <3 S3");
  // not divisible by D, or fewer than 2 D: a plain loop
  CHECK(mixed(lower::kAic, 3, 2, true, true) == "| L0 >0 <0 S0 | L1 >1 <1 S1 | L2 >2 <2 S2");
  CHECK(mixed(lower::kAic, 2, 3, true, true) == "| L0 >0 <0 S0 | L1 >1 <1 S1");
  // D = stage - 1 = 3
  CHECK(mixed(lower::kAic, 6, 4, true, true) ==
        "| L0 >0 | L1 >1 | L2 >2 | L3 >3 <0 S0 | L4 >4 <1 S1 | L5 >5 <2 S2 <3 S3 <4 S4 <5 S5");
}

TEST_CASE("one-way cube loops pipeline as usual, the vector side never") {
  CHECK(mixed(lower::kAic, 2, 2, true, false) == "L0 L1 >0 S0 >1 S1");
  CHECK(mixed(lower::kAiv0, 2, 2, false, true) == "| L0 <0 S0 | L1 <1 S1");
}
