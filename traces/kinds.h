// Instructions in the kinds an author thinks in, and what two runs differ in, kind by kind.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "traces/summary.h"

namespace traces {

enum class InstrKind : uint8_t {
  RowGather,   ///< TGATHER: one instruction gathers one row
  MaskGather,  ///< TGATHERM
  Scatter,     ///< TSCATTER, TSCATTERM
  Matmul,
  Load,   ///< TLOAD
  Store,  ///< TSTORE
  Cast,
  ScalarRead,
  ScalarWrite,
  Move,      ///< TEXTRACT, TMOV: L1 to L0, or within UB
  HandOver,  ///< TPUSH, TPOP, TFREE: includes waiting for the other half of a mixed scope
  Reduction,
  Sort,
  Vector,  ///< all other work of the vector pipe
  Scalar,  ///< loop control, cache cleaning, barriers
};
inline constexpr int kInstrKinds = 15;

/// In the plural: "row gathers", "loads".
std::string_view name(InstrKind kind);
/// The kind of an opcode by its name; an unknown name is Scalar.
InstrKind kind_of(const std::string& opcode);

/// What the instructions of one kind were and cost. Times as in OpCost.
struct KindWork {
  int64_t count = 0, bytes = 0;
  Picoseconds busy, advance;

  KindWork& operator+=(const KindWork& other);
};
using KindTable = std::array<KindWork, kInstrKinds>;

/// All zero times and bytes if the summary has no costs.
KindTable kind_table(const ScopeSummary& scope);

struct KindChange {
  InstrKind kind = InstrKind::RowGather;
  KindWork a, b;

  int64_t count_change() const { return b.count - a.count; }
  Picoseconds time_change() const { return b.advance - a.advance; }
};

/// Kinds that differ in number, bytes or time; the largest change of time first.
std::vector<KindChange> kind_changes(const KindTable& a, const KindTable& b);

/// One change in words: "16384 row gathers (1064986 cycles) removed (-733.8 us)", "256 stores of
/// 128 B gained (+21.0 us)", "loads 64 → 128 (-3.00 us)", "the same 64 loads (+3.00 us)". Cycles
/// are how much less or more their pipe is taken, where the core clock is known.
std::string kind_change_text(const KindChange& change, double clock_mhz);

/// The changes that explain `busy_change` of a scope or group: those in its direction that make at
/// least 15 % of it, at most three.
std::vector<KindChange> main_changes(const std::vector<KindChange>& changes,
                                     Picoseconds busy_change);

}  // namespace traces
