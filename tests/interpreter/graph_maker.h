// Hand-made task graphs for the interpreter tests.
#pragma once

#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "isa/error.h"
#include "isa/interpreter.h"
#include "isa/layout.h"

namespace maker {

using namespace isa;

/// a2a3's memories (hardware.md §2.1).
inline MemoryLimits limits() { return {188416, 524288, 65536, 65536, 131072}; }

/// One instruction under construction.
struct I : Instr {
  explicit I(Opcode o, Pipe p) {
    op = o;
    pipe = p;
  }
  I& to(const TileOperand& t) { return dst = t, *this; }
  I& from(const TileOperand& t) {
    src[n_src++] = t;
    return *this;
  }
  I& scratch(const TileOperand& t) {  // behind the sources
    src[n_src] = t;
    return *this;
  }
  I& window(const GmAccess& g) { return gm = g, *this; }
  I& waits(int32_t event) { return wait_event = event, *this; }
  I& signals(int32_t event) { return signal_event = event, *this; }
  I& edge(Pipe p, uint32_t instr, bool release = false) {
    after[static_cast<size_t>(p)] = instr + 1;
    if (release) after_release |= static_cast<uint8_t>(1U << static_cast<unsigned>(p));
    return *this;
  }
  I& imm(double x) { return attr.imm = x, *this; }
};

inline TileOperand tile(MemSpace space, uint32_t addr, DType t, int rows, int cols,
                        Layout layout = Layout::ND) {
  TileOperand o;
  o.space = space;
  o.addr = addr;
  o.dtype = t;
  o.layout = layout;
  o.tile_rows = o.rows = o.valid_rows = static_cast<uint16_t>(rows);
  o.tile_cols = o.cols = o.valid_cols = static_cast<uint16_t>(cols);
  return o;
}
inline TileOperand ub(uint32_t addr, DType t, int rows, int cols) {
  return tile(MemSpace::UB, addr, t, rows, cols);
}
inline TileOperand window(TileOperand o, int row, int col, int rows, int cols) {
  o.row0 = static_cast<uint16_t>(row);
  o.col0 = static_cast<uint16_t>(col);
  o.rows = o.valid_rows = static_cast<uint16_t>(rows);
  o.cols = o.valid_cols = static_cast<uint16_t>(cols);
  return o;
}
inline TileOperand valid(TileOperand o, int rows, int cols) {
  o.valid_rows = static_cast<uint16_t>(rows);
  o.valid_cols = static_cast<uint16_t>(cols);
  return o;
}

/// Each instruction waits for everything before it in its stream.
inline Stream serial(std::vector<Instr> instrs) {
  std::array<uint32_t, kPipes> last{};
  for (size_t k = 0; k < instrs.size(); ++k) {
    instrs[k].after = last;
    last[static_cast<size_t>(instrs[k].pipe)] = static_cast<uint32_t>(k + 1);
  }
  return Stream{std::move(instrs)};
}

class Program {
 public:
  Program() { graph.sites = {"kernel.cpp:7"}; }

  /// A buffer with contents.
  template <class T>
  GmAccess buffer(const std::string& name, DType t, int rows, int cols,
                  const std::vector<T>& data) {
    const GmAccess whole = empty(name, t, rows, cols);
    auto& bytes = gm.bytes.back();
    REQUIRE(bytes.size() == data.size() * sizeof(T));
    std::memcpy(bytes.data(), data.data(), bytes.size());
    gm.written.back().assign(bytes.size(), 1);
    return whole;
  }
  /// A buffer nobody has written.
  GmAccess empty(const std::string& name, DType t, int rows, int cols) {
    GmBuffer b;
    b.name = name;
    b.dtype = t;
    b.shape = {rows, cols};
    b.bytes = static_cast<int64_t>(rows) * cols * static_cast<int64_t>(size_of(t));
    graph.buffers.push_back(b);
    gm.bytes.emplace_back(static_cast<size_t>(b.bytes), uint8_t{0});
    gm.written.emplace_back(static_cast<size_t>(b.bytes), uint8_t{0});
    GmAccess g;
    g.buffer = BufferId(static_cast<uint32_t>(graph.buffers.size() - 1));
    g.dtype = t;
    g.row_stride = cols;
    g.rows = rows;
    g.cols = cols;
    return g;
  }
  Task& task(const std::string& name) {
    graph.tasks.emplace_back();
    graph.tasks.back().name = name;
    return graph.tasks.back();
  }
  BlockCode& block() {
    Task& t = graph.tasks.empty() ? task("scope_a") : graph.tasks.back();
    t.blocks.emplace_back();
    return t.blocks.back();
  }
  void run() { interpret(graph, limits(), gm); }

  template <class T>
  std::vector<T> contents(const GmAccess& g) const {
    const auto& bytes = gm.bytes[g.buffer.value];
    std::vector<T> v(bytes.size() / sizeof(T));
    std::memcpy(v.data(), bytes.data(), bytes.size());
    return v;
  }

  TaskGraph graph;
  GmImage gm;
};

inline I load(const TileOperand& to, const GmAccess& g) {
  return I(Opcode::TLOAD, Pipe::MTE2).to(to).window(g);
}
inline I store(const TileOperand& from, const GmAccess& g, Pipe p = Pipe::MTE3) {
  return I(Opcode::TSTORE, p).from(from).window(g);
}
inline I vec(Opcode op, const TileOperand& to, std::vector<TileOperand> from) {
  I i(op, Pipe::V);
  i.to(to);
  for (const TileOperand& f : from) i.from(f);
  return i;
}

/// The error `f` throws: its id must be `id`; returns the whole line.
template <class F>
std::string error_of(const std::string& id, F&& f) {
  try {
    f();
  } catch (const Error& e) {
    CHECK(e.id() == id);
    return e.what();
  }
  FAIL("no error, expected " << id);
  return {};
}

template <class T>
std::vector<T> ramp(int n, T start = T(0)) {
  std::vector<T> v(static_cast<size_t>(n));
  for (int i = 0; i < n; ++i) v[static_cast<size_t>(i)] = static_cast<T>(start + T(i));
  return v;
}

}  // namespace maker
