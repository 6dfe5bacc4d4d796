// Row and column expansions.
#include "support.h"

using namespace isa_test;

namespace {

float apply(Opcode op, float x, float y) {
  switch (op) {
    case Opcode::TROWEXPANDADD:
    case Opcode::TCOLEXPANDADD:
      return x + y;
    case Opcode::TROWEXPANDSUB:
    case Opcode::TCOLEXPANDSUB:
      return x - y;
    case Opcode::TROWEXPANDMUL:
    case Opcode::TCOLEXPANDMUL:
      return x * y;
    default:
      return x / y;
  }
}

uint64_t rounded(DType t, float f) {
  if (t == DType::F32) return float_bits(f);
  return f16().encode(static_cast<double>(f), RoundMode::Rint);
}

struct Shape {
  int rows, cols, valid_rows, valid_cols;
};
constexpr Shape kShapes[] = {
    {1, 1, 1, 1}, {16, 128, 16, 128}, {9, 77, 7, 70}, {12, 1, 12, 1}, {3, 520, 3, 515}};

}  // namespace

TEST_CASE("a column or row operand is repeated over the tile") {
  on_every_host([] {
    Random random(1);
    for (const DType t : {DType::F32, DType::F16})
      for (const Shape& s : kShapes) {
        Tile a(t, s.rows, s.cols, s.valid_rows, s.valid_cols), dst(t, s.rows, s.cols);
        Tile col = column(t, s.rows), row(t, 1, s.cols);
        for (Tile* x : {&a, &col, &row}) fill_ordinary(*x, random);
        const Tile before(dst);
        for (const Opcode op : {Opcode::TROWEXPANDADD, Opcode::TROWEXPANDSUB, Opcode::TROWEXPANDMUL,
                                Opcode::TROWEXPANDDIV}) {
          CAPTURE(name(op), name(t), s.rows, s.cols);
          Tile d(before);
          run(op, d, {&a, &col});
          require_result(d, before, s.valid_rows, s.valid_cols, [&](int r, int c) {
            return rounded(t, apply(op, static_cast<float>(a.value(r, c)),
                                    static_cast<float>(col.value(r, 0))));
          });
        }
        for (const Opcode op : {Opcode::TCOLEXPANDADD, Opcode::TCOLEXPANDSUB, Opcode::TCOLEXPANDMUL,
                                Opcode::TCOLEXPANDDIV}) {
          CAPTURE(name(op), name(t), s.rows, s.cols);
          Tile d(before);
          run(op, d, {&a, &row});
          require_result(d, before, s.valid_rows, s.valid_cols, [&](int r, int c) {
            return rounded(t, apply(op, static_cast<float>(a.value(r, c)),
                                    static_cast<float>(row.value(0, c))));
          });
        }
      }
  });
}

TEST_CASE("expanding on contiguous and on single-column tiles, in place") {
  on_every_host([] {
    Random random(2);
    Tile a(DType::F32, 32, 16, -1, -1, 0), col = column(DType::F32, 32);
    fill_ordinary(a, random);
    fill_ordinary(col, random);
    const Tile original(a);
    run(Opcode::TROWEXPANDMUL, a, {&a, &col});
    require_result(a, original, 32, 16, [&](int r, int c) {
      return float_bits(original.at<float>(r, c) * col.at<float>(r, 0));
    });
    Tile stats = column(DType::F32, 32);
    fill_ordinary(stats, random);
    const Tile before(stats);
    run(Opcode::TROWEXPANDSUB, stats, {&stats, &col});
    require_result(stats, before, 32, 1, [&](int r, int) {
      return float_bits(before.at<float>(r, 0) - col.at<float>(r, 0));
    });
    Tile product = column(DType::F32, 32);
    run(Opcode::TMUL, product, {&before, &col});
    for (int r = 0; r < 32; ++r)
      CHECK(product.at<float>(r, 0) == before.at<float>(r, 0) * col.at<float>(r, 0));
  });
}

TEST_CASE("expdif is exp of the difference") {
  on_every_host([] {
    Random random(3);
    for (const DType t : {DType::F32, DType::F16}) {
      Tile a(t, 5, 70), row(t, 1, 70), dst(t, 5, 70);
      fill_ordinary(a, random);
      fill_ordinary(row, random);
      run(Opcode::TCOLEXPANDEXPDIF, dst, {&a, &row});
      Tile exact(DType::F32, 5, 70), e(DType::F32, 5, 70);
      for (int r = 0; r < 5; ++r)
        for (int c = 0; c < 70; ++c)
          exact.at<float>(r, c) =
              static_cast<float>(a.value(r, c)) - static_cast<float>(row.value(0, c));
      run(Opcode::TEXP, e, {&exact});
      Mismatches m;
      for (int r = 0; r < 5; ++r)
        for (int c = 0; c < 70; ++c)
          m.expect(dst.bits(r, c) == rounded(t, e.at<float>(r, c)), r, c);
      REQUIRE_NO_MISMATCH(m);
    }
  });
}

TEST_CASE("plain expansion copies bits, with or without a tile that gives the shape") {
  Random random(4);
  for (const DType t : {DType::F32, DType::F16, DType::I32, DType::BF16}) {
    Tile like(t, 6, 40, 4, 33), col = column(t, 6), row(t, 1, 40), dst(t, 6, 40, 5, 39);
    for (Tile* x : {&like, &col, &row}) fill_ordinary(*x, random);
    const Tile before(dst);
    CAPTURE(name(t));
    for (const bool shaped : {true, false}) {
      const int rows = shaped ? 4 : 5, cols = shaped ? 33 : 39;
      Tile d(before), e(before);
      run(Opcode::TROWEXPAND, d,
          shaped ? std::vector<const Tile*>{&like, &col} : std::vector<const Tile*>{&col});
      require_result(d, before, rows, cols, [&](int r, int) { return col.bits(r, 0); });
      run(Opcode::TCOLEXPAND, e,
          shaped ? std::vector<const Tile*>{&like, &row} : std::vector<const Tile*>{&row});
      require_result(e, before, rows, cols, [&](int, int c) { return row.bits(0, c); });
    }
  }
}
