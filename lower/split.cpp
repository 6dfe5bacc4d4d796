#include "lower/split.h"

#include <algorithm>

#include "isa/error.h"
#include "lower/halves.h"

namespace lower {
namespace {

using isa::MemSpace;
using isa::Opcode;
using isa::Pipe;
using pl::Op;
using pl::SplitMode;
using pl::TileRef;

constexpr int8_t pipe_id(Pipe p) { return static_cast<int8_t>(p); }

bool is_scalar_gm(const Op& op) {
  return (op.opcode == Opcode::SREAD || op.opcode == Opcode::SWRITE) && op.gm.present();
}

/// One tile on its way through the ring.
struct Crossing {
  int32_t number = 0;                                  ///< k-th push of its direction
  std::array<uint32_t, 3> slot{kNone, kNone, kNone};   ///< ring slot value, by consuming stream
  std::array<uint32_t, 3> value{kNone, kNone, kNone};  ///< what the consumer uses
  std::array<size_t, 3> last_use{};                    ///< position in the consumer's stream
  std::array<int8_t, 3> last_pipe{};
  std::array<int32_t, 3> full{-1, -1, -1};   ///< by producing stream
  std::array<int32_t, 3> empty{-1, -1, -1};  ///< by consuming stream
  std::array<bool, 3> popped{};
  bool to_vector = false;
  uint16_t valid_rows = 0, valid_cols = 0;
  uint32_t source = kNone;
};

class StreamBuilder {
 public:
  StreamBuilder(BlockWork& work, const BlockSpaces& spaces, const ScopePlan& plan, int32_t block,
                const chips::Chip& chip, const std::vector<std::string>& sites)
      : work_(work),
        record_(*work.record),
        spaces_(spaces),
        plan_(plan),
        block_(block),
        chip_(chip),
        sites_(sites) {}

  void run() {
    make_values();
    if (plan_.mixed()) {
      axes_ = infer_halves(record_, plan_.split);
      find_pushes();
      reserve_rings();
    }
    for (int s = 0; s < kStreams; ++s)
      if (plan_.uses(s)) work_.streams[static_cast<size_t>(s)].reserve(record_.ops.size());
    for (size_t i = 0; i < record_.ops.size(); ++i) place(record_.ops[i], i);
    insert_frees();
  }

 private:
  // --- values ---------------------------------------------------------------------------------

  void make_values() {
    work_.values.reserve(record_.values.size() * 5 / 4);
    for (size_t i = 0; i < record_.values.size(); ++i) {
      const pl::ValueInfo& info = record_.values[i];
      Value v;
      v.dtype = info.dtype;
      v.space = spaces_.space[i];
      v.rows = v.tile_rows = info.rows;
      v.cols = info.cols;
      v.stride = info.stride;
      v.site = info.site;
      if (v.space == MemSpace::L0C && v.dtype == isa::DType::I32)  // kernel-language.md §3.4
        v.tile_rows = static_cast<uint16_t>(std::max<int>(v.rows, chip_.l0c_min_m_int32));
      v.bytes = value_bytes(v);
      work_.values.push_back(v);
    }
  }

  /// The UB copy of a loaded operand that vector operations read too.
  uint32_t twin_of(uint32_t v) {
    if (twins_.empty()) twins_.assign(record_.values.size(), kNone);
    if (twins_[v] == kNone) {
      Value t = work_.values[v];
      t.space = MemSpace::UB;
      t.bytes = value_bytes(t);
      twins_[v] = work_.add_value(t);
    }
    return twins_[v];
  }

  TileRef whole_ref(uint32_t v, uint16_t valid_rows, uint16_t valid_cols) const {
    const Value& value = work_.values[v];
    TileRef r;
    r.value = pl::ValueId(v);
    r.dtype = value.dtype;
    r.stride = value.stride;
    r.rows = value.rows;
    r.cols = value.cols;
    r.valid_rows = valid_rows;
    r.valid_cols = valid_cols;
    return r;
  }

  // --- what crosses ---------------------------------------------------------------------------

  bool cube_op(const Op& op) const { return is_matmul(op.opcode); }

  /// Calls f(value) for every value this operation needs from the other half.
  template <class F>
  void for_each_foreign(const Op& op, F&& f) const {
    if (op.opcode == Opcode::TSTORE) return;  // L0C results leave through FIXPIPE
    const int n = cube_op(op) ? 2 : op.n_src;
    const MemSpace home = cube_op(op) ? MemSpace::UB : MemSpace::L0C;
    for (int s = 0; s < n; ++s)
      if (op.src[s].present() && spaces_.space[op.src[s].value.value] == home)
        f(op.src[s].value.value);
  }

  /// push_[i]: the value operation i writes is handed over before it changes again.
  void find_pushes() {
    push_.assign(record_.ops.size(), false);
    std::vector<bool> needed(record_.values.size(), false);
    for (size_t i = record_.ops.size(); i-- > 0;) {
      const Op& op = record_.ops[i];
      if (op.kind != Op::Kind::Instr) continue;
      if (op.dst.present() && needed[op.dst.value.value]) {
        push_[i] = true;
        needed[op.dst.value.value] = false;
      }
      for_each_foreign(op, [&](uint32_t v) { needed[v] = true; });
    }
    crossing_of_.assign(record_.values.size(), kNone);
  }

  void reserve_rings() {
    const int64_t ring = plan_.ring.depth * plan_.ring.slot_bytes;
    if (plan_.ring.to_vector) work_.reserved[static_cast<size_t>(MemSpace::UB)] = ring;
    if (plan_.ring.to_cube) work_.reserved[static_cast<size_t>(MemSpace::L1)] = ring;
  }

  // --- placing operations ---------------------------------------------------------------------

  std::vector<Item>& stream(int s) { return work_.streams[static_cast<size_t>(s)]; }

  Item& append(int s, const Op* op, int8_t pipe = -1) {
    Item& it = stream(s).emplace_back();
    it.op = op;
    it.pipe = pipe;
    return it;
  }

  void place(const Op& op, size_t i) {
    switch (op.kind) {
      case Op::Kind::LaneBegin:
        lane_ = op.lane;
        return;
      case Op::Kind::LaneEnd:
        lane_ = -1;
        return;
      case Op::Kind::Instr:
        place_instr(op);
        if (plan_.mixed() && push_[i]) push(op);
        return;
      default:
        for (int s = 0; s < kStreams; ++s)
          if (plan_.uses(s)) append(s, &op);
    }
  }

  void place_instr(const Op& op) {
    switch (op.opcode) {
      case Opcode::TMATMUL:
      case Opcode::TMATMUL_ACC:
        return place_matmul(op);
      case Opcode::TLOAD:
        if (spaces_.dead(op.dst.value)) return;
        if (spaces_.space[op.dst.value.value] == MemSpace::L1) append(kAic, &op);
        if (spaces_.space[op.dst.value.value] == MemSpace::UB || spaces_.twin(op.dst.value))
          on_vector(op);
        return;
      case Opcode::TSTORE:
        if (spaces_.space[op.src[0].value.value] == MemSpace::L0C)
          append(kAic, &op);
        else
          on_vector(op);
        return;
      case Opcode::SREAD:
      case Opcode::SWRITE:
      case Opcode::SWORK:
      case Opcode::SYNCALL:
        if (op.opcode != Opcode::SWORK && op.opcode != Opcode::SYNCALL && !is_scalar_gm(op))
          return on_vector(op);  // a scalar access to a tile
        return place_scalar(op);
      default:
        if (spaces_.space[op.dst.value.value] == MemSpace::L0C) return start_accumulator(op);
        on_vector(op);
    }
  }

  /// Scalar code is duplicated in every stream; effects on GM happen once.
  void place_scalar(const Op& op) {
    if (op.opcode == Opcode::SWRITE) {
      append(plan_.has_vector || !plan_.has_cube ? (lane_ == 1 ? kAiv1 : kAiv0) : kAic, &op);
      return;
    }
    for (int s = 0; s < kStreams; ++s)
      if (plan_.uses(s)) append(s, &op);
  }

  /// `full(0)` as an accumulator: the first product replaces it.
  void start_accumulator(const Op& op) {
    if (op.attr.imm != 0)
      throw isa::Error("lower.acc-init", work_.where,
                       site_text(sites_, op.site) + ": an accumulator can only start as zero");
    zeroed_.push_back(op.dst.value.value);
  }

  void place_matmul(const Op& op) {
    const Op* placed = &op;
    Op changed;
    const auto edit = [&]() -> Op& {
      if (placed == &op) {
        changed = op;
        placed = &changed;
      }
      return changed;
    };
    for (int s = 0; s < 2; ++s)
      if (spaces_.space[op.src[s].value.value] == MemSpace::L0C)
        edit().src[s] = through_l1(op.src[s], op.site);
    for_each_foreign(op, [&](uint32_t v) { ensure_popped(v, kAic); });
    for (int s = 0; s < 2; ++s)
      if (spaces_.space[op.src[s].value.value] == MemSpace::UB)
        edit().src[s] = consume(op.src[s], kAic, Pipe::MTE1);
    const auto zero = std::find(zeroed_.begin(), zeroed_.end(), op.dst.value.value);
    if (zero != zeroed_.end()) {
      zeroed_.erase(zero);
      edit().opcode = Opcode::TMATMUL;
    }
    append(kAic, placed == &op ? &op : work_.add_op(changed));
  }

  /// A product used as an operand: FIXPIPE moves it to L1.
  TileRef through_l1(const TileRef& ref, isa::SiteId site) {
    Value v = work_.values[ref.value.value];
    v.space = MemSpace::L1;
    v.tile_rows = v.rows;
    v.bytes = value_bytes(v);
    const uint32_t copy = work_.add_value(v);
    Op move;
    move.opcode = Opcode::TMOV;
    move.site = site;
    move.n_src = 1;
    move.src[0] = ref;
    move.dst = ref;
    move.dst.value = pl::ValueId(copy);
    append(kAic, work_.add_op(move));
    return move.dst;
  }

  void on_vector(const Op& op) {
    if (!plan_.both_lanes()) return on_lane(op, kAiv0);
    if (lane_ >= 0) return on_lane(op, kAiv0 + lane_);
    const bool effect = op.opcode == Opcode::TSTORE || (op.opcode == Opcode::SWRITE);
    const bool halved = op.opcode == Opcode::TSTORE && plan_.split != SplitMode::None &&
                        axes_[op.src[0].value.value] != HalfAxis::Whole;
    on_lane(op, kAiv0);
    if (!effect || halved) on_lane(op, kAiv1);
  }

  void on_lane(const Op& op, int s) {
    const Op* placed = &op;
    Op changed;
    const auto edit = [&]() -> Op& {
      if (placed == &op) {
        changed = op;
        placed = &changed;
      }
      return changed;
    };
    const Pipe pipe = op.opcode == Opcode::TSTORE                                    ? Pipe::MTE3
                      : op.opcode == Opcode::SREAD || op.opcode == Opcode::TSCATTERM ? Pipe::S
                                                                                     : Pipe::V;
    if (plan_.mixed()) for_each_foreign(op, [&](uint32_t v) { ensure_popped(v, s); });
    for (int k = 0; k < op.n_src; ++k) {
      if (!op.src[k].present()) continue;
      const MemSpace space = spaces_.space[op.src[k].value.value];
      if (space == MemSpace::L0C)
        edit().src[k] = consume(op.src[k], s, pipe);
      else if (space == MemSpace::L1)
        edit().src[k].value = pl::ValueId(twin_of(op.src[k].value.value));
    }
    if (op.dst.present() && spaces_.space[op.dst.value.value] == MemSpace::L1)
      edit().dst.value = pl::ValueId(twin_of(op.dst.value.value));
    if (plan_.split != SplitMode::None && plan_.mixed()) halve(op, edit(), s - kAiv0);
    append(s, placed == &op ? &op : work_.add_op(changed));
  }

  /// Cuts every operand to the lane's half.
  void halve(const Op& op, Op& out, int lane) {
    const auto cut = [&](const TileRef& from, TileRef& to) {
      const uint32_t v = from.value.value;
      TileRef half = half_ref(from, record_.values[v], axes_[v], lane, work_.where);
      half.value = to.value;
      to = half;
      shrink(to.value.value, axes_[v], record_.values[v]);
    };
    const TileRef& moved = op.opcode == Opcode::TSTORE ? op.src[0] : op.dst;
    if (op.gm.present() && moved.present())
      out.gm =
          half_gm(op.gm, moved, record_.values[moved.value.value], axes_[moved.value.value], lane);
    for (int k = 0; k < op.n_src; ++k)
      if (op.src[k].present()) cut(op.src[k], out.src[k]);
    if (op.dst.present()) cut(op.dst, out.dst);
  }

  /// The storage of a halved value (the same in both lanes).
  void shrink(uint32_t v, HalfAxis axis, const pl::ValueInfo& whole) {
    Value& value = work_.values[v];
    if (axis == HalfAxis::Rows && value.rows == whole.rows)
      value.rows = value.tile_rows = static_cast<uint16_t>(whole.rows / 2);
    if (axis == HalfAxis::Cols && value.cols == whole.cols) {
      value.cols = static_cast<uint16_t>(whole.cols / 2);
      if (whole.stride == whole.cols) value.stride = static_cast<uint16_t>(whole.stride / 2);
    }
    if (!value.fixed) value.bytes = value_bytes(value);
  }

  // --- hand-over ------------------------------------------------------------------------------

  isa::GmAccess ring_window(const Crossing& c, const Value& v) const {
    const RingPlan& ring = plan_.ring;
    const int64_t direction = c.to_vector || !ring.to_vector ? 0 : ring.depth * ring.slot_bytes;
    const int64_t bytes =
        block_ * ring.block_bytes() + direction + c.number % ring.depth * ring.slot_bytes;
    isa::GmAccess gm;
    gm.buffer = ring.buffer;
    gm.dtype = v.dtype;
    gm.offset = bytes / static_cast<int64_t>(isa::size_of(v.dtype));
    gm.row_stride = v.cols;
    gm.rows = c.valid_rows;
    gm.cols = c.valid_cols;
    return gm;
  }

  /// The consumer's ring slot as a value of its own.
  uint32_t slot_value(const Crossing& c) {
    const pl::ValueInfo& whole = record_.values[c.source];  // the source may be a lane's half by now
    Value v = work_.values[c.source];
    v.fixed = true;
    v.rows = v.tile_rows = whole.rows;
    v.cols = whole.cols;
    v.stride = whole.stride;
    v.space = c.to_vector ? MemSpace::UB : MemSpace::L1;
    v.nz = c.to_vector && plan_.ring.on_chip;
    if (v.space == MemSpace::L1) v.stride = v.cols;
    v.addr = static_cast<uint32_t>(c.number % plan_.ring.depth * plan_.ring.slot_bytes);
    v.bytes = value_bytes(v);
    return work_.add_value(v);
  }

  int32_t new_event() { return work_.events++; }

  void push(const Op& op) {
    Crossing c;
    c.source = op.dst.value.value;
    c.to_vector = spaces_.space[c.source] == MemSpace::L0C;
    auto& made = c.to_vector ? to_vector_ : to_cube_;
    c.number = static_cast<int32_t>(made.size());
    const pl::ValueInfo& info = record_.values[c.source];
    const bool all = op.dst.rows == info.rows && op.dst.cols == info.cols;
    c.valid_rows = all ? op.dst.valid_rows : info.rows;
    c.valid_cols = all ? op.dst.valid_cols : info.cols;
    const Crossing* previous = c.number >= plan_.ring.depth
                                   ? &made[static_cast<size_t>(c.number - plan_.ring.depth)]
                                   : nullptr;
    if (c.to_vector)
      push_to_vector(op, c, previous);
    else
      push_to_cube(op, c, previous);
    crossing_of_[c.source] = static_cast<uint32_t>(made.size());
    made.push_back(c);
  }

  Op push_op(const Op& op, const Crossing& c) const {
    Op p;
    p.opcode = Opcode::TPUSH;
    p.site = op.site;
    p.n_src = 1;
    TileRef r;
    const pl::ValueInfo& info = record_.values[c.source];
    r.value = pl::ValueId(c.source);
    r.dtype = info.dtype;
    r.stride = info.stride;
    r.rows = info.rows;
    r.cols = info.cols;
    r.valid_rows = c.valid_rows;
    r.valid_cols = c.valid_cols;
    p.src[0] = r;
    return p;
  }

  void push_to_vector(const Op& op, Crossing& c, const Crossing* previous) {
    Op p = push_op(op, c);
    const int lanes = plan_.both_lanes() ? 2 : 1;
    for (int s = kAiv0; s < kAiv0 + 2; ++s) c.empty[static_cast<size_t>(s)] = new_event();
    c.full[kAic] = new_event();
    for (int s = kAiv0; s < kAiv0 + lanes; ++s) {
      c.slot[static_cast<size_t>(s)] =
          s == kAiv0 || plan_.split == SplitMode::None ? slot_value(c) : c.slot[kAiv0];
    }
    if (plan_.split != SplitMode::None)
      shrink(c.slot[kAiv0], axes_[c.source], record_.values[c.source]);
    if (plan_.ring.on_chip)
      p.dst = whole_ref(c.slot[kAiv0], work_.values[c.slot[kAiv0]].rows,
                        work_.values[c.slot[kAiv0]].cols);
    else
      p.gm = ring_window(c, work_.values[c.source]);
    if (previous != nullptr && lanes == 2)
      wait_item(kAic, previous->empty[kAiv1], Pipe::FIX, op.site);
    Item& it = append(kAic, work_.add_op(p));
    it.wait_event = previous != nullptr ? previous->empty[kAiv0] : -1;
    it.signal_event = c.full[kAic];
  }

  void push_to_cube(const Op& op, Crossing& c, const Crossing* previous) {
    c.empty[kAic] = new_event();
    c.slot[kAic] = slot_value(c);
    const bool halves = plan_.split != SplitMode::None && axes_[c.source] != HalfAxis::Whole;
    const int from = lane_ == 1 ? kAiv1 : kAiv0;
    for (int s = kAiv0; s <= kAiv1; ++s) {
      const bool real = halves || s == from;
      if (!real && plan_.both_lanes()) continue;  // only one lane made it
      Op p = push_op(op, c);
      if (!real) {  // the idle lane only answers the handshake
        p.n_src = 0;
        p.src[0] = {};
      } else {
        fill_push(p, c, halves, s - kAiv0);
      }
      Item& it = append(s, work_.add_op(p), pipe_id(Pipe::MTE3));
      it.wait_event = previous != nullptr ? previous->empty[kAic] : -1;
      it.signal_event = c.full[static_cast<size_t>(s)] = new_event();
      if (!real) c.full[static_cast<size_t>(s)] = -1;
    }
  }

  /// Destination of a push to the cube: the ring window, or the L1 slot; a lane's half of it.
  void fill_push(Op& p, const Crossing& c, bool halves, int lane) {
    const TileRef whole = p.src[0];
    const pl::ValueInfo& info = record_.values[c.source];
    const HalfAxis axis = axes_[c.source];
    if (halves) p.src[0] = half_ref(whole, info, axis, lane, work_.where);
    if (!plan_.ring.on_chip) {
      p.gm = ring_window(c, work_.values[c.slot[kAic]]);
      if (halves) p.gm = half_gm(p.gm, whole, info, axis, lane);
      return;
    }
    p.dst = whole_ref(c.slot[kAic], c.valid_rows, c.valid_cols);
    if (!halves) return;
    p.dst.rows = p.src[0].rows;
    p.dst.cols = p.src[0].cols;
    p.dst.valid_rows = p.src[0].valid_rows;
    p.dst.valid_cols = p.src[0].valid_cols;
    p.dst.offset = static_cast<uint32_t>(
        lane * (axis == HalfAxis::Rows ? p.dst.rows * p.dst.stride : p.dst.cols));
  }

  void wait_item(int s, int32_t event, Pipe pipe, isa::SiteId site) {
    Op w;
    w.opcode = Opcode::SWORK;
    w.site = site;
    append(s, work_.add_op(w), pipe_id(pipe)).wait_event = event;
  }

  Crossing& crossing(uint32_t value, int s) {
    return (s == kAic ? to_cube_ : to_vector_)[crossing_of_[value]];
  }

  /// Pops a tile of the other half at its first use. All pops of an operation come first, so that
  /// the operation directly follows its last one.
  void ensure_popped(uint32_t value, int s) {
    if (crossing_of_[value] == kNone)
      throw isa::Error(
          "lower.undefined-tile", work_.where,
          site_text(sites_, record_.values[value].site) +
              ": a tile is handed to the other half of the scope before it is written");
    Crossing& c = crossing(value, s);
    if (c.popped[static_cast<size_t>(s)]) return;
    if (s == kAic)
      pop_on_cube(c);
    else
      pop_on_lanes(c);
  }

  /// The popped tile in place of `ref`; the operation about to be appended uses it on `pipe`.
  TileRef consume(const TileRef& ref, int s, Pipe pipe) {
    Crossing& c = crossing(ref.value.value, s);
    const auto at = static_cast<size_t>(s);
    if (c.value[at] == c.slot[at]) {  // else copied out of the ring already
      c.last_use[at] = stream(s).size();
      c.last_pipe[at] = pipe_id(pipe);
    }
    TileRef r = ref;
    r.value = pl::ValueId(c.value[at]);
    return r;
  }

  void note_pop(Crossing& c, int s, Pipe pipe) {
    const auto at = static_cast<size_t>(s);
    c.popped[at] = true;
    c.last_use[at] = stream(s).size() - 1;
    c.last_pipe[at] = pipe_id(pipe);
    frees_.push_back({c.to_vector, c.number, s});
  }

  void pop_on_cube(Crossing& c) {
    const isa::SiteId site = record_.values[c.source].site;
    const Pipe pipe = plan_.ring.on_chip ? Pipe::MTE1 : Pipe::MTE2;
    Op p;
    p.opcode = Opcode::TPOP;
    p.site = site;
    p.dst = whole_ref(c.slot[kAic], c.valid_rows, c.valid_cols);
    if (!plan_.ring.on_chip) p.gm = ring_window(c, work_.values[c.slot[kAic]]);
    if (c.full[kAiv0] >= 0 && c.full[kAiv1] >= 0) wait_item(kAic, c.full[kAiv1], pipe, site);
    Item& it = append(kAic, work_.add_op(p), pipe_id(pipe));
    it.wait_event = c.full[kAiv0] >= 0 ? c.full[kAiv0] : c.full[kAiv1];
    c.value[kAic] = c.slot[kAic];
    note_pop(c, kAic, pipe);
  }

  void pop_on_lanes(Crossing& c) {
    for (int s = kAiv0; s <= kAiv1; ++s) {
      if (plan_.both_lanes() || s == kAiv0)
        pop_on_lane(c, s);
      else
        idle_pop(c);
    }
  }

  void pop_on_lane(Crossing& c, int s) {
    const auto at = static_cast<size_t>(s);
    const isa::SiteId site = record_.values[c.source].site;
    const bool halves = plan_.split != SplitMode::None && axes_[c.source] != HalfAxis::Whole;
    Op p;
    p.opcode = Opcode::TPOP;
    p.site = site;
    TileRef slot = whole_ref(c.slot[at], c.valid_rows, c.valid_cols);
    if (halves) {
      const TileRef whole = push_op(p, c).src[0];
      const TileRef half =
          half_ref(whole, record_.values[c.source], axes_[c.source], s - kAiv0, work_.where);
      slot.valid_rows = half.valid_rows;
      slot.valid_cols = half.valid_cols;
    }
    c.value[at] = c.slot[at];
    if (plan_.ring.on_chip) {  // re-layout from fractals to rows (kernel-language.md §3.3)
      Value v = work_.values[c.slot[at]];
      v.fixed = v.nz = false;
      v.bytes = value_bytes(v);
      c.value[at] = work_.add_value(v);
      p.n_src = 1;
      p.src[0] = slot;
      p.dst = slot;
      p.dst.value = pl::ValueId(c.value[at]);
    } else {
      p.dst = slot;
      p.gm = ring_window(c, work_.values[c.source]);
      if (halves)
        p.gm = half_gm(p.gm, push_op(p, c).src[0], record_.values[c.source], axes_[c.source],
                       s - kAiv0);
    }
    const Pipe pipe = plan_.ring.on_chip ? Pipe::V : Pipe::MTE2;
    append(s, work_.add_op(p), pipe_id(pipe)).wait_event = c.full[kAic];
    note_pop(c, s, pipe);
  }

  void idle_pop(Crossing& c) {
    Op p;
    p.opcode = Opcode::TPOP;
    p.site = record_.values[c.source].site;
    append(kAiv1, work_.add_op(p), pipe_id(Pipe::MTE2)).wait_event = c.full[kAic];
    note_pop(c, kAiv1, Pipe::MTE2);
  }

  struct Free {
    bool to_vector;
    int32_t number;
    int stream;
  };

  /// TFREE behind the last use of every popped tile.
  void insert_frees() {
    for (int s = 0; s < kStreams; ++s) {
      std::vector<std::pair<size_t, Item>> frees;
      for (const Free& f : frees_)
        if (f.stream == s) frees.push_back(free_item(f));
      if (frees.empty()) continue;
      std::stable_sort(frees.begin(), frees.end(),
                       [](const auto& a, const auto& b) { return a.first < b.first; });
      std::vector<Item> merged;
      merged.reserve(stream(s).size() + frees.size());
      size_t next = 0;
      for (size_t i = 0; i < stream(s).size(); ++i) {
        merged.push_back(stream(s)[i]);
        for (; next < frees.size() && frees[next].first == i; ++next)
          merged.push_back(frees[next].second);
      }
      stream(s) = std::move(merged);
    }
  }

  std::pair<size_t, Item> free_item(const Free& f) {
    const Crossing& c = (f.to_vector ? to_vector_ : to_cube_)[static_cast<size_t>(f.number)];
    const auto at = static_cast<size_t>(f.stream);
    Op op;
    op.opcode = Opcode::TFREE;
    op.site = record_.values[c.source].site;
    if (c.slot[at] != kNone) {
      op.n_src = 1;
      op.src[0] =
          whole_ref(c.slot[at], work_.values[c.slot[at]].rows, work_.values[c.slot[at]].cols);
    }
    Item it;
    it.op = work_.add_op(op);
    it.pipe = c.last_pipe[at];
    it.signal_event = c.empty[at];
    return {c.last_use[at], it};
  }

  BlockWork& work_;
  const pl::BlockRecord& record_;
  const BlockSpaces& spaces_;
  const ScopePlan& plan_;
  const int32_t block_;
  const chips::Chip& chip_;
  const std::vector<std::string>& sites_;

  int lane_ = -1;  ///< inside a split_aiv region
  std::vector<uint32_t> twins_;
  std::vector<uint32_t> zeroed_;
  std::vector<bool> push_;
  std::vector<HalfAxis> axes_;
  std::vector<uint32_t> crossing_of_;  ///< by value: its latest crossing
  std::vector<Crossing> to_vector_, to_cube_;
  std::vector<Free> frees_;
};

}  // namespace

bool ScopePlan::uses(int stream) const {
  if (stream == kAic) return has_cube;
  if (stream == kAiv0) return has_vector || !has_cube;
  return has_vector && (has_cube || has_lanes);
}

ScopePlan plan_scope(const pl::ScopeRecord& scope, const std::vector<BlockSpaces>& blocks,
                     const chips::Chip& chip) {
  ScopePlan plan;
  int64_t to_vector = 0, to_cube = 0;
  for (const BlockSpaces& b : blocks) {
    plan.has_cube |= b.has_cube;
    plan.has_vector |= b.has_vector;
    plan.has_lanes |= b.has_lanes;
    to_vector = std::max(to_vector, b.cube_to_vector);
    to_cube = std::max(to_cube, b.vector_to_cube);
  }
  plan.kind = plan.mixed() || plan.has_lanes ? isa::TaskKind::MIX
              : plan.has_cube                ? isa::TaskKind::AIC
                                             : isa::TaskKind::AIV;
  if (!plan.mixed()) return plan;
  plan.split = plan.has_lanes ? SplitMode::None : scope.split;
  RingPlan& ring = plan.ring;
  ring.to_vector = to_vector > 0;
  ring.to_cube = to_cube > 0;
  // FIXPIPE reaches lane 0, or both lanes with half a tile each; whole tiles for both go by GM.
  ring.on_chip = chip.handover_on_chip && !plan.has_lanes;
  ring.slot_bytes = std::max(to_vector, to_cube);
  ring.depth = scope.slot_num > 0       ? scope.slot_num
               : ring.directions() == 2 ? chip.ring_depth_two_way
                                        : chip.ring_depth_one_way;
  return plan;
}

void build_streams(BlockWork& work, const BlockSpaces& spaces, const ScopePlan& plan, int32_t block,
                   const chips::Chip& chip, const std::vector<std::string>& sites) {
  StreamBuilder(work, spaces, plan, block, chip, sites).run();
}

}  // namespace lower
