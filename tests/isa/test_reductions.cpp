// Reductions against the documented order written as a slow loop, and against sums in double.
#include "support.h"

using namespace isa_test;

namespace {

struct Shape {
  int rows, cols, valid_rows, valid_cols;
};
constexpr Shape kShapes[] = {{1, 1, 1, 1},   {16, 256, 16, 256}, {5, 31, 5, 31},   {5, 32, 5, 32},
                             {7, 33, 7, 33}, {8, 600, 6, 513},   {4, 128, 4, 100}, {4, 64, 2, 0}};

/// Element c is added to lane c mod 32 in order; lanes fold 16, 8, 4, 2, 1.
template <class F>
float in_lanes(const Tile& a, int r, int n, float identity, F f) {
  std::vector<float> lane(32, identity);
  for (int c = 0; c < n; ++c) lane[c % 32] = f(lane[c % 32], static_cast<float>(a.value(r, c)));
  for (int w = 16; w > 0; w /= 2)
    for (int j = 0; j < w; ++j) lane[j] = f(lane[j], lane[j + w]);
  return lane[0];
}
float add(float x, float y) { return x + y; }
float larger(float x, float y) { return std::isnan(x) ? x : std::isnan(y) ? y : x > y ? x : y; }
float smaller(float x, float y) { return std::isnan(x) ? x : std::isnan(y) ? y : x < y ? x : y; }

uint64_t rounded(DType t, float f) {
  if (t == DType::F32) return float_bits(f);
  return std::isnan(f) ? 0x7e00 : f16().encode(static_cast<double>(f), RoundMode::Rint);
}

}  // namespace

TEST_CASE("row reductions of floats follow the documented order") {
  on_every_host([] {
    Random random(1);
    const float inf = std::numeric_limits<float>::infinity();
    for (const DType t : {DType::F32, DType::F16})
      for (const Shape& s : kShapes)
        for (const bool specials : {false, true}) {
          CAPTURE(name(t), s.rows, s.cols, specials);
          Tile a(t, s.rows, s.cols, s.valid_rows, s.valid_cols);
          fill_ordinary(a, random);
          if (specials) add_specials(a, random);
          Tile dst = column(t, s.rows);
          const Tile before(dst);
          run(Opcode::TROWSUM, dst, {&a});
          require_result(dst, before, s.valid_rows, 1, [&](int r, int) {
            return rounded(t, in_lanes(a, r, s.valid_cols, 0, add));
          });
          Tile most(before), least(before);
          run(Opcode::TROWMAX, most, {&a});
          require_result(most, before, s.valid_rows, 1, [&](int r, int) {
            return rounded(t, in_lanes(a, r, s.valid_cols, -inf, larger));
          });
          run(Opcode::TROWMIN, least, {&a});
          require_result(least, before, s.valid_rows, 1, [&](int r, int) {
            return rounded(t, in_lanes(a, r, s.valid_cols, inf, smaller));
          });
        }
  });
}

TEST_CASE("a row sum is close to the sum in double") {
  Random random(2);
  Tile a(DType::F32, 32, 4096);
  fill_ordinary(a, random);
  Tile dst = column(DType::F32, 32);
  on_every_host([&] {
    run(Opcode::TROWSUM, dst, {&a});
    for (int r = 0; r < 32; ++r) {
      double sum = 0, magnitude = 0;
      for (int c = 0; c < 4096; ++c) {
        sum += a.value(r, c);
        magnitude += std::fabs(a.value(r, c));
      }
      // 128 additions per lane and 5 in the tree, each off by at most half an ulp of a partial sum
      CHECK(std::fabs(dst.value(r, 0) - sum) <= 133 * std::ldexp(magnitude, -24));
    }
  });
}

TEST_CASE("column reductions go from the first row down") {
  on_every_host([] {
    Random random(3);
    const float inf = std::numeric_limits<float>::infinity();
    for (const DType t : {DType::F32, DType::F16})
      for (const Shape& s : kShapes) {
        CAPTURE(name(t), s.rows, s.cols);
        Tile a(t, s.rows, s.cols, s.valid_rows, s.valid_cols);
        fill_ordinary(a, random);
        add_specials(a, random);
        Tile sum(t, 1, s.cols), most(t, 1, s.cols);
        const Tile before(sum);
        run(Opcode::TCOLSUM, sum, {&a});
        run(Opcode::TCOLMAX, most, {&a});
        const auto fold = [&](int c, float start, auto f) {
          float x = start;
          for (int r = 0; r < s.valid_rows; ++r) x = f(x, static_cast<float>(a.value(r, c)));
          return rounded(t, x);
        };
        require_result(sum, before, 1, s.valid_cols, [&](int, int c) { return fold(c, 0, add); });
        require_result(most, before, 1, s.valid_cols,
                       [&](int, int c) { return fold(c, -inf, larger); });
      }
  });
}

TEST_CASE("integer reductions wrap") {
  on_every_host([] {
    Random random(4);
    for (const DType t : {DType::I32, DType::I16})
      for (const Shape& s : kShapes) {
        CAPTURE(name(t), s.rows, s.cols);
        const uint64_t mask = t == DType::I32 ? 0xffffffffu : 0xffffu;
        Tile a(t, s.rows, s.cols, s.valid_rows, s.valid_cols);
        fill_ordinary(a, random);
        Tile sum = column(t, s.rows);
        const Tile before(sum);
        Tile most(before), least(before);
        run(Opcode::TROWSUM, sum, {&a});
        run(Opcode::TROWMAX, most, {&a});
        run(Opcode::TROWMIN, least, {&a});
        const double lowest = t == DType::I32 ? -2147483648.0 : -32768.0;
        const auto fold = [&](int r, double start, auto f) {
          double x = start;
          for (int c = 0; c < s.valid_cols; ++c) x = f(x, a.value(r, c));
          return static_cast<uint64_t>(static_cast<int64_t>(x)) & mask;
        };
        require_result(sum, before, s.valid_rows, 1, [&](int r, int) {
          return fold(r, 0, [](double x, double y) { return x + y; });
        });
        require_result(most, before, s.valid_rows, 1, [&](int r, int) {
          return fold(r, lowest, [](double x, double y) { return std::max(x, y); });
        });
        require_result(least, before, s.valid_rows, 1, [&](int r, int) {
          return fold(r, -lowest - 1, [](double x, double y) { return std::min(x, y); });
        });
        Tile col(t, 1, s.cols), col_max(t, 1, s.cols);
        const Tile empty(col);
        run(Opcode::TCOLSUM, col, {&a});
        run(Opcode::TCOLMAX, col_max, {&a});
        require_result(col, empty, 1, s.valid_cols, [&](int, int c) {
          int64_t x = 0;
          for (int r = 0; r < s.valid_rows; ++r) x += static_cast<int64_t>(a.value(r, c));
          return static_cast<uint64_t>(x) & mask;
        });
        require_result(col_max, empty, 1, s.valid_cols, [&](int, int c) {
          double x = lowest;
          for (int r = 0; r < s.valid_rows; ++r) x = std::max(x, a.value(r, c));
          return static_cast<uint64_t>(static_cast<int64_t>(x)) & mask;
        });
      }
  });
}

TEST_CASE("row_argmax names the first of the largest, or the first NaN") {
  Tile a(DType::F32, 4, 8, 4, 6);
  const float nan = std::nanf("");
  const float values[4][8] = {{1, 5, 2, 5, 0, 5, 9, 9},
                              {-3, -2, -7, -2, -9, -8, 0, 0},
                              {1, nan, 9, nan, 2, 3, 0, 0},
                              {4, 4, 4, 4, 4, 4, 9, 9}};
  for (int r = 0; r < 4; ++r)
    for (int c = 0; c < 8; ++c) a.at<float>(r, c) = values[r][c];
  for (const DType t : {DType::I32, DType::U32}) {
    Tile dst = column(t, 4);
    run(Opcode::TROWARGMAX, dst, {&a});
    CHECK(dst.value(0, 0) == 1);
    CHECK(dst.value(1, 0) == 1);
    CHECK(dst.value(2, 0) == 1);
    CHECK(dst.value(3, 0) == 0);
  }
}
