// The scalar unit of a core: it issues to the pipes, runs its own instructions and meets the flags
// of other ranks.
#include <algorithm>
#include <utility>

#include "sim/cost.h"
#include "sim/pipes.h"

namespace sim {

using isa::Instr;
using isa::Opcode;
using isa::Pipe;
using traces::Picoseconds;
using traces::WaitReason;

namespace {

constexpr size_t idx(Pipe p) { return static_cast<size_t>(p); }

}  // namespace

void LanePipes::issue() {
  for (; next_ < instrs_.size(); ++next_) {
    const Instr& in = instr(next_);
    if (in.pipe == Pipe::S) {
      if (!run_scalar(in)) return;
      continue;
    }
    PipeState& p = pipe(in.pipe);
    if (p.issued - p.started == depth_) return;  // full: goes on when the head starts
    if (p.issued >= depth_ && p.starts[p.issued % depth_] > scalar_free_) {
      queue_stall_ = p.starts[p.issued % depth_];
      count_wait(WaitReason::QueueFull, queue_stall_ - scalar_free_);
      scalar_free_ = queue_stall_;
    }
    scalar_free_ += issue_ps_;
    row_->pipe_busy[idx(Pipe::S)] += Picoseconds(issue_ps_);
    p.ring[p.issued++ % depth_] = {next_, scalar_free_};
  }
}

/// Runs the scalar instruction `next_`; false while what it waits for is unknown.
bool LanePipes::run_scalar(const Instr& in) {
  const Constraint c = constraint(in, scalar_free_);
  if (!c.known) return false;
  if (in.op == Opcode::TWAIT && !stand_at_flag(in, c.at)) return false;
  if (c.at > scalar_free_) count_wait(c.reason, c.at - scalar_free_);
  int64_t start = c.at;
  if (in.op == Opcode::TWAIT) {
    start = poll_that_sees_flag();
    count_wait(WaitReason::Peer, start - c.at);
  }
  const int64_t done = start + scalar_duration(in);
  change_flags(in, start, done);
  scalar_free_ = done;
  finish(in, next_, c.at, {done, done, done});
  row_->pipe_busy[idx(Pipe::S)] += Picoseconds(done - start);
  return true;
}

int64_t LanePipes::scalar_duration(const Instr& in) {
  if (in.op == Opcode::TSCATTERM || in.op == Opcode::TSCATTER) {
    return duration(chip_, vector_cost(in, false, chip_)).value;
  }
  if (in.op == Opcode::TWAIT) return poll_ps_;
  if (in.op == Opcode::TNOTIFY)  // the scalar unit waits until its store is performed
    return notify_ps_ + (in.gm.remote() ? context_.network->round_trip().value : 0);
  if (in.gm.present() && (in.op == Opcode::SREAD || in.op == Opcode::SWRITE))
    return scalar_run_duration(in);
  if (in.op == Opcode::DCCI) dcache_.invalidate();
  return duration(chip_, scalar_cost(in, false, chip_)).value;
}

/// GM elements one after the other, each by way of the data cache, and the loop around them.
int64_t LanePipes::scalar_run_duration(const Instr& in) {
  const auto size = static_cast<int64_t>(isa::size_of(in.gm.dtype));
  const int64_t elements = isa::scalar_elements(in.gm);
  const uint64_t first = first_byte(in.gm, buffer_address(in));
  int64_t misses = 0;
  for (int64_t i = 0; i < elements; ++i)
    misses += !dcache_.touch(first + static_cast<uint64_t>(i * size));
  row_->gm.asked_bytes += elements * size;
  (in.op == Opcode::SREAD ? row_->gm.read_bytes : row_->gm.write_bytes) += elements * size;
  row_->gm.moved_bytes += misses * static_cast<int64_t>(chip_.scalar.dcache_line);
  const Cycles loop(in.attr.run_iterations * chip_.scalar.loop_iteration);
  return misses * duration(chip_, scalar_cost(in, false, chip_)).value +
         (elements - misses) * duration(chip_, scalar_cost(in, true, chip_)).value +
         duration(chip_, loop).value;
}

// --- flags of other ranks ------------------------------------------------------------------------

/// True when the flag of the TWAIT has been seen; else the scalar unit stands there from `at` on.
bool LanePipes::stand_at_flag(const Instr& in, int64_t at) {
  if (flag_seen_ != kUnknown) {
    standing_ = false;
    return true;
  }
  standing_ = true;
  flag_wait_.at = Picoseconds(at);
  flag_wait_.place = context_.network->place(context_.rank, in.gm);
  flag_wait_.expected = static_cast<int32_t>(in.attr.imm);
  flag_wait_.equal = in.attr.cmp == isa::CmpOp::Eq;
  return false;
}

/// Polls follow each other from the time the scalar unit reached the wait.
int64_t LanePipes::poll_that_sees_flag() {
  const int64_t since = flag_wait_.at.value;
  const int64_t late = std::max<int64_t>(std::exchange(flag_seen_, kUnknown) - since, 0);
  return since + ceil_div(late, poll_ps_) * poll_ps_;
}

/// What a scalar instruction changes of flags: a notify leaves before its own end and travels, a
/// write to the own copy of a window is there at its end.
void LanePipes::change_flags(const Instr& in, int64_t start, int64_t done) {
  if (context_.network == nullptr || !in.gm.present()) return;
  Network& network = *context_.network;
  const auto value = static_cast<int32_t>(in.attr.imm);
  FlagPlace place = network.place(context_.rank, in.gm);
  if (place.window == isa::GmBuffer::kNoWindow) return;
  if (in.op == Opcode::TNOTIFY) {
    const int64_t away = in.gm.remote() ? network.latency().value : 0;
    const auto to = in.gm.remote() ? static_cast<size_t>(in.gm.peer) : context_.rank;
    network.change(to, place, in.attr.atomic, value, Picoseconds(start + notify_ps_ + away));
  } else if (in.op == Opcode::SWRITE) {
    for (int64_t i = 0; i < isa::scalar_elements(in.gm); ++i, place.byte += 4)
      network.change(context_.rank, place, false, value, Picoseconds(done));
  }
}

}  // namespace sim
