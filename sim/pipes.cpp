#include "sim/pipes.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/cost.h"

namespace sim {
namespace {

using isa::Instr;
using isa::Opcode;
using isa::Pipe;
using traces::Picoseconds;
using traces::WaitReason;

constexpr size_t idx(Pipe p) { return static_cast<size_t>(p); }

bool moves_gm(const Instr& in) {
  return in.pipe != Pipe::S && in.gm.present() && in.gm.rows > 0 && in.gm.cols > 0;
}

/// Only a flag on its pipe: a wait item, a slot given back, the pop or push of an idle lane.
bool is_flag(const Instr& in) {
  if (in.op == Opcode::SWORK || in.op == Opcode::TFREE) return true;
  if (in.gm.present() || in.op == Opcode::TPOP || in.op == Opcode::TPUSH) {
    return !moves_gm(in) && !in.src[0].present();
  }
  return false;
}

/// May the two operands share bytes? Whole tiles, which is close enough to name a reason.
bool overlap(const isa::TileOperand& a, const isa::TileOperand& b) {
  if (!a.present() || !b.present() || a.space != b.space) return false;
  const auto bytes = [](const isa::TileOperand& t) {
    return static_cast<uint64_t>(t.tile_rows) * t.tile_cols * isa::size_of(t.dtype);
  };
  return a.addr < b.addr + bytes(b) && b.addr < a.addr + bytes(a);
}

}  // namespace

DataCache::DataCache(const chips::Chip& chip)
    : line_(static_cast<uint64_t>(chip.scalar.dcache_line)),
      tags_(static_cast<size_t>(chip.scalar.dcache_bytes / chip.scalar.dcache_line), 0) {}

bool DataCache::touch(uint64_t address) {
  const uint64_t line = address / line_;
  uint64_t& tag = tags_[line % tags_.size()];
  const bool hit = tag == line + 1;
  tag = line + 1;
  return hit;
}

void DataCache::invalidate() { std::fill(tags_.begin(), tags_.end(), 0); }

LanePipes::LanePipes(const CoreContext& context, isa::CoreId core, isa::CoreKind kind)
    : context_(context),
      chip_(*context.chip),
      core_(core),
      kind_(kind),
      depth_(static_cast<uint64_t>(std::max(1, chip_.runtime.queue_depth))),
      issue_ps_(ps(chip_.scalar.issue)),
      flag_ps_(ps(chip_.sync.flag)),
      cross_core_ps_(ps(chip_.sync.cross_core)),
      barrier_ps_(ps(chip_.vec.barrier)),
      notify_ps_(nanoseconds(chip_.link.notify_ns).value),
      poll_ps_(std::max<int64_t>(nanoseconds(chip_.link.poll_ns).value, 1)),
      dcache_(chip_) {
  for (PipeState& p : pipes_) {
    p.ring.resize(depth_);
    p.starts.resize(depth_);
  }
}

void LanePipes::begin(const isa::Stream& stream, BlockEvents* events, Picoseconds start,
                      traces::LaneRow& row) {
  stream.instrs.copy_to(instrs_);
  events_ = events;
  row_ = &row;
  op_times_ = context_.op_times != nullptr && row.func.value < context_.op_times->size()
                  ? &(*context_.op_times)[row.func.value]
                  : nullptr;
  next_ = 0;
  scalar_free_ = end_ = start.value;
  queue_stall_ = -1;
  standing_ = false;
  flag_seen_ = kUnknown;
  dcache_.invalidate();
  for (PipeState& p : pipes_) {
    p.issued = p.started = 0;
    p.free = p.last_done = start.value;
    p.used = p.resolved = p.in_access = false;
  }
  done_.assign(instrs_.size(), kUnknown);
  release_.assign(instrs_.size(), kUnknown);
  instr_rows_.clear();
  row.instructions += static_cast<int64_t>(instrs_.size());
}

uint64_t LanePipes::buffer_address(const Instr& in) const {
  return context_.graph->buffer(in.gm.buffer).gm_addr;
}

LanePipes::Step LanePipes::advance() {
  while (true) {
    issue();
    resolve_heads();
    PipeState* head = next_start();
    if (head == nullptr) {
      const bool done =
          next_ == instrs_.size() &&
          std::all_of(pipes_.begin(), pipes_.end(), [](const PipeState& p) { return p.empty(); });
      return {done ? Step::Kind::Done : Step::Kind::Event, Picoseconds(end_)};
    }
    const Instr& in = head_of(*head);
    if (moves_gm(in)) return {Step::Kind::Access, Picoseconds(head->head.at)};
    const int64_t at = head->head.at;
    if (at > head->free) count_wait(head->head.reason, at - head->free);
    complete_head(*head, at, run_private(in, *head, at));
  }
}

void LanePipes::access() {
  PipeState& p = *next_start();
  if (!step_access(p)) return;
  complete_head(p, p.access_at, run_access(head_of(p), p.access_at, p.cursor.reply));
}

// --- when can an instruction start ---------------------------------------------------------------

void LanePipes::resolve_heads() {
  for (PipeState& p : pipes_) {
    if (p.resolved || p.empty()) continue;
    const Queued& entry = p.ring[p.started % depth_];
    p.head = constraint(instr(entry.index), p.free);
    if (!p.head.known) continue;
    if (entry.issue > p.head.at) {
      // A stall on a full queue that ended in the gap is what kept the instruction back.
      p.head.reason = queue_stall_ > p.free ? WaitReason::QueueFull : WaitReason::Issue;
      p.head.at = entry.issue;
    }
    p.resolved = true;
  }
}

/// The latest of everything but the issue that `in` has to wait for.
LanePipes::Constraint LanePipes::constraint(const Instr& in, int64_t pipe_free) const {
  Constraint c;
  c.at = pipe_free;
  after_edges(in, c);
  if (!c.known) return c;
  if (in.barrier && in.pipe != Pipe::S) {
    const PipeState& own = pipes_[idx(in.pipe)];
    const int64_t drained = own.last_done + (in.pipe == Pipe::V && own.used ? barrier_ps_ : 0);
    if (drained > c.at) {
      c.at = drained;
      c.reason = WaitReason::Barrier;
    }
  }
  if (in.wait_event >= 0) {
    if (events_ == nullptr || !events_->raised(in.wait_event)) {
      c.known = false;
      return c;
    }
    const int64_t seen = events_->when(in.wait_event).value + cross_core_ps_;
    if (seen > c.at) {
      c.at = seen;
      c.reason = WaitReason::CrossCore;
    }
  }
  return c;
}

void LanePipes::after_edges(const Instr& in, Constraint& c) const {
  uint32_t latest = 0;
  bool released_only = false;
  for (size_t p = 0; p < isa::kPipes; ++p) {
    if (in.after[p] == 0) continue;
    const uint32_t earlier = in.after[p] - 1;
    const bool release = (in.after_release >> p & 1) != 0;
    const int64_t when = release ? release_[earlier] : done_[earlier];
    if (when == kUnknown) {
      c.known = false;
      return;
    }
    const int64_t seen = when + (p == idx(in.pipe) ? 0 : flag_ps_);
    if (seen <= c.at) continue;
    c.at = seen;
    latest = earlier + 1;
    released_only = release;
  }
  if (latest == 0) return;
  c.reason = released_only ? WaitReason::Buffer : edge_reason(in, instr(latest - 1));
}

/// Data when `in` takes something `earlier` made, else it waits for a buffer.
WaitReason LanePipes::edge_reason(const Instr& in, const Instr& earlier) const {
  for (const isa::TileOperand& source : in.src) {
    if (overlap(source, earlier.dst)) return WaitReason::Data;
  }
  const bool same_gm = in.gm.present() && earlier.gm.present() && in.gm.buffer == earlier.gm.buffer;
  return same_gm ? WaitReason::Data : WaitReason::Buffer;
}

/// The pipe whose head starts first; ties go to the pipe order.
LanePipes::PipeState* LanePipes::next_start() {
  PipeState* first = nullptr;
  for (PipeState& p : pipes_) {
    if (p.empty() || !p.resolved) continue;
    if (first == nullptr || p.head.at < first->head.at) first = &p;
  }
  return first;
}

// --- running -------------------------------------------------------------------------------------

void LanePipes::complete_head(PipeState& p, int64_t at, const Run& run) {
  const uint32_t index = p.ring[p.started % depth_].index;
  const Instr& in = instr(index);
  p.starts[p.started % depth_] = at;
  ++p.started;
  p.free = run.free;
  p.last_done = std::max(p.last_done, run.done);
  p.used = true;
  p.resolved = p.in_access = false;
  row_->pipe_busy[idx(in.pipe)] += Picoseconds(run.free - at);
  finish(in, index, at, {p.last_done, std::min(run.release, p.last_done), run.free});
}

/// Presents the next part of the head's DMA; true when that was the last.
bool LanePipes::step_access(PipeState& p) {
  const Instr& in = head_of(p);
  if (!p.in_access) {
    p.in_access = true;
    p.access_at = p.head.at;
    p.cursor = MemoryCursor();
    if (p.access_at > p.free) count_wait(p.head.reason, p.access_at - p.free);
  }
  const bool write = in.pipe != Pipe::MTE2;
  const MemoryRequest request{&in.gm, buffer_address(in), kind_, core_, write, in.attr.atomic};
  const Picoseconds at(p.head.at);
  if (in.gm.remote())
    context_.network->step(context_.rank, in.gm, request, p.cursor, at);
  else
    context_.memory->step(request, p.cursor, at);
  p.head.at = p.cursor.next.value;
  return p.cursor.done;
}

/// Work no other core can see.
LanePipes::Run LanePipes::run_private(const Instr& in, const PipeState& p, int64_t at) const {
  const bool streaming = p.used && !in.barrier && at == p.free;
  Cycles cost;
  if (is_flag(in)) {
    cost = Cycles(chip_.sync.flag);
  } else {
    switch (in.pipe) {
      case Pipe::V:
        cost = vector_cost(in, streaming, chip_);
        break;
      case Pipe::M:
        cost = matmul_cost(in, streaming, chip_);
        break;
      case Pipe::MTE1:
        cost = l0_move_cost(in, chip_);
        break;
      case Pipe::MTE3:
      case Pipe::FIX:
        cost = handover_cost(in, chip_);
        break;
      case Pipe::MTE2:
      case Pipe::S:
        cost = Cycles(chip_.sync.flag);
        break;
    }
  }
  const int64_t done = at + duration(chip_, cost).value;
  return {done, done, done};
}

/// A DMA: its own law, stretched by what the shared memory adds.
LanePipes::Run LanePipes::run_access(const Instr& in, int64_t at, const MemoryReply& reply) {
  const uint64_t address = buffer_address(in);
  const bool write = in.pipe != Pipe::MTE2;
  const chips::Chip::Dma& dma = write ? chip_.mte3 : chip_.mte2;
  const DmaCost cost = in.pipe == Pipe::FIX ? drain_cost(in, chip_)
                       : write              ? store_cost(in, address, reply.line_misses, chip_)
                                            : load_cost(in, address, reply.line_misses, chip_);
  // A remote access is complete after a round trip. Only a load holds its queue that long: a store
  // is gone when the ports have taken its data.
  const int64_t trip = in.gm.remote() ? context_.network->round_trip().value : 0;
  const int64_t latency = duration(chip_, cost.latency).value + trip;
  const int64_t alone = at + latency + duration(chip_, cost.transfer).value;
  const int64_t done = std::max(alone, reply.data_ready.value + latency);
  row_->waits[static_cast<size_t>(WaitReason::Memory)] += Picoseconds(done - alone);

  traces::GmTraffic& gm = row_->gm;
  gm.asked_bytes += in.gm.bytes();
  (write ? gm.write_bytes : gm.read_bytes) += in.gm.bytes();
  gm.moved_bytes += reply.requests * chip_.l2.request;
  ++gm.dmas;
  gm.rows += in.gm.rows;
  gm.lines += reply.lines;
  gm.line_misses += reply.line_misses;
  gm.hbm_bytes += reply.hbm_bytes;

  Run run;
  run.done = done;
  // A store's source is free when the data has left, before the acknowledge (first-model.md §2.6).
  run.release = write ? done - latency : done;
  const bool serial = in.pipe == Pipe::FIX || dma.serial;
  run.free = serial ? done - (write ? trip : 0) : done - latency + ps(dma.issue_gap);
  return run;
}

void LanePipes::finish(const Instr& in, uint32_t index, int64_t at, const Run& run) {
  done_[index] = run.done;
  release_[index] = run.release;
  const int64_t end_before = end_;
  end_ = std::max({end_, run.done, scalar_free_});
  count_time(in, run.free - at, end_before);
  if (in.signal_event >= 0 && events_ != nullptr) {
    events_->raise(in.signal_event, Picoseconds(run.done));
  }
  if (context_.record_instructions) {
    traces::InstrRow r;
    r.instr = index;
    r.pipe = in.pipe;
    r.opcode = static_cast<uint8_t>(in.op);
    r.start = Picoseconds(at);
    r.end = Picoseconds(run.done);
    instr_rows_.push_back(r);
  }
}

void LanePipes::count_time(const Instr& in, int64_t busy, int64_t end_before) {
  if (op_times_ == nullptr) return;
  traces::OpTimes& times = (*op_times_)[static_cast<size_t>(in.op)];
  times.busy += Picoseconds(busy);
  times.advance += Picoseconds(end_ - end_before);
}

void LanePipes::count_wait(WaitReason reason, int64_t ps) {
  row_->waits[static_cast<size_t>(reason)] += Picoseconds(ps);
}

std::string LanePipes::describe_wait() const {
  const auto waits = [&](uint32_t index) {
    const Instr& in = instr(index);
    if (in.wait_event < 0 || (events_ != nullptr && events_->raised(in.wait_event))) {
      return std::string();
    }
    return fmt::format("{} instr {} ({}) waits for event {}", isa::name(in.pipe), index,
                       isa::name(in.op), in.wait_event);
  };
  if (standing_)
    return fmt::format("S instr {} (TWAIT) waits for {} {} of {}, which is {}", next_,
                       flag_wait_.equal ? "exactly" : "at least", flag_wait_.expected,
                       context_.graph->buffer(instr(next_).gm.buffer).name,
                       context_.network->value(context_.rank, flag_wait_.place));
  std::string first;
  for (const PipeState& p : pipes_) {
    if (!p.empty()) first = waits(p.ring[p.started % depth_].index);
    if (!first.empty()) return first;
  }
  return next_ < instrs_.size() ? waits(next_) : "";
}

}  // namespace sim
