#include "lower/staging.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

namespace lower {
namespace {

using isa::BufferId;
using isa::Opcode;
using pl::Op;

constexpr int64_t kStoreBytes = 32;  // MTE3 moves whole 32 B of a row

bool is(const Op& op, Opcode opcode) {
  return op.kind == Op::Kind::Instr && op.opcode == opcode;
}
bool is_write(const Op& op) { return is(op, Opcode::SWRITE) && op.gm.present(); }
bool is_store(const Op& op) { return is(op, Opcode::TSTORE) && !op.gm.remote(); }
bool touches(const Op& op, BufferId buffer) {
  return op.kind == Op::Kind::Instr && op.gm.present() && op.gm.buffer == buffer;
}
bool reads(const Op& op, pl::ValueId value) {
  return std::any_of(op.src.begin(), op.src.begin() + op.n_src,
                     [&](const pl::TileRef& s) { return s.value == value; });
}
bool contains(const std::vector<BufferId>& buffers, BufferId b) {
  return std::find(buffers.begin(), buffers.end(), b) != buffers.end();
}

int64_t elements(const isa::GmBuffer& b) {
  int64_t n = 1;
  for (int64_t d : b.shape) n *= d;
  return n;
}

/// What one write statement of a loop does: `op` is its first access.
struct Fill {
  Op op;
  int64_t count = 0;
};

/// Replaces the loops of constant writes to neighbouring elements.
class FillLoops {
 public:
  FillLoops(const std::vector<BufferId>& mixed, pl::BlockRecord& block)
      : mixed_(mixed), block_(block) {}

  /// True if there was one.
  bool run() {
    std::vector<Op> ops;
    block_.ops.copy_to(ops);
    isa::CodeList<Op> out;
    bool changed = false;
    for (size_t i = 0; i < ops.size(); ++i) {
      const size_t end = ops[i].kind == Op::Kind::LoopBegin ? fills_of(ops, i) : 0;
      if (end == 0) {
        out.push_back(ops[i]);
        continue;
      }
      for (const Fill& f : fills_) store(f, out);
      i = end;
      changed = true;
    }
    if (changed) block_.ops = std::move(out);
    return changed;
  }

 private:
  /// Position of the end of the loop that begins at `begin` if it only fills; else 0.
  size_t fills_of(const std::vector<Op>& ops, size_t begin) {
    fills_.clear();
    if (ops[begin].loop != pl::LoopKind::Range) return 0;
    for (size_t i = begin + 1; i < ops.size(); ++i) {
      if (ops[i].kind == Op::Kind::LoopIter) continue;
      if (ops[i].kind == Op::Kind::LoopEnd) return stores_fit() ? i : 0;
      if (!is_write(ops[i]) || !add(ops[i])) return 0;
    }
    return 0;
  }

  bool add(const Op& op) {
    for (Fill& f : fills_) {
      if (f.op.site != op.site || f.op.gm.buffer != op.gm.buffer) continue;
      if (f.op.gm.offset + f.count != op.gm.offset ||
          std::memcmp(&f.op.attr.imm, &op.attr.imm, sizeof op.attr.imm) != 0)
        return false;
      f.count += isa::scalar_elements(op.gm);
      return true;
    }
    fills_.push_back({op, isa::scalar_elements(op.gm)});
    return true;
  }

  bool stores_fit() const {
    bool needed = false;
    for (const Fill& f : fills_) {
      const int64_t bytes = f.count * static_cast<int64_t>(isa::size_of(f.op.gm.dtype));
      if (bytes % kStoreBytes != 0 || f.count > std::numeric_limits<uint16_t>::max()) return false;
      needed = needed || contains(mixed_, f.op.gm.buffer);
    }
    return needed;
  }

  void store(const Fill& f, isa::CodeList<Op>& out) {
    pl::ValueInfo value;
    value.dtype = f.op.gm.dtype;
    value.rows = 1;
    value.cols = value.stride = static_cast<uint16_t>(f.count);
    value.site = f.op.site;
    pl::TileRef tile;
    tile.value = pl::ValueId(static_cast<uint32_t>(block_.values.size()));
    tile.dtype = value.dtype;
    tile.rows = tile.valid_rows = 1;
    tile.cols = tile.valid_cols = tile.stride = value.cols;
    block_.values.push_back(value);

    Op constant = f.op;
    constant.opcode = Opcode::TEXPANDS;
    constant.attr.run_iterations = 0;
    constant.gm = {};
    constant.dst = tile;
    out.push_back(constant);
    Op store = f.op;
    store.opcode = Opcode::TSTORE;
    store.attr = {};
    store.n_src = 1;
    store.src[0] = tile;
    store.gm.rows = 1;
    store.gm.cols = value.cols;
    store.gm.row_stride = value.cols;
    out.push_back(store);
  }

  const std::vector<BufferId>& mixed_;
  pl::BlockRecord& block_;
  std::vector<Fill> fills_;
};

/// A tensor whose value is completed in a tile.
struct Map {
  size_t store = 0;
  pl::TileRef tile;
  BufferId buffer;
};

/// Redirects the scalar writes behind a constant store of a whole tensor.
class Maps {
 public:
  Maps(const std::vector<BufferId>& mixed, const std::vector<isa::GmBuffer>& buffers,
       pl::BlockRecord& block)
      : buffers_(buffers), block_(block) {
    block_.ops.copy_to(ops_);
    for (BufferId b : mixed) find(b);
  }

  /// True if there was one.
  bool run() {
    if (maps_.empty()) return false;
    isa::CodeList<Op> out;
    const Op* iteration = nullptr;  // of the loop a run of writes began in
    for (const Op& op : ops_) {
      if (op.kind == Op::Kind::LoopIter) iteration = &op;
      const Map* map = map_of(op);
      if (map == nullptr)
        out.push_back(op);
      else if (is_write(op))
        write_tile(op, *map, iteration, out);
    }
    for (const Map& m : maps_) out.push_back(ops_[m.store]);
    block_.ops = std::move(out);
    return true;
  }

 private:
  void find(BufferId buffer) {
    size_t store = ops_.size();
    for (size_t i = 0; i < ops_.size(); ++i) {
      if (ops_[i].kind == Op::Kind::LaneBegin) return;
      if (!touches(ops_[i], buffer)) continue;
      if (store == ops_.size() ? !is_store(ops_[i]) : !is_write(ops_[i])) return;
      if (store == ops_.size()) store = i;
    }
    if (store == ops_.size() || !covers_tensor(ops_[store])) return;
    if (constant(ops_[store].src[0].value, store))
      maps_.push_back({store, ops_[store].src[0], buffer});
  }

  bool covers_tensor(const Op& store) const {
    const isa::GmAccess& gm = store.gm;
    const pl::TileRef& tile = store.src[0];
    return !store.attr.atomic && gm.offset == 0 && (gm.rows == 1 || gm.row_stride == gm.cols) &&
           int64_t{gm.rows} * gm.cols == elements(buffers_[gm.buffer.value]) &&
           tile.valid_rows == gm.rows && tile.valid_cols == gm.cols;
  }

  /// Written by `full` alone, in front of the store, and read by the store alone.
  bool constant(pl::ValueId tile, size_t store) const {
    bool filled = false;
    for (size_t i = 0; i < ops_.size(); ++i) {
      const Op& op = ops_[i];
      if (op.kind != Op::Kind::Instr) continue;
      if (i != store && reads(op, tile)) return false;
      if (op.dst.value != tile) continue;
      if (op.opcode != Opcode::TEXPANDS || i > store || filled) return false;
      filled = true;
    }
    return filled;
  }

  const Map* map_of(const Op& op) const {
    for (const Map& m : maps_)
      if (touches(op, m.buffer)) return &m;
    return nullptr;
  }

  /// A run of GM elements becomes as many tile elements, in the iterations the run stands for.
  static void write_tile(const Op& run, const Map& map, const Op* iteration,
                         isa::CodeList<Op>& out) {
    const int64_t cols = map.tile.cols;
    for (int64_t i = 0; i < isa::scalar_elements(run.gm); ++i) {
      if (i > 0 && i <= run.attr.run_iterations && iteration != nullptr) {
        out.push_back(*iteration);
        out.back().iter += static_cast<int32_t>(i);
      }
      const int64_t at = run.gm.offset + i;
      Op op = run;
      op.gm = {};
      op.attr.run_iterations = 0;
      op.dst = map.tile;
      op.dst.offset += static_cast<uint32_t>(at / cols * map.tile.stride + at % cols);
      op.dst.rows = op.dst.cols = op.dst.valid_rows = op.dst.valid_cols = 1;
      out.push_back(op);
    }
  }

  const std::vector<isa::GmBuffer>& buffers_;
  pl::BlockRecord& block_;
  std::vector<Op> ops_;
  std::vector<Map> maps_;
};

}  // namespace

std::vector<BufferId> mixed_writes(const pl::ScopeRecord& scope) {
  std::vector<BufferId> scalar, mixed;
  const auto each = [&](auto&& wanted, auto&& f) {
    for (const pl::BlockRecord& b : scope.blocks) {
      const std::vector<Op>& ops = b.ops.elements();
      for (size_t i = 0; i < ops.size(); ++i)
        if (wanted(ops[i])) f(b.ops[i].gm.buffer);
    }
  };
  each(is_write, [&](BufferId b) {
    if (!contains(scalar, b)) scalar.push_back(b);
  });
  if (scalar.empty()) return mixed;
  each(is_store, [&](BufferId b) {
    if (contains(scalar, b) && !contains(mixed, b)) mixed.push_back(b);
  });
  return mixed;
}

std::unique_ptr<pl::BlockRecord> stage_scalar_writes(const pl::BlockRecord& block,
                                                     const std::vector<BufferId>& mixed,
                                                     const std::vector<isa::GmBuffer>& buffers) {
  auto out = std::make_unique<pl::BlockRecord>(block);
  const bool filled = FillLoops(mixed, *out).run();
  const bool mapped = Maps(mixed, buffers, *out).run();
  if (!filled && !mapped) return nullptr;
  return out;
}

}  // namespace lower
