// Reads of memory nobody has written.
#include <cmath>

#include "lang/gm_storage.h"
#include "lang/support.h"

using namespace test;
using pl::Tensor;
using pl::Tile;

TEST_CASE("a load of rows nobody wrote is reported once per tensor and scope") {
  pl::Session s("test");
  const Tensor t = pl::create_tensor("rows", {8, 16}, DType::F32);
  pl::at({"writer"}, [&] { pl::store(pl::full(5, 16, DType::F32, 1), {0, 0}, t); });
  std::vector<double> first(8);
  pl::spmd(8, {"reader"}, [&](int64_t b) {
    first[static_cast<size_t>(b)] = grid(pl::load(t, {b, 0}, {1, 16}))[0][0];
  });
  for (size_t b = 0; b < 8; ++b) CHECK(std::isnan(first[b]) == (b >= 5));
  pl::at({"again"}, [&] { pl::load(t); });
  pl::at({"fine"}, [&] {
    pl::load(t, {0, 0}, {8, 16}, {5, 16});  // only the valid part is read
    pl::load(t, {2, 3}, {3, 9});
  });
  const pl::RecordedProgram p = s.finish();
  REQUIRE(p.diagnostics.size() == 2);
  CHECK(p.diagnostics[0].id == "lang.uninitialised-read");
  CHECK(p.diagnostics[0].where.find("scope reader, test_uninitialised.cpp:") == 0);
  CHECK(p.diagnostics[0].message ==
        "reads [5, 0] of tensor 'rows', which nobody has written (3 times)");
  CHECK(p.diagnostics[1].where.find("scope again") == 0);
}

TEST_CASE("outputs are tracked, inputs are not; scalar reads count") {
  pl::Session s("test");
  const Tensor y = s.output("y", DType::I32, {4});
  const Tensor x = s.input("x", DType::I32, {4}, host(DType::I32, {1, 2, 3, 4}));
  pl::at({"a"}, [&] {
    pl::write(y, {1}, 3);
    pl::read(y, {1});
    pl::load(x);
  });
  CHECK(static_cast<uint32_t>(pl::read_int(y, {2})) == 0xababababu);
  const pl::RecordedProgram p = s.finish();
  REQUIRE(p.diagnostics.size() == 1);
  CHECK(p.diagnostics[0].where.find("test_uninitialised.cpp:") == 0);
  CHECK(p.diagnostics[0].message == "reads [2] of tensor 'y', which nobody has written");
}

TEST_CASE("init_value defines the whole buffer; poison off means zero and no reports") {
  {
    pl::Session s("test");
    const Tensor t = pl::create_tensor("t", {64}, DType::BF16, {false, 1.5});
    pl::at({"a"},
           [&] { CHECK(grid(pl::load(t, {16}, {16})) == Grid{std::vector<double>(16, 1.5)}); });
    CHECK(s.finish().diagnostics.empty());
  }
  pl::SessionOptions o;
  o.poison = false;
  pl::Session s("test", o);
  const Tensor t = pl::create_tensor({64}, DType::F32);
  pl::at({"a"}, [&] { CHECK(grid(pl::load(t, {16}, {16})) == Grid{std::vector<double>(16, 0)}); });
  CHECK(s.finish().diagnostics.empty());
}

TEST_CASE("write maps of small and large buffers") {
  isa::GmAccess gm;
  gm.buffer = isa::BufferId(0);
  gm.dtype = DType::F32;
  for (int64_t rows : {int64_t{8}, int64_t{4096}}) {  // tracked in units of 4 B and of 32 B
    const int64_t row = 64;
    pl::WriteMap map(rows * row * 4);
    gm.offset = 3 * row + 16;
    gm.row_stride = row;
    gm.rows = 2;
    gm.cols = 8;
    CHECK(map.first_unwritten(gm) == gm.offset * 4);
    map.mark(gm);
    CHECK(map.first_unwritten(gm) == -1);
    gm.cols = 9;
    CHECK(map.first_unwritten(gm) == (gm.offset + 8) * 4);
    gm.cols = 8;
    gm.rows = 3;
    CHECK(map.first_unwritten(gm) == (gm.offset + 2 * row) * 4);
    map.mark_all();
    CHECK(map.first_unwritten(gm) == -1);
    gm.rows = 0;
    CHECK(pl::WriteMap(rows * row * 4).first_unwritten(gm) == -1);
  }
}

TEST_CASE("overlaps is exact") {
  // Every pair of small windows of an 8 x 16 byte matrix, against a map of touched bytes.
  const auto bytes_of = [](const isa::GmAccess& g) {
    std::vector<bool> touched(256, false);
    for (int32_t r = 0; r < g.rows; ++r)
      for (int32_t c = 0; c < g.cols; ++c)
        touched[static_cast<size_t>(g.offset + r * g.row_stride + c)] = true;
    return touched;
  };
  std::vector<isa::GmAccess> windows;
  for (int64_t offset : {0, 3, 15, 17, 40})
    for (int64_t stride : {1, 4, 16, 20})
      for (int32_t rows : {1, 2, 5})
        for (int32_t cols : {1, 3, 4}) {
          isa::GmAccess g;
          g.buffer = isa::BufferId(0);
          g.dtype = DType::U8;
          g.offset = offset;
          g.row_stride = stride;
          g.rows = rows;
          g.cols = cols;
          if (rows == 1 || cols <= stride) windows.push_back(g);
        }
  int hits = 0;
  for (const auto& a : windows)
    for (const auto& b : windows) {
      const auto ta = bytes_of(a), tb = bytes_of(b);
      bool expected = false;
      for (size_t i = 0; i < ta.size(); ++i) expected = expected || (ta[i] && tb[i]);
      REQUIRE(pl::overlaps(a, b) == expected);
      hits += expected ? 1 : 0;
    }
  CHECK(hits > 0);
  CHECK(hits < static_cast<int>(windows.size() * windows.size()));
}
