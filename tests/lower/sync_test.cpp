#include "lower/sync.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>

#include "isa/layout.h"
#include "lower/access.h"
#include "lower/emit.h"

using isa::DType;
using isa::Instr;
using isa::MemSpace;
using isa::Opcode;
using isa::Pipe;
using isa::TileOperand;

namespace {

constexpr auto at(Pipe p) { return static_cast<size_t>(p); }

TileOperand tile(uint32_t addr, int rows, int cols, int tile_cols = 0, int col0 = 0) {
  TileOperand t;
  t.addr = addr;
  t.tile_rows = t.rows = t.valid_rows = static_cast<uint16_t>(rows);
  t.cols = t.valid_cols = static_cast<uint16_t>(cols);
  t.tile_cols = static_cast<uint16_t>(tile_cols != 0 ? tile_cols : cols);
  t.col0 = static_cast<uint16_t>(col0);
  return t;
}

isa::GmAccess gm(uint32_t buffer, int64_t offset, int rows, int cols, int64_t stride) {
  isa::GmAccess g;
  g.buffer = isa::BufferId(buffer);
  g.offset = offset;
  g.rows = rows;
  g.cols = cols;
  g.row_stride = stride;
  return g;
}

Instr make(Opcode op, const TileOperand& dst, std::vector<TileOperand> src = {}) {
  Instr i;
  i.op = op;
  i.dst = dst;
  for (const TileOperand& s : src) i.src[i.n_src++] = s;
  i.pipe = lower::pipe_of(i);
  return i;
}
Instr load(const TileOperand& dst, isa::GmAccess g = gm(0, 0, 1, 1, 1)) {
  Instr i = make(Opcode::TLOAD, dst);
  i.gm = g;
  return i;
}
Instr store(const TileOperand& src, isa::GmAccess g = gm(1, 0, 1, 1, 1)) {
  Instr i = make(Opcode::TSTORE, {}, {src});
  i.dst = {};
  i.gm = g;
  return i;
}

}  // namespace

TEST_CASE("a consumer waits for its producer, not for its neighbours") {
  std::vector<Instr> s = {load(tile(0, 8, 64)), load(tile(2048, 8, 64)),
                          make(Opcode::TEXP, tile(4096, 8, 64), {tile(0, 8, 64)})};
  lower::add_edges(s);
  CHECK(s[2].after[at(Pipe::MTE2)] == 1);  // the first load only
  CHECK(s[2].after_release == 0);
  CHECK_FALSE(s[2].barrier);
  CHECK(s[1].after == std::array<uint32_t, isa::kPipes>{});
}

TEST_CASE("reusing a stored buffer needs the release, a vector source its completion") {
  std::vector<Instr> s = {make(Opcode::TEXPANDS, tile(0, 8, 64)), store(tile(0, 8, 64)),
                          load(tile(0, 8, 64))};
  lower::add_edges(s);
  CHECK(s[1].after[at(Pipe::V)] == 1);
  CHECK(s[2].after[at(Pipe::MTE3)] == 2);
  CHECK(s[2].after_release == 1U << at(Pipe::MTE3));
  CHECK(s[2].after[at(Pipe::V)] == 0);  // implied by the store

  s = {make(Opcode::TEXP, tile(2048, 8, 64), {tile(0, 8, 64)}), load(tile(0, 8, 64))};
  lower::add_edges(s);
  CHECK(s[1].after[at(Pipe::V)] == 1);
  CHECK(s[1].after_release == 0);
}

TEST_CASE("V barriers stand in front of dependent vector instructions only") {
  const TileOperand a = tile(0, 8, 64), b = tile(2048, 8, 64), c = tile(4096, 8, 64);
  std::vector<Instr> s = {make(Opcode::TEXPANDS, a), make(Opcode::TEXPANDS, b),
                          make(Opcode::TADD, c, {a, b}),  // reads both
                          make(Opcode::TEXPANDS, tile(8192, 8, 64)),
                          make(Opcode::TEXP, tile(10240, 8, 64), {b})};  // drained already
  lower::add_edges(s);
  CHECK_FALSE(s[1].barrier);
  CHECK(s[2].barrier);
  CHECK_FALSE(s[3].barrier);
  CHECK_FALSE(s[4].barrier);
  s = {make(Opcode::TEXP, b, {a}), make(Opcode::TEXPANDS, a), make(Opcode::TEXPANDS, a)};
  lower::add_edges(s);
  CHECK(s[1].barrier);  // write after read
  CHECK(s[2].barrier);  // write after write
}

TEST_CASE("column windows of one tile conflict only where they share bytes") {
  const TileOperand left = tile(0, 8, 32, 64, 0), right = tile(0, 8, 32, 64, 32),
                    middle = tile(0, 8, 32, 64, 16);
  std::vector<Instr> s = {make(Opcode::TEXPANDS, left), store(right)};
  lower::add_edges(s);
  CHECK(s[1].after[at(Pipe::V)] == 0);
  s = {make(Opcode::TEXPANDS, left), store(middle)};
  lower::add_edges(s);
  CHECK(s[1].after[at(Pipe::V)] == 1);
}

TEST_CASE("scalar tile accesses are ordered against the vector pipe both ways") {
  Instr read = make(Opcode::SREAD, {}, {tile(64, 1, 1)});
  Instr write = make(Opcode::SWRITE, tile(64, 1, 1));
  std::vector<Instr> s = {make(Opcode::TEXPANDS, tile(0, 8, 64)), read, write,
                          make(Opcode::TEXP, tile(2048, 8, 64), {tile(0, 8, 64)})};
  lower::add_edges(s);
  CHECK(s[1].after[at(Pipe::V)] == 1);
  CHECK(s[2].after[at(Pipe::V)] == 0);  // in order behind the read
  CHECK(s[3].after[at(Pipe::S)] == 3);
}

TEST_CASE("GM windows order a store before an overlapping load of the same buffer") {
  const auto edge = [](isa::GmAccess st, isa::GmAccess ld) {
    std::vector<Instr> s = {store(tile(0, 8, 64), st), load(tile(4096, 8, 64), ld)};
    lower::add_edges(s);
    return s[1].after[at(Pipe::MTE3)];
  };
  CHECK(edge(gm(3, 0, 8, 64, 512), gm(3, 0, 8, 64, 512)) == 1);
  CHECK(edge(gm(3, 0, 8, 64, 512), gm(3, 64, 8, 64, 512)) == 0);  // next columns
  CHECK(edge(gm(3, 0, 8, 64, 512), gm(3, 63, 8, 64, 512)) == 1);
  CHECK(edge(gm(3, 0, 8, 64, 512), gm(3, 8 * 512, 8, 64, 512)) == 0);  // next rows
  CHECK(edge(gm(3, 0, 8, 64, 512), gm(4, 0, 8, 64, 512)) == 0);        // another buffer
}

TEST_CASE("L0C, L0A and L0B hazards link M, MTE1 and FIX") {
  TileOperand l1 = tile(0, 16, 128);
  l1.space = MemSpace::L1;
  l1.layout = isa::Layout::NZ;
  l1.dtype = DType::BF16;
  TileOperand a = l1, b = l1, c = l1;
  a.space = MemSpace::L0A;
  a.layout = isa::Layout::ZZ;
  b.space = MemSpace::L0B;
  b.layout = isa::Layout::ZN;
  c.space = MemSpace::L0C;
  c.dtype = DType::F32;
  std::vector<Instr> s = {load(l1),
                          make(Opcode::TEXTRACT, a, {l1}),
                          make(Opcode::TEXTRACT, b, {l1}),
                          make(Opcode::TMATMUL, c, {a, b}),
                          store(c),
                          make(Opcode::TEXTRACT, a, {l1}),
                          make(Opcode::TMATMUL, c, {a, b})};
  lower::add_edges(s);
  CHECK(s[1].after[at(Pipe::MTE2)] == 1);
  CHECK(s[3].after[at(Pipe::MTE1)] == 3);
  CHECK(s[4].pipe == Pipe::FIX);
  CHECK(s[4].after[at(Pipe::M)] == 4);
  CHECK(s[5].after[at(Pipe::M)] == 4);    // L0A is free once the product is done
  CHECK(s[6].after[at(Pipe::FIX)] == 5);  // L0C once the drain has read it
  CHECK((s[6].after_release >> at(Pipe::FIX) & 1) == 1);
}

namespace {

std::set<int64_t> bytes_of(const TileOperand& t) {
  std::set<int64_t> bytes;
  for (int r = 0; r < t.rows; ++r)
    for (int c = 0; c < t.cols; ++c)
      for (int64_t b = 0; b < 4; ++b)
        bytes.insert(t.addr + ((t.row0 + r) * t.tile_cols + t.col0 + c) * 4 + b);
  return bytes;
}

struct Touch {
  std::set<int64_t> read, written;
};

bool meet(const std::set<int64_t>& a, const std::set<int64_t>& b) {
  for (int64_t x : a)
    if (b.count(x) != 0) return true;
  return false;
}

}  // namespace

TEST_CASE("random streams: every conflict is ordered and every edge has a conflict") {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    std::mt19937 rng(seed);
    const auto random_tile = [&] {
      if (rng() % 2 == 0) return tile((rng() % 8) * 256, 4, 16);
      return tile(static_cast<uint32_t>(rng() % 4) * 512, 4, 8, 32,
                  static_cast<int>(rng() % 4) * 8);
    };
    std::vector<Instr> s;
    for (int i = 0; i < 40; ++i) {
      switch (rng() % 4) {
        case 0:
          s.push_back(load(random_tile()));
          break;
        case 1:
          s.push_back(store(random_tile()));
          break;
        case 2:
          s.push_back(make(Opcode::SREAD, {}, {random_tile()}));
          break;
        default:
          s.push_back(make(Opcode::TADD, random_tile(), {random_tile(), random_tile()}));
      }
    }
    lower::add_edges(s);
    std::vector<Touch> touch(s.size());
    for (size_t i = 0; i < s.size(); ++i) {
      for (int k = 0; k < s[i].n_src; ++k)
        for (int64_t b : bytes_of(s[i].src[static_cast<size_t>(k)])) touch[i].read.insert(b);
      if (s[i].dst.present()) touch[i].written = bytes_of(s[i].dst);
    }
    // done[i][j]: j is complete when i starts; read_out[i][j]: j has read its sources by then.
    const size_t n = s.size();
    std::vector<std::vector<bool>> done(n, std::vector<bool>(n)), read_out = done;
    const auto inherit = [&](size_t i, size_t j) {  // i starts after j has started
      for (size_t k = 0; k < n; ++k) {
        if (done[j][k]) done[i][k] = true;
        if (read_out[j][k]) read_out[i][k] = true;
      }
    };
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < i; ++j)
        if (s[j].pipe == s[i].pipe) {
          inherit(i, j);
          if (s[i].barrier) done[i][j] = read_out[i][j] = true;
        }
      for (size_t p = 0; p < isa::kPipes; ++p) {
        if (s[i].after[p] == 0) continue;
        const size_t e = s[i].after[p] - 1;
        INFO("seed " << seed << " instr " << i << " pipe " << p << " edge " << e);
        REQUIRE(e < i);
        REQUIRE(at(s[e].pipe) == p);
        const bool conflict = meet(touch[i].written, touch[e].read) ||
                              meet(touch[i].written, touch[e].written) ||
                              meet(touch[i].read, touch[e].written);
        REQUIRE(conflict);
        const bool release = (s[i].after_release >> p & 1) != 0;
        for (size_t j = 0; j <= e; ++j)
          if (s[j].pipe == s[e].pipe) {
            inherit(i, j);
            read_out[i][j] = true;
            if (!release) done[i][j] = true;
          }
      }
      for (size_t j = 0; j < i; ++j) {
        const bool after_write =
            meet(touch[i].read, touch[j].written) || meet(touch[i].written, touch[j].written);
        const bool after_read = meet(touch[i].written, touch[j].read);
        INFO("seed " << seed << " instr " << i << " behind " << j);
        if (s[j].pipe == s[i].pipe) {
          if (s[i].pipe == Pipe::V && (after_write || after_read)) REQUIRE(done[i][j]);
          continue;
        }
        if (after_write) REQUIRE(done[i][j]);
        if (after_read) REQUIRE((done[i][j] || read_out[i][j]));
      }
    }
  }
}

TEST_CASE("window overlap is exact for equal pitches") {
  std::mt19937 rng(5);
  const auto bytes = [](const lower::ByteWindow& w) {
    std::set<int64_t> b;
    for (int r = 0; r < w.runs; ++r)
      for (int64_t i = 0; i < w.width; ++i) b.insert(w.lo + r * w.pitch + i);
    return b;
  };
  for (int i = 0; i < 2000; ++i) {
    const auto a =
        lower::make_window(rng() % 40, 1 + rng() % 9, 10, 1 + static_cast<int>(rng() % 4));
    const auto b =
        lower::make_window(rng() % 40, 1 + rng() % 9, 10, 1 + static_cast<int>(rng() % 4));
    const auto x = bytes(a), y = bytes(b);
    CHECK(lower::overlap(a, b) == meet(x, y));
    if (lower::covers(a, b))
      for (int64_t byte : y) CHECK(x.count(byte) == 1);
  }
}
