#include "lower/hints.h"

#include <catch2/catch.hpp>

#include "tests/lower/test_chip.h"

using isa::Instr;
using isa::Opcode;
using lower::BlockHint;

namespace {

Instr load(int row_elements, int rows, uint32_t site) {
  Instr i;
  i.op = Opcode::TLOAD;
  i.site = isa::SiteId(site);
  i.gm.buffer = isa::BufferId(0);
  i.gm.rows = rows;
  i.gm.cols = row_elements;
  i.gm.row_stride = 4096;
  return i;
}

Instr product(Opcode op, int row0, int col0, int k) {
  Instr i;
  i.op = op;
  i.site = isa::SiteId(1);
  i.dst.tile_rows = 16;
  i.dst.tile_cols = 512;
  i.dst.row0 = static_cast<uint16_t>(row0);
  i.dst.col0 = static_cast<uint16_t>(col0);
  i.dst.cols = 256;
  i.src[0].cols = static_cast<uint16_t>(k);
  return i;
}

std::vector<BlockHint> hints(const std::vector<Instr>& s, const chips::Chip& chip) {
  std::vector<BlockHint> h;
  lower::collect_hints(s, chip, h);
  return h;
}

}  // namespace

TEST_CASE("PH001 below the chip's innermost extent, once per source line") {
  const chips::Chip a2 = lower_test::a2a3(), a5 = lower_test::a5();
  CHECK(hints({load(128, 8, 0)}, a2).empty());      // 512 B
  CHECK(hints({load(127, 8, 0)}, a2).size() == 1);  // 508 B
  CHECK(hints({load(32, 8, 0)}, a5).empty());       // 128 B
  CHECK(hints({load(31, 8, 0)}, a5).size() == 1);
  CHECK(hints({load(8, 1, 0)}, a2).empty());  // one row: nothing is strided
  const auto h = hints({load(16, 8, 0), load(32, 8, 0), load(16, 8, 1)}, a2);
  REQUIRE(h.size() == 2);
  const lower::PerfHint text = lower::describe(h[0], "q_rope", a2, {"q.cpp:5", "q.cpp:6"});
  CHECK(text.id == "PH001");
  CHECK(text.scope == "q_rope");
  CHECK(text.site == "q.cpp:5");
  CHECK(text.message == "innermost GM extent is 64 B, below 512 B on a2a3");
}

TEST_CASE("PH-AT: outputs tiled in N and uneven K steps") {
  const chips::Chip chip = lower_test::a2a3();
  CHECK(hints({product(Opcode::TMATMUL, 0, 0, 64), product(Opcode::TMATMUL_ACC, 0, 0, 64)}, chip)
            .empty());
  auto h = hints({product(Opcode::TMATMUL, 0, 0, 64), product(Opcode::TMATMUL, 0, 256, 64)}, chip);
  REQUIRE(h.size() == 1);
  CHECK(lower::describe(h[0], "s", chip, {}).id == "PH-AT-003");
  h = hints({product(Opcode::TMATMUL, 0, 0, 64), product(Opcode::TMATMUL_ACC, 0, 0, 32)}, chip);
  REQUIRE(h.size() == 1);
  CHECK(lower::describe(h[0], "s", chip, {}).id == "PH-AT-004");
}
