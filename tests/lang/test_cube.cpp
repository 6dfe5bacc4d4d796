// Matrix products: values, accumulation, what is recorded.
#include "lang/support.h"

using namespace test;
using pl::Tile;

namespace {

double a_at(int64_t r, int64_t c) { return static_cast<double>((r * 5 + c * 3) % 7) - 3; }
double b_at(int64_t r, int64_t c) { return static_cast<double>((r * 2 + c * 11) % 9) - 4; }

struct Operands {
  pl::Tensor a, b, bt;
  int64_t m, k, n;
};

Operands operands(pl::Session& s, DType dtype, int64_t m, int64_t k, int64_t n) {
  Operands o;
  o.m = m, o.k = k, o.n = n;
  o.a = s.input("a", dtype, {m, k},
                host(dtype, sequence(m * k, [=](int64_t i) { return a_at(i / k, i % k); })));
  o.b = s.input("b", dtype, {k, n},
                host(dtype, sequence(k * n, [=](int64_t i) { return b_at(i / n, i % n); })));
  o.bt = s.input("bt", dtype, {n, k},
                 host(dtype, sequence(k * n, [=](int64_t i) { return b_at(i % k, i / k); })));
  return o;
}

Grid product(const Operands& o, double scale = 1) {
  return grid_of(o.m, o.n, [&](int64_t r, int64_t c) {
    double sum = 0;  // small integers: exact in any order
    for (int64_t k = 0; k < o.k; ++k) sum += a_at(r, k) * b_at(k, c);
    return scale * sum;
  });
}

}  // namespace

TEST_CASE("matmul of every operand type, plain and transposed") {
  for (DType dtype : {DType::BF16, DType::F16, DType::F32, DType::I8}) {
    INFO(isa::name(dtype));
    pl::Session s("test");
    const Operands o = operands(s, dtype, 24, 40, 20);
    pl::at({"s"}, [&] {
      const Tile c = pl::matmul(pl::load(o.a), pl::load(o.b));
      CHECK(c.dtype() == (dtype == DType::I8 ? DType::I32 : DType::F32));
      CHECK(grid(c) == product(o));
      CHECK(grid(pl::matmul(pl::load(o.a), pl::load(o.bt), {true})) == product(o));
      CHECK(grid(pl::matmul(pl::load(o.a), pl::transpose_view(pl::load(o.bt)))) == product(o));
    });
    const auto ops = instructions(s.finish().scopes[0].blocks[0]);
    CHECK(ops[2].opcode == Opcode::TMATMUL);
    CHECK_FALSE(ops[2].attr.trans_b);
    CHECK(ops[5].attr.trans_b);
    CHECK(ops[8].attr.trans_b);
    CHECK(ops[8].src[1].rows == 20);
  }
}

TEST_CASE("matmul_acc adds in place") {
  pl::Session s("test");
  const Operands o = operands(s, DType::BF16, 16, 32, 16);
  pl::at({"s"}, [&] {
    Tile acc;
    for (int64_t k : pl::pipeline(2, 2)) {
      const Tile a = pl::load(o.a, {0, k * 16}, {16, 16});
      const Tile b = pl::load(o.b, {k * 16, 0}, {16, 16});
      acc = k == 0 ? pl::matmul(a, b) : pl::matmul_acc(acc, a, b);
    }
    CHECK(grid(acc) == product(o));
  });
  const auto ops = instructions(s.finish().scopes[0].blocks[0]);
  CHECK(ops[2].opcode == Opcode::TMATMUL);
  CHECK(ops[5].opcode == Opcode::TMATMUL_ACC);
  CHECK(ops[5].dst.value == ops[2].dst.value);
  CHECK(ops[5].n_src == 2);
}

TEST_CASE("a created accumulator starts from zero, window by window") {
  pl::Session s("test");
  const Operands o = operands(s, DType::BF16, 16, 16, 32);
  pl::at({"s"}, [&] {
    const Tile acc = pl::create_tile(16, 32, DType::F32, pl::TileSpace::Acc);
    const Tile a = pl::load(o.a), b = pl::load(o.b);
    for (int twice = 0; twice < 2; ++twice)
      for (int64_t half = 0; half < 2; ++half)
        pl::matmul_acc(acc.window(0, half * 16, 16, 16), a, pl::slice(b, 0, half * 16, 16, 16));
    CHECK(grid(acc) == product(o, 2));
    CHECK(grid(pl::matmul_acc(acc, a, b, {false, true})) == product(o));  // init starts over
  });
  CHECK(opcode_names(s.finish().scopes[0].blocks[0]) ==
        std::vector<std::string>{"TLOAD", "TLOAD", "TMATMUL", "TMATMUL", "TMATMUL_ACC",
                                 "TMATMUL_ACC", "TMATMUL"});
}

TEST_CASE("products of partly valid tiles are valid where their operands are") {
  pl::Session s("test");
  const Operands o = operands(s, DType::BF16, 8, 16, 16);
  pl::at({"s"}, [&] {
    const Tile c = pl::matmul(pl::load(o.a, {0, 0}, {16, 16}), pl::load(o.b, {0, 8}, {16, 16}));
    CHECK(c.rows() == 16);
    CHECK(c.valid_rows() == 8);
    CHECK(c.valid_cols() == 8);
    const Grid all = product(o);
    CHECK(valid_grid(c) == grid_of(8, 8, [&](int64_t r, int64_t col) {
            return all[static_cast<size_t>(r)][static_cast<size_t>(col + 8)];
          }));
  });
}

TEST_CASE("a load into L1 feeds matmuls") {
  pl::Session s("test");
  const Operands o = operands(s, DType::BF16, 16, 16, 16);
  pl::at({"s"}, [&] {
    const Tile b = pl::load_l1(o.b, {0, 0}, {16, 16});
    CHECK(grid(pl::matmul(pl::load(o.a), b)) == product(o));
  });
  CHECK(s.finish().scopes[0].blocks[0].values[0].space == pl::TileSpace::Mat);
}
