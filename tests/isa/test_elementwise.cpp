// Tile op tile, tile op scalar and unary arithmetic on every type, against plain scalar code.
#include "support.h"

using namespace isa_test;

namespace {

constexpr DType kArithmetic[] = {DType::F32, DType::F16, DType::I32, DType::I16};

uint64_t wrap(DType t, int64_t x) {
  return static_cast<uint64_t>(x) & (t == DType::I32 ? 0xffffffffu : 0xffffu);
}

float on_floats(Opcode op, float x, float y) {
  switch (op) {
    case Opcode::TADD:
    case Opcode::TADDS:
      return x + y;
    case Opcode::TSUB:
    case Opcode::TSUBS:
      return x - y;
    case Opcode::TMUL:
    case Opcode::TMULS:
      return x * y;
    case Opcode::TDIV:
    case Opcode::TDIVS:
      return x / y;
    case Opcode::TMAX:
    case Opcode::TMAXS:
      return std::isnan(x) ? x : std::isnan(y) ? y : x > y ? x : y;
    default:
      return std::isnan(x) ? x : std::isnan(y) ? y : x < y ? x : y;
  }
}
int64_t on_integers(Opcode op, int64_t x, int64_t y) {
  switch (op) {
    case Opcode::TADD:
    case Opcode::TADDS:
      return x + y;
    case Opcode::TSUB:
    case Opcode::TSUBS:
      return x - y;
    case Opcode::TMUL:
    case Opcode::TMULS:
      return static_cast<int64_t>(static_cast<uint64_t>(x) * static_cast<uint64_t>(y));
    case Opcode::TDIV:
    case Opcode::TDIVS:
      return y == 0 ? 0 : x / y;
    case Opcode::TMAX:
    case Opcode::TMAXS:
      return std::max(x, y);
    default:
      return std::min(x, y);
  }
}

/// Bits of x op y in type t; fp16 through fp32 and one rounding.
uint64_t reference(Opcode op, DType t, double x, double y) {
  if (!is_float(t))
    return wrap(t, on_integers(op, static_cast<int64_t>(x), static_cast<int64_t>(y)));
  const float f = on_floats(op, static_cast<float>(x), static_cast<float>(y));
  if (t == DType::F32) return float_bits(f);
  return std::isnan(f) ? 0x7e00 : f16().encode(static_cast<double>(f), RoundMode::Rint);
}

struct Shape {
  int rows, cols, valid_rows, valid_cols, gap;
};
constexpr Shape kShapes[] = {{1, 1, 1, 1, 0},     {4, 64, 4, 64, 0},  {5, 67, 5, 67, 1},
                             {8, 300, 3, 259, 5}, {16, 16, 16, 7, 0}, {3, 8, 0, 8, 0}};

}  // namespace

TEST_CASE("tile op tile on every type and shape") {
  on_every_host([] {
    Random random(1);
    for (const Opcode op :
         {Opcode::TADD, Opcode::TSUB, Opcode::TMUL, Opcode::TDIV, Opcode::TMAX, Opcode::TMIN})
      for (const DType t : kArithmetic)
        for (const Shape& s : kShapes) {
          CAPTURE(name(op), name(t), s.rows, s.cols);
          Tile a(t, s.rows, s.cols, s.valid_rows, s.valid_cols, s.gap),
              b(t, s.rows, s.cols, -1, -1, s.gap + 2);
          Tile dst(t, s.rows + 1, s.cols, -1, -1, s.gap);
          for (Tile* x : {&a, &b}) {
            fill_ordinary(*x, random);
            add_specials(*x, random);
          }
          const Tile before(dst);
          run(op, dst, {&a, &b});
          require_result(dst, before, s.valid_rows, s.valid_cols, [&](int r, int c) {
            return reference(op, t, a.value(r, c), b.value(r, c));
          });
        }
  });
}

TEST_CASE("tile op scalar on every type and shape") {
  on_every_host([] {
    Random random(2);
    for (const Opcode op :
         {Opcode::TADDS, Opcode::TSUBS, Opcode::TMULS, Opcode::TDIVS, Opcode::TMAXS, Opcode::TMINS})
      for (const DType t : kArithmetic)
        for (const Shape& s : kShapes)
          for (const double imm : {3.0, -7.0, 0.3, 0.0, 65537.0}) {
            CAPTURE(name(op), name(t), s.rows, s.cols, imm);
            Tile a(t, s.rows, s.cols, s.valid_rows, s.valid_cols, s.gap),
                dst(t, s.rows, s.cols, -1, -1, s.gap);
            fill_ordinary(a, random);
            add_specials(a, random);
            const Tile before(dst);
            isa::Attr attr;
            attr.imm = imm;
            run(op, dst, {&a}, attr);
            // the scalar has the tile's type: rounded, or cut and wrapped
            double y = imm;
            if (t == DType::F16)
              y = f16().decode(
                  f16().encode(static_cast<double>(static_cast<float>(imm)), RoundMode::Rint));
            if (t == DType::I32) y = static_cast<int32_t>(imm);
            if (t == DType::I16) y = static_cast<int16_t>(static_cast<int32_t>(imm));
            require_result(dst, before, s.valid_rows, s.valid_cols,
                           [&](int r, int c) { return reference(op, t, a.value(r, c), y); });
          }
  });
}

TEST_CASE("absolute value and negation on every type") {
  on_every_host([] {
    Random random(3);
    for (const DType t : kArithmetic)
      for (const Shape& s : kShapes) {
        CAPTURE(name(t), s.rows, s.cols);
        Tile a(t, s.rows, s.cols, s.valid_rows, s.valid_cols, s.gap),
            dst(t, s.rows, s.cols, -1, -1, s.gap);
        fill_ordinary(a, random);
        add_specials(a, random);
        const Tile before(dst);
        const uint64_t sign = t == DType::F32 || t == DType::I32 ? 0x80000000u : 0x8000u;
        run(Opcode::TABS, dst, {&a});
        require_result(dst, before, s.valid_rows, s.valid_cols, [&](int r, int c) {
          return is_float(t) ? a.bits(r, c) & ~sign
                             : wrap(t, std::abs(static_cast<int64_t>(a.value(r, c))));
        });
        Tile negated(before);
        run(Opcode::TNEG, negated, {&a});
        require_result(negated, before, s.valid_rows, s.valid_cols, [&](int r, int c) {
          return is_float(t) ? a.bits(r, c) ^ sign : wrap(t, -static_cast<int64_t>(a.value(r, c)));
        });
      }
  });
}

TEST_CASE("square root, reciprocal and their combination are correctly rounded step by step") {
  on_every_host([] {
    Random random(4);
    for (const DType t : {DType::F32, DType::F16}) {
      Tile a(t, 9, 133), dst(t, 9, 133);
      fill_ordinary(a, random);
      add_specials(a, random);
      const Tile before(dst);
      const auto rounded = [&](float f) -> uint64_t {
        if (t == DType::F32) return float_bits(f);
        return std::isnan(f) ? 0x7e00 : f16().encode(static_cast<double>(f), RoundMode::Rint);
      };
      CAPTURE(name(t));
      run(Opcode::TSQRT, dst, {&a});
      require_result(dst, before, 9, 133, [&](int r, int c) {
        return rounded(std::sqrt(static_cast<float>(a.value(r, c))));
      });
      Tile inverse(before), root(before), precise(before);
      run(Opcode::TRECIP, inverse, {&a});
      require_result(inverse, before, 9, 133, [&](int r, int c) {
        return rounded(1.0f / static_cast<float>(a.value(r, c)));
      });
      run(Opcode::TRSQRT, root, {&a});
      require_result(root, before, 9, 133, [&](int r, int c) {
        return rounded(1.0f / std::sqrt(static_cast<float>(a.value(r, c))));
      });
      isa::Attr attr;
      attr.high_precision = true;
      run(Opcode::TRSQRT, precise, {&a}, attr);
      CHECK(precise.bytes == root.bytes);
    }
  });
}

TEST_CASE("a source may be the destination") {
  on_every_host([] {
    Random random(5);
    for (const DType t : kArithmetic)
      for (const Opcode op : {Opcode::TADD, Opcode::TMUL, Opcode::TMAX}) {
        Tile a(t, 3, 517), b(t, 3, 517), apart(t, 3, 517);
        fill_ordinary(a, random);
        fill_ordinary(b, random);
        run(op, apart, {&a, &b});
        Tile left(a), right(b), doubled(a), twice(t, 3, 517);
        run(op, left, {&left, &b});
        run(op, right, {&a, &right});
        run(op, twice, {&a, &a});
        run(op, doubled, {&doubled, &doubled});
        Mismatches m;
        for (int r = 0; r < 3; ++r)
          for (int c = 0; c < 517; ++c) {
            m.expect(left.bits(r, c) == apart.bits(r, c), "left", r, c);
            m.expect(right.bits(r, c) == apart.bits(r, c), "right", r, c);
            m.expect(doubled.bits(r, c) == twice.bits(r, c), "both", r, c);
          }
        CAPTURE(name(op), name(t));
        REQUIRE_NO_MISMATCH(m);
      }
  });
}

TEST_CASE("a maximum used as relu lets a NaN through") {
  Tile a(DType::F32, 1, 40), b(DType::F32, 1, 40), dst(DType::F32, 1, 40);
  for (int c = 0; c < 40; ++c) {
    a.at<float>(0, c) = c % 3 == 0 ? std::nanf("") : -1.0f;
    b.at<float>(0, c) = c % 5 == 0 ? std::nanf("") : 0.0f;
  }
  on_every_host([&] {
    run(Opcode::TMAX, dst, {&a, &b});
    for (int c = 0; c < 40; ++c) {
      if (c % 3 == 0 || c % 5 == 0)
        CHECK(std::isnan(dst.at<float>(0, c)));
      else
        CHECK(dst.at<float>(0, c) == 0.0f);
    }
  });
}
