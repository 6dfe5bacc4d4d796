#include "traces/kinds.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "traces/text_table.h"

namespace traces {
namespace {

constexpr size_t kMostNamed = 3;
constexpr int64_t kNamedPercent = 15;  ///< of the change

const std::map<std::string, InstrKind>& special_kinds() {
  static const std::map<std::string, InstrKind> kinds = {
      {"TGATHER", InstrKind::RowGather},  {"TGATHERM", InstrKind::MaskGather},
      {"TSCATTER", InstrKind::Scatter},   {"TSCATTERM", InstrKind::Scatter},
      {"TMATMUL", InstrKind::Matmul},     {"TMATMUL_ACC", InstrKind::Matmul},
      {"TLOAD", InstrKind::Load},         {"TSTORE", InstrKind::Store},
      {"TCVT", InstrKind::Cast},          {"SREAD", InstrKind::ScalarRead},
      {"SWRITE", InstrKind::ScalarWrite}, {"TEXTRACT", InstrKind::Move},
      {"TMOV", InstrKind::Move},          {"TPUSH", InstrKind::HandOver},
      {"TPOP", InstrKind::HandOver},      {"TFREE", InstrKind::HandOver},
      {"TROWSUM", InstrKind::Reduction},  {"TROWMAX", InstrKind::Reduction},
      {"TROWMIN", InstrKind::Reduction},  {"TROWARGMAX", InstrKind::Reduction},
      {"TCOLSUM", InstrKind::Reduction},  {"TCOLMAX", InstrKind::Reduction},
      {"TNOTIFY", InstrKind::Scalar},     {"TWAIT", InstrKind::Scalar},
      {"TSORT32", InstrKind::Sort},       {"TMRGSORT", InstrKind::Sort},
  };
  return kinds;
}

/// "256 stores", "1 store", of which size if all that came or went have one, and the cycles.
std::string amount(const KindChange& c, double clock_mhz) {
  const int64_t count = std::abs(c.count_change());
  std::string what(name(c.kind));
  if (count == 1) what.pop_back();
  const int64_t bytes = c.b.bytes - c.a.bytes;
  const bool even = bytes != 0 && bytes % c.count_change() == 0 && bytes / c.count_change() > 0;
  const double cycles = std::abs((c.b.busy - c.a.busy).us()) * clock_mhz;
  return fmt::format("{} {}{}{}", count, what,
                     even ? " of " + short_bytes(bytes / c.count_change()) : "",
                     cycles >= 1 ? fmt::format(" ({:.0f} cycles)", cycles) : "");
}

}  // namespace

std::string_view name(InstrKind kind) {
  constexpr std::array<std::string_view, kInstrKinds> names = {
      "row gathers", "mask gathers", "scatters",     "matmuls",           "loads",
      "stores",      "casts",        "scalar reads", "scalar writes",     "tile moves",
      "hand-overs",  "reductions",   "sorts",        "vector operations", "scalar steps"};
  return names.at(static_cast<size_t>(kind));
}

InstrKind kind_of(const std::string& opcode) {
  const auto it = special_kinds().find(opcode);
  if (it != special_kinds().end()) return it->second;
  return !opcode.empty() && opcode.front() == 'T' ? InstrKind::Vector : InstrKind::Scalar;
}

KindWork& KindWork::operator+=(const KindWork& other) {
  count += other.count;
  bytes += other.bytes;
  busy += other.busy;
  advance += other.advance;
  return *this;
}

KindTable kind_table(const ScopeSummary& scope) {
  KindTable table;
  for (const auto& [opcode, count] : scope.instructions)
    table[static_cast<size_t>(kind_of(opcode))].count += count;
  for (const auto& [opcode, cost] : scope.op_costs)
    table[static_cast<size_t>(kind_of(opcode))] += {0, cost.bytes, cost.busy, cost.advance};
  return table;
}

std::vector<KindChange> kind_changes(const KindTable& a, const KindTable& b) {
  std::vector<KindChange> changes;
  for (size_t k = 0; k < kInstrKinds; ++k) {
    const KindChange c{static_cast<InstrKind>(k), a[k], b[k]};
    if (c.count_change() != 0 || c.a.bytes != c.b.bytes || c.time_change().value != 0)
      changes.push_back(c);
  }
  std::stable_sort(changes.begin(), changes.end(), [](const KindChange& x, const KindChange& y) {
    return std::abs(x.time_change().value) > std::abs(y.time_change().value);
  });
  return changes;
}

std::string kind_change_text(const KindChange& c, double clock_mhz) {
  const int64_t more = c.count_change(), longer = c.time_change().value;
  const std::string time = fmt::format("({} us)", signed_us(c.time_change().us()));
  if (more < 0 && longer <= 0) return amount(c, clock_mhz) + " removed " + time;
  if (more > 0 && longer >= 0) return amount(c, clock_mhz) + " gained " + time;
  if (more != 0) return fmt::format("{} {} → {} {}", name(c.kind), c.a.count, c.b.count, time);
  std::string bytes;
  if (c.a.bytes != c.b.bytes)
    bytes = fmt::format(", {} → {}", short_bytes(c.a.bytes), short_bytes(c.b.bytes));
  return fmt::format("the same {} {}{} {}", c.a.count, name(c.kind), bytes, time);
}

std::vector<KindChange> main_changes(const std::vector<KindChange>& changes,
                                     Picoseconds busy_change) {
  const int64_t direction = busy_change.value < 0 ? -1 : 1;
  std::vector<KindChange> result;
  for (const KindChange& c : changes) {
    const int64_t share = c.time_change().value * direction;
    if (result.size() < kMostNamed && share > 0 &&
        share * 100 >= std::abs(busy_change.value) * kNamedPercent)
      result.push_back(c);
  }
  return result;
}

}  // namespace traces
