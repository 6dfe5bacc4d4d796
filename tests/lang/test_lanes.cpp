// Reductions, gathers, scatters, sorting.
#include <algorithm>
#include <numeric>

#include "lang/support.h"

using namespace test;
using pl::Tile;

namespace {

constexpr int64_t kRows = 4, kCols = 16;

double at(int64_t r, int64_t c) { return static_cast<double>((r * 31 + c * 17) % 41) - 20; }

pl::RecordedProgram with_tile(const std::function<void(const Tile&)>& body) {
  pl::Tensor x;
  return run(
      [&](pl::Session& s) {
        x = s.input("x", DType::F32, {kRows, kCols},
                    host(DType::F32, sequence(kRows * kCols,
                                              [](int64_t i) { return at(i / kCols, i % kCols); })));
      },
      [&] { body(pl::load(x)); });
}

Tile index_tile(int64_t rows, const std::vector<double>& row) {
  Tile t = pl::full(rows, static_cast<int64_t>(row.size()), DType::I32, 0);
  for (int64_t r = 0; r < rows; ++r)
    for (size_t c = 0; c < row.size(); ++c) pl::write(t, r, static_cast<int64_t>(c), row[c]);
  return t;
}

}  // namespace

TEST_CASE("reductions ignore what is not valid") {
  const auto p = with_tile([](const Tile& t) {
    for (int64_t valid : {kCols, int64_t{5}}) {
      const Tile x = pl::set_validshape(t, kRows, valid);
      const auto reduce = [&](double start, const std::function<double(double, double)>& f) {
        return grid_of(kRows, 1, [&](int64_t r, int64_t) {
          double v = start;
          for (int64_t c = 0; c < valid; ++c) v = f(v, at(r, c));
          return v;
        });
      };
      CHECK(grid(pl::row_sum(x)) == reduce(0, [](double v, double e) { return v + e; }));
      CHECK(grid(pl::row_max(x)) ==
            reduce(-1e9, [](double v, double e) { return std::max(v, e); }));
      CHECK(grid(pl::row_min(x)) == reduce(1e9, [](double v, double e) { return std::min(v, e); }));
      const Tile arg = pl::row_argmax(x);
      CHECK(arg.dtype() == DType::I32);
      CHECK(grid(arg) == grid_of(kRows, 1, [&](int64_t r, int64_t) {
              int64_t best = 0;
              for (int64_t c = 1; c < valid; ++c)
                if (at(r, c) > at(r, best)) best = c;
              return static_cast<double>(best);
            }));
    }
    const Tile two = pl::set_validshape(t, 2, kCols);
    CHECK(grid(pl::col_sum(two)) ==
          grid_of(1, kCols, [](int64_t, int64_t c) { return at(0, c) + at(1, c); }));
    CHECK(grid(pl::col_max(two)) ==
          grid_of(1, kCols, [](int64_t, int64_t c) { return std::max(at(0, c), at(1, c)); }));
    CHECK(pl::row_sum(two).valid_rows() == 2);
    CHECK(pl::col_sum(pl::set_validshape(t, 2, 3)).valid_cols() == 3);
  });
  const pl::BlockRecord& b = p.scopes[0].blocks[0];
  CHECK(b.ops[1].opcode == Opcode::TROWSUM);
  CHECK(b.values[b.ops[1].dst.value.value].stride == 1);  // [M,1] is contiguous
}

TEST_CASE("index gather; an index outside gives 0") {
  const auto p = with_tile([](const Tile& t) {
    const std::vector<double> idx = {3, 2, 15, 0, 16, -1, 7, 7};
    const Tile out = pl::gather(t, index_tile(kRows, idx));
    CHECK(grid(out) == grid_of(kRows, 8, [&](int64_t r, int64_t c) {
            const auto i = static_cast<int64_t>(idx[static_cast<size_t>(c)]);
            return i >= 0 && i < kCols ? at(r, i) : 0.0;
          }));
  });
  const pl::Op op = instructions(p.scopes[0].blocks[0]).back();
  CHECK(op.opcode == Opcode::TGATHER);
  CHECK(op.src[0].value.value == 0);
  CHECK(op.src[1].dtype == DType::I32);
  CHECK(op.dst.cols == 8);
}

TEST_CASE("mask gather and mask scatter are inverse") {
  const auto p = with_tile([](const Tile& t) {
    const Tile even = pl::gather_mask(t, pl::MaskPattern::P0101);
    const Tile odd = pl::gather_mask(t, pl::MaskPattern::P1010);
    CHECK(grid(even) == grid_of(kRows, 8, [](int64_t r, int64_t c) { return at(r, 2 * c); }));
    CHECK(grid(odd) == grid_of(kRows, 8, [](int64_t r, int64_t c) { return at(r, 2 * c + 1); }));
    const Tile bits = pl::gather_mask(t, pl::MaskPattern::P0101, DType::I32);
    CHECK(bits.dtype() == DType::I32);
    CHECK(grid(bits)[1][2] == static_cast<double>(static_cast<int32_t>(
                                  isa::float_to_bits(static_cast<float>(at(1, 4))))));
    Tile back = pl::full(kRows, kCols, DType::F32, 99);
    CHECK(pl::scatter_mask(back, even, pl::MaskPattern::P0101).data() == back.data());
    CHECK(grid(back)[0][1] == 99);  // the other lanes are kept
    pl::scatter_mask(back, odd, pl::MaskPattern::P1010);
    CHECK(grid(back) == grid_of(kRows, kCols, at));
    const Tile partly = pl::set_validshape(t, kRows, 5);
    CHECK(pl::gather_mask(partly, pl::MaskPattern::P0101).valid_cols() == 3);
    CHECK(pl::gather_mask(partly, pl::MaskPattern::P1010).valid_cols() == 2);
  });
  const auto ops = instructions(p.scopes[0].blocks[0]);
  CHECK(ops[1].attr.mask == pl::MaskPattern::P0101);
  CHECK(ops[5].opcode == Opcode::TSCATTERM);
  CHECK(ops[5].dst.value == ops[4].dst.value);  // in place
}

TEST_CASE("index scatter keeps the lanes it does not name") {
  with_tile([](const Tile& t) {
    const std::vector<double> idx = {0, 2, 4, 6, 8, 10, 12, 14};
    const Tile dst = pl::full(kRows, kCols, DType::F32, -5);
    pl::scatter(dst, index_tile(kRows, idx), pl::slice(t, 0, 0, kRows, 8));
    CHECK(grid(dst) == grid_of(kRows, kCols, [](int64_t r, int64_t c) {
            return c % 2 == 0 ? at(r, c / 2) : -5.0;
          }));
  });
}

TEST_CASE("concat and transpose") {
  const auto p = with_tile([](const Tile& t) {
    const Tile wide = pl::concat(t, pl::mul(t, 2));
    CHECK(grid(wide) == grid_of(kRows, 2 * kCols, [](int64_t r, int64_t c) {
            return c < kCols ? at(r, c) : 2 * at(r, c - kCols);
          }));
    CHECK(pl::concat(t, pl::set_validshape(t, kRows, 3)).valid_cols() == kCols + 3);
    CHECK(grid(pl::transpose(t)) ==
          grid_of(kCols, kRows, [](int64_t r, int64_t c) { return at(c, r); }));
    CHECK(pl::transpose(pl::set_validshape(t, 2, 9)).valid_rows() == 9);
  });
  CHECK(opcode_names(p.scopes[0].blocks[0])[2] == "TCONCAT");
}

namespace {

using Pair = std::pair<double, double>;

double score_at(int64_t i) { return static_cast<double>((i * 53) % 97); }

std::vector<Pair> pairs(const Tile& t) {
  std::vector<Pair> out;
  const isa::TileView v = t.data()->view(t.ref());
  for (int64_t i = 0; i + 1 < t.cols(); i += 2) {
    const float id_bits = static_cast<float>(isa::get_scalar(v, 0, i + 1));
    out.emplace_back(isa::get_scalar(v, 0, i), static_cast<double>(isa::float_to_bits(id_bits)));
  }
  return out;
}

/// Descending by score, equal scores in their order.
std::vector<Pair> sorted(int64_t first, int64_t n) {
  std::vector<Pair> v;
  for (int64_t i = first; i < first + n; ++i) v.emplace_back(score_at(i), static_cast<double>(i));
  std::stable_sort(v.begin(), v.end(),
                   [](const Pair& a, const Pair& b) { return a.first > b.first; });
  return v;
}

}  // namespace

TEST_CASE("sort32 and mrgsort sort 128 scores with their indices") {
  pl::Tensor x;
  const auto p = run(
      [&](pl::Session& s) {
        x = s.input("x", DType::F32, {1, 128}, host(DType::F32, sequence(128, score_at)));
      },
      [&] {
        const Tile runs = pl::sort32(pl::load(x), pl::arange(0, 128, DType::U32));
        REQUIRE(runs.cols() == 256);
        for (int64_t g = 0; g < 4; ++g) {
          const auto all = pairs(runs);
          CHECK(std::vector<Pair>(all.begin() + g * 32, all.begin() + g * 32 + 32) ==
                sorted(g * 32, 32));
        }
        const Tile merged = pl::mrgsort(runs, 64);
        CHECK(pairs(merged) == sorted(0, 128));
        // the multi-list form, two to four lists
        std::vector<Tile> lists;
        for (int64_t g = 0; g < 4; ++g) lists.push_back(pl::slice(runs, 0, g * 64, 1, 64));
        CHECK(pairs(pl::mrgsort(lists)) == sorted(0, 128));
        lists.pop_back();
        CHECK(pairs(pl::mrgsort(lists)) == sorted(0, 96));
        lists.pop_back();
        CHECK(pairs(pl::mrgsort(lists)) == sorted(0, 64));
        const Tile ids = pl::gather_mask(merged, pl::MaskPattern::P1010, DType::I32);
        CHECK(grid(ids)[0][0] == sorted(0, 128)[0].second);
      });
  const auto names = opcode_names(p.scopes[0].blocks[0]);
  CHECK(std::count(names.begin(), names.end(), "TMRGSORT") == 1 + 3 + 2 + 1);
  CHECK(p.scopes[0].blocks[0].ops[3].attr.block_len == 64);
}
