#include <set>

#include "graph_maker.h"
#include "isa/interpreter_memory.h"

using namespace maker;
using namespace isa::interp;

namespace {

struct Case {
  TileOperand o;
  int rows, cols;
};

/// Windows of every layout, aligned and not, of every element size.
std::vector<Case> cases() {
  std::vector<Case> list;
  for (Layout l : {Layout::ND, Layout::NZ, Layout::ZN, Layout::ZZ})
    for (DType t : {DType::I8, DType::BF16, DType::F32, DType::I64}) {
      const TileOperand whole = tile(MemSpace::L1, 64, t, 48, 80, l);
      list.push_back({whole, 48, 80});
      list.push_back({window(whole, 16, 32, 32, 48), 32, 48});
      list.push_back({window(whole, 3, 5, 40, 70), 37, 66});
      list.push_back({window(whole, 47, 79, 1, 1), 1, 1});
      list.push_back({tile(MemSpace::L1, 0, t, 19, 1, l), 19, 1});
    }
  list.push_back({tile(MemSpace::L0C, 128, DType::F32, 33, 40, Layout::NZ), 33, 40});
  list.push_back(
      {window(tile(MemSpace::L0C, 0, DType::I32, 64, 64, Layout::NZ), 8, 20, 30, 40), 30, 40});
  return list;
}

int64_t byte_of(const TileOperand& o, int r, int c) {
  return o.addr + element_index(o.layout, o.space, o.dtype, o.tile_rows, o.tile_cols, o.row0 + r,
                                o.col0 + c) *
                      static_cast<int64_t>(size_of(o.dtype));
}

}  // namespace

TEST_CASE("gather and scatter move exactly the window, element by element") {
  for (const Case& k : cases()) {
    INFO(describe(k.o) << " " << name(k.o.layout));
    const auto size = static_cast<int64_t>(size_of(k.o.dtype));
    std::vector<uint8_t> memory(65536);
    uint32_t x = 12345;
    for (uint8_t& b : memory) b = static_cast<uint8_t>((x = x * 1664525u + 1013904223u) >> 24);
    const int64_t stride = k.cols + 3;
    std::vector<uint8_t> dense(static_cast<size_t>(k.rows * stride * size), 0);
    gather(k.o, k.rows, k.cols, memory.data(), dense.data(), stride);
    int64_t wrong = 0;
    for (int r = 0; r < k.rows; ++r)
      for (int c = 0; c < k.cols; ++c)
        wrong += std::memcmp(&dense[static_cast<size_t>((r * stride + c) * size)],
                             &memory[static_cast<size_t>(byte_of(k.o, r, c))],
                             static_cast<size_t>(size)) != 0;
    CHECK(wrong == 0);

    std::vector<uint8_t> copy(memory.size(), 0), expected(memory.size(), 0);
    scatter(k.o, k.rows, k.cols, dense.data(), stride, copy.data());
    for (int r = 0; r < k.rows; ++r)
      for (int c = 0; c < k.cols; ++c) {
        const auto at = static_cast<size_t>(byte_of(k.o, r, c));
        std::memcpy(&expected[at], &memory[at], static_cast<size_t>(size));
      }
    CHECK(copy == expected);
  }
}

TEST_CASE("byte ranges are the window's bytes, disjoint and merged") {
  for (const Case& k : cases()) {
    INFO(describe(k.o) << " " << name(k.o.layout));
    std::vector<ByteRange> ranges;
    append_byte_ranges(k.o, k.rows, k.cols, ranges);
    std::set<int64_t> expected, got;
    for (int r = 0; r < k.rows; ++r)
      for (int c = 0; c < k.cols; ++c)
        for (size_t b = 0; b < size_of(k.o.dtype); ++b)
          expected.insert(byte_of(k.o, r, c) + static_cast<int64_t>(b));
    int64_t twice = 0;
    for (const ByteRange& r : ranges)
      for (int64_t b = r.begin; b < r.end; ++b) twice += got.insert(b).second ? 0 : 1;
    CHECK(twice == 0);
    CHECK(got == expected);
  }
  // A whole padded tile is one piece whatever its layout.
  for (Layout l : {Layout::ND, Layout::NZ, Layout::ZN, Layout::ZZ}) {
    std::vector<ByteRange> ranges;
    append_byte_ranges(tile(MemSpace::L1, 0, DType::BF16, 64, 128, l), 64, 128, ranges);
    CHECK(ranges.size() == 1);
  }
}

TEST_CASE("the transposed view names the same bytes") {
  const TileOperand o =
      window(tile(MemSpace::L1, 512, DType::I8, 64, 96, Layout::NZ), 16, 32, 32, 64);
  const TileOperand t = transposed(o);
  CHECK(t.layout == Layout::ZN);
  CHECK(t.rows == 64);
  for (int r = 0; r < 32; r += 7)
    for (int c = 0; c < 64; c += 5) CHECK(byte_of(o, r, c) == byte_of(t, c, r));
  error_of("isa.operand", [] { transposed(tile(MemSpace::UB, 0, DType::F32, 4, 8)); });
}

TEST_CASE("a reset memory is poisoned and unwritten again") {
  LocalMemory m(MemSpace::UB, 1024);
  m.reset();
  const TileOperand o = ub(96, DType::F32, 2, 8);
  m.check(o, "dst", false, false);
  std::vector<ByteRange> ranges;
  append_byte_ranges(o, 2, 8, ranges);
  error_of("isa.uninitialised", [&] { m.require_written(ranges, o, "src0"); });
  m.mark_written(ranges);
  m.require_written(ranges, o, "src0");
  const uint8_t poison = m.bytes()[96];
  m.bytes()[96] = static_cast<uint8_t>(poison + 1);
  m.reset();
  CHECK(m.bytes()[96] == poison);
  const std::string text =
      error_of("isa.uninitialised", [&] { m.require_written(ranges, o, "src0"); });
  CHECK(text.find("src0 UB tile [2x8] FP32 at 0x60: byte 0x60") != std::string::npos);
}
