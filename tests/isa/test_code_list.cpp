// Lists of instructions that share what they have in common.
#include <catch2/catch.hpp>

#include "isa/code_list.h"
#include "isa/same_code.h"

using isa::BufferId;
using isa::CodeList;
using isa::CodePool;
using isa::Instr;
using isa::Opcode;

namespace {

Instr load(uint32_t buffer, int64_t offset) {
  Instr i;
  i.op = Opcode::TLOAD;
  i.gm.buffer = BufferId(buffer);
  i.gm.offset = offset;
  i.gm.rows = 2;
  i.gm.cols = 64;
  i.dst.rows = 2;
  return i;
}

Instr scaled(double by) {
  Instr i;
  i.op = Opcode::TMULS;
  i.attr.imm = by;
  return i;
}

CodeList<Instr> code(uint32_t buffer, int64_t offset, double by = 2) {
  return std::vector<Instr>{load(buffer, offset), scaled(by), load(buffer, offset + 7)};
}

}  // namespace

TEST_CASE("code that differs in its GM places only is stored once") {
  CodePool<Instr> pool;
  CodeList<Instr> a = code(1, 100), b = code(2, 300);
  pool.share(a);
  pool.share(b);
  CHECK(a.shares());
  CHECK(&a.elements() == &b.elements());
  const CodeList<Instr>& second = b;
  CHECK(second.size() == 3);
  CHECK(second[0].gm.buffer == BufferId(2));
  CHECK(second[0].gm.offset == 300);
  CHECK(second[2].gm.offset == 307);
  CHECK_FALSE(second[1].gm.present());
  int64_t sum = 0;
  for (const Instr& i : static_cast<const CodeList<Instr>&>(a))
    if (i.gm.present()) sum += i.gm.offset;
  CHECK(sum == 207);
}

TEST_CASE("anything else that differs keeps code apart, to the last bit") {
  const auto alone = [](const CodeList<Instr>& changed) {
    CodePool<Instr> pool;
    CodeList<Instr> a = code(1, 0, 0.0), b = changed;
    pool.share(a);
    pool.share(b);
    return &a.elements() != &b.elements();
  };
  CHECK_FALSE(alone(code(9, 9, 0.0)));
  CHECK(alone(code(1, 0, -0.0)));
  const auto with = [&](auto change) {
    CodeList<Instr> c = code(1, 0, 0.0);
    change(c);
    return alone(c);
  };
  CHECK(with([](auto& c) { c[0].gm.cols = 63; }));
  CHECK(with([](auto& c) { c[0].gm.row_stride = 1; }));
  CHECK(with([](auto& c) { c[0].gm = {}; }));
  CHECK(with([](auto& c) { c[2].after[3] = 1; }));
  CHECK(with([](auto& c) { c[2].site = isa::SiteId(4); }));
  CHECK(with([](auto& c) { c[1].src[2].valid_cols = 1; }));
  CHECK(with([](auto& c) { c[1].barrier = true; }));
  CHECK(with([](auto& c) { c.pop_back(); }));
}

TEST_CASE("changing a list that shares leaves the others alone") {
  CodePool<Instr> pool;
  CodeList<Instr> a = code(1, 100), b = code(2, 300);
  pool.share(a);
  pool.share(b);
  const CodeList<Instr> copy = b;
  b[0].gm.offset = 5;
  b.push_back(scaled(3));
  CHECK_FALSE(b.shares());
  const CodeList<Instr>&first = a, &second = b;
  CHECK(second[0].gm.offset == 5);
  CHECK(second[2].gm.offset == 307);
  CHECK(second.size() == 4);
  CHECK(first.size() == 3);
  CHECK(first[0].gm.offset == 100);
  CHECK(copy[0].gm.offset == 300);
  std::vector<Instr> plain;
  copy.copy_to(plain);
  CHECK(plain[2].gm.buffer == BufferId(2));
  CHECK(plain[2].gm.offset == 307);
}

TEST_CASE("an empty list and a second call change nothing") {
  CodePool<Instr> pool;
  CodeList<Instr> none, a = code(1, 1);
  pool.share(none);
  CHECK(none.empty());
  pool.share(a);
  pool.share(a);
  CHECK(static_cast<const CodeList<Instr>&>(a)[2].gm.offset == 8);
}
