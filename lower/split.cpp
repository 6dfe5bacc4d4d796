#include "lower/split.h"

#include <algorithm>

#include "isa/error.h"
#include "lower/halves.h"
#include "lower/handover.h"

namespace lower {
namespace {

using isa::MemSpace;
using isa::Opcode;
using isa::Pipe;
using pl::Op;
using pl::SplitMode;
using pl::TileRef;

bool is_scalar_access(const Op& op) {
  return op.opcode == Opcode::SREAD || op.opcode == Opcode::SWRITE;
}

class StreamBuilder {
 public:
  StreamBuilder(BlockWork& work, const BlockSpaces& spaces, const ScopePlan& plan, int32_t block,
                const chips::Chip& chip, const std::vector<std::string>& sites)
      : work_(work),
        record_(*work.record),
        spaces_(spaces),
        plan_(plan),
        chip_(chip),
        sites_(sites),
        handover_(work, spaces, plan, axes_, block, sites) {}

  void run() {
    record_.ops.copy_to(work_.ops);
    make_values();
    if (plan_.mixed()) {
      axes_ = infer_halves(record_, plan_.split);
      handover_.start();
    }
    for (int s = 0; s < kStreams; ++s)
      if (plan_.uses(s)) work_.streams[static_cast<size_t>(s)].reserve(work_.ops.size());
    for (size_t i = 0; i < work_.ops.size(); ++i) place(work_.ops[i], i);
    if (plan_.mixed()) handover_.insert_frees();
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

  // --- what crosses ---------------------------------------------------------------------------

  // --- placing operations ---------------------------------------------------------------------

  std::vector<Item>& stream(int s) { return work_.streams[static_cast<size_t>(s)]; }

  void append(int s, const Op* op) { stream(s).emplace_back().op = op; }

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
        if (plan_.mixed()) handover_.push_result(i, lane_);
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
      case Opcode::TNOTIFY:
      case Opcode::TWAIT:
        if (is_scalar_access(op) && !op.gm.present())
          return on_vector(op);  // a scalar access to a tile
        return place_scalar(op);
      default:
        if (spaces_.space[op.dst.value.value] == MemSpace::L0C) return start_accumulator(op);
        on_vector(op);
    }
  }

  /// Scalar code is duplicated in every stream; effects on GM happen once. A flag in a split_aiv
  /// region is waited for by that lane only.
  void place_scalar(const Op& op) {
    if (op.opcode == Opcode::TWAIT && lane_ >= 0) return append(kAiv0 + lane_, &op);
    if (op.opcode == Opcode::SWRITE || op.opcode == Opcode::TNOTIFY) {
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
    handover_.pop_operands(op, kAic);
    for (int s = 0; s < 2; ++s)
      if (spaces_.space[op.src[s].value.value] == MemSpace::UB)
        edit().src[s] = handover_.consume(op.src[s], kAic, Pipe::MTE1);
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
    const bool shared = plan_.mixed() && plan_.split != SplitMode::None;
    if (const int owner = shared ? owner_of(op, axes_, record_.values) : -1; owner >= 0)
      return on_lane(op, kAiv0 + owner);
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
    handover_.pop_operands(op, s);
    for (int k = 0; k < op.n_src; ++k) {
      if (!op.src[k].present()) continue;
      const MemSpace space = spaces_.space[op.src[k].value.value];
      if (space == MemSpace::L0C)
        edit().src[k] = handover_.consume(op.src[k], s, pipe);
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
    // Index operations along the cut look up whole rows.
    const bool by_element = op.opcode != Opcode::TGATHER || plan_.split == SplitMode::UpDown;
    const HalfAxis axis =
        op.dst.present() && by_element
            ? seen_axis(op.dst, record_.values[op.dst.value.value], axes_[op.dst.value.value])
            : HalfAxis::Whole;
    const auto cut = [&](const TileRef& from, TileRef& to) {
      const uint32_t v = from.value.value;
      TileRef half = axes_[v] == HalfAxis::Whole
                         ? lane_part(from, op.dst, axis, lane)
                         : half_ref(from, record_.values[v], axes_[v], lane, work_.where);
      half.value = to.value;
      to = half;
      shrink(work_.values[to.value.value], axes_[v], record_.values[v]);
    };
    const TileRef& moved = op.opcode == Opcode::TSTORE ? op.src[0] : op.dst;
    if (op.gm.present() && moved.present())
      out.gm =
          half_gm(op.gm, moved, record_.values[moved.value.value], axes_[moved.value.value], lane);
    for (int k = 0; k < op.n_src; ++k)
      if (op.src[k].present()) cut(op.src[k], out.src[k]);
    if (op.dst.present()) cut(op.dst, out.dst);
  }

  BlockWork& work_;
  const pl::BlockRecord& record_;
  const BlockSpaces& spaces_;
  const ScopePlan& plan_;
  const chips::Chip& chip_;
  const std::vector<std::string>& sites_;

  int lane_ = -1;  ///< inside a split_aiv region
  std::vector<uint32_t> twins_;
  std::vector<uint32_t> zeroed_;
  std::vector<HalfAxis> axes_;
  Handover handover_;
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
  int64_t to_vector = 0, to_cube = 0, windows = 0;
  for (const BlockSpaces& b : blocks) {
    plan.has_cube |= b.has_cube;
    plan.has_vector |= b.has_vector;
    plan.has_lanes |= b.has_lanes;
    to_vector = std::max(to_vector, b.cube_to_vector);
    to_cube = std::max(to_cube, b.vector_to_cube);
    windows = std::max(windows, b.cube_to_vector_windows);
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
  ring.by_window =
      windows < to_vector && !plan.both_lanes() && ring.depth * ring.slot_bytes > chip.memory.ub;
  if (ring.by_window) ring.slot_bytes = std::max(windows, to_cube);
  // Large tiles get fewer slots where the author asked for no number.
  const int64_t room = ring.to_vector ? chip.memory.ub : chip.memory.l1;
  while (scope.slot_num == 0 && ring.depth > 2 && ring.depth * ring.slot_bytes > room)
    ring.depth /= 2;
  return plan;
}

void build_streams(BlockWork& work, const BlockSpaces& spaces, const ScopePlan& plan, int32_t block,
                   const chips::Chip& chip, const std::vector<std::string>& sites) {
  StreamBuilder(work, spaces, plan, block, chip, sites).run();
}

}  // namespace lower
