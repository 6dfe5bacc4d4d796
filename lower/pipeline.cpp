#include "lower/pipeline.h"

#include <algorithm>

#include "lower/access.h"

namespace lower {
namespace {

using isa::Opcode;
using pl::LoopKind;
using pl::Op;

/// A loop of the item list: its markers' positions.
struct Loop {
  const Op* begin = nullptr;
  std::vector<size_t> iters;  ///< positions of the LoopIter markers
  size_t end = 0;             ///< position of the LoopEnd marker (or of the list's end)
  bool has_inner_pipeline = false;
};

bool is_kind(const Item& it, Op::Kind kind) { return it.op->kind == kind; }
bool is_op(const Item& it, Opcode op) { return is_instr(it) && it.op->opcode == op; }

/// Nothing may move across a point where other cores or ranks are met.
bool is_fence(const Op& op) {
  return op.opcode == Opcode::SYNCALL || op.opcode == Opcode::TNOTIFY || op.opcode == Opcode::TWAIT;
}
bool reads_gm_scalar(const Item& it) { return is_op(it, Opcode::SREAD) && it.op->gm.present(); }
bool writes_gm(const Item& it) {
  return it.op->gm.present() &&
         (is_op(it, Opcode::TSTORE) || is_op(it, Opcode::SWRITE) || is_op(it, Opcode::TPUSH));
}

/// A pop, or the extra wait in front of it (lane 1's half).
bool starts_pop(const Item& it) {
  return is_op(it, Opcode::TPOP) || (is_op(it, Opcode::SWORK) && it.wait_event >= 0 &&
                                     it.pipe != static_cast<int8_t>(isa::Pipe::FIX));
}

ByteWindow gm_window(const Op& op) {
  const auto size = static_cast<int64_t>(isa::size_of(op.gm.dtype));
  return make_window(op.gm.offset * size, op.gm.cols * size, op.gm.row_stride * size,
                     std::max(op.gm.rows, 1));
}

class LoopOrder {
 public:
  LoopOrder(BlockWork& work, int stream, Hoist hoist)
      : work_(work), stream_(stream), hoist_(hoist), touched_(work.values.size(), 0) {}

  bool run() {
    auto& items = work_.streams[static_cast<size_t>(stream_)];
    if (std::none_of(items.begin(), items.end(),
                     [](const Item& it) { return is_kind(it, Op::Kind::LoopBegin); }))
      return false;
    mixed_ = std::any_of(items.begin(), items.end(), [](const Item& it) {
      return is_op(it, Opcode::TPUSH) || is_op(it, Opcode::TPOP);
    });
    in_ = std::move(items);
    items.clear();
    items.reserve(in_.size());
    body(0, in_.size(), items);
    return moved_;
  }

 private:
  /// Appends the items of [i, end), loops ordered. A loop whose items may mix with their
  /// surroundings (`merge_up_to` iterations or fewer) is not marked as nested.
  void body(size_t i, size_t end, std::vector<Item>& out, int merge_up_to = 0) {
    while (i < end) {
      const Item& it = in_[i];
      if (!is_kind(it, Op::Kind::LoopBegin)) {
        if (is_instr(it)) out.push_back(it);
        ++i;
        continue;
      }
      const Loop loop = find_loop(i, end);
      const size_t first = out.size();
      ordered(loop, out);
      const bool dissolves =
          loop.begin->loop == LoopKind::Unroll ||
          (loop.begin->loop == LoopKind::Pipeline &&
           static_cast<int>(loop.iters.size()) <= std::min<int>(merge_up_to, loop.begin->stage));
      if (!dissolves)
        for (size_t k = first; k < out.size(); ++k) out[k].nested = true;
      i = loop.end + 1;
    }
  }

  Loop find_loop(size_t at, size_t limit) const {
    Loop loop;
    loop.begin = in_[at].op;
    int depth = 0;
    size_t i = at + 1;
    for (; i < limit; ++i) {
      const Item& it = in_[i];
      if (is_kind(it, Op::Kind::LoopBegin)) {
        ++depth;
        loop.has_inner_pipeline |= it.op->loop == LoopKind::Pipeline && it.op->stage > 1;
      } else if (is_kind(it, Op::Kind::LoopEnd)) {
        if (depth == 0) break;
        --depth;
      } else if (is_kind(it, Op::Kind::LoopIter) && depth == 0) {
        loop.iters.push_back(i);
      }
    }
    loop.end = i;
    return loop;
  }

  size_t iter_end(const Loop& loop, size_t n) const {
    return n + 1 < loop.iters.size() ? loop.iters[n + 1] : loop.end;
  }

  bool contains(const Loop& loop, Opcode op) const {
    if (!mixed_ || loop.iters.empty()) return false;
    return std::any_of(in_.begin() + static_cast<std::ptrdiff_t>(loop.iters.front()),
                       in_.begin() + static_cast<std::ptrdiff_t>(loop.end),
                       [&](const Item& it) { return is_op(it, op); });
  }

  void ordered(const Loop& loop, std::vector<Item>& out) {
    const Op& l = *loop.begin;
    if (l.loop != LoopKind::Pipeline || l.stage <= 1 || hoist_ == Hoist::None ||
        (hoist_ == Hoist::Innermost && loop.has_inner_pipeline))
      return plain(loop, out);
    const bool pushes = contains(loop, Opcode::TPUSH), pops = contains(loop, Opcode::TPOP);
    if ((pushes || pops) && stream_ != kAic) return plain(loop, out);
    if (pushes && pops) return skewed(loop, out);
    const size_t stage = l.stage;
    for (size_t n = 0; n < loop.iters.size(); n += stage)
      group(loop, n, std::min(n + stage, loop.iters.size()), out);
  }

  void plain(const Loop& loop, std::vector<Item>& out) {
    for (size_t n = 0; n < loop.iters.size(); ++n) {
      if (loop.begin->loop != LoopKind::Unroll) out.push_back(in_[loop.iters[n]]);
      body(loop.iters[n] + 1, iter_end(loop, n), out);
    }
  }

  /// Iterations [first, last) as one pipelined body.
  void group(const Loop& loop, size_t first, size_t last, std::vector<Item>& out) {
    if (loop.iters.size() > loop.begin->stage) out.push_back(in_[loop.iters[first]]);
    std::vector<Item> items;
    std::vector<size_t> ends;  // of the iterations in items
    for (size_t n = first; n < last; ++n) {
      const size_t from = items.size();
      const int merge = hoist_ <= Hoist::Merged ? loop.begin->stage : 0;
      body(loop.iters[n] + 1, iter_end(loop, n), items, merge);
      for (size_t k = from; k < items.size(); ++k)
        items[k].stage = static_cast<uint8_t>(items[k].stage * loop.begin->stage + (n - first));
      ends.push_back(items.size());
    }
    if (hoist_ == Hoist::Full && stream_ != kAic)
      for (size_t n = 0; n < ends.size(); ++n)
        stores_last(items, n == 0 ? 0 : ends[n - 1], ends[n]);
    scalars_and_loads_first(items, out);
  }

  /// Moves the stores of one iteration behind its other items (CanonicalizeIOOrder, §3.5).
  static void stores_last(std::vector<Item>& items, size_t begin, size_t end) {
    std::vector<Item> kept, stores;
    for (size_t i = begin; i < end; ++i) {
      const bool sinks = is_op(items[i], Opcode::TSTORE) && !items[i].nested &&
                         std::none_of(items.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                      items.begin() + static_cast<std::ptrdiff_t>(end),
                                      [&](const Item& it) { return pins(it, *items[i].op); });
      (sinks ? stores : kept).push_back(items[i]);
    }
    if (stores.empty()) return;
    std::copy(kept.begin(), kept.end(), items.begin() + static_cast<std::ptrdiff_t>(begin));
    std::copy(stores.begin(), stores.end(),
              items.begin() + static_cast<std::ptrdiff_t>(begin + kept.size()));
  }

  /// Must `store` stay in front of this later item?
  static bool pins(const Item& it, const Op& store) {
    if (!is_instr(it)) return false;
    const Op& op = *it.op;
    if (is_fence(op) || op.opcode == Opcode::TFREE) return true;
    if (op.dst.present() && op.dst.value == store.src[0].value) return true;
    return op.gm.present() && op.gm.buffer == store.gm.buffer &&
           overlap(gm_window(op), gm_window(store));
  }

  void scalars_and_loads_first(std::vector<Item>& items, std::vector<Item>& out) {
    // 0: scalar read, 1: load, 2: stays
    std::vector<uint8_t> rank(items.size(), 2);
    std::vector<const Op*> stores;
    ++stamp_;
    bool open = true;
    for (size_t i = 0; i < items.size(); ++i) {
      const Item& it = items[i];
      if (!is_instr(it)) continue;
      open &= !is_fence(*it.op);
      if (open && !it.nested && (reads_gm_scalar(it) || is_op(it, Opcode::TLOAD)) &&
          !depends(*it.op, stores)) {
        rank[i] = is_op(it, Opcode::TLOAD) ? 1 : 0;
        continue;
      }
      if (writes_gm(it)) stores.push_back(it.op);
      touch(*it.op);
    }
    size_t staying = 0;  // items left behind so far: a load behind them moves
    for (size_t i = 0; i < items.size(); ++i) {
      if (rank[i] == 2 && is_instr(items[i])) ++staying;
      moved_ |= rank[i] == 1 && staying > 0;
    }
    for (uint8_t r = 0; r < 3; ++r)
      for (size_t i = 0; i < items.size(); ++i)
        if (rank[i] == r) {
          out.push_back(items[i]);
          out.back().nested = false;
        }
  }

  void touch(const Op& op) {
    for (int s = 0; s < op.n_src; ++s)
      if (op.src[s].present()) touched_[op.src[s].value.value] = stamp_;
    if (op.dst.present()) touched_[op.dst.value.value] = stamp_;
  }

  /// Must this load stay behind what the group did before it?
  bool depends(const Op& op, const std::vector<const Op*>& stores) const {
    if (op.dst.present() && touched_[op.dst.value.value] == stamp_) return true;
    return std::any_of(stores.begin(), stores.end(), [&](const Op* s) {
      return s->gm.buffer == op.gm.buffer && overlap(gm_window(*s), gm_window(op));
    });
  }

  /// Cube side of a loop that hands values over and gets results back: the part of iteration i in
  /// front of its first pop runs D iterations before the rest (§3.3).
  void skewed(const Loop& loop, std::vector<Item>& out) {
    const size_t trip = loop.iters.size(), stage = loop.begin->stage;
    const size_t skew = std::max<size_t>(2, stage - 1);
    const bool unrolled = trip == 2 && stage == 2;
    if (!unrolled && (trip % skew != 0 || trip < 2 * skew)) return plain(loop, out);
    std::vector<std::vector<Item>> rest(trip);
    for (size_t n = 0; n < trip + skew; ++n) {
      if (n < trip) {
        std::vector<Item> items;
        body(loop.iters[n] + 1, iter_end(loop, n), items);
        const auto pop = std::find_if(items.begin(), items.end(), starts_pop);
        if (!unrolled) out.push_back(in_[loop.iters[n]]);
        out.insert(out.end(), items.begin(), pop);
        rest[n].assign(pop, items.end());
      }
      if (n >= skew) {
        out.insert(out.end(), rest[n - skew].begin(), rest[n - skew].end());
        rest[n - skew].clear();
      }
    }
  }

  BlockWork& work_;
  const int stream_;
  const Hoist hoist_;
  std::vector<Item> in_;
  std::vector<uint32_t> touched_;  ///< by value: the last group that used it outside hoisted loads
  uint32_t stamp_ = 0;
  bool mixed_ = false;  ///< the stream pushes or pops somewhere
  bool moved_ = false;
};

}  // namespace

bool order_loops(BlockWork& work, int stream, Hoist hoist) {
  return LoopOrder(work, stream, hoist).run();
}

}  // namespace lower
