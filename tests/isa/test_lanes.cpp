// Instructions that move, fill, select and reorder elements.
#include "support.h"

using namespace isa_test;

namespace {

constexpr DType kTypes[] = {DType::F32, DType::BF16, DType::F16, DType::I8,  DType::U8,
                            DType::I16, DType::U16,  DType::I32, DType::U32, DType::I64};

uint64_t mask_of(DType t) {
  return isa::size_of(t) == 8 ? ~uint64_t{0} : (uint64_t{1} << (8 * isa::size_of(t))) - 1;
}

}  // namespace

TEST_CASE("TMOV copies the valid area of every type") {
  Random random(1);
  for (const DType t : kTypes) {
    Tile a(t, 9, 50, 7, 43), dst(t, 9, 60);
    fill_ordinary(a, random);
    const Tile before(dst);
    run(Opcode::TMOV, dst, {&a});
    CAPTURE(name(t));
    require_result(dst, before, 7, 43, [&](int r, int c) { return a.bits(r, c); });
  }
}

TEST_CASE("TEXPANDS writes the value in the tile's type") {
  struct Row {
    DType type;
    double value;
    uint64_t bits;
  };
  const Row rows[] = {{DType::F32, 1.5, 0x3fc00000},
                      {DType::F32, 0.1, 0x3dcccccd},
                      {DType::BF16, 1.5, 0x3fc0},
                      {DType::BF16, 0.1, 0x3dcd},
                      {DType::F16, -2, 0xc000},
                      {DType::I8, -1, 0xff},
                      {DType::U8, 200, 200},
                      {DType::I16, -2, 0xfffe},
                      {DType::I32, -5, 0xfffffffb},
                      {DType::U32, 4e9, 4000000000u},
                      {DType::I64, -1, ~uint64_t{0}},
                      {DType::I8, 300, 44},
                      {DType::I32, 2.9, 2}};
  for (const Row& row : rows) {
    Tile dst(row.type, 5, 19, 4, 17);
    const Tile before(dst);
    isa::Attr attr;
    attr.imm = row.value;
    run(Opcode::TEXPANDS, dst, {}, attr);
    CAPTURE(name(row.type), row.value);
    require_result(dst, before, 4, 17, [&](int, int) { return row.bits; });
  }
}

TEST_CASE("TFILLPAD copies the valid area and pads the rest of the static shape") {
  struct Row {
    DType type;
    uint64_t min, max;
  };
  // the lowest and highest finite values, as bit patterns
  const Row rows[] = {{DType::F32, 0xff7fffff, 0x7f7fffff},
                      {DType::BF16, 0xff7f, 0x7f7f},
                      {DType::F16, 0xfbff, 0x7bff},
                      {DType::I32, 0x80000000, 0x7fffffff},
                      {DType::I16, 0x8000, 0x7fff},
                      {DType::I8, 0x80, 0x7f},
                      {DType::U8, 0, 0xff},
                      {DType::U16, 0, 0xffff},
                      {DType::U32, 0, 0xffffffff},
                      {DType::I64, uint64_t{1} << 63, ~(uint64_t{1} << 63)}};
  Random random(2);
  for (const Row& row : rows)
    for (const isa::PadValue pad : {isa::PadValue::Zero, isa::PadValue::Min, isa::PadValue::Max})
      for (const bool in_place : {false, true}) {
        Tile a(row.type, 6, 20, 4, 13), dst(row.type, 6, 20);
        fill_ordinary(a, random);
        const Tile source(a);
        Tile& target = in_place ? a : dst;
        const Tile before(target);
        isa::Attr attr;
        attr.pad = pad;
        run(Opcode::TFILLPAD, target, {&a}, attr);
        const uint64_t fill = pad == isa::PadValue::Zero  ? 0
                              : pad == isa::PadValue::Min ? row.min
                                                          : row.max;
        CAPTURE(name(row.type), name(pad), in_place);
        require_result(target, before, 6, 20,
                       [&](int r, int c) { return r < 4 && c < 13 ? source.bits(r, c) : fill; });
      }
}

TEST_CASE("TCI counts up or down in every row") {
  for (const DType t : {DType::I32, DType::U32, DType::I16, DType::I8})
    for (const bool descending : {false, true}) {
      Tile dst(t, 3, 200, 2, 190);
      const Tile before(dst);
      isa::Attr attr;
      attr.imm = 100;
      attr.descending = descending;
      run(Opcode::TCI, dst, {}, attr);
      CAPTURE(name(t), descending);
      require_result(dst, before, 2, 190, [&](int, int c) {
        return static_cast<uint64_t>(int64_t{100} + (descending ? -c : c)) & mask_of(t);
      });
    }
}

TEST_CASE("comparisons give one or zero; a NaN is only unequal") {
  Random random(3);
  const auto holds = [](isa::CmpOp op, double x, double y) {
    switch (op) {
      case isa::CmpOp::Eq:
        return x == y;
      case isa::CmpOp::Ne:
        return x != y;
      case isa::CmpOp::Lt:
        return x < y;
      case isa::CmpOp::Le:
        return x <= y;
      case isa::CmpOp::Gt:
        return x > y;
      default:
        return x >= y;
    }
  };
  for (const DType t : {DType::F32, DType::F16, DType::I32, DType::I16})
    for (const DType mask : {DType::U8, DType::I32, DType::F32, DType::F16})
      for (int op = 0; op < 6; ++op) {
        isa::Attr attr;
        attr.cmp = static_cast<isa::CmpOp>(op);
        attr.imm = 2;
        Tile a(t, 4, 30, 3, 29), b(t, 4, 30), dst(mask, 4, 30), scalar(mask, 4, 30);
        fill_ordinary(a, random);
        fill_ordinary(b, random);
        add_specials(a, random);
        add_specials(b, random);
        for (int c = 0; c < 30; c += 3)
          std::memcpy(&b.at<uint8_t>(0, 0) + c * isa::size_of(t),
                      &a.at<uint8_t>(0, 0) + c * isa::size_of(t), isa::size_of(t));
        const uint64_t one = mask == DType::F32 ? 0x3f800000 : mask == DType::F16 ? 0x3c00 : 1;
        const Tile before(dst);
        CAPTURE(name(t), name(mask), name(attr.cmp));
        run(Opcode::TCMP, dst, {&a, &b}, attr);
        require_result(dst, before, 3, 29, [&](int r, int c) {
          return holds(attr.cmp, a.value(r, c), b.value(r, c)) ? one : 0;
        });
        run(Opcode::TCMPS, scalar, {&a}, attr);
        require_result(scalar, before, 3, 29,
                       [&](int r, int c) { return holds(attr.cmp, a.value(r, c), 2) ? one : 0; });
      }
}

TEST_CASE("TSEL takes a where the mask is not zero") {
  Random random(4);
  for (const DType t : {DType::F32, DType::I16, DType::I8, DType::BF16})
    for (const DType m : {DType::U8, DType::I32, DType::F32, DType::F16}) {
      Tile mask(m, 4, 30, 4, 29), a(t, 4, 30), b(t, 4, 30), dst(t, 4, 30);
      fill_ordinary(a, random);
      fill_ordinary(b, random);
      for (int r = 0; r < 4; ++r)
        for (int c = 0; c < 30; ++c) isa::set_scalar(mask.view, r, c, (r + c) % 3 == 0 ? 1 : 0);
      if (m == DType::F32) mask.at<uint32_t>(0, 1) = 0x80000000u;  // minus zero is zero
      const Tile before(dst);
      run(Opcode::TSEL, dst, {&mask, &a, &b});
      CAPTURE(name(t), name(m));
      require_result(dst, before, 4, 29,
                     [&](int r, int c) { return (r + c) % 3 == 0 ? a.bits(r, c) : b.bits(r, c); });
    }
}

TEST_CASE("TGATHER picks by index; outside the row it gives zero") {
  Random random(5);
  std::uniform_int_distribution<int> any(-3, 70);
  for (const DType t : {DType::F32, DType::I32, DType::F16, DType::I16, DType::BF16})
    for (const DType i : {DType::I32, DType::U32}) {
      Tile src(t, 5, 64, 5, 60), index(i, 4, 90, 4, 81), dst(t, 4, 90);
      fill_ordinary(src, random);
      for (int r = 0; r < 4; ++r)
        for (int c = 0; c < 90; ++c) index.at<int32_t>(r, c) = any(random);
      const Tile before(dst);
      run(Opcode::TGATHER, dst, {&src, &index});
      CAPTURE(name(t), name(i));
      require_result(dst, before, 4, 81, [&](int r, int c) -> uint64_t {
        const int32_t at = index.at<int32_t>(r, c);
        return at >= 0 && at < 64 ? src.bits(r, at) : 0;
      });
    }
}

TEST_CASE("the swap gather of rope exchanges neighbours") {
  Tile src(DType::F32, 2, 6), index(DType::I32, 2, 6), dst(DType::F32, 2, 6);
  for (int r = 0; r < 2; ++r)
    for (int c = 0; c < 6; ++c) {
      src.at<float>(r, c) = static_cast<float>(10 * r + c);
      index.at<int32_t>(r, c) = c ^ 1;
    }
  run(Opcode::TGATHER, dst, {&src, &index});
  const float want[2][6] = {{1, 0, 3, 2, 5, 4}, {11, 10, 13, 12, 15, 14}};
  for (int r = 0; r < 2; ++r)
    for (int c = 0; c < 6; ++c) CHECK(dst.at<float>(r, c) == want[r][c]);
}

TEST_CASE("TSCATTER puts by index, the last one wins, other lanes stay") {
  Tile src(DType::F32, 2, 5, 2, 4), index(DType::I32, 2, 5), dst(DType::F32, 2, 6);
  const int at[2][5] = {{3, 0, 3, 9, 1}, {-1, 5, 4, 0, 2}};
  for (int r = 0; r < 2; ++r)
    for (int c = 0; c < 5; ++c) {
      src.at<float>(r, c) = static_cast<float>(10 * (r + 1) + c);
      index.at<int32_t>(r, c) = at[r][c];
    }
  for (int r = 0; r < 2; ++r)
    for (int c = 0; c < 6; ++c) dst.at<float>(r, c) = -1;
  run(Opcode::TSCATTER, dst, {&src, &index});
  const float want[2][6] = {{11, -1, -1, 12, -1, -1}, {23, -1, -1, -1, 22, 21}};
  for (int r = 0; r < 2; ++r)
    for (int c = 0; c < 6; ++c) CHECK(dst.at<float>(r, c) == want[r][c]);
}

TEST_CASE("mask gather keeps even or odd lanes, mask scatter puts them back") {
  Random random(6);
  for (const DType t : {DType::F32, DType::I32, DType::F16})
    for (const isa::MaskPattern p : {isa::MaskPattern::P0101, isa::MaskPattern::P1010})
      for (const int width : {1, 2, 15, 64}) {
        const int odd = p == isa::MaskPattern::P1010 ? 1 : 0;
        const int lanes = odd == 1 ? width / 2 : (width + 1) / 2;
        isa::Attr attr;
        attr.mask = p;
        Tile src(t, 3, 64, 3, width), dst(t, 3, 64);
        fill_ordinary(src, random);
        const Tile before(dst);
        run(Opcode::TGATHERM, dst, {&src}, attr);
        CAPTURE(name(t), name(p), width);
        require_result(dst, before, 3, lanes,
                       [&](int r, int k) { return src.bits(r, 2 * k + odd); });
        Tile narrow(t, 3, 64, 3, lanes), wide(t, 3, 130);
        fill_ordinary(narrow, random);
        fill_ordinary(wide, random);
        const Tile old(wide);
        run(Opcode::TSCATTERM, wide, {&narrow}, attr);
        require_result(wide, old, 3, 130, [&](int r, int c) {
          return c % 2 == odd && c / 2 < lanes ? narrow.bits(r, c / 2) : old.bits(r, c);
        });
      }
}

TEST_CASE("a mask gather may reinterpret the bits") {
  Tile src(DType::F32, 1, 4), dst(DType::I32, 1, 2);
  for (int c = 0; c < 4; ++c)
    src.at<uint32_t>(0, c) = 0x7fc00000u + static_cast<uint32_t>(c);  // NaN payloads
  isa::Attr attr;
  attr.mask = isa::MaskPattern::P1010;
  run(Opcode::TGATHERM, dst, {&src}, attr);
  CHECK(dst.at<int32_t>(0, 0) == 0x7fc00001);
  CHECK(dst.at<int32_t>(0, 1) == 0x7fc00003);
}

TEST_CASE("TTRANS and TCONCAT") {
  Random random(7);
  for (const DType t : {DType::F32, DType::BF16, DType::I8, DType::I32}) {
    Tile a(t, 9, 20, 7, 17), b(t, 9, 12, 7, 11), turned(t, 20, 9), joined(t, 9, 32);
    fill_ordinary(a, random);
    fill_ordinary(b, random);
    const Tile before_t(turned), before_j(joined);
    CAPTURE(name(t));
    run(Opcode::TTRANS, turned, {&a});
    require_result(turned, before_t, 17, 7, [&](int r, int c) { return a.bits(c, r); });
    run(Opcode::TCONCAT, joined, {&a, &b});
    require_result(joined, before_j, 7, 28,
                   [&](int r, int c) { return c < 17 ? a.bits(r, c) : b.bits(r, c - 17); });
  }
}
