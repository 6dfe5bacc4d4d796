#include "lower/handover.h"

#include <algorithm>

#include "isa/error.h"

namespace lower {

using isa::MemSpace;
using isa::Opcode;
using isa::Pipe;
using pl::Op;
using pl::SplitMode;
using pl::TileRef;

namespace {

constexpr int8_t pipe_id(Pipe p) { return static_cast<int8_t>(p); }
constexpr size_t idx(int stream) { return static_cast<size_t>(stream); }

Op make_op(Opcode opcode, isa::SiteId site) {
  Op op;
  op.opcode = opcode;
  op.site = site;
  return op;
}

}  // namespace

// --- what crosses ------------------------------------------------------------------------------

/// Calls f(view) for every value the operation needs from the other half.
template <class F>
void Handover::for_each_foreign(const Op& op, F&& f) const {
  if (op.opcode == Opcode::TSTORE) return;  // L0C results leave through FIXPIPE
  const bool cube = is_matmul(op.opcode);
  const MemSpace foreign = cube ? MemSpace::UB : MemSpace::L0C;
  for (int s = 0; s < (cube ? 2 : op.n_src); ++s)
    if (op.src[s].present() && spaces_.space[op.src[s].value.value] == foreign) f(op.src[s]);
}

void Handover::start() {
  // Backwards: a result is handed over when the other half reads it before it changes again.
  push_.assign(record_.ops.size(), false);
  std::vector<bool> needed(record_.values.size(), false);
  for (size_t i = record_.ops.size(); i-- > 0;) {
    const Op& op = record_.ops[i];
    if (op.kind != Op::Kind::Instr) continue;
    if (op.dst.present() && needed[op.dst.value.value]) {
      push_[i] = true;
      needed[op.dst.value.value] = false;
    }
    for_each_foreign(op, [&](const TileRef& r) { needed[r.value.value] = true; });
  }
  crossing_of_.assign(record_.values.size(), kNone);
  made_.assign(record_.values.size(), false);
  const int64_t ring = plan_.ring.depth * plan_.ring.slot_bytes;
  if (plan_.ring.to_vector) work_.reserved[static_cast<size_t>(MemSpace::UB)] = ring;
  if (plan_.ring.to_cube) work_.reserved[static_cast<size_t>(MemSpace::L1)] = ring;
}

Crossing& Handover::crossing(uint32_t value, int s) {
  return (s == kAic ? to_cube_ : to_vector_)[crossing_of_[value]];
}

Item& Handover::append(int s, const Op& op, Pipe pipe) {
  Item& it = stream(s).emplace_back();
  it.op = work_.add_op(op);
  it.pipe = pipe_id(pipe);
  return it;
}

// --- the ring ----------------------------------------------------------------------------------

TileRef Handover::whole_ref(uint32_t v, uint16_t valid_rows, uint16_t valid_cols) const {
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

/// The whole tile as recorded; its storage may be a lane's half by now.
TileRef Handover::source_ref(const Crossing& c) const {
  const pl::ValueInfo& info = record_.values[c.source];
  TileRef r = whole_ref(c.source, c.valid_rows, c.valid_cols);
  r.stride = info.stride;
  r.offset = c.offset;
  r.rows = c.rows;
  r.cols = c.cols;
  return r;
}

isa::GmAccess Handover::ring_window(const Crossing& c) const {
  const RingPlan& ring = plan_.ring;
  const pl::ValueInfo& info = record_.values[c.source];
  const int64_t direction = c.to_vector || !ring.to_vector ? 0 : ring.depth * ring.slot_bytes;
  const int64_t bytes =
      block_ * ring.block_bytes() + direction + c.number % ring.depth * ring.slot_bytes;
  isa::GmAccess gm;
  gm.buffer = ring.buffer;
  gm.dtype = info.dtype;
  gm.offset = bytes / static_cast<int64_t>(isa::size_of(info.dtype));
  gm.row_stride = c.cols;
  gm.rows = c.valid_rows;
  gm.cols = c.valid_cols;
  return gm;
}

/// The consumer's ring slot as a value of its own.
uint32_t Handover::slot_value(const Crossing& c) {
  const pl::ValueInfo& whole = record_.values[c.source];
  Value v = work_.values[c.source];
  v.fixed = true;
  v.rows = v.tile_rows = c.rows;
  v.cols = c.cols;
  v.space = c.to_vector ? MemSpace::UB : MemSpace::L1;
  v.stride = v.space == MemSpace::L1 || c.cols != whole.cols ? c.cols : whole.stride;
  v.nz = c.to_vector && plan_.ring.on_chip;
  v.addr = static_cast<uint32_t>(c.number % plan_.ring.depth * plan_.ring.slot_bytes);
  v.bytes = value_bytes(v);
  return work_.add_value(v);
}

// --- push --------------------------------------------------------------------------------------

void Handover::push_result(size_t i, int lane) {
  if (!push_[i]) return;
  const Op& op = record_.ops[i];
  Crossing c;
  c.source = op.dst.value.value;
  if (in_windows(c.source)) {  // crosses when it is read
    made_[c.source] = true;
    crossing_of_[c.source] = kNone;
    return;
  }
  const pl::ValueInfo& info = record_.values[c.source];
  const bool all = op.dst.rows == info.rows && op.dst.cols == info.cols;
  c.rows = info.rows;
  c.cols = info.cols;
  c.valid_rows = all ? op.dst.valid_rows : info.rows;
  c.valid_cols = all ? op.dst.valid_cols : info.cols;
  push(op, c, lane);
}

/// The part of a product that the vector half is about to read, unless it has it already.
void Handover::push_window(const TileRef& window, const Op& reader) {
  const uint32_t v = window.value.value;
  if (!made_[v]) return;
  if (crossing_of_[v] != kNone) {
    const Crossing& last = to_vector_[crossing_of_[v]];
    if (last.offset == window.offset && last.rows == window.rows && last.cols == window.cols)
      return;
  }
  Crossing c;
  c.source = v;
  c.offset = window.offset;
  c.rows = window.rows;
  c.cols = window.cols;
  c.valid_rows = window.valid_rows;
  c.valid_cols = window.valid_cols;
  push(reader, c, -1);
}

void Handover::push(const Op& op, Crossing c, int lane) {
  c.to_vector = spaces_.space[c.source] == MemSpace::L0C;
  auto& made = c.to_vector ? to_vector_ : to_cube_;
  c.number = static_cast<int32_t>(made.size());
  const Crossing* previous = nullptr;  // the last one in the same slot
  if (c.number >= plan_.ring.depth)
    previous = &made[static_cast<size_t>(c.number - plan_.ring.depth)];
  if (c.to_vector)
    push_to_vector(op, c, previous);
  else
    push_to_cube(op, c, previous, lane);
  crossing_of_[c.source] = static_cast<uint32_t>(made.size());
  made.push_back(c);
}

void Handover::push_to_vector(const Op& op, Crossing& c, const Crossing* previous) {
  const bool both = plan_.both_lanes();
  c.full[kAic] = new_event();
  for (int s : {kAiv0, kAiv1}) c.empty[idx(s)] = new_event();
  c.slot[kAiv0] = slot_value(c);
  if (plan_.split != SplitMode::None)
    shrink(work_.values[c.slot[kAiv0]], axes_[c.source], record_.values[c.source]);
  if (both) c.slot[kAiv1] = c.slot[kAiv0];  // the same place in each lane's UB

  Op p = make_op(Opcode::TPUSH, op.site);
  p.n_src = 1;
  p.src[0] = source_ref(c);
  const Value& slot = work_.values[c.slot[kAiv0]];
  if (plan_.ring.on_chip)
    p.dst = whole_ref(c.slot[kAiv0], slot.rows, slot.cols);
  else
    p.gm = ring_window(c);
  if (previous != nullptr && both) wait_for(kAic, previous->empty[kAiv1], Pipe::FIX, op.site);
  Item& it = append(kAic, p, Pipe::FIX);
  it.wait_event = previous != nullptr ? previous->empty[kAiv0] : -1;
  it.signal_event = c.full[kAic];
}

void Handover::push_to_cube(const Op& op, Crossing& c, const Crossing* previous, int lane) {
  if (axes_.size() > c.source &&
      (axes_[c.source] == HalfAxis::Lane0 || axes_[c.source] == HalfAxis::Lane1))
    throw isa::Error("lower.split", work_.where,
                     site_text(sites_, op.site) +
                         ": a tile of one vector lane's half cannot be a matmul operand");
  c.empty[kAic] = new_event();
  c.slot[kAic] = slot_value(c);
  const int from = lane == 1 ? kAiv1 : kAiv0;
  for (int s : {kAiv0, kAiv1}) {
    const bool real = halved(c) || s == from;
    if (!real && plan_.both_lanes()) continue;  // only one lane made it
    Op p = make_op(Opcode::TPUSH, op.site);
    if (real) fill_push(p, c, s - kAiv0);  // else the idle lane only answers the handshake
    Item& it = append(s, p, Pipe::MTE3);
    it.wait_event = previous != nullptr ? previous->empty[kAic] : -1;
    it.signal_event = new_event();
    if (real) c.full[idx(s)] = it.signal_event;
  }
}

/// Source and destination (ring window or L1 slot) of a push to the cube; a lane's half of them.
void Handover::fill_push(Op& p, const Crossing& c, int lane) {
  const TileRef whole = source_ref(c);
  const pl::ValueInfo& info = record_.values[c.source];
  const HalfAxis axis = halved(c) ? axes_[c.source] : HalfAxis::Whole;
  p.n_src = 1;
  p.src[0] = half_ref(whole, info, axis, lane, work_.where);
  if (!plan_.ring.on_chip) {
    p.gm = half_gm(ring_window(c), whole, info, axis, lane);
    return;
  }
  p.dst = whole_ref(c.slot[kAic], p.src[0].valid_rows, p.src[0].valid_cols);
  p.dst.rows = p.src[0].rows;
  p.dst.cols = p.src[0].cols;
  if (axis != HalfAxis::Whole)
    p.dst.offset = static_cast<uint32_t>(
        lane * (axis == HalfAxis::Rows ? p.dst.rows * p.dst.stride : p.dst.cols));
}

/// A pipe waits for a second event in front of its next instruction.
void Handover::wait_for(int s, int32_t event, Pipe pipe, isa::SiteId site) {
  append(s, make_op(Opcode::SWORK, site), pipe).wait_event = event;
}

// --- pop ---------------------------------------------------------------------------------------

void Handover::pop_operands(const Op& op, int s) {
  for_each_foreign(op, [&](const TileRef& view) {
    const uint32_t v = view.value.value;
    if (in_windows(v)) push_window(view, op);
    if (crossing_of_.empty() || crossing_of_[v] == kNone)
      throw isa::Error("lower.undefined-tile", work_.where,
                       site_text(sites_, record_.values[v].site) +
                           ": a tile is handed over before its half of the scope writes it");
    Crossing& c = crossing(v, s);
    if (c.popped[idx(s)]) return;
    if (s == kAic) return pop_on_cube(c);
    pop_on_lane(c, kAiv0);  // both lanes answer every push
    if (plan_.both_lanes())
      pop_on_lane(c, kAiv1);
    else
      idle_pop(c);
  });
}

TileRef Handover::consume(const TileRef& ref, int s, Pipe pipe) {
  Crossing& c = crossing(ref.value.value, s);
  if (c.value[idx(s)] == c.slot[idx(s)]) {  // else copied out of the ring already
    c.last_use[idx(s)] = stream(s).size();
    c.last_pipe[idx(s)] = pipe_id(pipe);
  }
  TileRef r = ref;
  r.value = pl::ValueId(c.value[idx(s)]);
  if (in_windows(c.source)) {
    r.offset = 0;
    r.stride = work_.values[c.value[idx(s)]].stride;
  }
  return r;
}

void Handover::note_pop(Crossing& c, int s, Pipe pipe) {
  c.popped[idx(s)] = true;
  c.last_use[idx(s)] = stream(s).size() - 1;
  c.last_pipe[idx(s)] = pipe_id(pipe);
  frees_.push_back({c.to_vector, c.number, s});
}

void Handover::pop_on_cube(Crossing& c) {
  const isa::SiteId site = record_.values[c.source].site;
  const Pipe pipe = plan_.ring.on_chip ? Pipe::MTE1 : Pipe::MTE2;
  Op p = make_op(Opcode::TPOP, site);
  p.dst = whole_ref(c.slot[kAic], c.valid_rows, c.valid_cols);
  if (!plan_.ring.on_chip) p.gm = ring_window(c);
  const bool two = c.full[kAiv0] >= 0 && c.full[kAiv1] >= 0;
  if (two) wait_for(kAic, c.full[kAiv1], pipe, site);
  append(kAic, p, pipe).wait_event = c.full[kAiv0] >= 0 ? c.full[kAiv0] : c.full[kAiv1];
  c.value[kAic] = c.slot[kAic];
  note_pop(c, kAic, pipe);
}

void Handover::pop_on_lane(Crossing& c, int s) {
  const pl::ValueInfo& info = record_.values[c.source];
  const HalfAxis axis = halved(c) ? axes_[c.source] : HalfAxis::Whole;
  const TileRef whole = source_ref(c);
  const TileRef part = half_ref(whole, info, axis, s - kAiv0, work_.where);
  const TileRef slot = whole_ref(c.slot[idx(s)], part.valid_rows, part.valid_cols);
  Op p = make_op(Opcode::TPOP, info.site);
  p.dst = slot;
  c.value[idx(s)] = c.slot[idx(s)];
  if (plan_.ring.on_chip) {  // re-layout from fractals to rows (kernel-language.md §3.3)
    Value v = work_.values[c.slot[idx(s)]];
    v.fixed = v.nz = false;
    v.bytes = value_bytes(v);
    c.value[idx(s)] = work_.add_value(v);
    p.n_src = 1;
    p.src[0] = slot;
    p.dst.value = pl::ValueId(c.value[idx(s)]);
  } else {
    p.gm = half_gm(ring_window(c), whole, info, axis, s - kAiv0);
  }
  const Pipe pipe = plan_.ring.on_chip ? Pipe::V : Pipe::MTE2;
  append(s, p, pipe).wait_event = c.full[kAic];
  note_pop(c, s, pipe);
}

/// Lane 1 of a scope without a split answers with zero-sized tiles.
void Handover::idle_pop(Crossing& c) {
  const isa::SiteId site = record_.values[c.source].site;
  append(kAiv1, make_op(Opcode::TPOP, site), Pipe::MTE2).wait_event = c.full[kAic];
  note_pop(c, kAiv1, Pipe::MTE2);
}

// --- free --------------------------------------------------------------------------------------

void Handover::insert_frees() {
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

std::pair<size_t, Item> Handover::free_item(const Free& f) {
  const Crossing& c = (f.to_vector ? to_vector_ : to_cube_)[static_cast<size_t>(f.number)];
  Op op = make_op(Opcode::TFREE, record_.values[c.source].site);
  if (c.slot[idx(f.stream)] != kNone) {
    const Value& slot = work_.values[c.slot[idx(f.stream)]];
    op.n_src = 1;
    op.src[0] = whole_ref(c.slot[idx(f.stream)], slot.rows, slot.cols);
  }
  Item it;
  it.op = work_.add_op(op);
  it.pipe = c.last_pipe[idx(f.stream)];
  it.signal_event = c.empty[idx(f.stream)];
  return {c.last_use[idx(f.stream)], it};
}

}  // namespace lower
