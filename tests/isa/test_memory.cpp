// Loads, stores and single elements.
#include <cmath>

#include "support.h"

using namespace isa_test;

namespace {

constexpr DType kTypes[] = {DType::F32, DType::BF16, DType::F16, DType::I8,  DType::U8,
                            DType::I16, DType::U16,  DType::I32, DType::U32, DType::I64};

isa::GmAccess window(DType t, int64_t offset, int64_t row_stride, int rows, int cols) {
  isa::GmAccess gm;
  gm.buffer = isa::BufferId(0);
  gm.dtype = t;
  gm.offset = offset;
  gm.row_stride = row_stride;
  gm.rows = rows;
  gm.cols = cols;
  return gm;
}

}  // namespace

TEST_CASE("a load copies the window and zeroes the rest of the static shape") {
  Random random(1);
  for (const DType t : kTypes) {
    Tile gm(t, 20, 30, -1, -1, 0), dst(t, 8, 16);
    fill_ordinary(gm, random);
    const Tile before(dst);
    isa::load(dst.view, window(t, 3 * 30 + 5, 60, 6, 11), gm.view.data);
    CAPTURE(name(t));
    require_result(dst, before, 8, 16,
                   [&](int r, int c) { return r < 6 && c < 11 ? gm.bits(3 + 2 * r, 5 + c) : 0; });
  }
}

TEST_CASE("an empty window loads zeros") {
  Tile dst(DType::F32, 3, 4);
  const Tile before(dst);
  const uint8_t nothing = 0;
  isa::load(dst.view, window(DType::F32, 0, 4, 0, 0), &nothing);
  require_result(dst, before, 3, 4, [](int, int) { return 0; });
}

TEST_CASE("a store writes the valid part inside the window") {
  Random random(2);
  struct Row {
    int valid_rows, valid_cols, rows, cols;
  };
  for (const DType t : kTypes)
    for (const Row& s : {Row{8, 16, 8, 16}, Row{5, 9, 8, 16}, Row{8, 16, 3, 7}, Row{5, 7, 4, 16}}) {
      Tile src(t, 8, 16, s.valid_rows, s.valid_cols), gm(t, 20, 30, -1, -1, 0);
      fill_ordinary(src, random);
      const Tile before(gm);
      isa::store(src.view, window(t, 2 * 30 + 4, 30, s.rows, s.cols), gm.view.data, false);
      const int rows = std::min(s.valid_rows, s.rows), cols = std::min(s.valid_cols, s.cols);
      CAPTURE(name(t), s.valid_rows, s.valid_cols, s.rows, s.cols);
      require_result(gm, before, 20, 30, [&](int r, int c) {
        const bool inside = r >= 2 && r < 2 + rows && c >= 4 && c < 4 + cols;
        return inside ? src.bits(r - 2, c - 4) : before.bits(r, c);
      });
    }
}

TEST_CASE("an atomic store adds") {
  Random random(3);
  for (const DType t : {DType::F32, DType::I32, DType::BF16}) {
    Tile src(t, 4, 40, 4, 37), gm(t, 4, 40, -1, -1, 0);
    fill_ordinary(src, random);
    fill_ordinary(gm, random);
    const Tile before(gm);
    isa::store(src.view, window(t, 0, 40, 4, 40), gm.view.data, true);
    CAPTURE(name(t));
    require_result(gm, before, 4, 37, [&](int r, int c) -> uint64_t {
      if (t == DType::I32) return (src.bits(r, c) + before.bits(r, c)) & 0xffffffffu;
      const float sum =
          static_cast<float>(before.value(r, c)) + static_cast<float>(src.value(r, c));
      return t == DType::F32 ? float_bits(sum)
                             : bf16().encode(static_cast<double>(sum), RoundMode::Rint);
    });
  }
}

TEST_CASE("an accumulator narrows to bf16 or fp16 on its way out") {
  Random random(4);
  for (const DType from : {DType::F32, DType::I32})
    for (const DType to : {DType::BF16, DType::F16})
      for (const bool atomic : {false, true}) {
        if (atomic && to == DType::F16) continue;
        Tile src(from, 3, 50), gm(to, 3, 50, -1, -1, 0);
        fill_ordinary(src, random);
        if (from == DType::F32) add_specials(src, random);
        fill_ordinary(gm, random);
        const Tile before(gm);
        isa::store(src.view, window(to, 0, 50, 3, 50), gm.view.data, atomic);
        CAPTURE(name(from), name(to), atomic);
        const Format& format = to == DType::BF16 ? bf16() : f16();
        require_result(gm, before, 3, 50, [&](int r, int c) -> uint64_t {
          const double x = static_cast<double>(static_cast<float>(src.value(r, c)));
          if (std::isnan(x)) return to == DType::BF16 ? 0x7fc0 : 0x7e00;
          const uint16_t narrow = format.encode(x, RoundMode::Rint);
          if (!atomic) return narrow;
          const float sum =
              static_cast<float>(before.value(r, c)) + static_cast<float>(format.decode(narrow));
          return std::isnan(sum) ? 0x7fc0
                                 : format.encode(static_cast<double>(sum), RoundMode::Rint);
        });
      }
}

TEST_CASE("single elements as double and as integer") {
  Random random(5);
  for (const DType t : kTypes) {
    Tile tile(t, 3, 9);
    fill_ordinary(tile, random);
    CAPTURE(name(t));
    for (int r = 0; r < 3; ++r)
      for (int c = 0; c < 9; ++c) {
        CHECK(isa::get_scalar(tile.view, r, c) == tile.value(r, c));
        if (!is_float(t)) {
          const uint8_t* p =
              tile.view.data + (r * tile.view.stride + c) * static_cast<int64_t>(isa::size_of(t));
          if (t == DType::I64)
            CHECK(isa::get_integer(p, t) == tile.at<int64_t>(r, c));
          else
            CHECK(static_cast<double>(isa::get_integer(p, t)) == tile.value(r, c));
        }
      }
    const Tile before(tile);
    isa::set_scalar(tile.view, 1, 2, 3);
    require_result(tile, before, 3, 9, [&](int r, int c) {
      if (r != 1 || c != 2) return before.bits(r, c);
      const std::pair<DType, uint64_t> three[] = {
          {DType::F32, 0x40400000}, {DType::BF16, 0x4040}, {DType::F16, 0x4200}};
      for (const auto& [type, bits] : three)
        if (type == t) return bits;
      return uint64_t{3};
    });
  }
}

TEST_CASE("integers keep all 64 bits and wrap to their type") {
  uint8_t p[8];
  const int64_t big = 0x123456789abcdef0;
  isa::set_integer(p, DType::I64, big);
  CHECK(isa::get_integer(p, DType::I64) == big);
  isa::set_integer(p, DType::I32, big);
  CHECK(isa::get_integer(p, DType::I32) == static_cast<int32_t>(0x9abcdef0u));
  CHECK(isa::get_integer(p, DType::U32) == 0x9abcdef0);
  isa::set_integer(p, DType::I16, big);
  CHECK(isa::get_integer(p, DType::I16) == static_cast<int16_t>(0xdef0u));
  CHECK(isa::get_integer(p, DType::U16) == 0xdef0);
  isa::set_integer(p, DType::U8, -1);
  CHECK(isa::get_integer(p, DType::U8) == 255);
  CHECK(isa::get_integer(p, DType::I8) == -1);
}
