// The cube's product against three plain loops with one rounding per addition.
#include "support.h"

using namespace isa_test;

namespace {

struct Shape {
  int m, k, n;
};
// around the register tiles (4x8, 6x16, 12x32), the K block (256) and the kernels' own tiles
constexpr Shape kShapes[] = {{1, 1, 1},     {3, 5, 7},     {4, 16, 8},     {6, 32, 16},
                             {12, 64, 32},  {13, 65, 33},  {16, 255, 40},  {17, 256, 31},
                             {24, 257, 64}, {5, 513, 9},   {16, 128, 100}, {31, 17, 95},
                             {128, 64, 32}, {25, 300, 130}};

double operand(const Tile& b, bool trans, int k, int n) {
  return trans ? b.value(n, k) : b.value(k, n);
}

uint64_t reference(const Tile& before, const Tile& a, const Tile& b, int i, int j, int k,
                   bool trans, bool accumulate) {
  if (a.view.dtype == DType::I8) {
    uint64_t sum = accumulate ? before.bits(i, j) : 0;
    for (int p = 0; p < k; ++p)
      sum += static_cast<uint64_t>(static_cast<int64_t>(a.value(i, p)) *
                                   static_cast<int64_t>(operand(b, trans, p, j)));
    return sum & 0xffffffffu;
  }
  float sum = accumulate ? before.at<float>(i, j) : 0.0f;
  for (int p = 0; p < k; ++p)
    sum = std::fma(static_cast<float>(a.value(i, p)), static_cast<float>(operand(b, trans, p, j)),
                   sum);
  return float_bits(sum);
}

struct Case {
  Case(DType t, Shape s, bool trans, Random& random)
      : a(t, s.m + 2, s.k + 3, s.m, s.k),
        b(t, (trans ? s.n : s.k) + 1, (trans ? s.k : s.n) + 2, trans ? s.n : s.k,
          trans ? s.k : s.n),
        c(t == DType::I8 ? DType::I32 : DType::F32, s.m + 1, s.n + 2) {
    for (Tile* x : {&a, &b, &c}) fill_ordinary(*x, random);
  }
  Tile a, b, c;
};

}  // namespace

TEST_CASE("the product in every type, shape and form") {
  on_every_host([] {
    Random random(1);
    for (const DType t : {DType::BF16, DType::F16, DType::I8, DType::F32})
      for (const Shape& s : kShapes)
        for (const bool trans : {false, true})
          for (const bool accumulate : {false, true}) {
            CAPTURE(name(t), s.m, s.k, s.n, trans, accumulate);
            Case x(t, s, trans, random);
            const Tile before(x.c);
            isa::matmul(x.c.view, x.a.view, x.b.view, trans, accumulate);
            require_result(x.c, before, s.m, s.n, [&](int i, int j) {
              return reference(before, x.a, x.b, i, j, s.k, trans, accumulate);
            });
          }
  });
}

TEST_CASE("splitting K into calls gives the same bits") {
  on_every_host([] {
    Random random(2);
    for (const DType t : {DType::BF16, DType::F32, DType::I8})
      for (const bool trans : {false, true}) {
        Case x(t, {18, 640, 70}, trans, random);
        isa::matmul(x.c.view, x.a.view, x.b.view, trans, false);
        Tile parts(x.c.view.dtype, 19, 72);
        int from = 0;
        for (const int length : {16, 100, 300, 1, 223}) {
          TileView a = x.a.view, b = x.b.view;
          const int64_t size = static_cast<int64_t>(isa::size_of(t));
          a.data += from * size;
          a.valid_cols = a.cols = length;
          b.data += from * size * (trans ? 1 : b.stride);
          (trans ? b.valid_cols : b.valid_rows) = length;
          isa::matmul(parts.view, a, b, trans, from != 0);
          from += length;
        }
        REQUIRE(from == 640);
        Mismatches m;
        for (int i = 0; i < 18; ++i)
          for (int j = 0; j < 70; ++j) m.expect(parts.bits(i, j) == x.c.bits(i, j), i, j);
        CAPTURE(name(t), trans);
        REQUIRE_NO_MISMATCH(m);
      }
  });
}

TEST_CASE("int8 stays exact where fp32 sums would not") {
  on_every_host([] {
    Tile a(DType::I8, 13, 2049), b(DType::I8, 2049, 33), c(DType::I32, 13, 33);
    for (int i = 0; i < 13; ++i)
      for (int p = 0; p < 2049; ++p) a.at<int8_t>(i, p) = static_cast<int8_t>(p == 2048 ? 1 : -128);
    for (int p = 0; p < 2049; ++p)
      for (int j = 0; j < 33; ++j) b.at<int8_t>(p, j) = static_cast<int8_t>(p == 2048 ? 1 : -128);
    isa::matmul(c.view, a.view, b.view, false, false);
    for (int j = 0; j < 33; ++j) REQUIRE(c.at<int32_t>(12, j) == 2048 * 16384 + 1);
    for (int k = 0; k < 64; ++k) isa::matmul(c.view, a.view, b.view, false, true);
    // 65 times that is beyond 2^31 and wraps
    REQUIRE(c.at<int32_t>(0, 0) == static_cast<int32_t>(65u * (2048u * 16384u + 1u)));
  });
}

TEST_CASE("bf16 products too small or too large for fp32 still round once") {
  on_every_host([] {
    Random random(3);
    std::uniform_int_distribution<int> mantissa(0, 127), sign(0, 1), wide(-95, 63);
    for (const bool trans : {false, true}) {
      Case x(DType::BF16, {14, 40, 35}, trans, random);
      const auto spread = [&](Tile& t) {
        for (int r = 0; r < t.view.rows; ++r)
          for (int c = 0; c < t.view.cols; ++c)
            t.at<uint16_t>(r, c) = static_cast<uint16_t>(
                sign(random) << 15 | (127 + wide(random)) << 7 | mantissa(random));
      };
      spread(x.a);
      spread(x.b);
      for (int i = 0; i < 14; ++i)  // small accumulators, so that tiny products matter
        for (int j = 0; j < 35; ++j)
          x.c.at<float>(i, j) = std::ldexp(1.0f + static_cast<float>(j) / 64, -140 + i);
      for (int i = 0; i < 7; ++i)
        for (int p = 0; p < 40; ++p)
          x.a.at<uint16_t>(i, p) = static_cast<uint16_t>((127 - 80) << 7 | mantissa(random));
      if (!trans)
        for (int p = 0; p < 40; ++p)
          for (int j = 0; j < 20; ++j)
            x.b.at<uint16_t>(p, j) =
                static_cast<uint16_t>((127 - 60 - p % 4) << 7 | mantissa(random));
      const Tile before(x.c);
      isa::matmul(x.c.view, x.a.view, x.b.view, trans, true);
      require_result(x.c, before, 14, 35, [&](int i, int j) {
        return reference(before, x.a, x.b, i, j, 40, trans, true);
      });
    }
  });
}

TEST_CASE("infinities, NaN and subnormals go through") {
  on_every_host([] {
    Random random(4);
    for (const DType t : {DType::BF16, DType::F16, DType::F32})
      for (const bool trans : {false, true}) {
        Case x(t, {9, 33, 21}, trans, random);
        for (int i = 0; i < 9; ++i)
          isa::set_scalar(x.a.view, i, i,
                          i % 3 == 0   ? HUGE_VAL
                          : i % 3 == 1 ? std::nan("")
                                       : 1e-40);
        isa::set_scalar(x.b.view, 3, 3, 0);
        isa::set_scalar(x.b.view, 6, 6, -HUGE_VAL);
        const Tile before(x.c);
        isa::matmul(x.c.view, x.a.view, x.b.view, trans, true);
        require_result(x.c, before, 9, 21, [&](int i, int j) {
          return reference(before, x.a, x.b, i, j, 33, trans, true);
        });
      }
  });
}

TEST_CASE("an empty K is zero, or the accumulator") {
  Random random(5);
  Case x(DType::BF16, {3, 4, 5}, false, random);
  x.a.view.valid_cols = x.b.view.valid_rows = 0;
  const Tile before(x.c);
  isa::matmul(x.c.view, x.a.view, x.b.view, false, true);
  CHECK(x.c.bytes == before.bytes);
  isa::matmul(x.c.view, x.a.view, x.b.view, false, false);
  require_result(x.c, before, 3, 5, [](int, int) { return 0; });
}

TEST_CASE("operands that do not fit are refused") {
  const auto id = [](const Tile& c, const Tile& a, const Tile& b, bool trans = false) {
    return error_id([&] { isa::matmul(c.view, a.view, b.view, trans, false); });
  };
  const Tile a(DType::BF16, 4, 8), b(DType::BF16, 8, 6), c(DType::F32, 4, 6),
      integer(DType::I32, 4, 6);
  CHECK(id(c, a, b) == "");
  CHECK(id(c, a, b, true) == "isa.matmul");                 // K 8 against 6
  CHECK(id(integer, a, b) == "isa.matmul");                 // BF16 gives FP32
  CHECK(id(c, a, Tile(DType::F16, 8, 6)) == "isa.matmul");  // mixed inputs
  CHECK(id(c, Tile(DType::I8, 4, 8), Tile(DType::I8, 8, 6)) == "isa.matmul");
  CHECK(id(integer, Tile(DType::I16, 4, 8), Tile(DType::I16, 8, 6)) == "isa.matmul");
  CHECK(id(Tile(DType::F32, 3, 6), a, b) == "isa.matmul");
  CHECK(id(Tile(DType::F32, 4, 5), a, b) == "isa.matmul");
  CHECK(error_id([&] { isa::matmul(TileView{}, a.view, b.view, false, false); }) == "isa.matmul");
}
