// Making tiles and looking at them in another shape.
#include "lang/support.h"

using namespace test;
using pl::Tile;

namespace {

Tile ramp(int64_t rows, int64_t cols) {  // element (r, c) = r * cols + c
  return pl::reshape(pl::cast(pl::arange(0, rows * cols), DType::F32, pl::RoundMode::None), rows,
                     cols);
}

pl::RecordedProgram in_scope(const std::function<void()>& body) {
  return run([](pl::Session&) {}, body);
}

}  // namespace

TEST_CASE("full, arange and create_tile") {
  const auto p = in_scope([] {
    CHECK(grid(pl::full(3, 9, DType::F16, 1.5)) ==
          grid_of(3, 9, [](int64_t, int64_t) { return 1.5; }));
    CHECK(grid(pl::full(2, 8, DType::I32, -7)) ==
          grid_of(2, 8, [](int64_t, int64_t) { return -7.0; }));
    CHECK(grid(pl::arange(5, 10)) ==
          grid_of(1, 10, [](int64_t, int64_t c) { return static_cast<double>(5 + c); }));
    const Tile t = pl::create_tile(4, 8, DType::F32, pl::TileSpace::Vec);
    for (const auto& row : grid(t))
      for (double v : row) CHECK(v != v);  // NaN until written
    CHECK(pl::create_l1(16, 16, DType::BF16).rows() == 16);
  });
  CHECK(opcode_names(p.scopes[0].blocks[0]) ==
        std::vector<std::string>{"TEXPANDS", "TEXPANDS", "TCI"});
  CHECK(p.scopes[0].blocks[0].ops[0].attr.imm == 1.5);
  CHECK(p.scopes[0].blocks[0].ops[2].attr.imm == 5);
  CHECK(p.scopes[0].blocks[0].values.at(3).space == pl::TileSpace::Vec);
  CHECK(p.scopes[0].blocks[0].values.at(4).space == pl::TileSpace::Mat);
}

TEST_CASE("reshape is an alias") {
  const auto p = in_scope([] {
    const Tile t = ramp(4, 16);
    const Tile column = pl::reshape(t, 64, 1);
    CHECK(column.data() == t.data());
    CHECK(column.ref().stride == 1);
    CHECK(grid(column) ==
          grid_of(64, 1, [](int64_t r, int64_t) { return static_cast<double>(r); }));
    const Tile row = pl::reshape(column, 1, 64);
    CHECK(grid(row) == grid_of(1, 64, [](int64_t, int64_t c) { return static_cast<double>(c); }));
    CHECK(grid(pl::reshape(row, 8, 8)) ==
          grid_of(8, 8, [](int64_t r, int64_t c) { return static_cast<double>(r * 8 + c); }));
    // [M,1] with a partly valid area becomes [1,M] with the same elements valid
    const Tile partly = pl::set_validshape(column, 5, 1);
    CHECK(pl::reshape(partly, 1, 64).valid_cols() == 5);
    CHECK(pl::reshape(partly, 1, 64).valid_rows() == 1);
    CHECK(pl::reshape(pl::reshape(partly, 1, 64), 64, 1).valid_rows() == 5);
  });
  CHECK(opcode_names(p.scopes[0].blocks[0]) == std::vector<std::string>{"TCI", "TCVT"});
}

TEST_CASE("reshape of a window that is not contiguous copies it first") {
  const auto p = in_scope([] {
    const Tile w = ramp(4, 16).window(1, 8, 2, 8);
    CHECK(grid(pl::reshape(w, 1, 16)) == grid_of(1, 16, [](int64_t, int64_t c) {
            return static_cast<double>((1 + c / 8) * 16 + 8 + c % 8);
          }));
  });
  CHECK(opcode_names(p.scopes[0].blocks[0]) == std::vector<std::string>{"TCI", "TCVT", "TMOV"});
}

TEST_CASE("slice aliases aligned columns and copies others") {
  const auto p = in_scope([] {
    const Tile t = ramp(8, 32);
    const auto expect = [](int64_t r0, int64_t c0) {
      return [=](int64_t r, int64_t c) { return static_cast<double>((r0 + r) * 32 + c0 + c); };
    };
    const Tile aligned = pl::slice(t, 2, 8, 3, 10);
    CHECK(aligned.data() == t.data());
    CHECK(grid(aligned) == grid_of(3, 10, expect(2, 8)));
    const Tile copied = pl::slice(t, 2, 4, 3, 10);
    CHECK(copied.data() != t.data());
    CHECK(grid(copied) == grid_of(3, 10, expect(2, 4)));
    CHECK(grid(t.window(1, 16, 2, 16)) == grid_of(2, 16, expect(1, 16)));
    // a window of a partly valid tile is valid where the tile is
    const Tile partly = pl::set_validshape(t, 4, 20);
    CHECK(pl::slice(partly, 3, 16, 4, 16).valid_rows() == 1);
    CHECK(pl::slice(partly, 3, 16, 4, 16).valid_cols() == 4);
    CHECK(pl::slice(partly, 6, 24, 2, 8).valid_rows() == 0);
  });
  const auto ops = instructions(p.scopes[0].blocks[0]);
  REQUIRE(ops.size() == 3);
  CHECK(ops[2].opcode == Opcode::TMOV);
  CHECK(ops[2].src[0].offset == 2 * 32 + 4);
  CHECK(ops[2].src[0].stride == 32);
  CHECK(ops[2].dst.stride == 16);
}

TEST_CASE("assemble into a tile modifies it in place") {
  const auto p = in_scope([] {
    const Tile t = pl::full(4, 16, DType::F32, 0);
    const Tile part = pl::full(2, 8, DType::F32, 3);
    const Tile same = pl::assemble(t, part, 1, 8);
    CHECK(same.data() == t.data());
    CHECK(grid(t) == grid_of(4, 16, [](int64_t r, int64_t c) {
            return r >= 1 && r < 3 && c >= 8 ? 3.0 : 0.0;
          }));
  });
  const pl::Op& op = p.scopes[0].blocks[0].ops[2];
  CHECK(op.opcode == Opcode::TMOV);
  CHECK(op.dst.value.value == 0);
  CHECK(op.dst.offset == 24);
  CHECK(op.dst.rows == 2);
  CHECK(op.dst.cols == 8);
}

TEST_CASE("set_validshape and fillpad") {
  const auto p = in_scope([] {
    const Tile t = pl::set_validshape(ramp(4, 8), 2, 5);
    const auto padded = [](double pad) {
      return [=](int64_t r, int64_t c) {
        return r < 2 && c < 5 ? static_cast<double>(r * 8 + c) : pad;
      };
    };
    const Tile zero = pl::fillpad(t, pl::PadValue::Zero);
    CHECK(zero.valid_rows() == 4);
    CHECK(zero.valid_cols() == 8);
    CHECK(grid(zero) == grid_of(4, 8, padded(0)));
    CHECK(grid(pl::fillpad(t, pl::PadValue::Min)) == grid_of(4, 8, padded(-3.4028234663852886e38)));
    CHECK(t.rows() == 4);
    CHECK(t.valid_cols() == 5);
  });
  CHECK(p.scopes[0].blocks[0].ops.back().attr.pad == pl::PadValue::Min);
  CHECK(p.scopes[0].blocks[0].ops.back().src[0].valid_cols == 5);
}

TEST_CASE("aiv_shard gives each lane its half") {
  in_scope([] {
    const Tile t = ramp(4, 16);
    CHECK(
        grid(pl::aiv_shard(t, 1, pl::SplitMode::UpDown)) ==
        grid_of(2, 16, [](int64_t r, int64_t c) { return static_cast<double>((2 + r) * 16 + c); }));
    CHECK(grid(pl::aiv_shard(t, 1, pl::SplitMode::LeftRight)) ==
          grid_of(4, 8, [](int64_t r, int64_t c) { return static_cast<double>(r * 16 + 8 + c); }));
  });
}
