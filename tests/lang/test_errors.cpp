// Every error id of the language: raised, with scope and line, and nothing else disturbed.
#include "lang/support.h"

using namespace test;
using pl::Tensor;
using pl::Tile;

namespace {

/// A session with the tensors the cases below use; `f` runs inside scope "here" of one block.
struct Fixture {
  pl::Session s;
  Tensor x, w, i8, y, bf;

  explicit Fixture(pl::SessionOptions o = {}) : s("test", o) {
    x = s.input("x", DType::F32, {8, 16}, host(DType::F32, std::vector<double>(128, 1)));
    w = s.input("w", DType::BF16, {16, 16}, host(DType::BF16, std::vector<double>(256, 1)));
    i8 = s.input("i8", DType::I8, {16, 32}, host(DType::I8, std::vector<double>(512, 1)));
    y = s.output("y", DType::F32, {8, 16});
    bf = s.output("bf", DType::BF16, {2, 4, 16});
  }

  isa::Error in_scope(const std::function<void()>& f) {
    const isa::Error e = error_of([&] { pl::at({"here"}, f); });
    INFO(e.what());
    CHECK(e.where().find("scope here, test_errors.cpp:") == 0);
    return e;
  }
  std::string id(const std::function<void()>& f) { return in_scope(f).id(); }
};

Tile tile(int64_t rows, int64_t cols, DType t = DType::F32) { return pl::full(rows, cols, t, 1); }

}  // namespace

TEST_CASE("operations need a scope, scopes and loops a session") {
  CHECK(error_of([] { pl::full(1, 8, DType::F32, 0); }).id() == "lang.no-session");
  CHECK(error_of([] { pl::at({"a"}, [] {}); }).id() == "lang.no-session");
  CHECK(error_of([] { pl::range(3); }).id() == "lang.no-session");
  CHECK(error_of([] { pl::create_tensor({3}, DType::F32); }).id() == "lang.no-session");
  Fixture f;
  const isa::Error e = error_of([&] { pl::load(f.x); });
  CHECK(e.id() == "lang.outside-scope");
  CHECK(e.where().find("test_errors.cpp:") == 0);
  Tile t;
  pl::at({"maker"}, [&] { t = tile(1, 8); });
  CHECK(error_of([&] { pl::add(t, t); }).id() == "lang.outside-scope");
  CHECK(error_of([&] { pl::store(t, {0, 0}, f.y); }).id() == "lang.outside-scope");
  CHECK(error_of([] { pl::get_block_idx(); }).id() == "lang.outside-scope");
  CHECK(error_of([] { pl::split_aiv([](int64_t) {}); }).id() == "lang.outside-scope");
  CHECK(error_of([] { pl::syncall(); }).id() == "lang.outside-scope");
}

TEST_CASE("sessions") {
  Fixture f;
  CHECK(error_of([] { pl::Session again("again"); }).id() == "lang.session-active");
  const auto bytes = host(DType::F32, {1, 2, 3});
  CHECK(error_of([&] { f.s.input("x", DType::F32, {3}, bytes); }).id() == "lang.duplicate-tensor");
  CHECK(error_of([&] { f.s.input("n", DType::F32, {3}, nullptr); }).id() == "lang.tensor-bytes");
  CHECK(error_of([&] { f.s.output("n", DType::F32, {}); }).id() == "lang.rank");
  CHECK(error_of([&] { f.s.output("n", DType::F32, {3, 0}); }).id() == "lang.shape");
  CHECK(error_of([&] { f.s.data(Tensor()); }).id() == "lang.no-session");
  Tile t;
  pl::at({"maker"}, [&] { t = tile(1, 8); });
  f.s.finish();
  CHECK(error_of([&] { f.s.finish(); }).id() == "lang.no-session");
  CHECK(error_of([&] { f.s.output("n", DType::F32, {3}); }).id() == "lang.no-session");
  pl::Session next("next");  // the thread is free again
  const isa::Error e = error_of([&] { pl::at({"user"}, [&] { pl::add(t, 1); }); });
  CHECK(e.id() == "lang.other-session");
}

TEST_CASE("scopes") {
  Fixture f;
  CHECK(f.id([] { pl::at({"inner"}, [] {}); }) == "lang.nested-scope");
  CHECK(f.id([] { pl::spmd(2, {"inner"}, [](int64_t) {}); }) == "lang.nested-scope");
  CHECK(f.id([] { pl::task_dummy({}); }) == "lang.nested-scope");
  CHECK(f.id([] { pl::split_aiv([](int64_t) { pl::split_aiv([](int64_t) {}); }); }) ==
        "lang.nested-scope");
  CHECK(f.id([] { pl::create_tensor({8}, DType::F32); }) == "lang.inside-scope");
  CHECK(error_of([] { pl::at({"here"}, [] { pl::auto_scope([] {}); }); }).id() ==
        "lang.inside-scope");
  CHECK(error_of([] { pl::at({"here"}, [] { pl::manual_scope([] {}); }); }).id() ==
        "lang.inside-scope");
  CHECK(error_of([] { pl::spmd(0, {"none"}, [](int64_t) {}); }).id() == "lang.block-num");
  CHECK(error_of([] { pl::spmd(32768, {"many"}, [](int64_t) {}); }).id() == "lang.block-num");
  pl::ScopeOptions o;
  o.name = "early";
  o.deps = {pl::TaskId(0)};
  CHECK(error_of([&] { pl::at(o, [] {}); }).id() == "lang.bad-dep");
  o.deps = {pl::TaskId()};
  CHECK(error_of([&] { pl::at(o, [] {}); }).id() == "lang.bad-dep");
  CHECK(error_of([] { pl::spmd(2, {"s"}, [](int64_t) { pl::syncall(); }); }).id() ==
        "lang.syncall");
  pl::ScopeOptions sync;
  sync.name = "uneven";
  sync.sync_start = true;
  const isa::Error e = error_of([&] {
    pl::spmd(3, sync, [](int64_t b) {
      if (b != 1) pl::syncall();
    });
  });
  CHECK(e.id() == "lang.syncall");
  CHECK(std::string(e.what()).find("'uneven'") != std::string::npos);
  CHECK(error_of([&] {
          pl::spmd(3, sync, [](int64_t b) {
            if (b == 1) tile(0, 8);
            pl::syncall();
          });
        }).id() == "lang.tile-size");
}

TEST_CASE("loops") {
  Fixture f;
  CHECK(f.id([] { pl::range(0, 8, 0); }) == "lang.loop-step");
  CHECK(f.id([] { pl::parallel(0, 8, -1); }) == "lang.loop-step");
  CHECK(f.id([] { pl::pipeline(8, 0); }) == "lang.pipeline-stage");
  CHECK(f.id([] { pl::pipeline(8, 256); }) == "lang.pipeline-stage");
  CHECK(f.id([] { pl::range(int64_t{1} << 31); }) == "lang.loop-trip");
}

TEST_CASE("tensor views") {
  Fixture f;
  CHECK(error_of([&] { f.x.view({0}, {8}); }).id() == "lang.rank");
  CHECK(error_of([&] { f.x.view({8, 0}, {1, 1}); }).id() == "lang.out-of-range");
  CHECK(error_of([&] { f.x.view({0, -1}, {1, 1}); }).id() == "lang.out-of-range");
  CHECK(error_of([&] { f.x.view({0, 0}, {0, 1}); }).id() == "lang.out-of-range");
  CHECK(error_of([&] { f.x.reshape({9, 16}); }).id() == "lang.reshape");
  CHECK(error_of([&] { f.x.view({0, 0}, {8, 8}).reshape({64}); }).id() == "lang.reshape");
  CHECK(error_of([&] { f.x.transpose(0, 2); }).id() == "lang.rank");
  CHECK(error_of([&] { f.x.dim(-3); }).id() == "lang.rank");
  CHECK(error_of([&] { f.x.select(0, 8); }).id() == "lang.out-of-range");
  CHECK(error_of([&] { pl::create_tensor({}, DType::F32); }).id() == "lang.rank");
  CHECK(error_of([&] { pl::create_tensor({4, -1}, DType::F32); }).id() == "lang.shape");
}

TEST_CASE("loads") {
  Fixture f;
  CHECK(f.id([&] { pl::load(Tensor()); }) == "lang.no-tensor");
  CHECK(f.id([&] { pl::load(f.x, {0}, {8}); }) == "lang.rank");
  CHECK(f.id([&] { pl::load(f.x, {0, 0}, {1, 8, 16}); }) == "lang.rank");
  CHECK(f.id([&] { pl::load(f.x, {8, 0}, {1, 16}); }) == "lang.load-window");
  CHECK(f.id([&] { pl::load(f.x, {0, -1}, {1, 16}); }) == "lang.load-window");
  CHECK(f.id([&] { pl::load(f.x, {0, 0}, {0, 16}); }) == "lang.load-window");
  CHECK(f.id([&] { pl::load(f.bf, {0, 0, 0}, {2, 3, 16}); }) == "lang.load-window");  // cannot fold
  CHECK(f.id([&] {
    pl::load(f.bf, {0, 2, 0}, {2, 4, 16});
  }) == "lang.load-window");  // clipped inside
  CHECK(f.id([&] { pl::load_l1(f.w.transpose(0, 1), {0, 0}, {16, 16}); }) == "lang.load-window");
  CHECK(f.id([&] { pl::load(f.bf.transpose(0, 2), {0, 0, 0}, {1, 4, 2}); }) == "lang.load-window");
  CHECK(f.id([&] { pl::load(f.x, {0, 0}, {70000, 16}); }) == "lang.tile-size");
  CHECK(f.id([&] { pl::load(f.x, {0, 0}, {8, 16}, {9, 16}); }) == "lang.valid-shape");
  CHECK(f.id([&] { pl::load(f.x, {0, 0}, {8, 16}, {-1, 16}); }) == "lang.valid-shape");
  CHECK(f.id([&] {
    pl::gather_row(tile(4, 16), 4, 0, f.x, {0, 0}, {1, 16});
  }) == "lang.tile-window");
  CHECK(f.id([&] { pl::gather_row(tile(4, 16), 0, 0, f.w, {0, 0}, {1, 16}); }) == "lang.dtype");
  CHECK(f.id([&] {
    pl::gather_row(tile(4, 16), 0, 0, f.x.transpose(0, 1), {0, 0}, {2, 8});
  }) == "lang.load-window");
}

TEST_CASE("stores") {
  Fixture f;
  CHECK(f.id([&] { pl::store(tile(1, 16), {0, 0}, f.x); }) == "lang.read-only");
  CHECK(f.id([&] { pl::store(tile(1, 16), {8, 0}, f.y); }) == "lang.store-window");
  CHECK(f.id([&] { pl::store(tile(1, 16), {0, 0, 0}, f.y); }) == "lang.rank");
  CHECK(f.id([&] {
    pl::store(tile(2, 16, DType::BF16), {0, 0, 0}, f.bf, false, {2, 2, 16});
  }) == "lang.store-window");
  CHECK(f.id([&] {
    pl::store(tile(3, 16, DType::BF16), {0, 0, 0}, f.bf, false, {2, 1, 16});
  }) == "lang.store-window");
  CHECK(f.id([&] { pl::store(tile(16, 8), {0, 0}, f.y.transpose(0, 1)); }) == "lang.store-window");
  CHECK(f.id([&] { pl::store(tile(1, 16), {0, 0, 0}, f.bf); }) == "lang.dtype");  // no FIXPIPE
  CHECK(f.id([&] { pl::store(tile(1, 16, DType::I32), {0, 0}, f.y); }) == "lang.dtype");
  const Tensor half = pl::create_tensor({1, 16}, DType::F16);
  CHECK(f.id([&] {
    pl::store(tile(1, 16, DType::F16), {0, 0}, half, true);
  }) == "lang.atomic-dtype");
  CHECK(f.id([&] { pl::store(Tile(), {0, 0}, f.y); }) == "lang.no-tile");
}

TEST_CASE("tiles") {
  Fixture f;
  CHECK(f.id([] { tile(0, 8); }) == "lang.tile-size");
  CHECK(f.id([] { tile(65536, 1); }) == "lang.tile-size");
  CHECK(f.id([] { pl::create_tile(1, 65535, DType::I8); }) == "lang.tile-size");  // padded: 65536
  CHECK(f.id([] { pl::arange(0, 8, DType::F32); }) == "lang.dtype");
  CHECK(f.id([] { pl::reshape(tile(4, 8), 3, 8); }) == "lang.tile-reshape");
  CHECK(f.id([] { pl::reshape(tile(4, 8), 8, 4); }) == "lang.tile-reshape");    // 16 B rows
  CHECK(f.id([] { pl::reshape(tile(4, 12), 1, 48); }) == "lang.tile-reshape");  // padded rows
  CHECK(f.id([] { pl::reshape(pl::set_validshape(tile(4, 8), 2, 8), 2, 16); }) ==
        "lang.tile-reshape");
  CHECK(f.id([] { pl::reshape(tile(300, 304), 1, 91200); }) == "lang.tile-size");
  CHECK(f.id([] { pl::set_validshape(tile(4, 8), 5, 8); }) == "lang.valid-shape");
  CHECK(f.id([] { pl::slice(tile(4, 8), 3, 0, 2, 8); }) == "lang.tile-window");
  CHECK(f.id([] { tile(4, 8).window(0, 0, 4, 9); }) == "lang.tile-window");
  CHECK(f.id([] { tile(4, 16).window(0, 3, 4, 8); }) == "lang.tile-window");  // not 32 B aligned
  CHECK(f.id([] { pl::assemble(tile(4, 8), tile(1, 8), 4, 0); }) == "lang.tile-window");
  CHECK(f.id([] { pl::assemble(tile(4, 8), tile(1, 8, DType::I32), 0, 0); }) == "lang.dtype");
  CHECK(f.id([] { pl::aiv_shard(tile(3, 8), 0, pl::SplitMode::UpDown); }) == "lang.aiv-shard");
  CHECK(f.id([] { pl::aiv_shard(tile(4, 8), 2, pl::SplitMode::UpDown); }) == "lang.aiv-shard");
  CHECK(f.id([] { pl::aiv_shard(tile(4, 8), 0, pl::SplitMode::None); }) == "lang.aiv-shard");
  CHECK(f.id([] { pl::transpose_view(tile(4, 8)).window(0, 0, 1, 1); }) == "lang.tile-window");
  CHECK(f.id([] { pl::read(tile(4, 8), 4, 0); }) == "lang.tile-window");
  CHECK(f.id([] { pl::write(tile(4, 8), 0, -1, 0); }) == "lang.tile-window");
}

TEST_CASE("vector operands") {
  Fixture f;
  CHECK(f.id([] { pl::add(Tile(), tile(4, 8)); }) == "lang.no-tile");
  CHECK(f.id([] { pl::add(tile(4, 8), tile(4, 16)); }) == "lang.shape");
  CHECK(f.id([] { pl::maximum(tile(4, 8), tile(4, 1)); }) == "lang.shape");  // no row-expand form
  CHECK(f.id([] { pl::add(tile(4, 8), tile(4, 8, DType::I32)); }) == "lang.dtype");
  CHECK(f.id([] { pl::add(tile(4, 16, DType::BF16), tile(4, 16, DType::BF16)); }) == "lang.dtype");
  CHECK(f.id([] { pl::exp(tile(4, 8, DType::I32)); }) == "lang.dtype");
  CHECK(f.id([] { pl::row_sum(tile(4, 8, DType::I32)); }) == "lang.dtype");
  CHECK(f.id([] { pl::col_max(tile(4, 16, DType::BF16)); }) == "lang.dtype");
  CHECK(f.id([] { pl::row_expand_mul(tile(4, 8), tile(1, 8)); }) == "lang.shape");
  CHECK(f.id([] { pl::col_expand_mul(tile(4, 8), tile(4, 1)); }) == "lang.shape");
  CHECK(f.id([] { pl::row_expand(tile(4, 8), tile(3, 1)); }) == "lang.shape");
  CHECK(f.id([] { pl::col_expand(tile(4, 8), tile(1, 9)); }) == "lang.shape");
  CHECK(f.id([] { pl::cmp(tile(4, 8), tile(3, 8), pl::CmpOp::Eq); }) == "lang.shape");
  CHECK(f.id([] { pl::sel(tile(4, 8), tile(4, 8), tile(4, 8)); }) == "lang.dtype");
  CHECK(f.id([] { pl::sel(tile(4, 9, DType::U8), tile(4, 8), tile(4, 8)); }) == "lang.shape");
  CHECK(f.id([] { pl::add(pl::create_l1(16, 16, DType::F32), 1); }) == "lang.memory-space");
  CHECK(f.id([] { pl::add(pl::transpose_view(tile(8, 8)), 1); }) == "lang.transpose-view");
}

TEST_CASE("casts and lanes") {
  Fixture f;
  CHECK(f.id([] { pl::cast(tile(4, 32, DType::I8), DType::F32); }) == "lang.cast");
  CHECK(f.id([] { pl::cast(tile(4, 16, DType::BF16), DType::F16); }) == "lang.cast");
  CHECK(f.id([] { pl::gather(tile(4, 16, DType::BF16), tile(4, 8, DType::I32)); }) == "lang.dtype");
  CHECK(f.id([] { pl::gather(tile(4, 8), tile(4, 8)); }) == "lang.dtype");
  CHECK(f.id([] { pl::gather(tile(4, 8), tile(3, 8, DType::I32)); }) == "lang.shape");
  CHECK(f.id([] { pl::gather_mask(tile(4, 16, DType::BF16), pl::MaskPattern::P0101); }) ==
        "lang.dtype");
  CHECK(f.id([] { pl::gather_mask(tile(4, 9), pl::MaskPattern::P0101); }) == "lang.shape");
  CHECK(f.id([] { pl::gather_mask(tile(4, 8), pl::MaskPattern::None); }) == "lang.shape");
  CHECK(f.id([] { pl::gather_mask(tile(4, 8), pl::MaskPattern::P0101, DType::I16); }) ==
        "lang.dtype");
  CHECK(f.id([] { pl::scatter_mask(tile(4, 8), tile(4, 8), pl::MaskPattern::P0101); }) ==
        "lang.shape");
  CHECK(f.id([] { pl::scatter(tile(4, 8), tile(4, 8), tile(4, 8)); }) == "lang.dtype");
  CHECK(f.id([] { pl::scatter(tile(4, 8), tile(4, 4, DType::I32), tile(4, 8)); }) == "lang.shape");
  CHECK(f.id([] { pl::concat(tile(4, 8), tile(3, 8)); }) == "lang.shape");
  CHECK(f.id([] { pl::concat(pl::set_validshape(tile(4, 8), 4, 7), tile(4, 8)); }) ==
        "lang.valid-shape");
  CHECK(f.id([] { pl::sort32(tile(1, 32), tile(1, 32)); }) == "lang.dtype");
  CHECK(f.id([] { pl::sort32(tile(1, 40), tile(1, 40, DType::U32)); }) == "lang.shape");
  CHECK(f.id([] { pl::mrgsort(tile(1, 64), 0); }) == "lang.shape");
  CHECK(f.id([] { pl::mrgsort(std::vector<Tile>{tile(1, 64)}); }) == "lang.shape");
  CHECK(f.id([] { pl::mrgsort(std::vector<Tile>(5, tile(1, 64))); }) == "lang.shape");
}

TEST_CASE("abilities of the chip") {
  pl::SessionOptions a5;
  a5.mask_scatter = false;
  a5.a5_casts = true;
  Fixture f(a5);
  CHECK(f.id([] { pl::scatter_mask(tile(4, 16), tile(4, 8), pl::MaskPattern::P0101); }) ==
        "lang.mask-scatter");
  pl::at({"fine"}, [] {
    CHECK(grid(pl::cast(tile(1, 16, DType::BF16), DType::F16)) == Grid{std::vector<double>(16, 1)});
  });
}

TEST_CASE("matmul operands") {
  Fixture f;
  const auto bf16 = [](int64_t m, int64_t n) { return tile(m, n, DType::BF16); };
  CHECK(f.id([&] { pl::matmul(bf16(16, 16), bf16(32, 16)); }) == "lang.matmul");
  CHECK(f.id([&] { pl::matmul(bf16(16, 16), bf16(16, 32), {true}); }) == "lang.matmul");
  CHECK(f.id([&] { pl::matmul(bf16(16, 16), tile(16, 16)); }) == "lang.matmul");
  CHECK(f.id([&] { pl::matmul(tile(16, 16, DType::I32), tile(16, 16, DType::I32)); }) ==
        "lang.matmul");
  CHECK(f.id([&] { pl::matmul_acc(tile(16, 32), bf16(16, 16), bf16(16, 16)); }) == "lang.matmul");
  CHECK(f.id([&] { pl::matmul_acc(tile(16, 16, DType::I32), bf16(16, 16), bf16(16, 16)); }) ==
        "lang.matmul");
  CHECK(f.id([&] {
    pl::matmul(pl::create_tile(16, 16, DType::BF16, pl::TileSpace::Vec), bf16(16, 16));
  }) == "lang.memory-space");
  CHECK(f.id([&] {
    pl::matmul(bf16(16, 16), pl::create_tile(16, 16, DType::BF16, pl::TileSpace::Acc));
  }) == "lang.memory-space");
  CHECK(f.id([&] {
    pl::matmul_acc(pl::create_tile(16, 16, DType::F32, pl::TileSpace::Vec), bf16(16, 16),
                   bf16(16, 16));
  }) == "lang.memory-space");
  CHECK(f.id([&] { pl::matmul(pl::transpose_view(bf16(16, 16)), bf16(16, 16)); }) ==
        "lang.transpose-view");
}

TEST_CASE("scalar accesses") {
  Fixture f;
  CHECK(f.id([&] { pl::read(f.x, {0}); }) == "lang.rank");
  CHECK(f.id([&] { pl::read(Tensor(), {0}); }) == "lang.no-tensor");
  CHECK(f.id([&] { pl::read_int(f.x, {0, 0}); }) == "lang.dtype");
  CHECK(f.id([&] { pl::write_int(f.y, {0, 0}, 1); }) == "lang.dtype");
  CHECK(f.id([&] { pl::write(f.x, {0, 0}, 1); }) == "lang.read-only");
  CHECK(error_of([&] { pl::write(f.x, {0, 0}, 1); }).id() == "lang.read-only");
  CHECK(error_of([&] { pl::read(Tensor(), {0}); }).id() == "lang.no-tensor");
  CHECK(error_of([&] { pl::prefetch(Tensor()); }).id() == "lang.no-tensor");
}

TEST_CASE("messages name the limit and the value") {
  Fixture f;
  const isa::Error e = f.in_scope([&] { pl::add(tile(4, 8), tile(4, 16)); });
  CHECK(std::string(e.what()).find(": add of [4x8] FP32 and [4x16] FP32; shapes must") !=
        std::string::npos);
  const isa::Error w = f.in_scope([&] { pl::load(f.x, {9, 0}, {1, 16}); });
  CHECK(std::string(w.what()).find("window [1, 16] at [9, 0] of [8, 16]") != std::string::npos);
}
