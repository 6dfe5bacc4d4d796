#include "isa/interpreter_block.h"

#include <fmt/format.h>

#include <algorithm>

#include "isa/error.h"

namespace isa::interp {
namespace {

bool writes_gm(const Instr& i) {
  return i.gm.present() && (i.op == Opcode::TSTORE || i.op == Opcode::TPUSH ||
                            i.op == Opcode::SWRITE || i.op == Opcode::TNOTIFY);
}

/// The message of an error that does not know its place yet.
std::string bare_message(const Error& e) {
  const std::string text = e.what();
  return text.substr(0, text.size() - e.id().size() - 3);
}

}  // namespace

int ClusterMemory::slot(int stream, MemSpace space) {
  switch (space) {
    case MemSpace::L1:
      return stream == 0 ? 0 : -1;
    case MemSpace::L0A:
      return stream == 0 ? 1 : -1;
    case MemSpace::L0B:
      return stream == 0 ? 2 : -1;
    case MemSpace::L0C:
      return stream == 0 ? 3 : -1;
    case MemSpace::UB:
      return stream == 0 ? -1 : 3 + stream;
    case MemSpace::GM:
      break;
  }
  return -1;
}

ClusterMemory::ClusterMemory(const MemoryLimits& limits)
    : memories_{LocalMemory(MemSpace::L1, limits.l1),   LocalMemory(MemSpace::L0A, limits.l0a),
                LocalMemory(MemSpace::L0B, limits.l0b), LocalMemory(MemSpace::L0C, limits.l0c),
                LocalMemory(MemSpace::UB, limits.ub),   LocalMemory(MemSpace::UB, limits.ub)} {}

void ClusterMemory::reset(const BlockCode& code) {
  for (size_t m = 0; m < memories_.size(); ++m) {
    const int stream = m < 4 ? 0 : static_cast<int>(m) - 3;
    if (stream_of(code, stream).empty()) continue;
    memories_[m].reset();
    accesses_[m].clear();
  }
}

LocalMemory* ClusterMemory::at(int stream, MemSpace space) {
  const int s = slot(stream, space);
  return s < 0 ? nullptr : &memories_[static_cast<size_t>(s)];
}

AccessMap& ClusterMemory::accesses(int stream, MemSpace space) {
  return accesses_.at(static_cast<size_t>(slot(stream, space)));
}

uint8_t* Scratch::get(size_t position, int64_t bytes) {
  auto& t = tile.at(position);
  if (static_cast<int64_t>(t.size()) < bytes) t.resize(static_cast<size_t>(bytes));
  return t.data();
}

BlockRun::BlockRun(const TaskGraph& graph, const Task& task, int32_t block, ClusterMemory& memory,
                   GmImage& gm, Scratch& scratch, RankWorld* world)
    : graph_(graph),
      task_(task),
      code_(task.blocks[static_cast<size_t>(block)]),
      block_(block),
      memory_(memory),
      gm_(gm),
      scratch_(scratch),
      raised_(static_cast<size_t>(code_.events), false),
      world_(world) {
  memory_.reset(code_);
  order_.reset(code_);
  for (int s = 0; s < kStreams; ++s) {
    const auto& instrs = stream_of(code_, s).instrs;
    for (size_t k = 0; k < instrs.size(); ++k) {
      const Instr& i = instrs[k];
      if (writes_gm(i)) gm_accesses_[{i.gm.peer, i.gm.buffer.value}];
      if (i.op == Opcode::SYNCALL) ++barriers_left_[static_cast<size_t>(s)];
      if (i.wait_event >= code_.events || i.signal_event >= code_.events)
        throw Error("isa.operand", where(s, static_cast<uint32_t>(k)),
                    fmt::format("event {} of a block with {} events",
                                std::max(i.wait_event, i.signal_event), code_.events));
    }
  }
}

bool BlockRun::ended(int stream) const {
  return position_[static_cast<size_t>(stream)] == stream_of(code_, stream).instrs.size();
}

bool BlockRun::done() const { return ended(0) && ended(1) && ended(2); }

void BlockRun::advance() {
  do {
    for (bool moved = true; moved;) {
      moved = false;
      for (int s = 0; s < kStreams; ++s) moved = run_stream(s) || moved;
    }
  } while (wait_for_peers());
  // A stream that takes part in a later SYNCALL but cannot get there would never let the others go.
  bool waiting_at_barrier = false, stuck = false;
  for (int s = 0; s < kStreams; ++s) {
    if (standing_at_barrier(s))
      waiting_at_barrier = true;
    else if (barriers_left_[static_cast<size_t>(s)] > 0)
      stuck = true;
  }
  if (!done() && (stuck || !waiting_at_barrier)) deadlock();
}

bool BlockRun::run_stream(int stream) {
  const auto& instrs = stream_of(code_, stream).instrs;
  uint32_t& at = position_[static_cast<size_t>(stream)];
  bool moved = false;
  while (at < instrs.size() && !standing_at_barrier(stream)) {
    const Instr& i = instrs[at];
    if (i.wait_event >= 0 && !raised_[static_cast<size_t>(i.wait_event)]) break;
    if (i.op == Opcode::TWAIT && !flag_there(i)) break;
    run_instr(stream, at);
    moved = true;
    if (i.op == Opcode::SYNCALL) {
      at_barrier_[static_cast<size_t>(stream)] = true;
      break;
    }
    ++at;
  }
  return moved;
}

bool BlockRun::flag_there(const Instr& wait) {
  const GmCopy copy = gm_copy(wait.gm);
  gm_ranges(wait.gm);
  const int64_t value =
      get_integer(copy.bytes().data() + scratch_.ranges.front().begin, wait.gm.dtype);
  const auto expected = static_cast<int64_t>(wait.attr.imm);
  return wait.attr.cmp == CmpOp::Eq ? value == expected : value >= expected;
}

bool BlockRun::wait_for_peers() {
  std::vector<std::pair<int, const Instr*>> waits;
  for (int s = 0; s < kStreams; ++s) {
    if (ended(s) || standing_at_barrier(s)) continue;
    const Instr& i = stream_of(code_, s).instrs.elements()[position_[static_cast<size_t>(s)]];
    if (i.op == Opcode::TWAIT && (i.wait_event < 0 || raised_[static_cast<size_t>(i.wait_event)]))
      waits.emplace_back(s, &i);
  }
  if (waits.empty() || world_ == nullptr) return false;
  std::vector<Instr> placed;
  std::string what;
  for (const auto& [s, i] : waits) {
    const uint32_t at = position_[static_cast<size_t>(s)];
    placed.push_back(stream_of(code_, s).instrs[at]);
    what += fmt::format("{}rank {} at {}", what.empty() ? "" : ", ", graph_.rank, where(s, at));
  }
  world_->turns.wait(
      graph_.rank,
      [&] {
        return std::any_of(placed.begin(), placed.end(),
                           [&](const Instr& i) { return flag_there(i); });
      },
      [what] { return what; });
  return true;
}

void BlockRun::pass_barrier() {
  std::array<uint32_t, kStreams> index;
  index.fill(OrderTracker::kNone);
  for (size_t s = 0; s < kStreams; ++s)
    if (at_barrier_[s]) index[s] = position_[s];
  order_.join_at_barrier(index);
  for (size_t s = 0; s < kStreams; ++s) {
    if (!at_barrier_[s]) continue;
    at_barrier_[s] = false;
    --barriers_left_[s];
    ++position_[s];
  }
}

void BlockRun::run_instr(int stream, uint32_t index) {
  const Instr& i = stream_of(code_, stream).instrs[index];
  stream_ = stream;
  try {
    order_.begin(stream, index, i);
    execute_instr(i);
    order_.end(i);
  } catch (const Error& e) {
    if (!e.where().empty()) throw;
    throw Error(e.id(), where(stream, index), bare_message(e));
  }
  if (i.signal_event >= 0) raised_[static_cast<size_t>(i.signal_event)] = true;
}

std::string BlockRun::where(int stream, uint32_t index) const {
  const Instr& i = stream_of(code_, stream).instrs[index];
  std::string text = fmt::format("scope {} block {} {} instr {} {}", task_.name, block_,
                                 stream_name(stream), index, name(i.op));
  if (i.site.valid() && i.site.value < graph_.sites.size())
    text += " (" + graph_.sites[i.site.value] + ")";
  return text;
}

void BlockRun::deadlock() const {
  std::string who;
  for (int s = 0; s < kStreams; ++s) {
    if (ended(s)) continue;
    const uint32_t at = position_[static_cast<size_t>(s)];
    const Instr& i = stream_of(code_, s).instrs[at];
    if (!who.empty()) who += "; ";
    who += fmt::format("{} instr {} {} waits for ", stream_name(s), at, name(i.op));
    if (standing_at_barrier(s))
      who += "the other cores of the launch";
    else if (i.op == Opcode::TWAIT)
      who += "a flag of another rank";
    else
      who += fmt::format("event {}", i.wait_event);
    if (i.site.valid() && i.site.value < graph_.sites.size())
      who += " (" + graph_.sites[i.site.value] + ")";
  }
  throw Error("isa.deadlock", fmt::format("scope {} block {}", task_.name, block_), who);
}

}  // namespace isa::interp
