// Element-wise operations and broadcasts against slow loops, and the form they are recorded in.
#include <cmath>

#include "lang/support.h"

using namespace test;
using pl::Tile;

namespace {

constexpr int64_t kRows = 5, kCols = 24;

float a_at(int64_t r, int64_t c) {
  return static_cast<float>((r * 37 + c * 11) % 29 - 14) * 0.375f;
}
float b_at(int64_t r, int64_t c) { return static_cast<float>((r * 13 + c * 7) % 23 + 1) * 0.25f; }

/// Runs `body(a, b, column, row)` on [5,24] tiles, a [5,1] and a [1,24].
pl::RecordedProgram with_tiles(
    const std::function<void(const Tile&, const Tile&, const Tile&, const Tile&)>& body,
    DType dtype = DType::F32) {
  pl::Session s("test");
  const auto fill = [](float (*f)(int64_t, int64_t)) {
    return sequence(kRows * kCols, [=](int64_t i) { return double{f(i / kCols, i % kCols)}; });
  };
  const pl::Tensor a = s.input("a", dtype, {kRows, kCols}, host(dtype, fill(a_at)));
  const pl::Tensor b = s.input("b", dtype, {kRows, kCols}, host(dtype, fill(b_at)));
  pl::at({"s"}, [&] {
    // One statement each: C++ leaves the order of arguments open, and the record follows it.
    const Tile ta = pl::load(a);
    const Tile tb = pl::load(b);
    const Tile column = pl::load(b, {0, 3}, {kRows, 1});
    const Tile row = pl::load(b, {2, 0}, {1, kCols});
    body(ta, tb, column, row);
  });
  return s.finish();
}

Grid expect(const std::function<float(int64_t, int64_t)>& f) {
  return grid_of(kRows, kCols, [&](int64_t r, int64_t c) { return double{f(r, c)}; });
}

std::string last_opcode(const pl::RecordedProgram& p) {
  return opcode_names(p.scopes[0].blocks[0]).back();
}

}  // namespace

TEST_CASE("tile op tile") {
  struct Case {
    Tile (*op)(const Tile&, const Tile&, pl::Site);
    float (*f)(float, float);
    const char* opcode;
  };
  const Case cases[] = {
      {pl::add, [](float x, float y) { return x + y; }, "TADD"},
      {pl::sub, [](float x, float y) { return x - y; }, "TSUB"},
      {pl::mul, [](float x, float y) { return x * y; }, "TMUL"},
      {pl::div, [](float x, float y) { return x / y; }, "TDIV"},
      {pl::maximum, [](float x, float y) { return x > y ? x : y; }, "TMAX"},
      {pl::minimum, [](float x, float y) { return x < y ? x : y; }, "TMIN"},
  };
  for (const Case& k : cases) {
    INFO(k.opcode);
    const auto p = with_tiles([&](const Tile& a, const Tile& b, const Tile&, const Tile&) {
      CHECK(grid(k.op(a, b, pl::Site::here())) ==
            expect([&](int64_t r, int64_t c) { return k.f(a_at(r, c), b_at(r, c)); }));
    });
    CHECK(last_opcode(p) == k.opcode);
    const pl::Op op = instructions(p.scopes[0].blocks[0]).back();
    CHECK(op.n_src == 2);
    CHECK(op.src[0].value.value == 0);
    CHECK(op.src[1].value.value == 1);
    CHECK(op.dst.value.value == 4);
  }
}

TEST_CASE("tile op scalar") {
  struct Case {
    Tile (*op)(const Tile&, double, pl::Site);
    float (*f)(float, float);
    const char* opcode;
  };
  const Case cases[] = {
      {pl::add, [](float x, float s) { return x + s; }, "TADDS"},
      {pl::sub, [](float x, float s) { return x - s; }, "TSUBS"},
      {pl::mul, [](float x, float s) { return x * s; }, "TMULS"},
      {pl::div, [](float x, float s) { return x / s; }, "TDIVS"},
      {pl::maximum, [](float x, float s) { return x > s ? x : s; }, "TMAXS"},
      {pl::minimum, [](float x, float s) { return x < s ? x : s; }, "TMINS"},
  };
  for (const Case& k : cases) {
    INFO(k.opcode);
    const auto p = with_tiles([&](const Tile& a, const Tile&, const Tile&, const Tile&) {
      CHECK(grid(k.op(a, 1.5, pl::Site::here())) ==
            expect([&](int64_t r, int64_t c) { return k.f(a_at(r, c), 1.5f); }));
    });
    CHECK(last_opcode(p) == k.opcode);
    CHECK(p.scopes[0].blocks[0].ops.back().attr.imm == 1.5);
  }
}

TEST_CASE("a [M,1] second operand selects the row-expand form") {
  const auto p = with_tiles([](const Tile& a, const Tile&, const Tile& col, const Tile&) {
    CHECK(grid(pl::add(a, col)) ==
          expect([](int64_t r, int64_t c) { return a_at(r, c) + b_at(r, 3); }));
    CHECK(grid(pl::sub(a, col)) ==
          expect([](int64_t r, int64_t c) { return a_at(r, c) - b_at(r, 3); }));
    CHECK(grid(pl::mul(a, col)) ==
          expect([](int64_t r, int64_t c) { return a_at(r, c) * b_at(r, 3); }));
    CHECK(grid(pl::div(a, col)) ==
          expect([](int64_t r, int64_t c) { return a_at(r, c) / b_at(r, 3); }));
    // two columns stay element-wise
    CHECK(grid(pl::add(col, col)) ==
          grid_of(kRows, 1, [](int64_t r, int64_t) { return double{b_at(r, 3) + b_at(r, 3)}; }));
  });
  auto names = opcode_names(p.scopes[0].blocks[0]);
  names.erase(names.begin(), names.begin() + 4);
  CHECK(names == std::vector<std::string>{"TROWEXPANDADD", "TROWEXPANDSUB", "TROWEXPANDMUL",
                                          "TROWEXPANDDIV", "TADD"});
}

TEST_CASE("row and column expands") {
  const auto p = with_tiles([](const Tile& a, const Tile&, const Tile& col, const Tile& row) {
    const auto same = [](const Tile& t, float (*f)(float, float), bool by_row) {
      CHECK(grid(t) == expect([&](int64_t r, int64_t c) {
              return f(a_at(r, c), by_row ? b_at(2, c) : b_at(r, 3));
            }));
    };
    same(
        pl::row_expand_add(a, col), [](float x, float y) { return x + y; }, false);
    same(
        pl::row_expand_sub(a, col), [](float x, float y) { return x - y; }, false);
    same(
        pl::row_expand_mul(a, col), [](float x, float y) { return x * y; }, false);
    same(
        pl::row_expand_div(a, col), [](float x, float y) { return x / y; }, false);
    same(
        pl::row_expand(a, col), [](float, float y) { return y; }, false);
    same(
        pl::col_expand_add(a, row), [](float x, float y) { return x + y; }, true);
    same(
        pl::col_expand_sub(a, row), [](float x, float y) { return x - y; }, true);
    same(
        pl::col_expand_mul(a, row), [](float x, float y) { return x * y; }, true);
    same(
        pl::col_expand_div(a, row), [](float x, float y) { return x / y; }, true);
    same(
        pl::col_expand(a, row), [](float, float y) { return y; }, true);
    const Grid d = grid(pl::col_expand_expdif(a, row));
    for (int64_t r = 0; r < kRows; ++r)
      for (int64_t c = 0; c < kCols; ++c)
        CHECK(d[static_cast<size_t>(r)][static_cast<size_t>(c)] ==
              Approx(std::exp(double{a_at(r, c)} - double{b_at(2, c)})).epsilon(1e-6));
  });
  auto names = opcode_names(p.scopes[0].blocks[0]);
  names.erase(names.begin(), names.begin() + 4);
  CHECK(names == std::vector<std::string>{"TROWEXPANDADD", "TROWEXPANDSUB", "TROWEXPANDMUL",
                                          "TROWEXPANDDIV", "TROWEXPAND", "TCOLEXPANDADD",
                                          "TCOLEXPANDSUB", "TCOLEXPANDMUL", "TCOLEXPANDDIV",
                                          "TCOLEXPAND", "TCOLEXPANDEXPDIF"});
}

TEST_CASE("unary operations") {
  const auto p = with_tiles([](const Tile& a, const Tile& b, const Tile&, const Tile&) {
    const auto close = [](const Tile& t, const std::function<double(int64_t, int64_t)>& f) {
      const Grid g = grid(t);
      for (int64_t r = 0; r < kRows; ++r)
        for (int64_t c = 0; c < kCols; ++c)
          CHECK(g[static_cast<size_t>(r)][static_cast<size_t>(c)] == Approx(f(r, c)).epsilon(1e-6));
    };
    close(pl::exp(a), [](int64_t r, int64_t c) { return std::exp(double{a_at(r, c)}); });
    close(pl::log(b), [](int64_t r, int64_t c) { return std::log(double{b_at(r, c)}); });
    close(pl::sqrt(b), [](int64_t r, int64_t c) { return std::sqrt(double{b_at(r, c)}); });
    close(pl::rsqrt(b, true),
          [](int64_t r, int64_t c) { return 1 / std::sqrt(double{b_at(r, c)}); });
    close(pl::recip(b), [](int64_t r, int64_t c) { return 1 / double{b_at(r, c)}; });
    CHECK(grid(pl::abs(a)) == expect([](int64_t r, int64_t c) { return std::fabs(a_at(r, c)); }));
    CHECK(grid(pl::neg(a)) == expect([](int64_t r, int64_t c) { return a_at(r, c) * -1.0f; }));
  });
  const auto ops = instructions(p.scopes[0].blocks[0]);
  CHECK(ops[7].opcode == Opcode::TRSQRT);
  CHECK(ops[7].attr.high_precision);
  CHECK(ops.back().opcode == Opcode::TMULS);
  CHECK(ops.back().attr.imm == -1);
}

TEST_CASE("the first operand's valid shape carries on") {
  with_tiles([](const Tile& a, const Tile& b, const Tile&, const Tile&) {
    const Tile narrow = pl::set_validshape(a, 2, 10);
    const Tile sum = pl::add(narrow, b);
    CHECK(sum.valid_rows() == 2);
    CHECK(sum.valid_cols() == 10);
    CHECK(valid_grid(sum) ==
          grid_of(2, 10, [](int64_t r, int64_t c) { return double{a_at(r, c) + b_at(r, c)}; }));
    CHECK(std::isnan(grid(sum)[3][3]));  // poison outside
    CHECK(pl::exp(narrow).valid_cols() == 10);
    CHECK(pl::cast(narrow, DType::BF16).valid_rows() == 2);
    CHECK(pl::add(b, narrow).valid_rows() == kRows);
  });
}

TEST_CASE("compare and select") {
  const auto p = with_tiles([](const Tile& a, const Tile& b, const Tile&, const Tile&) {
    const Tile less = pl::cmp(a, b, pl::CmpOp::Lt);
    CHECK(less.dtype() == DType::U8);
    CHECK(grid(less) ==
          expect([](int64_t r, int64_t c) { return a_at(r, c) < b_at(r, c) ? 1.f : 0.f; }));
    CHECK(grid(pl::cmp(a, 0.375, pl::CmpOp::Ge)) ==
          expect([](int64_t r, int64_t c) { return a_at(r, c) >= 0.375f ? 1.f : 0.f; }));
    CHECK(grid(pl::sel(less, a, b)) ==
          expect([](int64_t r, int64_t c) { return std::min(a_at(r, c), b_at(r, c)); }));
  });
  const auto ops = instructions(p.scopes[0].blocks[0]);
  CHECK(ops[4].opcode == Opcode::TCMP);
  CHECK(ops[4].attr.cmp == pl::CmpOp::Lt);
  CHECK(ops[5].opcode == Opcode::TCMPS);
  CHECK(ops[5].attr.imm == 0.375);
  CHECK(ops[6].opcode == Opcode::TSEL);
  CHECK(ops[6].n_src == 3);
}

TEST_CASE("integer tiles") {
  with_tiles(
      [](const Tile& a, const Tile& b, const Tile&, const Tile&) {
        const auto i = [](float v) { return static_cast<int32_t>(v); };
        CHECK(grid(pl::add(a, b)) == expect([&](int64_t r, int64_t c) {
                return static_cast<float>(i(a_at(r, c)) + i(b_at(r, c)));
              }));
        CHECK(grid(pl::mul(a, 3)) ==
              expect([&](int64_t r, int64_t c) { return static_cast<float>(i(a_at(r, c)) * 3); }));
      },
      DType::I32);
}

TEST_CASE("casts honour their mode") {
  pl::Session s("test");
  const std::vector<double> v = {0.5, 1.5, 2.5, -0.5, -1.5, 2.4, -2.6, 7};
  const pl::Tensor x = s.input("x", DType::F32, {1, 8}, host(DType::F32, v));
  pl::at({"s"}, [&] {
    const Tile t = pl::load(x);
    using pl::RoundMode;
    CHECK(grid(pl::cast(t, DType::I32, RoundMode::Rint)) == Grid{{0, 2, 2, 0, -2, 2, -3, 7}});
    CHECK(grid(pl::cast(t, DType::I32)) == Grid{{1, 2, 3, -1, -2, 2, -3, 7}});
    CHECK(grid(pl::cast(t, DType::I32, RoundMode::Floor)) == Grid{{0, 1, 2, -1, -2, 2, -3, 7}});
    CHECK(grid(pl::cast(t, DType::I32, RoundMode::Ceil)) == Grid{{1, 2, 3, 0, -1, 3, -2, 7}});
    CHECK(grid(pl::cast(t, DType::I32, RoundMode::Trunc)) == Grid{{0, 1, 2, 0, -1, 2, -2, 7}});
    // the quantisation chain FP32 -> INT32 -> FP16 -> INT8
    const Tile q = pl::cast(pl::cast(pl::cast(t, DType::I32, RoundMode::Rint), DType::F16),
                            DType::I8, RoundMode::Trunc);
    CHECK(q.dtype() == DType::I8);
    CHECK(grid(q) == Grid{{0, 2, 2, 0, -2, 2, -3, 7}});
    CHECK(pl::cast(t, DType::F32).data() == t.data());
  });
  const auto p = s.finish();
  CHECK(p.scopes[0].blocks[0].ops[1].attr.round == pl::RoundMode::Rint);
  CHECK(p.scopes[0].blocks[0].ops[2].attr.round == pl::RoundMode::Round);
}
