// Writes recorded blocks by hand.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "lang/record.h"
#include "lower/work.h"

namespace lower_test {

class RecordBuilder {
 public:
  pl::BlockRecord record;

  pl::ValueId value(isa::DType t, int rows, int cols, pl::TileSpace space = pl::TileSpace::Auto) {
    pl::ValueInfo v;
    v.dtype = t;
    v.rows = static_cast<uint16_t>(rows);
    v.cols = static_cast<uint16_t>(cols);
    v.stride = v.cols;
    v.space = space;
    record.values.push_back(v);
    return pl::ValueId(static_cast<uint32_t>(record.values.size() - 1));
  }

  pl::TileRef ref(pl::ValueId id) const {
    const pl::ValueInfo& v = record.values[id.value];
    pl::TileRef r;
    r.value = id;
    r.dtype = v.dtype;
    r.stride = v.stride;
    r.rows = r.valid_rows = v.rows;
    r.cols = r.valid_cols = v.cols;
    return r;
  }

  pl::TileRef window(pl::ValueId id, int row, int col, int rows, int cols) const {
    pl::TileRef r = ref(id);
    r.offset = static_cast<uint32_t>(row * r.stride + col);
    r.rows = r.valid_rows = static_cast<uint16_t>(rows);
    r.cols = r.valid_cols = static_cast<uint16_t>(cols);
    return r;
  }

  /// The rows x cols window of a row-major GM tensor with `pitch` columns at (row, col).
  static isa::GmAccess gm(uint32_t buffer, isa::DType t, int64_t pitch, int64_t row, int64_t col,
                          int rows, int cols) {
    isa::GmAccess g;
    g.buffer = isa::BufferId(buffer);
    g.dtype = t;
    g.offset = row * pitch + col;
    g.row_stride = pitch;
    g.rows = rows;
    g.cols = cols;
    return g;
  }

  pl::Op& op(isa::Opcode code) {
    pl::Op& o = record.ops.emplace_back();
    o.opcode = code;
    o.site = isa::SiteId(site);
    return o;
  }
  pl::Op& op(isa::Opcode code, const pl::TileRef& dst,
             std::initializer_list<pl::TileRef> src = {}) {
    pl::Op& o = op(code);
    o.dst = dst;
    for (const pl::TileRef& s : src) o.src[o.n_src++] = s;
    return o;
  }
  pl::Op& op(isa::Opcode code, pl::ValueId dst, std::initializer_list<pl::ValueId> src = {}) {
    pl::Op& o = op(code, ref(dst));
    for (pl::ValueId s : src) o.src[o.n_src++] = ref(s);
    return o;
  }

  /// TLOAD of the whole value from rows `row`.. of `buffer` (as wide as the value).
  pl::Op& load(pl::ValueId v, uint32_t buffer, int64_t row = 0) {
    const pl::ValueInfo& i = record.values[v.value];
    pl::Op& o = op(isa::Opcode::TLOAD, v);
    o.gm = gm(buffer, i.dtype, i.cols, row, 0, i.rows, i.cols);
    return o;
  }
  pl::Op& store(pl::ValueId v, uint32_t buffer, int64_t row = 0) {
    const pl::ValueInfo& i = record.values[v.value];
    pl::Op& o = op(isa::Opcode::TSTORE);
    o.src[o.n_src++] = ref(v);
    o.gm = gm(buffer, i.dtype, i.cols, row, 0, i.rows, i.cols);
    return o;
  }

  void loop(pl::LoopKind kind, int trip, int stage = 1) {
    pl::Op& o = marker(pl::Op::Kind::LoopBegin);
    o.loop = kind;
    o.trip = trip;
    o.stage = static_cast<uint8_t>(stage);
    loops_.push_back(o);
  }
  void iter(int n) {
    const pl::Op outer = loops_.back();
    pl::Op& o = marker(pl::Op::Kind::LoopIter);
    o.loop = outer.loop;
    o.trip = outer.trip;
    o.iter = n;
  }
  void end() {
    marker(pl::Op::Kind::LoopEnd);
    loops_.pop_back();
  }

  uint32_t site = 0;

 private:
  pl::Op& marker(pl::Op::Kind kind) {
    pl::Op& o = record.ops.emplace_back();
    o.kind = kind;
    return o;
  }
  std::vector<pl::Op> loops_;
};

/// A working list with every recorded operation in stream `s`; all values in UB.
inline lower::BlockWork one_stream(const pl::BlockRecord& record, int s = lower::kAiv0) {
  lower::BlockWork w;
  w.record = &record;
  w.where = "scope test";
  for (const pl::ValueInfo& i : record.values) {
    lower::Value v;
    v.dtype = i.dtype;
    v.rows = v.tile_rows = i.rows;
    v.cols = i.cols;
    v.stride = i.stride;
    v.site = i.site;
    v.bytes = lower::value_bytes(v);
    w.values.push_back(v);
  }
  for (const pl::Op& op : record.ops) {
    lower::Item it;
    it.op = w.add_op(op);  // a record lends its operations out by value
    w.streams[static_cast<size_t>(s)].push_back(it);
  }
  return w;
}

/// A program of one scope.
inline pl::RecordedProgram one_scope(pl::ScopeRecord scope, std::vector<isa::GmBuffer> buffers) {
  pl::RecordedProgram p;
  p.name = "test";
  p.sites = {"test.cpp:1", "test.cpp:2", "test.cpp:3"};
  scope.site = isa::SiteId(0);
  scope.block_num = static_cast<int32_t>(scope.blocks.size());
  uint64_t addr = 0;
  for (isa::GmBuffer& b : buffers) {
    b.gm_addr = addr;
    addr += static_cast<uint64_t>(b.bytes + 511) / 512 * 512;
  }
  p.buffers = std::move(buffers);
  p.storage.resize(p.buffers.size());
  p.scopes.push_back(std::move(scope));
  pl::OrchEvent submit;
  submit.task = isa::TaskId(0);
  p.orchestration.push_back(submit);
  return p;
}

inline isa::GmBuffer buffer(const std::string& name, isa::DType t, int64_t rows, int64_t cols,
                            isa::BufferRole role = isa::BufferRole::Input) {
  isa::GmBuffer b;
  b.name = name;
  b.dtype = t;
  b.shape = {rows, cols};
  b.bytes = rows * cols * static_cast<int64_t>(isa::size_of(t));
  b.role = role;
  return b;
}

}  // namespace lower_test
