// What a scope touches: bounding views and directions.
#include <set>

#include "lower/deps_args.h"
#include "program_maker.h"

using namespace maker;
using lower::bounding_box;
using lower::Extent;

namespace {

/// The box, element by element.
std::vector<Extent> slow_box(const lower::ElementWindow& w, const std::vector<int64_t>& shape) {
  std::vector<Extent> box(shape.size(), {1 << 30, -1});
  for (int64_t r = 0; r < w.rows; ++r)
    for (int64_t c = 0; c < w.cols; ++c) {
      int64_t e = w.offset + r * w.row_stride + c;
      for (size_t d = shape.size(); d-- > 0;) {
        const int64_t i = d == 0 ? e : e % shape[d];
        e /= shape[d];
        box[d].lo = std::min(box[d].lo, i);
        box[d].hi = std::max(box[d].hi, i + 1);
      }
    }
  return box;
}

bool same(const std::vector<Extent>& a, const std::vector<Extent>& b) {
  for (size_t d = 0; d < a.size(); ++d)
    if (a[d].lo != b[d].lo || a[d].hi != b[d].hi) return false;
  return a.size() == b.size();
}

}  // namespace

TEST_CASE("bounding boxes of windows equal the element walk") {
  struct Case {
    lower::ElementWindow w;
    std::vector<int64_t> shape;
  };
  const std::vector<Case> cases = {
      {{0, 64, 16, 64}, {16, 64}},          // whole
      {{3 * 64 + 8, 64, 5, 16}, {16, 64}},  // inside
      {{3 * 64 + 8, 64, 1, 16}, {16, 64}},  // one run
      {{8, 128, 4, 16}, {16, 64}},          // every other row
      {{5, 64, 16, 1}, {16, 64}},           // a column
      {{64, 0, 1, 192}, {16, 64}},          // three whole rows in one run
      {{0, 1024, 4, 64}, {4, 16, 64}},      // first row of each matrix
      {{1024 + 128, 64, 14, 32}, {4, 16, 64}},
      {{7, 1, 9, 1}, {40}},  // rank 1
      {{2, 4, 3, 2}, {16}},
      {{2 * 1024, 64, 32, 64}, {4, 16, 64}},  // two matrices, rows folded
  };
  for (const Case& k : cases) {
    INFO(k.w.offset << " " << k.w.row_stride << " " << k.w.rows << "x" << k.w.cols);
    CHECK(same(bounding_box(k.w, k.shape), slow_box(k.w, k.shape)));
  }
}

TEST_CASE("random windows: the box holds every element") {
  uint32_t seed = 3;
  const auto random = [&](uint32_t n) {
    return int64_t((seed = seed * 1664525u + 1013904223u) / 65536 % n);
  };
  for (int round = 0; round < 500; ++round) {
    const std::vector<int64_t> shape = {4 + random(8), 1 + random(6), 1 + random(9)};
    const int64_t total = shape[0] * shape[1] * shape[2];
    lower::ElementWindow w{random(20), random(30), 1 + random(5), 1 + random(12)};
    if (w.offset + (w.rows - 1) * w.row_stride + w.cols > total) continue;
    const auto box = bounding_box(w, shape), exact = slow_box(w, shape);
    for (size_t d = 0; d < 3; ++d) {
      REQUIRE(box[d].lo <= exact[d].lo);
      REQUIRE(box[d].hi >= exact[d].hi);
      REQUIRE(box[d].lo >= 0);
      REQUIRE(box[d].hi <= shape[d]);
    }
  }
}

TEST_CASE("one argument per buffer: the box over all blocks and accesses, in order of first use") {
  Maker m;
  const BufferId x = m.buffer("x", {128, 256}, BufferRole::Input);
  const BufferId y = m.buffer("y", {128, 256}, BufferRole::Output);
  m.scope("s").reads(x, {0, 0, 16, 64}).writes(y, {0, 32, 16, 32}).reads(x, {8, 64, 16, 64});
  m.block().reads(x, {64, 0, 16, 64}).writes(y, {64, 32, 16, 32});
  m.p.scopes[0].scalars = 2;
  m.p.scopes[0].scope_depth = 3;
  const TaskGraph g = m.derive();
  const Task& t = g.tasks[0];
  REQUIRE(t.args.size() == 2);
  CHECK(t.args[0].buffer == x);
  CHECK(t.args[0].offset == 0);
  CHECK(t.args[0].shape == std::vector<int64_t>{80, 128});
  CHECK(t.args[0].strides == std::vector<int64_t>{256, 1});
  CHECK(t.args[0].dir == Direction::Input);
  CHECK(t.args[1].offset == 32);
  CHECK(t.args[1].shape == std::vector<int64_t>{80, 32});
  CHECK(t.args[1].dir == Direction::OutputExisting);
  CHECK(t.scalars == 2);
  CHECK(t.scope_depth == 3);
}

TEST_CASE("windows of another element size count in the buffer's elements") {
  GmBuffer b;
  b.dtype = DType::F32;
  GmAccess g;
  g.dtype = DType::BF16;
  g.offset = 6;
  g.row_stride = 64;
  g.rows = 3;
  g.cols = 5;  // bytes 12..22 of each 128 B row: words 3, 4, 5
  const auto w = lower::element_window(g, b);
  CHECK(w.offset == 3);
  CHECK(w.cols == 3);
  CHECK(w.row_stride == 32);
  g.row_stride = 7;  // no whole words: one run over everything, bytes 12..50
  const auto hull = lower::element_window(g, b);
  CHECK(hull.rows == 1);
  CHECK(hull.offset == 3);
  CHECK(hull.cols == 10);
}

TEST_CASE("directions from the body") {
  Maker m;
  const BufferId x = m.buffer("x", {16, 16}, BufferRole::Input), t = m.buffer("t", {16, 16});
  const BufferId u = m.buffer("u", {16, 16});
  m.scope("s").reads(x).writes(t).adds(u);
  m.p.scopes[0].blocks[0].ops.push_back(access(Opcode::SREAD, x, DType::F32, 0, 1, 1, 1));
  const TaskGraph g = m.derive();
  CHECK(g.tasks[0].args[0].dir == Direction::Input);
  CHECK(g.tasks[0].args[1].dir == Direction::OutputExisting);
  CHECK(g.tasks[0].args[2].dir == Direction::InOut);  // an atomic add reads and writes
}

TEST_CASE("promotion of a pure writer to INOUT") {
  Maker m;
  const auto dir_of_last = [&] { return m.derive().tasks.back().args.back().dir; };
  SECTION("not without reason") {
    m.scope("s").writes(m.buffer("t", {16, 16}));
    CHECK(dir_of_last() == Direction::OutputExisting);
  }
  SECTION("inside a sequential loop") {
    m.scope("s").in_loop().writes(m.buffer("t", {16, 16}));
    CHECK(dir_of_last() == Direction::InOut);
  }
  SECTION("the program parameter is INOUT") {
    m.scope("s").writes(m.buffer("kv", {16, 16}, BufferRole::InOut));
    CHECK(dir_of_last() == Direction::InOut);
  }
  SECTION("after a prior sibling writer, even of another part") {
    const BufferId t = m.buffer("t", {16, 16});
    m.scope("a").writes(t, {0, 0, 8, 16});
    m.scope("b").writes(t, {8, 0, 8, 16});
    CHECK(dir_of_last() == Direction::InOut);
  }
  SECTION("a prior reader does not count") {
    const BufferId t = m.buffer("t", {16, 16});
    m.scope("a").reads(t);
    m.scope("b").writes(t);
    CHECK(dir_of_last() == Direction::OutputExisting);
  }
  SECTION("iterations of a parallel loop are one call") {
    const BufferId t = m.buffer("t", {32, 16});
    for (int i = 0; i < 4; ++i) m.scope("a", 5).writes(t, {8 * i, 0, 8, 16});
    CHECK(dir_of_last() == Direction::OutputExisting);
  }
  SECTION(
      "two calls in a parallel body: the second is promoted in every iteration, the first never") {
    const BufferId t = m.buffer("t", {32, 16});
    for (int i = 0; i < 3; ++i) {
      m.scope("a", 5).writes(t, {8 * i, 0, 8, 8});
      m.scope("b", 6).writes(t, {8 * i, 8, 8, 8});
    }
    const TaskGraph g = m.derive();
    for (size_t i = 0; i < 3; ++i) {
      CHECK(g.tasks[2 * i].args[0].dir == Direction::OutputExisting);
      CHECK(g.tasks[2 * i + 1].args[0].dir == Direction::InOut);
    }
  }
  SECTION("a temporary nobody allocates is a runtime OUTPUT of its first writer") {
    const BufferId t = m.buffer("t", {16, 16}, BufferRole::Temp, false);
    m.scope("a").writes(t);
    CHECK(dir_of_last() == Direction::Output);
    m.scope("b").writes(t);
    CHECK(dir_of_last() == Direction::InOut);
  }
}
