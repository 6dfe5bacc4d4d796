// Tiles used in a later scope than the one that made them travel through a GM temporary.
#include "lang/support.h"

using namespace test;
using pl::Tensor;
using pl::Tile;
using Kind = pl::OrchEvent::Kind;

TEST_CASE("a tile used in a later scope is stored by its maker and loaded once by each user") {
  pl::Session s("test");
  const Tensor y = s.output("y", DType::F32, {4, 8});
  Tile t;
  pl::at({"maker"}, [&] { t = pl::full(1, 8, DType::F32, 5); });
  pl::at({"between"}, [] {});
  pl::spmd(4, {"user"}, [&](int64_t b) {
    const Tile twice = pl::add(t, t);
    pl::store(pl::mul(twice, static_cast<double>(b)), {b, 0}, y);
  });
  pl::at({"user2"}, [&] { CHECK(grid(pl::add(t, 1)) == Grid{std::vector<double>(8, 6)}); });
  const pl::RecordedProgram p = s.finish();
  for (int64_t b = 0; b < 4; ++b)
    CHECK(element(p.storage[0].data.get(), DType::F32, b * 8) == static_cast<double>(10 * b));

  CHECK(opcode_names(p.scopes[0].blocks[0]) == std::vector<std::string>{"TEXPANDS", "TSTORE"});
  REQUIRE(p.buffers.size() == 2);
  CHECK(p.buffers[1].shape == std::vector<int64_t>{1, 8});
  CHECK(p.buffers[1].role == isa::BufferRole::Temp);
  const pl::Op& spill = p.scopes[0].blocks[0].ops[1];
  CHECK(spill.gm.buffer.value == 1);
  CHECK(spill.src[0].value.value == 0);
  for (const pl::BlockRecord& block : p.scopes[2].blocks) {
    CHECK(opcode_names(block) == std::vector<std::string>{"TLOAD", "TADD", "TMULS", "TSTORE"});
    CHECK(block.ops[0].gm.buffer.value == 1);
    CHECK(block.ops[1].src[0].value == block.ops[0].dst.value);
  }
  CHECK(p.scopes[3].blocks[0].ops[0].gm.buffer.value == 1);  // one temporary for all users
  CHECK(element(p.storage[1].data.get(), DType::F32, 7) == 5);
  // allocated before its maker is submitted
  REQUIRE(p.orchestration.size() == 5);
  CHECK(p.orchestration[0].kind == Kind::Alloc);
  CHECK(p.orchestration[0].buffer.value == 1);
  CHECK(p.orchestration[1].task.value == 0);
  CHECK(p.diagnostics.empty());
}

TEST_CASE("state carried over a loop of tasks") {
  // The online-softmax idiom: each task updates tiles of the task before.
  pl::Session s("test");
  Tile acc;
  pl::at({"init"}, [&] { acc = pl::full(2, 8, DType::F32, 1); });
  for (int64_t i : pl::range(3))
    pl::at({"step"}, [&] { acc = pl::add(pl::mul(acc, 2), static_cast<double>(i)); });
  const Tensor y = s.output("y", DType::F32, {2, 8});
  pl::at({"out"}, [&] { pl::store(acc, {0, 0}, y); });
  const pl::RecordedProgram p = s.finish();
  CHECK(element(p.storage[y.buffer().value].data.get(), DType::F32, 9) ==
        ((1 * 2 + 0) * 2 + 1) * 2 + 2);
  CHECK(p.buffers.size() == 5);  // y and one temporary for each of init, step, step, step
}

TEST_CASE("an update in place stays with the copy of the later scope") {
  pl::Session s("test");
  Tile t, updated;
  pl::at({"maker"}, [&] { t = pl::full(1, 8, DType::F32, 1); });
  pl::at({"user"}, [&] {
    updated = pl::assemble(t, pl::full(1, 8, DType::F32, 7), 0, 0);
    CHECK(grid(updated)[0][0] == 7);
  });
  pl::at({"later"}, [&] {
    CHECK(grid(pl::add(t, 0))[0][0] == 1);
    CHECK(grid(pl::add(updated, 0))[0][0] == 7);
  });
}

TEST_CASE("windows travel on their own, valid part only") {
  pl::Session s("test");
  Tile t;
  pl::at({"maker"}, [&] {
    const Tile whole = pl::reshape(pl::cast(pl::arange(0, 64), DType::F32), 4, 16);
    t = pl::set_validshape(whole.window(1, 8, 2, 8), 2, 3);
  });
  pl::at({"user"}, [&] {
    CHECK(valid_grid(pl::mul(t, 1)) == grid_of(2, 3, [](int64_t r, int64_t c) {
            return static_cast<double>((1 + r) * 16 + 8 + c);
          }));
  });
  const pl::RecordedProgram p = s.finish();
  CHECK(p.buffers[0].shape == std::vector<int64_t>{2, 8});
  const pl::Op& load = p.scopes[1].blocks[0].ops[0];
  CHECK(load.gm.rows == 2);
  CHECK(load.gm.cols == 3);
  CHECK(load.gm.row_stride == 8);
  CHECK(p.scopes[0].blocks[0].ops.back().src[0].offset == 24);
}

TEST_CASE("a slice of a tile of an earlier scope is one load of that window") {
  pl::Session s("test");
  Tile t;
  pl::at({"maker"}, [&] { t = pl::reshape(pl::cast(pl::arange(0, 64), DType::F32), 4, 16); });
  pl::at({"user"}, [&] {
    CHECK(grid(pl::slice(t, 1, 8, 2, 8)) == grid_of(2, 8, [](int64_t r, int64_t c) {
            return static_cast<double>((1 + r) * 16 + 8 + c);
          }));
    // As on any GM tensor, a window past the edge is clipped.
    const Tile edge = pl::slice(t, 2, 12, 4, 8);
    CHECK(edge.rows() == 4);
    CHECK(edge.cols() == 8);
    CHECK(valid_grid(edge) == grid_of(2, 4, [](int64_t r, int64_t c) {
            return static_cast<double>((2 + r) * 16 + 12 + c);
          }));
    CHECK(error_of([&] { pl::slice(t, 4, 0, 1, 8); }).id() == "lang.tile-window");
  });
  pl::at({"whole"}, [&] {
    const Tile changed = pl::assemble(t, pl::full(1, 8, DType::F32, -1), 3, 8);
    CHECK(grid(pl::slice(t, 3, 8, 1, 8))[0][0] == -1);  // of what this scope has loaded already
    CHECK(grid(changed)[3][8] == -1);
  });
  const pl::RecordedProgram p = s.finish();
  REQUIRE(p.buffers.size() == 1);  // one temporary, of the whole tile
  CHECK(p.buffers[0].shape == std::vector<int64_t>{4, 16});
  CHECK(opcode_names(p.scopes[1].blocks[0]) == std::vector<std::string>{"TLOAD", "TLOAD"});
  const isa::CodeList<pl::Op>& loads = p.scopes[1].blocks[0].ops;
  CHECK(loads[0].gm.offset == 24);
  CHECK(loads[0].gm.row_stride == 16);
  CHECK(loads[0].gm.rows == 2);
  CHECK(loads[1].gm.offset == 44);
  CHECK(loads[1].gm.rows == 2);
  CHECK(loads[1].gm.cols == 4);
  CHECK(opcode_names(p.scopes[2].blocks[0]) ==
        std::vector<std::string>{"TEXPANDS", "TLOAD", "TMOV"});
}

TEST_CASE("tiles of other blocks cannot be used") {
  pl::Session s("test");
  std::vector<Tile> tiles(3);
  pl::SessionOptions one;
  pl::spmd(3, {"makers"},
           [&](int64_t b) { tiles[static_cast<size_t>(b)] = pl::full(1, 8, DType::F32, 0); });
  const isa::Error e = error_of([&] { pl::at({"user"}, [&] { pl::add(tiles[1], 1); }); });
  CHECK(e.id() == "lang.outside-its-block");
  CHECK(e.where().find("scope user, test_foreign_tiles.cpp:") == 0);
  Tile shared;
  pl::SessionOptions o;
  const isa::Error same = error_of([&] {
    pl::ScopeOptions in_order;
    in_order.name = "neighbours";
    in_order.sync_start = true;  // block 0 runs first
    pl::spmd(2, in_order, [&](int64_t b) {
      if (b == 0)
        shared = pl::full(1, 8, DType::F32, 0);
      else
        pl::add(shared, 1);
    });
  });
  CHECK(same.id() == "lang.outside-its-block");
  CHECK(std::string(same.what()).find("another block of this scope") != std::string::npos);
}
