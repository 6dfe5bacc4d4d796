// Two runs side by side, and why they differ, in numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "traces/kinds.h"
#include "traces/summary.h"

namespace traces {

/// A number that changed.
struct Fact {
  std::string what;  ///< "TGATHER", "GM moved bytes", "lines missed", ...
  int64_t a = 0, b = 0;
};

/// What explains a difference of busy time. The rule:
/// 1. The bound is the pipe whose busy time changed most in the direction of the scope's busy time,
///    provided that change is at least a quarter of the scope's. Ties: the first pipe.
/// 2. Else it is the wait reason that changed most in that direction, provided the same.
/// 3. Else there is none: the change is spread out, or dispatch and kernel start make it.
/// Facts are then taken from what can load that bound. A pipe that touches GM (MTE2, MTE3, FIX)
/// shows GM bytes moved, over-fetch, rows, lines missed and DMAs as far as they changed by 2 % or
/// more in the direction of the time; every pipe shows the opcodes it executes whose number changed
/// in that direction, largest change first.
///
/// The verdict of a scope names the kinds of instructions that make at least 15 % of the change
/// (KindChange: their advance adds up to the scope's time), with GM moved if it changed with the
/// loads or stores. When no kind does, or the summaries hold no costs of instructions, it is the
/// bound with its first fact.
struct Reason {
  enum class Kind : uint8_t { None, Pipe, Wait };
  Kind kind = Kind::None;
  isa::Pipe pipe = isa::Pipe::S;
  WaitReason wait = WaitReason::Data;
  Picoseconds change;  ///< of that pipe's busy time or that wait, b - a
  std::vector<Fact> facts;
};

enum class Change : uint8_t { Same, Faster, Slower, Added, Removed };
std::string_view name(Change c);

/// A pair of times. Below half a percent (or 1 ns) apart they are the same.
struct TimePair {
  Picoseconds a, b;

  Picoseconds difference() const { return b - a; }
  Change change() const;
  /// a / b: above 1 when b is faster. None if a side is 0.
  std::optional<double> ratio() const;
};

/// A group of scopes; sums over its scopes, whichever of them a side has.
struct GroupComparison {
  ScopeGroup group;  ///< scopes of either side
  TimePair busy;
  std::vector<KindChange> kinds;
  std::string verdict;
};

struct ScopeComparison {
  std::string name;
  std::optional<ScopeSummary> a, b;
  TimePair busy;  ///< a missing side is 0
  Change change = Change::Same;
  Reason reason;  ///< none for added and removed scopes
  std::vector<KindChange> kinds;
  std::string verdict;  ///< one line: "3.29x faster: 512 row gathers removed (-990.0 us)"
};

struct Comparison {
  std::string label_a, label_b;
  RunInfo run_a, run_b;
  std::optional<bool> golden_a, golden_b;
  TimePair makespan, busy;
  double cores_busy_a = 0, cores_busy_b = 0;
  int64_t instructions_a = 0, instructions_b = 0;
  std::optional<bool> observer_a, observer_b;
  double clock_mhz = 0;                 ///< if both sides have the same; else 0
  std::vector<ScopeComparison> scopes;  ///< order of a, then what only b has in b's order
  std::vector<GroupComparison> groups;
  std::string verdict;
};

/// Empty labels are made from what differs between the runs (knobs, variant, mode, chip, ...).
Comparison compare(const Summary& a, const Summary& b, const std::string& label_a = "",
                   const std::string& label_b = "");

/// For a terminal: verdict, one line per scope, then the numbers behind every changed scope.
std::string compare_text(const Comparison& comparison);
/// The same as markdown for a pull request.
std::string compare_markdown(const Comparison& comparison);
/// Everything, for programs. Ratios are null where a side is 0 or missing.
std::string compare_json(const Comparison& comparison);

/// Whether instructions of this name run on `pipe` (kernel-language.md §3.7). An opcode that lives
/// on several pipes (TSTORE, TMOV, TPUSH) belongs to each; an unknown name to none.
bool runs_on(const std::string& opcode, isa::Pipe pipe);

}  // namespace traces
