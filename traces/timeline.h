// What ran where and when, why it waited and what it moved: the machine's hand-over to the reports.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "isa/instr.h"
#include "isa/types.h"
#include "traces/time.h"

namespace traces {

/// Why an instruction could not start although its pipe was free, or a lane stood still.
enum class WaitReason : uint8_t {
  Data,       ///< read-after-write: a producer on another pipe
  Buffer,     ///< write-after-read / write-after-write: a buffer not yet released
  Issue,      ///< the scalar unit had not issued it yet
  QueueFull,  ///< issue stalled on a full pipe queue
  Barrier,    ///< drain of its own pipe
  CrossCore,  ///< flag of the other half of a mixed scope
  Memory,     ///< L2 / HBM contention beyond the uncontended cost
  Peer,       ///< flag of another rank
};
inline constexpr int kWaitReasons = 8;
std::string_view name(WaitReason r);

/// GM traffic of one lane.
struct GmTraffic {
  int64_t asked_bytes = 0;  ///< bytes the program asked for
  int64_t moved_bytes = 0;  ///< bytes of all requests that reached L2 (128 B granules)
  int64_t read_bytes = 0;   ///< asked, loads only
  int64_t write_bytes = 0;  ///< asked, stores only
  int64_t dmas = 0;
  int64_t rows = 0;
  int64_t lines = 0;  ///< L2 lines touched
  int64_t line_misses = 0;
  int64_t hbm_bytes = 0;  ///< line fills and write-backs caused

  GmTraffic& operator+=(const GmTraffic& b);
};

/// One dispatched lane (a block of a task on one core): a row of chip_swimlane_records.json.
struct LaneRow {
  isa::CoreId core;
  isa::CoreKind kind = isa::CoreKind::AIV;
  isa::TaskId task;
  isa::FuncId func;
  int32_t block = 0;
  int32_t lane = 0;          ///< 0 AIC, 1 AIV0, 2 AIV1
  uint32_t reg_task_id = 0;  ///< per-core dispatch sequence number
  bool first_on_core = false;
  Picoseconds dispatch;    ///< scheduler stores to the core's register
  Picoseconds receive;     ///< core notices
  Picoseconds start, end;  ///< kernel body
  Picoseconds finish;      ///< scheduler observes the end
  std::array<Picoseconds, isa::kPipes> pipe_busy{};
  std::array<Picoseconds, kWaitReasons> waits{};
  GmTraffic gm;
  int64_t instructions = 0;
};

/// A scheduler phase (runtime.md §3.3); kinds "complete", "dispatch", "resolve", "dummy",
/// "early_dispatch", "release", "drain".
struct PhaseRow {
  int32_t thread = 0;
  std::string kind;
  Picoseconds start, end;
  int64_t loop_iter = 0;
  int32_t tasks_processed = 0;
  int32_t pop_hit = 0, pop_miss = 0;                          ///< only "dispatch"
  isa::TaskId task;                                           ///< only "dummy_task"
  std::array<int32_t, 3> shared_at_start{}, shared_at_end{};  ///< ready AIC, AIV, MIX
};

struct SubmitRow {
  int32_t index = 0;
  isa::TaskId task;
  Picoseconds start, end;
};

/// One instruction on a pipe, only at the detailed level.
struct InstrRow {
  uint32_t lane_row = 0;  ///< index into Timeline::lanes
  uint32_t instr = 0;     ///< index in its stream
  isa::Pipe pipe = isa::Pipe::S;
  uint8_t opcode = 0;  ///< isa::Opcode
  Picoseconds start, end;
  Picoseconds waited;                  ///< how long its pipe stood free before it; 0 = not at all
  WaitReason wait = WaitReason::Data;  ///< the longest reason for `waited`
};

/// Time of the instructions of one opcode in all lanes of one function.
struct OpTimes {
  Picoseconds busy;     ///< its pipe taken (for the scalar unit: without issuing to other pipes)
  Picoseconds advance;  ///< how far its ends moved the end of its lane: adds up to the kernel body
};

struct TimelineMeta {
  std::string chip;  ///< "a2a3", "a5"
  std::string soc;
  int64_t counter_hz = 50'000'000;
  double clock_mhz = 0;  ///< of the cores; 0 = not known
  int32_t aic = 0, aiv = 0;
  int32_t scheduler_threads = 0;
  bool observer_effect = false;
  std::vector<isa::CoreKind> core_kinds;  ///< by CoreId
  std::vector<int32_t> core_to_thread;    ///< by CoreId
};

struct Timeline {
  TimelineMeta meta;
  std::vector<LaneRow> lanes;      ///< sorted by (start, core, reg_task_id)
  std::vector<PhaseRow> phases;    ///< sorted by (thread, start)
  std::vector<SubmitRow> submits;  ///< in submission order
  std::vector<InstrRow> instrs;    ///< detailed level only; sorted by (start, lane_row, instr)
  std::vector<std::array<OpTimes, isa::kOpcodes>> op_times;  ///< by FuncId; empty if not recorded
  Picoseconds makespan() const;  ///< first dispatch to last finish (upstream's "Total Test Time")
  /// First submission to the last thing the orchestrator, the schedulers and the cores did: the
  /// window upstream's benchmark calls "Effective".
  Picoseconds effective() const;
};

}  // namespace traces
