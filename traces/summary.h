// summary.json: the stable machine-readable result of one run.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "isa/graph.h"
#include "traces/timeline.h"

namespace traces {

/// What was run. The number of host threads is not part of it: results do not depend on it, and a
/// folder must be the same to the byte whatever it was; the key "threads" is therefore always null.
struct RunInfo {
  std::string program, variant, mode;
  std::map<std::string, std::string> knobs;
  std::string chip, soc;
  uint64_t seed = 0;
};

/// One output compared with its golden.
struct GoldenOutput {
  std::string name;
  bool passed = false;
  double max_abs_err = 0;  ///< NaN or infinite is written as null and read as NaN
  int64_t bad = 0, total = 0;
};

struct Golden {
  bool passed = false;
  std::vector<GoldenOutput> outputs;
};

/// What the instructions of one opcode cost a scope.
struct OpCost {
  int64_t bytes = 0;    ///< of GM they load or store, as the program asked
  Picoseconds busy;     ///< their pipe taken
  Picoseconds advance;  ///< share of the scope's busy time, see OpTimes; all of them and the start
                        ///< of every kernel body make `ScopeSummary::busy`
};

/// What cores of one kind did for a scope.
struct CoreShare {
  int64_t lanes = 0;
  Picoseconds busy;
};

/// Everything about the tasks of one name. Sums run over lanes with work; the idle second AIV lane
/// of a mixed block counts nowhere.
struct ScopeSummary {
  std::string name;
  isa::TaskKind kind = isa::TaskKind::AIV;
  int64_t tasks = 0;
  int64_t blocks = 0;
  int64_t lanes = 0;  ///< dispatched lanes with work: rows behind the sums
  Picoseconds busy;   ///< sum of end - start over lanes: AIC and AIV of a mixed block both count
  Picoseconds block_busy;  ///< the same with every block once, from its first start to its last end
  Picoseconds exec_mean, exec_min, exec_max;  ///< end - start per lane; the mean rounds down
  Picoseconds span;                           ///< first start to last end
  Picoseconds first_start, last_end;          ///< since the run's first dispatch
  Picoseconds latency;                        ///< mean of finish - dispatch
  Picoseconds head;  ///< mean of min(start - dispatch, start - previous end on that core), §2.5
  Picoseconds tail;  ///< mean of finish - end
  std::array<CoreShare, 2> cores{};  ///< by isa::CoreKind; they add up to lanes and busy
  std::array<Picoseconds, isa::kPipes> pipes{};
  std::array<Picoseconds, kWaitReasons> waits{};
  GmTraffic gm;
  std::array<int64_t, isa::kMemSpaces> memory_peak{};  ///< bytes, highest of all blocks
  std::map<std::string, int64_t> instructions;         ///< by opcode
  std::map<std::string, OpCost> op_costs;              ///< by opcode; empty if not recorded

  int64_t instruction_count() const;
  /// Moved over asked bytes, 0 without traffic.
  double overfetch() const;
  /// Lines found in L2 over lines touched, 0 without traffic.
  double l2_hit_rate() const;
  /// The pipe with the most busy time (the first one on a tie).
  isa::Pipe main_pipe() const;
  WaitReason main_wait() const;
};

/// Scopes that are looked at together, e.g. "RoPE". A run need not have all of them.
struct ScopeGroup {
  std::string name;
  std::vector<std::string> scopes;
};

struct Summary {
  RunInfo run;
  std::optional<Golden> golden;          ///< null in the file if the result was not checked
  Picoseconds makespan;                  ///< first dispatch to last finish
  std::optional<Picoseconds> effective;  ///< see Timeline; unknown in older files
  int64_t tasks = 0;                     ///< submitted, dummy tasks included
  int64_t blocks = 0;
  int64_t instructions = 0;
  std::vector<ScopeSummary> scopes;     ///< in order of first submission; dummy tasks make none
  std::vector<ScopeGroup> groups;       ///< as the program declares them
  std::optional<bool> observer_effect;  ///< with the cost of profiling? Unknown in older files
  double clock_mhz = 0;                 ///< of the cores; 0 = not known

  Picoseconds busy() const;
  /// First start to last end of all scopes ("AICore Observed Span").
  Picoseconds span() const;
  /// Cores busy on average: busy over makespan.
  double cores_busy_mean() const;
  const ScopeSummary* find(const std::string& scope) const;
  /// Sum of the busy times of the group's scopes that ran.
  Picoseconds busy_of(const ScopeGroup& group) const;
};

/// Sums up a run. Error "traces.timeline" if the timeline does not fit the graph.
Summary summarize(const Timeline& timeline, const isa::TaskGraph& graph, RunInfo run,
                  std::optional<Golden> golden = std::nullopt);

/// The text of summary.json (times in us with six decimals, sizes in bytes; design.md §6).
std::string summary_json(const Summary& summary);

/// Reads a summary back; `where` names it in errors. Derived values (ratios, means of ratios) are
/// not read but computed again. Unknown keys are ignored; "groups", "observer_effect", "clock_mhz",
/// "effective_us", "op_costs" and a scope's "start_us", "end_us", "latency_us" and "cores" may be
/// missing, as in files of older versions. Errors: "summary.syntax",
/// "summary.missing-key", "summary.type", "summary.value".
Summary parse_summary(const std::string& json, const std::string& where);

/// Reads `path`, or summary.json in it if it is a folder. Also error "summary.file".
Summary read_summary(const std::string& path);

}  // namespace traces
