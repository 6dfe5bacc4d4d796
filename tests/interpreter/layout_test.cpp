#include <catch2/catch.hpp>
#include <map>
#include <utility>
#include <vector>

#include "isa/layout.h"

using namespace isa;

namespace {

using Cell = std::pair<int, int>;

/// The elements of a padded tile in memory order, spelled out fractal by fractal (hardware.md
/// §2.2): a fractal is 16 rows (or columns, for the column-major one) of `row` elements.
std::vector<Cell> memory_order(Layout layout, int rows, int cols, int row) {
  const auto padded = [](int x, int to) { return ((x - 1) / to + 1) * to; };
  std::vector<Cell> order;
  const auto row_major_fractal = [&](int r0, int c0) {
    for (int r = r0; r < r0 + 16; ++r)
      for (int c = c0; c < c0 + row; ++c) order.emplace_back(r, c);
  };
  const auto column_major_fractal = [&](int r0, int c0) {
    for (int c = c0; c < c0 + 16; ++c)
      for (int r = r0; r < r0 + row; ++r) order.emplace_back(r, c);
  };
  switch (layout) {
    case Layout::ND:
      for (int r = 0; r < rows; ++r)
        for (int c = 0; c < cols; ++c) order.emplace_back(r, c);
      break;
    case Layout::NZ:  // big N: down the columns of fractals; small z: rows inside
      for (int c0 = 0; c0 < padded(cols, row); c0 += row)
        for (int r0 = 0; r0 < padded(rows, 16); r0 += 16) row_major_fractal(r0, c0);
      break;
    case Layout::ZN:  // big Z: along the rows of fractals; small n: columns inside
      for (int r0 = 0; r0 < padded(rows, row); r0 += row)
        for (int c0 = 0; c0 < padded(cols, 16); c0 += 16) column_major_fractal(r0, c0);
      break;
    case Layout::ZZ:
      for (int r0 = 0; r0 < padded(rows, 16); r0 += 16)
        for (int c0 = 0; c0 < padded(cols, row); c0 += row) row_major_fractal(r0, c0);
      break;
  }
  return order;
}

void check(Layout layout, MemSpace space, DType t, int rows, int cols, int row) {
  INFO(name(layout) << " " << name(t) << " " << rows << "x" << cols);
  const std::vector<Cell> order = memory_order(layout, rows, cols, row);
  int64_t wrong = 0;
  for (size_t k = 0; k < order.size(); ++k) {
    const auto [r, c] = order[k];
    if (r < rows && c < cols && element_index(layout, space, t, rows, cols, r, c) != int64_t(k))
      ++wrong;
  }
  CHECK(wrong == 0);
  CHECK(tile_bytes(layout, space, t, rows, cols) == int64_t(order.size() * size_of(t)));
}

}  // namespace

TEST_CASE("element positions equal the fractal-by-fractal walk") {
  const std::vector<Cell> shapes = {{16, 32}, {64, 128}, {128, 256}, {5, 7},
                                    {33, 40}, {1, 512},  {256, 1}};
  for (const auto& [rows, cols] : shapes)
    for (Layout layout : {Layout::ND, Layout::NZ, Layout::ZN, Layout::ZZ}) {
      check(layout, MemSpace::L1, DType::BF16, rows, cols, 16);
      check(layout, MemSpace::L1, DType::I8, rows, cols, 32);
      check(layout, MemSpace::L1, DType::F32, rows, cols, 8);
    }
}

TEST_CASE("accumulator fractals are 16 x 16 words") {
  check(Layout::NZ, MemSpace::L0C, DType::F32, 48, 80, 16);
  check(Layout::NZ, MemSpace::L0C, DType::I32, 20, 30, 16);
  CHECK(c0(DType::F32, MemSpace::L0C) == 16);
  CHECK(c0(DType::F32, MemSpace::L1) == 8);
}

TEST_CASE("known corner positions by hand") {
  // bf16 [32, 48] NZ: strips of 16 columns, 32 rows of 16 elements each.
  CHECK(element_index(Layout::NZ, MemSpace::L1, DType::BF16, 32, 48, 1, 0) == 16);
  CHECK(element_index(Layout::NZ, MemSpace::L1, DType::BF16, 32, 48, 0, 16) == 512);
  CHECK(element_index(Layout::NZ, MemSpace::L1, DType::BF16, 32, 48, 17, 33) == 1024 + 17 * 16 + 1);
  // int8 [64, 32] ZN: bands of 32 rows, columns of 32 elements.
  CHECK(element_index(Layout::ZN, MemSpace::L0B, DType::I8, 64, 32, 1, 0) == 1);
  CHECK(element_index(Layout::ZN, MemSpace::L0B, DType::I8, 64, 32, 0, 1) == 32);
  CHECK(element_index(Layout::ZN, MemSpace::L0B, DType::I8, 64, 32, 32, 0) == 1024);
  // bf16 [32, 32] ZZ: fractals of 256 elements, left to right, then down.
  CHECK(element_index(Layout::ZZ, MemSpace::L0A, DType::BF16, 32, 32, 0, 16) == 256);
  CHECK(element_index(Layout::ZZ, MemSpace::L0A, DType::BF16, 32, 32, 16, 0) == 512);
}
