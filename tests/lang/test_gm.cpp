// Loads and stores: windows, clipping, folding, what is recorded.
#include "lang/support.h"

using namespace test;
using pl::Tensor;
using pl::Tile;

namespace {

double cell(int64_t r, int64_t c) { return static_cast<double>(r * 100 + c); }

std::vector<double> matrix(int64_t rows, int64_t cols) {
  return sequence(rows * cols, [=](int64_t i) { return cell(i / cols, i % cols); });
}

}  // namespace

TEST_CASE("load copies a window and records it") {
  Tensor x;
  const pl::RecordedProgram p = run(
      [&](pl::Session& s) {
        x = s.input("x", DType::F32, {32, 64}, host(DType::F32, matrix(32, 64)));
      },
      [&] {
        const Tile t = pl::load(x, {8, 16}, {4, 24});
        CHECK(t.rows() == 4);
        CHECK(t.cols() == 24);
        CHECK(grid(t) == grid_of(4, 24, [](int64_t r, int64_t c) { return cell(8 + r, 16 + c); }));
      });
  REQUIRE(p.scopes.size() == 1);
  const pl::BlockRecord& block = p.scopes[0].blocks.at(0);
  REQUIRE(block.ops.size() == 1);
  const pl::Op& op = block.ops[0];
  CHECK(op.opcode == Opcode::TLOAD);
  CHECK(op.gm.buffer == x.buffer());
  CHECK(op.gm.offset == 8 * 64 + 16);
  CHECK(op.gm.row_stride == 64);
  CHECK(op.gm.rows == 4);
  CHECK(op.gm.cols == 24);
  CHECK(op.dst.value.value == 0);
  CHECK(block.values.at(0).rows == 4);
  CHECK(block.values.at(0).stride == 24);
  CHECK(p.sites.at(op.site.value).substr(0, 12) == "test_gm.cpp:");
}

TEST_CASE("rows of a value start on 32 B, a column is contiguous") {
  Tensor x;
  const pl::RecordedProgram p = run(
      [&](pl::Session& s) {
        x = s.input("x", DType::F32, {32, 64}, host(DType::F32, matrix(32, 64)));
      },
      [&] {
        CHECK(grid(pl::load(x, {0, 0}, {3, 5})) == grid_of(3, 5, cell));
        const Tile column = pl::load(x, {0, 7}, {16, 1});
        CHECK(grid(column) == grid_of(16, 1, [](int64_t r, int64_t) { return cell(r, 7); }));
      });
  const auto& values = p.scopes[0].blocks[0].values;
  CHECK(values.at(0).stride == 8);  // 5 FP32 padded to 32 B
  CHECK(values.at(1).stride == 1);
  CHECK(p.scopes[0].blocks[0].ops[1].gm.row_stride == 64);
}

TEST_CASE("a window past the edge is clipped and padded with zero") {
  Tensor x;
  const pl::RecordedProgram p = run(
      [&](pl::Session& s) {
        x = s.input("x", DType::F32, {10, 20}, host(DType::F32, matrix(10, 20)));
      },
      [&] {
        const Tile t = pl::load(x, {8, 16}, {4, 8});
        CHECK(t.rows() == 4);
        CHECK(t.valid_rows() == 2);
        CHECK(t.valid_cols() == 4);
        CHECK(grid(t) == grid_of(4, 8, [](int64_t r, int64_t c) {
                return r < 2 && c < 4 ? cell(8 + r, 16 + c) : 0.0;
              }));
      });
  const pl::Op& op = p.scopes[0].blocks[0].ops[0];
  CHECK(op.gm.rows == 2);
  CHECK(op.gm.cols == 4);
  CHECK(op.dst.valid_rows == 2);
  CHECK(op.dst.rows == 4);
}

TEST_CASE("valid narrows a load") {
  Tensor x;
  run(
      [&](pl::Session& s) {
        x = s.input("x", DType::F32, {10, 16}, host(DType::F32, matrix(10, 16)));
      },
      [&] {
        const Tile t = pl::load(x, {0, 0}, {8, 16}, {3, 16});
        CHECK(t.valid_rows() == 3);
        CHECK(t.valid_cols() == 16);
        CHECK(pl::load(x, {8, 0}, {8, 16}, {5, 9}).valid_rows() ==
              2);  // clipped further by the edge
        const Tile none = pl::load(x, {0, 0}, {8, 16}, {0, 16});
        CHECK(none.valid_rows() == 0);
      });
}

TEST_CASE("leading dimensions fold into rows when one stride covers them") {
  // x[t, h, d] = t * 10000 + h * 100 + d
  const auto value = [](int64_t t, int64_t h, int64_t d) {
    return static_cast<double>(t * 10000 + h * 100 + d);
  };
  Tensor x;
  const pl::RecordedProgram p = run(
      [&](pl::Session& s) {
        x = s.input("x", DType::F32, {6, 4, 16},
                    host(DType::F32, sequence(6 * 4 * 16, [&](int64_t i) {
                           return value(i / 64, i / 16 % 4, i % 16);
                         })));
      },
      [&] {
        // one head of three tokens: rows 4 * 16 apart
        CHECK(grid(pl::load(x, {2, 1, 8}, {3, 1, 8})) ==
              grid_of(3, 8, [&](int64_t r, int64_t c) { return value(2 + r, 1, 8 + c); }));
        // whole tokens: heads and tokens fold into one run of rows
        CHECK(grid(pl::load(x, {1, 0, 0}, {2, 4, 16})) ==
              grid_of(8, 16, [&](int64_t r, int64_t c) { return value(1 + r / 4, r % 4, c); }));
        // the last two axes only
        CHECK(grid(pl::load(x, {5, 2, 0}, {2, 16})) ==
              grid_of(2, 16, [&](int64_t r, int64_t c) { return value(5, 2 + r, c); }));
        CHECK(pl::load(x).rows() == 24);
        CHECK(pl::load(x, {4, 1, 0}, {4, 1, 16}).valid_rows() == 2);
      });
  const auto& ops = p.scopes[0].blocks[0].ops;
  CHECK(ops[0].gm.row_stride == 64);
  CHECK(ops[1].gm.row_stride == 16);
  CHECK(ops[1].gm.rows == 8);
}

TEST_CASE("rank-1 tensors are rows, for loads and stores") {
  Tensor x, y;
  pl::Session s("test");
  x = s.input("x", DType::F32, {40}, host(DType::F32, matrix(1, 40)));
  y = s.output("y", DType::F32, {40});
  pl::at({"s"}, [&] {
    const Tile t = pl::load(x, {8}, {16});
    CHECK(grid(t) == grid_of(1, 16, [](int64_t, int64_t c) { return cell(0, 8 + c); }));
    CHECK(grid(pl::load(x, {8}, {1, 16})) == grid(t));
    pl::store(t, {0}, y);
    pl::store(pl::reshape(t, 16, 1), {16}, y);  // a column goes as it lies
  });
  const pl::RecordedProgram p = s.finish();
  for (int i = 0; i < 16; ++i) {
    CHECK(element(p.storage[1].data.get(), DType::F32, i) == 8 + i);
    CHECK(element(p.storage[1].data.get(), DType::F32, 16 + i) == 8 + i);
  }
}

TEST_CASE("transposed views are loaded as they lie and turned") {
  Tensor x;
  const pl::RecordedProgram p = run(
      [&](pl::Session& s) {
        x = s.input("x", DType::F32, {16, 24}, host(DType::F32, matrix(16, 24)));
      },
      [&] {
        const Tensor xt = x.transpose(0, 1);
        CHECK(xt.dim(0) == 24);
        CHECK(grid(pl::load(xt, {8, 0}, {16, 8})) ==
              grid_of(16, 8, [](int64_t r, int64_t c) { return cell(c, 8 + r); }));
        // one row of the view is a column of x: no turn needed
        CHECK(grid(pl::load(xt, {3, 0}, {1, 16})) ==
              grid_of(1, 16, [](int64_t, int64_t c) { return cell(c, 3); }));
      });
  CHECK(opcode_names(p.scopes[0].blocks[0]) ==
        std::vector<std::string>{"TLOAD", "TTRANS", "TLOAD"});
}

TEST_CASE("store writes the valid part only and records the clipped window") {
  Tensor x, y;
  pl::Session s("test");
  x = s.input("x", DType::F32, {16, 16}, host(DType::F32, matrix(16, 16)));
  y = s.inout("y", DType::F32, {6, 20}, host(DType::F32, std::vector<double>(120, -1)));
  pl::at({"s"}, [&] {
    const Tile t = pl::load(x, {0, 0}, {4, 8}, {2, 3});
    const Tensor back = pl::store(t, {1, 4}, y);
    CHECK(back.buffer() == y.buffer());
    pl::store(pl::load(x, {0, 0}, {4, 8}), {4, 16}, y);  // runs past both edges
  });
  const pl::RecordedProgram p = s.finish();
  for (int64_t r = 0; r < 6; ++r)
    for (int64_t c = 0; c < 20; ++c) {
      double expected = -1;
      if (r >= 1 && r < 3 && c >= 4 && c < 7) expected = cell(r - 1, c - 4);
      if (r >= 4 && c >= 16) expected = cell(r - 4, c - 16);
      CHECK(element(p.storage[1].data.get(), DType::F32, r * 20 + c) == expected);
      CHECK(element(p.storage[1].initial.get(), DType::F32, r * 20 + c) == -1);
    }
  const auto ops = instructions(p.scopes[0].blocks[0]);
  CHECK(ops[1].opcode == Opcode::TSTORE);
  CHECK(ops[1].gm.rows == 2);
  CHECK(ops[1].gm.cols == 3);
  CHECK(ops[1].src[0].value == ops[0].dst.value);
  CHECK(ops[3].gm.rows == 2);
  CHECK(ops[3].gm.cols == 4);
}

TEST_CASE("a named window takes the valid part of a larger tile") {
  pl::Session s("test");
  const Tensor y = s.output("y", DType::F32, {4, 8});
  pl::at({"s"}, [&] {
    const Tile padded = pl::set_validshape(pl::full(8, 8, DType::F32, 6), 1, 2);
    pl::store(padded, {3, 1}, y, false, {1, 4});
    const isa::Error e = error_of([&] { pl::store(padded, {3, 0}, y, false, {1, 1}); });
    CHECK(e.id() == "lang.store-window");  // part of it would be lost
  });
  const pl::RecordedProgram p = s.finish();
  const pl::Op store = p.scopes[0].blocks[0].ops[1];
  CHECK(store.gm.offset == 3 * 8 + 1);
  CHECK(store.gm.rows == 1);
  CHECK(store.gm.cols == 2);
  CHECK(element(p.storage[0].data.get(), DType::F32, 3 * 8 + 2) == 6);
}

TEST_CASE("store to a rank-3 tensor folds its window; assemble is store") {
  pl::Session s("test");
  const Tensor x = s.input("x", DType::F32, {4, 8}, host(DType::F32, matrix(4, 8)));
  const Tensor y =
      s.inout("y", DType::F32, {4, 3, 8}, host(DType::F32, std::vector<double>(96, 0)));
  pl::at({"s"}, [&] {
    const Tile t = pl::load(x);
    pl::store(t, {0, 2, 0}, y, false, {4, 1, 8});
    pl::assemble(y, pl::slice(t, 0, 0, 2, 8), {1, 0, 0});
  });
  const pl::RecordedProgram p = s.finish();
  const uint8_t* data = p.storage[1].data.get();
  for (int64_t t = 0; t < 4; ++t)
    for (int64_t d = 0; d < 8; ++d) {
      CHECK(element(data, DType::F32, (t * 3 + 2) * 8 + d) == cell(t, d));
      CHECK(element(data, DType::F32, (t * 3 + 0) * 8 + d) == (t == 1 ? cell(0, d) : 0));
      CHECK(element(data, DType::F32, (t * 3 + 1) * 8 + d) == (t == 1 ? cell(1, d) : 0));
    }
}

TEST_CASE("cube results convert on their way to GM") {
  pl::Session s("test");
  const Tensor a = s.input(
      "a", DType::BF16, {16, 16},
      host(DType::BF16, sequence(256, [](int64_t i) { return i / 16 == i % 16 ? 1.0 : 0.0; })));
  const Tensor b = s.input(
      "b", DType::BF16, {16, 16},
      host(DType::BF16, sequence(256, [](int64_t i) { return static_cast<double>(i % 128); })));
  const Tensor y = s.output("y", DType::BF16, {16, 16});
  pl::at({"s"}, [&] { pl::store(pl::matmul(pl::load(a), pl::load(b)), {0, 0}, y); });
  const pl::RecordedProgram p = s.finish();
  for (int i = 0; i < 256; ++i) CHECK(element(p.storage[2].data.get(), DType::BF16, i) == i % 128);
}

TEST_CASE("gather_row loads into part of a tile") {
  Tensor x;
  const pl::RecordedProgram p = run(
      [&](pl::Session& s) {
        x = s.input("x", DType::F32, {32, 16}, host(DType::F32, matrix(32, 16)));
      },
      [&] {
        const Tile t = pl::full(4, 16, DType::F32, -1);
        const Tile same = pl::gather_row(t, 1, 0, x, {20, 0}, {1, 16});
        pl::gather_row(t, 3, 8, x, {5, 8}, {1, 8});
        CHECK(same.data() == t.data());
        CHECK(grid(t) == grid_of(4, 16, [](int64_t r, int64_t c) {
                if (r == 1) return cell(20, c);
                if (r == 3 && c >= 8) return cell(5, c);
                return -1.0;
              }));
      });
  const auto ops = instructions(p.scopes[0].blocks[0]);
  CHECK(ops[1].opcode == Opcode::TLOAD);
  CHECK(ops[1].dst.value == ops[0].dst.value);
  CHECK(ops[1].dst.offset == 16);
  CHECK(ops[2].dst.offset == 3 * 16 + 8);
  CHECK(p.scopes[0].blocks[0].values.size() == 1);
}

TEST_CASE("views of tensors alias") {
  pl::Session s("test");
  const Tensor x = s.input("x", DType::F32, {4, 6, 8}, host(DType::F32, matrix(24, 8)));
  const Tensor v = x.view({1, 2, 0}, {2, 10, 8});
  CHECK(v.dim(1) == 4);  // clamped to the tensor
  CHECK(v.dim(-1) == 8);
  CHECK(v.offset() == (1 * 6 + 2) * 8);
  CHECK(x.reshape({24, 8}).strides() == pl::Dims{8, 1});
  CHECK(x.select(0, 3).shape() == pl::Dims{6, 8});
  CHECK(x.select(0, 3).offset() == 3 * 48);
  // unit axes may come and go on strided views
  CHECK(x.view({0, 2, 0}, {4, 1, 8}).reshape({4, 8}).strides() == pl::Dims{48, 1});
  pl::at({"s"}, [&] {
    CHECK(grid(pl::load(v, {1, 3, 0}, {1, 8})) ==
          grid_of(1, 8, [](int64_t, int64_t c) { return cell(2 * 6 + 5, c); }));
    CHECK(grid(pl::load(x.reshape({24, 8}), {7, 0}, {2, 8})) ==
          grid_of(2, 8, [](int64_t r, int64_t c) { return cell(7 + r, c); }));
  });
}

TEST_CASE("buffers: arguments come first, 512 B apart; storage before and after") {
  pl::Session s("test");
  const Tensor tmp = pl::create_tensor({3}, DType::F32);
  const Tensor named = pl::create_tensor("scratch", {200}, DType::F32, {true, 2.5});
  const Tensor x = s.input("x", DType::F32, {130}, host(DType::F32, matrix(1, 130)));
  const Tensor y = s.output("y", DType::F32, {1});
  pl::at({"s"}, [&] { pl::store(pl::load(named, {0}, {1}), {0}, y); });
  const pl::RecordedProgram p = s.finish();
  REQUIRE(p.buffers.size() == 4);
  CHECK(p.buffers[x.buffer().value].gm_addr == 0x10000000);
  CHECK(p.buffers[y.buffer().value].gm_addr == 0x10000000 + 1024);  // 520 B rounded up
  CHECK(p.buffers[tmp.buffer().value].gm_addr == 0x10000000 + 1536);
  CHECK(p.buffers[named.buffer().value].gm_addr == 0x10000000 + 2048);
  CHECK(p.buffers[1].name == "scratch");
  CHECK(p.storage[1].manual_dep);
  CHECK(p.storage[1].filled);
  CHECK(p.storage[1].fill_value == 2.5);
  CHECK(element(p.storage[1].initial.get(), DType::F32, 199) == 2.5);
  CHECK(p.storage[0].initial == nullptr);
  CHECK(p.storage[x.buffer().value].initial == p.storage[x.buffer().value].data);
  CHECK(element(p.storage[y.buffer().value].data.get(), DType::F32, 0) == 2.5);
  CHECK(p.diagnostics.empty());
}
