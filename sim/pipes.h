// The in-order pipes of one core working through one instruction stream. Plain computation on
// integer picoseconds: no SystemC, no waiting. The core (core.cpp) supplies simulated time for the
// accesses that other cores can see.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "chips/chip.h"
#include "isa/graph.h"
#include "sim/core.h"
#include "sim/memory_system.h"
#include "sim/network.h"
#include "traces/timeline.h"

namespace sim {

/// The data cache between the scalar unit and GM: direct mapped, tags only.
class DataCache {
 public:
  explicit DataCache(const chips::Chip& chip);
  /// True when the line of `address` was there; it is afterwards.
  bool touch(uint64_t address);
  void invalidate();

 private:
  uint64_t line_;
  std::vector<uint64_t> tags_;  ///< line number + 1; 0 = empty
};

/// Instruction records of a lane are laid down in this order of work:
///
/// The scalar unit takes the stream in program order. Its own instructions run there and then;
/// every other one goes into its pipe's queue (scalar.issue each), unless the queue holds
/// runtime.queue_depth entries, when the scalar unit stalls until one starts. The head of a queue
/// starts when the pipe is free, what it depends on is done and the event it waits for is raised.
///
/// Starts are worked out in the order of their times. All that is private to the core is computed
/// at once; `advance` returns when the next start is a GM access, which has to happen at its own
/// moment of simulated time so that the shared memory sees all cores' requests in order.
class LanePipes {
 public:
  LanePipes(const CoreContext& context, isa::CoreId core, isa::CoreKind kind);

  /// Takes up a stream whose first instruction can issue at `start`. `row` collects what is
  /// measured.
  void begin(const isa::Stream& stream, BlockEvents* events, traces::Picoseconds start,
             traces::LaneRow& row);

  struct Step {
    enum class Kind : uint8_t {
      Access,  ///< call `access` at time `at`; `advance` again if an event is raised before
      Event,   ///< nothing can start until another core raises an event
      Done,    ///< the stream is finished at `at`
    };
    Kind kind = Kind::Done;
    traces::Picoseconds at;
  };
  Step advance();
  /// Takes the GM access `advance` returned a step on, now: a long DMA comes back for its next
  /// part.
  void access();

  /// A TWAIT the scalar unit stands at from time `at` on.
  struct FlagWait {
    traces::Picoseconds at;
    FlagPlace place;
    int32_t expected = 0;
    bool equal = false;  ///< else: at least
  };
  /// Null: none. After `advance`.
  const FlagWait* flag_wait() const { return standing_ ? &flag_wait_ : nullptr; }
  /// The flag is there at `at`: the scalar unit goes on behind its next poll.
  void pass_flag(traces::Picoseconds at) { flag_seen_ = at.value; }

  const std::vector<traces::InstrRow>& instructions() const { return instr_rows_; }
  /// "MTE2 instr 14 (TPOP) waits for event 5", or empty when nothing waits for an event.
  std::string describe_wait() const;

 private:
  static constexpr int64_t kUnknown = -1;

  struct Queued {
    uint32_t index = 0;
    int64_t issue = 0;
  };
  /// Why and until when something has to wait; `blocker` is what is not known yet.
  struct Constraint {
    int64_t at = 0;
    traces::WaitReason reason = traces::WaitReason::Issue;
    bool known = true;
  };
  struct PipeState {
    std::vector<Queued> ring;     ///< queued entries, by count modulo depth
    std::vector<int64_t> starts;  ///< start times of the last `depth` instructions
    uint64_t issued = 0, started = 0;
    int64_t free = 0;       ///< when the next instruction may start
    int64_t last_done = 0;  ///< everything before it on this pipe is complete
    bool used = false;
    bool resolved = false;   ///< the head's start time is known
    Constraint head;         ///< ... or the time of its next part
    bool in_access = false;  ///< the head is a DMA that has begun
    int64_t access_at = 0;   ///< when it began
    MemoryCursor cursor;     ///< how far it is
    bool empty() const { return issued == started; }
  };
  /// How an instruction occupies its pipe.
  struct Run {
    int64_t done = 0, release = 0, free = 0;
  };

  PipeState& pipe(isa::Pipe p) { return pipes_[static_cast<size_t>(p)]; }
  const isa::Instr& instr(uint32_t index) const { return instrs_[index]; }
  int64_t ps(double cycles) const { return chip_.ps(cycles); }
  uint64_t buffer_address(const isa::Instr& in) const;

  void issue();
  bool run_scalar(const isa::Instr& in);
  bool stand_at_flag(const isa::Instr& in, int64_t at);
  int64_t poll_that_sees_flag();
  void change_flags(const isa::Instr& in, int64_t start, int64_t done);
  int64_t scalar_duration(const isa::Instr& in);
  int64_t scalar_run_duration(const isa::Instr& in);
  void resolve_heads();
  Constraint constraint(const isa::Instr& in, int64_t pipe_free) const;
  void after_edges(const isa::Instr& in, Constraint& c) const;
  traces::WaitReason edge_reason(const isa::Instr& in, const isa::Instr& earlier) const;
  PipeState* next_start();
  const isa::Instr& head_of(const PipeState& p) const {
    return instrs_[p.ring[p.started % depth_].index];
  }
  bool step_access(PipeState& state);
  void complete_head(PipeState& state, int64_t at, const Run& run);
  Run run_private(const isa::Instr& in, const PipeState& state, int64_t at) const;
  Run run_access(const isa::Instr& in, int64_t at, const MemoryReply& reply);
  void finish(const isa::Instr& in, uint32_t index, int64_t at, const Run& run);
  void count_time(const isa::Instr& in, int64_t busy, int64_t end_before);
  void count_wait(traces::WaitReason reason, int64_t ps);

  const CoreContext& context_;
  const chips::Chip& chip_;
  isa::CoreId core_;
  isa::CoreKind kind_;
  uint64_t depth_;
  int64_t issue_ps_, flag_ps_, cross_core_ps_, barrier_ps_, notify_ps_, poll_ps_;

  std::vector<isa::Instr> instrs_;  ///< of the block in hand
  BlockEvents* events_ = nullptr;
  traces::LaneRow* row_ = nullptr;
  std::array<traces::OpTimes, isa::kOpcodes>* op_times_ = nullptr;  ///< of the lane's function
  DataCache dcache_;
  std::array<PipeState, isa::kPipes> pipes_;
  uint32_t next_ = 0;         ///< next instruction to issue
  int64_t scalar_free_ = 0;   ///< when the scalar unit can go on
  int64_t queue_stall_ = -1;  ///< end of its last stall on a full queue
  bool standing_ = false;     ///< at the TWAIT of flag_wait_
  FlagWait flag_wait_;
  int64_t flag_seen_ = kUnknown;
  int64_t end_ = 0;
  std::vector<int64_t> done_, release_;  ///< by instruction; kUnknown until it has started
  std::vector<traces::InstrRow> instr_rows_;
};

}  // namespace sim
