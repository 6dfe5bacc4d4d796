// Programs written in `pl`, lowered for both chips and executed by the interpreter: the bits must
// be the eager run's, every operand initialised and every conflict ordered.
#include <catch2/catch.hpp>
#include <cstring>
#include <functional>
#include <memory>
#include <random>

#include "isa/numerics.h"
#include "tests/lower/test_chip.h"
#include "tests/lower/verify.h"

namespace {

using isa::DType;
using lower_test::lower_and_verify;

std::shared_ptr<uint8_t> random_bytes(DType t, int64_t n, uint32_t seed) {
  std::mt19937 rng(seed);
  std::shared_ptr<uint8_t> p(new uint8_t[static_cast<size_t>(n) * isa::size_of(t)],
                             std::default_delete<uint8_t[]>());
  for (int64_t i = 0; i < n; ++i) {
    const float f = static_cast<float>(rng() % 2001) / 1000.0F - 1.0F;
    if (t == DType::F32) std::memcpy(p.get() + 4 * i, &f, 4);
    if (t == DType::BF16) {
      const uint16_t h = isa::f32_to_bf16(f);
      std::memcpy(p.get() + 2 * i, &h, 2);
    }
    if (t == DType::I8) p.get()[i] = static_cast<uint8_t>(rng() % 255 - 127);
    if (t == DType::I32) {
      const auto v = static_cast<int32_t>(rng() % 64);
      std::memcpy(p.get() + 4 * i, &v, 4);
    }
  }
  return p;
}

pl::Tensor input(pl::Session& s, const std::string& name, DType t, pl::Dims shape, uint32_t seed) {
  int64_t n = 1;
  for (int64_t d : shape) n *= d;
  return s.input(name, t, shape, random_bytes(t, n, seed));
}

void on_both_chips(const std::function<pl::RecordedProgram()>& make) {
  for (const chips::Chip& chip : {lower_test::a2a3(), lower_test::a5()})
    for (bool pipelined : {true, false})
      for (bool reuse : {true, false}) {
        INFO(chip.name << " pipelined " << pipelined << " reuse " << reuse);
        lower::Options options;
        options.software_pipeline = pipelined;
        options.buffer_reuse = reuse;
        lower_and_verify(make(), chip, options);
      }
}

/// x / rms(x) * gamma, in column chunks with a pipeline in each pass.
pl::RecordedProgram rms_norm() {
  pl::Session s("rms_norm");
  const pl::Tensor x = input(s, "x", DType::BF16, {32, 256}, 1);
  const pl::Tensor gamma = input(s, "gamma", DType::BF16, {1, 256}, 2);
  const pl::Tensor y = s.output("y", DType::BF16, {32, 256});
  pl::spmd(4, {"rms_norm"}, [&](int64_t b) {
    pl::Tile sum = pl::full(8, 1, DType::F32, 0.0);
    for (int64_t k : pl::pipeline(4, 2)) {
      pl::Tile c = pl::cast(pl::load(x, {b * 8, k * 64}, {8, 64}), DType::F32);
      sum = pl::add(sum, pl::row_sum(pl::mul(c, c)));
    }
    pl::Tile inv = pl::rsqrt(pl::add(pl::mul(sum, 1.0 / 256), 1e-6), true);
    for (int64_t k : pl::pipeline(4, 2)) {
      pl::Tile c = pl::cast(pl::load(x, {b * 8, k * 64}, {8, 64}), DType::F32);
      pl::Tile g = pl::cast(pl::load(gamma, {0, k * 64}, {1, 64}), DType::F32);
      pl::Tile n = pl::col_expand_mul(pl::row_expand_mul(c, inv), g);
      pl::store(pl::cast(n, DType::BF16, isa::RoundMode::Rint), {b * 8, k * 64}, y);
    }
  });
  return s.finish();
}

pl::RecordedProgram matmul(DType in, bool trans_b, int64_t m, int64_t n, int64_t chunk,
                           int64_t k_all) {
  pl::Session s("matmul");
  const DType out = in == DType::I8 ? DType::I32 : DType::F32;
  const pl::Tensor a = input(s, "a", in, {m, k_all}, 3);
  const pl::Tensor b =
      trans_b ? input(s, "b", in, {2 * n, k_all}, 4) : input(s, "b", in, {k_all, 2 * n}, 4);
  const pl::Tensor c = s.output("c", out, {m, 2 * n});
  pl::MatmulOptions opt;
  opt.b_trans = trans_b;
  pl::spmd(2, {"mm"}, [&](int64_t blk) {
    pl::Tile acc;
    for (int64_t k : pl::pipeline(k_all / chunk, 2)) {
      pl::Tile ta = pl::load(a, {0, k * chunk}, {m, chunk});
      pl::Tile tb = trans_b ? pl::load(b, {blk * n, k * chunk}, {n, chunk})
                            : pl::load(b, {k * chunk, blk * n}, {chunk, n});
      acc = k == 0 ? pl::matmul(ta, tb, opt) : pl::matmul_acc(acc, ta, tb, opt);
    }
    pl::store(acc, {0, blk * n}, c);
  });
  return s.finish();
}

}  // namespace

TEST_CASE("a vector scope with pipelines keeps its bits") { on_both_chips(rms_norm); }

TEST_CASE("matmuls of every input type keep their bits") {
  for (DType t : {DType::BF16, DType::F32, DType::I8})
    for (bool trans_b : {false, true}) {
      INFO(isa::name(t) << " trans_b " << trans_b);
      on_both_chips([&] { return matmul(t, trans_b, 16, 128, 256, 768); });
    }
  on_both_chips([&] { return matmul(DType::BF16, false, 64, 128, 128, 384); });
  on_both_chips([&] { return matmul(DType::I8, false, 8, 512, 128, 512); });
}

TEST_CASE("index gathers, scalar accesses and tile windows keep their bits") {
  on_both_chips([] {
    pl::Session s("rope");
    const pl::Tensor x = input(s, "x", DType::F32, {16, 64}, 5);
    const pl::Tensor index = input(s, "index", DType::I32, {16, 64}, 6);
    const pl::Tensor y = s.output("y", DType::F32, {16, 64});
    const pl::Tensor z = s.output("z", DType::F32, {16, 1});
    pl::at({"rope"}, [&] {
      for (int64_t r : pl::range(2)) {
        pl::Tile t = pl::load(x, {r * 8, 0}, {8, 64});
        pl::Tile g = pl::gather(t, pl::load(index, {r * 8, 0}, {8, 64}));
        pl::Tile left = pl::slice(g, 0, 0, 8, 32), right = pl::slice(t, 0, 32, 8, 32);
        pl::Tile both = pl::create_tile(8, 64, DType::F32);
        both = pl::assemble(both, right, 0, 0);
        both = pl::assemble(both, left, 0, 32);
        pl::Tile m = pl::row_max(both);
        pl::Tile flat = pl::reshape(m, 1, 8);
        flat = pl::mul(flat, pl::read(both, 1, 3));
        pl::write(both, 2, 5, 4.0);
        pl::store(both, {r * 8, 0}, y);
        pl::store(pl::reshape(flat, 8, 1), {r * 8, 0}, z);
      }
    });
    return s.finish();
  });
}

TEST_CASE("what one stream stores and loads again is ordered through GM") {
  on_both_chips([] {
    pl::Session s("through_gm");
    const pl::Tensor x = input(s, "x", DType::F32, {16, 64}, 7);
    const pl::Tensor tmp = pl::create_tensor({16, 64}, DType::F32);
    const pl::Tensor y = s.output("y", DType::F32, {16, 64});
    pl::at({"through_gm"}, [&] {
      for (int64_t i : pl::pipeline(4, 2)) {
        pl::store(pl::mul(pl::load(x, {i * 4, 0}, {4, 64}), 2.0), {i * 4, 0}, tmp);
        pl::store(pl::add(pl::load(tmp, {i * 4, 0}, {4, 64}), 1.0), {i * 4, 0}, y);
      }
    });
    return s.finish();
  });
}

TEST_CASE("mixed scopes hand tiles over in both directions") {
  for (auto split : {pl::SplitMode::None, pl::SplitMode::UpDown})
    for (int64_t trip : {2, 3, 8}) {
      INFO("trip " << trip);
      on_both_chips([&] {
        pl::Session s("attention");
        const pl::Tensor q = input(s, "q", DType::BF16, {16 * 8, 64}, 8);
        const pl::Tensor k = input(s, "k", DType::BF16, {128, 64}, 9);
        const pl::Tensor v = input(s, "v", DType::BF16, {128, 64}, 10);
        const pl::Tensor o = s.output("o", DType::F32, {2 * 16 * 8, 64});
        pl::ScopeOptions options{"qk_pv"};
        options.split = split;
        pl::MatmulOptions trans;
        trans.b_trans = true;
        pl::spmd(2, options, [&](int64_t b) {
          const pl::Tile kt = pl::load(k, {0, 0}, {128, 64}), vt = pl::load(v, {0, 0}, {128, 64});
          for (int64_t i : pl::pipeline(trip, 2)) {
            pl::Tile qt = pl::load(q, {i * 16, 0}, {16, 64});
            pl::Tile p = pl::exp(pl::mul(pl::matmul(qt, kt, trans), 0.125));
            p = pl::row_expand_div(p, pl::row_sum(p));
            pl::Tile pv = pl::matmul(pl::cast(p, DType::BF16, isa::RoundMode::Rint), vt);
            pl::store(pv, {b * 128 + i * 16, 0}, o);
          }
        });
        return s.finish();
      });
    }
}

TEST_CASE("one-directional mixed scopes: cube to vector, and vector to cube with many tiles") {
  on_both_chips([] {
    pl::Session s("one_way");
    const pl::Tensor a = input(s, "a", DType::BF16, {32, 512}, 11);
    const pl::Tensor w = input(s, "w", DType::BF16, {512, 128}, 12);
    const pl::Tensor y = s.output("y", DType::BF16, {12 * 32, 128});
    const pl::Tensor z = s.output("z", DType::F32, {12 * 32, 128});
    pl::at({"to_vector"}, [&] {
      for (int64_t i : pl::pipeline(12, 2)) {
        pl::Tile acc = pl::full(32, 128, DType::F32, 0.0);
        for (int64_t k : pl::range(2))
          acc = pl::matmul_acc(acc, pl::load(a, {0, k * 256}, {32, 256}),
                               pl::load(w, {k * 256, 0}, {256, 128}));
        pl::store(pl::cast(pl::mul(acc, 1.0 + static_cast<double>(i)), DType::BF16), {i * 32, 0},
                  y);
      }
    });
    pl::at({"to_cube"}, [&] {
      for (int64_t i : pl::pipeline(12, 2)) {
        pl::Tile x = pl::cast(pl::mul(pl::cast(pl::load(a, {0, 0}, {32, 128}), DType::F32), 0.5),
                              DType::BF16);
        pl::store(pl::matmul(x, pl::load(w, {0, 0}, {128, 128})), {i * 32, 0}, z);
      }
    });
    return s.finish();
  });
}

TEST_CASE("slices of a halved product belong to the lane whose half they lie in") {
  for (auto split : {pl::SplitMode::UpDown, pl::SplitMode::LeftRight}) {
    on_both_chips([&] {
      pl::Session s("slices");
      const pl::Tensor a = input(s, "a", DType::BF16, {64, 128}, 21);
      const pl::Tensor w = input(s, "w", DType::BF16, {128, 64}, 22);
      const pl::Tensor bias = input(s, "bias", DType::F32, {1, 64}, 23);
      const pl::Tensor scale = input(s, "scale", DType::F32, {1, 64}, 24);
      const pl::Tensor y = s.output("y", DType::F32, {64, 64});
      const bool rows = split == pl::SplitMode::UpDown;
      pl::ScopeOptions options{"slices"};
      options.split = split;
      pl::at(options, [&] {
        pl::Tile p = pl::matmul(pl::load(a), pl::load(w));
        for (int64_t i : pl::range(0, 64, 16)) {
          const pl::Tile part = rows ? pl::slice(p, i, 0, 16, 64) : pl::slice(p, 0, i, 64, 16);
          pl::Tile x = pl::mul(part, 2.0);
          if (rows) x = pl::row_expand_mul(x, pl::reshape(pl::load(scale, {0, i}, {1, 16}), 16, 1));
          pl::store(x, {rows ? i : 0, rows ? 0 : i}, y);
        }
        if (rows)
          pl::store(pl::col_expand_add(pl::slice(p, 0, 0, 32, 64), pl::load(bias)), {0, 0}, y);
      });
      return s.finish();
    });
  }
}

TEST_CASE("a row every lane loads is cut where it scales the rows of a halved tile") {
  on_both_chips([] {
    pl::Session s("row_scale");
    const pl::Tensor a = input(s, "a", DType::BF16, {32, 128}, 25);
    const pl::Tensor w = input(s, "w", DType::BF16, {128, 64}, 26);
    const pl::Tensor scale = input(s, "scale", DType::F32, {1, 32}, 27);
    const pl::Tensor bias = input(s, "bias", DType::F32, {1, 64}, 28);
    const pl::Tensor y = s.output("y", DType::F32, {32, 64});
    pl::ScopeOptions options{"row_scale"};
    options.split = pl::SplitMode::UpDown;
    pl::at(options, [&] {
      const pl::Tile a_tile = pl::load(a), w_tile = pl::load(w);
      const pl::Tile p = pl::matmul(a_tile, w_tile);
      const pl::Tile column = pl::reshape(pl::load(scale), 32, 1);
      const pl::Tile x = pl::row_expand_mul(p, column);
      pl::store(pl::col_expand_add(x, pl::load(bias)), {0, 0}, y);
    });
    return s.finish();
  });
}

TEST_CASE("a slice across the middle of a halved product is refused") {
  pl::Session s("across");
  const pl::Tensor a = input(s, "a", DType::BF16, {64, 128}, 21);
  const pl::Tensor w = input(s, "w", DType::BF16, {128, 64}, 22);
  const pl::Tensor y = s.output("y", DType::F32, {64, 64});
  pl::ScopeOptions options{"across"};
  options.split = pl::SplitMode::UpDown;
  pl::at(options, [&] {
    const pl::Tile a_tile = pl::load(a), w_tile = pl::load(w);
    pl::Tile p = pl::matmul(a_tile, w_tile);
    pl::store(pl::mul(pl::slice(p, 16, 0, 32, 64), 2.0), {16, 0}, y);
  });
  const pl::RecordedProgram program = s.finish();
  CHECK_THROWS_WITH(lower::lower(program, lower_test::a2a3(), {}),
                    Catch::Contains("[lower.split]"));
}

TEST_CASE("split_aiv: each lane works on its rows of a product; left/right halves") {
  on_both_chips([] {
    pl::Session s("lanes");
    const pl::Tensor a = input(s, "a", DType::BF16, {32, 128}, 13);
    const pl::Tensor w = input(s, "w", DType::BF16, {128, 64}, 14);
    const pl::Tensor y = s.output("y", DType::F32, {32, 64});
    const pl::Tensor z = s.output("z", DType::F32, {32, 64});
    const pl::Tensor v = s.output("v", DType::F32, {32, 64});
    pl::at({"lanes"}, [&] {
      pl::Tile p = pl::matmul(pl::load(a), pl::load(w));
      pl::split_aiv([&](int64_t lane) {
        pl::store(pl::mul(p.window(lane * 16, 0, 16, 64), 3.0), {lane * 16, 0}, y);
      });
    });
    pl::ScopeOptions options{"left_right"};
    options.split = pl::SplitMode::LeftRight;
    pl::at(options, [&] {
      pl::Tile p = pl::matmul(pl::load(a), pl::load(w));
      pl::store(pl::add(pl::exp(p), 3.0), {0, 0}, z);
    });
    pl::at({"vector_lanes"}, [&] {
      pl::split_aiv([&](int64_t lane) {
        pl::store(pl::mul(pl::load(z, {lane * 16, 0}, {16, 64}), 2.0), {lane * 16, 0}, v);
      });
    });
    return s.finish();
  });
}

TEST_CASE("a load both halves need, a product as operand, scalar reads and writes of GM") {
  on_both_chips([] {
    pl::Session s("odd");
    const pl::Tensor a = input(s, "a", DType::BF16, {16, 64}, 15);
    const pl::Tensor w = input(s, "w", DType::BF16, {64, 64}, 16);
    const pl::Tensor f = input(s, "f", DType::F32, {16, 16}, 17);
    const pl::Tensor rows = input(s, "rows", DType::I32, {8, 1}, 18);
    const pl::Tensor y = s.output("y", DType::F32, {16, 64});
    const pl::Tensor z = s.output("z", DType::F32, {16, 16});
    const pl::Tensor n = s.output("n", DType::I32, {8, 1});
    const pl::Tensor g = s.output("g", DType::BF16, {8, 64});
    pl::at({"twin"}, [&] {
      pl::Tile t = pl::load(a);
      pl::Tile p = pl::matmul(t, pl::load(w));
      pl::store(pl::add(p, pl::cast(t, DType::F32)), {0, 0}, y);
    });
    pl::at({"chained"}, [&] {
      pl::Tile p = pl::matmul(pl::load(f), pl::load(f));
      pl::store(pl::matmul(p, pl::load(f)), {0, 0}, z);
    });
    pl::at({"scalars"}, [&] {
      for (int64_t i : pl::pipeline(8, 2)) {
        const int64_t r = pl::read_int(rows, {i, 0}) % 64;
        pl::write(n, {i, 0}, static_cast<double>(r));
        pl::store(pl::load(w, {r, 0}, {1, 64}), {i, 0}, g);
      }
    });
    return s.finish();
  });
}

TEST_CASE("nested pipelines and a product that needs tiles in N") {
  on_both_chips([] {
    pl::Session s("nested");
    const pl::Tensor a = input(s, "a", DType::I8, {32, 1024}, 19);
    const pl::Tensor w = input(s, "w", DType::I8, {1024, 1024}, 20);
    const pl::Tensor y = s.output("y", DType::I32, {32, 1024});
    pl::at({"nested"}, [&] {
      for (int64_t n : pl::pipeline(4, 2)) {
        pl::Tile acc =
            pl::matmul(pl::load(a, {0, 0}, {32, 512}), pl::load(w, {0, n * 256}, {512, 256}));
        for (int64_t k : pl::pipeline(1, 2, 2))
          acc = pl::matmul_acc(acc, pl::load(a, {0, k * 512}, {32, 512}),
                               pl::load(w, {k * 512, n * 256}, {512, 256}));
        pl::store(acc, {0, n * 256}, y);
      }
    });
    const pl::Tensor z = s.output("z", DType::I32, {32, 1024});
    pl::at({"wide"}, [&] {
      pl::store(pl::matmul(pl::load(a, {0, 0}, {16, 64}), pl::load(w, {0, 0}, {64, 1024})), {0, 0},
                z);
    });
    return s.finish();
  });
}

TEST_CASE("the mask form of scatter runs on a2a3 and is refused on a5") {
  const auto make = [] {
    pl::Session s("scatter");
    const pl::Tensor x = input(s, "x", DType::F32, {4, 32}, 21);
    const pl::Tensor y = s.output("y", DType::F32, {4, 64});
    pl::at({"scatter"}, [&] {
      pl::Tile t = pl::load(x);
      pl::Tile d = pl::full(4, 64, DType::F32, 0.0);
      d = pl::scatter_mask(d, pl::mul(t, 2.0), isa::MaskPattern::P0101);
      d = pl::scatter_mask(d, t, isa::MaskPattern::P1010);
      pl::store(pl::add(d, 1.0), {0, 0}, y);
    });
    return s.finish();
  };
  lower_and_verify(make(), lower_test::a2a3());
  CHECK_THROWS_WITH(lower::lower(make(), lower_test::a5()),
                    Catch::Contains("scope scatter") && Catch::Contains("[lower.mask-scatter]"));
}

TEST_CASE("scalar writes next to bulk stores of the same tensor are staged") {
  on_both_chips([] {
    pl::Session s("map");
    const pl::Tensor map = s.output("map", DType::I32, {2, 16});
    pl::at({"map"}, [&] {
      pl::store(pl::full(2, 16, DType::I32, -1), {0, 0}, map);
      for (int64_t i : pl::range(5)) pl::write(map, {1, i}, 7);  // a run
      for (int64_t i : pl::range(6))
        if (i % 2 == 0) pl::write(map, {0, i * 2}, static_cast<double>(i));
    });
    return s.finish();
  });
  for (auto split : {pl::SplitMode::None, pl::SplitMode::UpDown}) {
    INFO("split " << static_cast<int>(split));
    on_both_chips([split] {
      pl::Session s("fill");
      const pl::Tensor a = input(s, "a", DType::BF16, {64, 64}, 31);
      const pl::Tensor y = s.output("y", DType::F32, {64, 1});
      const pl::Tensor z = s.output("z", DType::F32, {64, 64});
      pl::ScopeOptions options{"fill"};
      options.split = split;
      pl::spmd(4, options, [&](int64_t b) {
        if (b < 2) {
          const pl::Tile product =
              pl::matmul(pl::load(a, {b * 16, 0}, {16, 64}), pl::load(a, {0, 0}, {64, 64}));
          pl::store(product, {b * 16, 0}, z);
          pl::store(pl::row_max(pl::mul(product, 2.0)), {b * 16, 0}, y);
        } else {
          for (int64_t i : pl::range(16)) pl::write(y, {b * 16 + i, 0}, -3.0e38);
          pl::store(pl::full(16, 64, DType::F32, 0.0), {b * 16, 0}, z);
        }
      });
      return s.finish();
    });
  }
}

TEST_CASE("the result does not depend on the thread count") {
  lower::Options one, four;
  one.threads = 1;
  four.threads = 4;
  const pl::RecordedProgram p = rms_norm();
  const lower::Result a = lower::lower(p, lower_test::a2a3(), one),
                      b = lower::lower(p, lower_test::a2a3(), four);
  REQUIRE(a.graph.instruction_count() == b.graph.instruction_count());
  for (size_t blk = 0; blk < 4; ++blk) {
    const auto &x = a.graph.tasks[0].blocks[blk].aiv[0].instrs,
               &y = b.graph.tasks[0].blocks[blk].aiv[0].instrs;
    REQUIRE(x.size() == y.size());
    for (size_t i = 0; i < x.size(); ++i) {
      CHECK(x[i].op == y[i].op);
      CHECK(x[i].dst.addr == y[i].dst.addr);
      CHECK(x[i].after == y[i].after);
    }
  }
}
