// Recorded programs by hand, without running anything.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

#include "isa/error.h"
#include "lower/deps.h"

namespace maker {

using namespace isa;

inline pl::Op access(Opcode op, BufferId b, DType t, int64_t offset, int64_t stride, int rows,
                     int cols) {
  pl::Op o;
  o.opcode = op;
  o.gm.buffer = b;
  o.gm.dtype = t;
  o.gm.offset = offset;
  o.gm.row_stride = stride;
  o.gm.rows = rows;
  o.gm.cols = cols;
  return o;
}

/// A program whose tensors are [rows x cols]; windows are (row, col, rows, cols).
class Maker {
 public:
  struct Window {
    int row, col, rows, cols;
  };

  BufferId buffer(const std::string& name, std::vector<int64_t> shape,
                  BufferRole role = BufferRole::Temp, bool alloc = true, DType t = DType::F32) {
    GmBuffer b;
    b.name = name;
    b.dtype = t;
    b.shape = shape;
    b.role = role;
    b.bytes = static_cast<int64_t>(size_of(t));
    for (int64_t d : shape) b.bytes *= d;
    p.buffers.push_back(b);
    p.storage.emplace_back();
    const BufferId id(static_cast<uint32_t>(p.buffers.size() - 1));
    if (alloc && role == BufferRole::Temp) event(pl::OrchEvent::Kind::Alloc).buffer = id;
    return id;
  }

  /// Opens the next scope; its source position is `site` (default: one of its own).
  Maker& scope(const std::string& name, int site = -1) {
    pl::ScopeRecord s;
    s.name = name;
    s.site = SiteId(static_cast<uint32_t>(site >= 0 ? site : 1000 + int(p.scopes.size())));
    s.blocks.emplace_back();
    s.manual_scope = manual;
    p.scopes.push_back(s);
    event(pl::OrchEvent::Kind::Submit).task = last();
    return *this;
  }
  Maker& block() {
    p.scopes.back().blocks.emplace_back();
    ++p.scopes.back().block_num;
    return *this;
  }
  Maker& in_loop() { return p.scopes.back().in_loop = true, *this; }
  Maker& deps(std::vector<TaskId> d) { return p.scopes.back().deps = std::move(d), *this; }
  Maker& no_dep(BufferId b) { return p.scopes.back().no_dep.push_back(b), *this; }

  Maker& reads(BufferId b, Window w) { return add(Opcode::TLOAD, b, w, false); }
  Maker& writes(BufferId b, Window w) { return add(Opcode::TSTORE, b, w, false); }
  Maker& adds(BufferId b, Window w) { return add(Opcode::TSTORE, b, w, true); }
  Maker& reads(BufferId b) { return reads(b, whole(b)); }
  Maker& writes(BufferId b) { return writes(b, whole(b)); }
  Maker& adds(BufferId b) { return adds(b, whole(b)); }

  pl::OrchEvent& event(pl::OrchEvent::Kind kind) {
    p.orchestration.emplace_back();
    p.orchestration.back().kind = kind;
    return p.orchestration.back();
  }
  TaskId last() const { return TaskId(static_cast<uint32_t>(p.scopes.size() - 1)); }

  TaskGraph derive() const {
    TaskGraph g;
    g.buffers = p.buffers;
    for (const auto& s : p.scopes) {
      g.tasks.emplace_back();
      g.tasks.back().name = s.name;
    }
    lower::derive_dependencies(p, g);
    return g;
  }

  pl::RecordedProgram p;
  bool manual = false;

 private:
  Window whole(BufferId b) const {
    const auto& s = p.buffers[b.value].shape;
    return {0, 0, static_cast<int>(s[0]), static_cast<int>(s[1])};
  }
  Maker& add(Opcode op, BufferId b, Window w, bool atomic) {
    const GmBuffer& buffer = p.buffers[b.value];
    const int64_t ld = buffer.shape.back();
    pl::Op o = access(op, b, buffer.dtype, w.row * ld + w.col, ld, w.rows, w.cols);
    o.attr.atomic = atomic;
    p.scopes.back().blocks.back().ops.push_back(o);
    return *this;
  }
};

/// "1->2:tensormap/covered" in graph order.
inline std::vector<std::string> edges(const TaskGraph& g) {
  std::vector<std::string> list;
  for (const TaskEdge& e : g.edges) {
    std::string s = std::to_string(e.pred.value) + "->" + std::to_string(e.succ.value) + ":";
    s += e.source == EdgeSource::Explicit  ? "explicit"
         : e.source == EdgeSource::Creator ? "creator"
                                           : "tensormap";
    if (e.covered) s += "/covered";
    list.push_back(s);
  }
  return list;
}
using Edges = std::vector<std::string>;

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

}  // namespace maker
