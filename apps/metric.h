// What published figures measure, and how the same is read from a run's summary
// (docs/validation.md).
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "isa/types.h"
#include "traces/summary.h"

namespace app {

enum class Quantity : uint8_t {
  Wall,        ///< us, first dispatch to last finish of the run ("Total Test Time")
  Effective,   ///< us, first submission to the end of orchestrator, schedulers and cores
  CoresBusy,   ///< cores busy on average: busy over wall
  Busy,        ///< us, sum of end - start over lanes with work; AIC and AIV of a mixed block count
  Span,        ///< us, first start to last end
  Gap,         ///< us, end of one scope to the start of another
  Exec,        ///< us, mean of a block from its first start to its last end; of one half: of a lane
  Latency,     ///< us, mean of finish - dispatch of a lane
  Overhead,    ///< us, mean of start - dispatch (head) or finish - end (tail) of a lane
  Tasks,       ///< lanes with work: rows of the swimlane, "Count" of upstream's report
  MemoryPeak,  ///< KB (1024 B), highest use of one core memory
};

/// How the published figure is made of the quantity of a state, or of two.
enum class Form : uint8_t {
  Value,      ///< the quantity of each state
  ChangePct,  ///< 100 (after / before - 1)
  GainPct,    ///< the same with the other sign
  Delta,      ///< after - before
  Speedup,    ///< before / after
};

struct Metric {
  Quantity quantity = Quantity::Wall;
  Form form = Form::Value;
  bool whole_module = false;  ///< by its name; else the scopes are named elsewhere

  friend bool operator==(const Metric& a, const Metric& b) {
    return a.quantity == b.quantity && a.form == b.form && a.whole_module == b.whole_module;
  }
};

/// "busy_sum_us", "wall_change_pct"; nullopt for a name that is not modelled.
std::optional<Metric> metric_from_name(std::string_view name);

/// Why a metric is not modelled, one line: known reasons, "no such metric is known" otherwise.
std::string why_not_modelled(std::string_view name);

/// True for metrics published as a change in percent, not as a quantity of each side.
inline bool is_percent(const Metric& m) {
  return m.form == Form::ChangePct || m.form == Form::GainPct;
}

/// True if a figure is of two states at once: the published one stands in the "after" column.
inline bool is_of_two_states(const Metric& m) { return m.form != Form::Value; }

/// True for quantities that only a whole run has.
inline bool is_of_module(Quantity q) {
  return q == Quantity::Wall || q == Quantity::Effective || q == Quantity::CoresBusy;
}

/// True for times, false for counts, sizes and rates.
inline bool is_time(Quantity q) {
  return q != Quantity::CoresBusy && q != Quantity::Tasks && q != Quantity::MemoryPeak;
}

/// What of a run is measured.
struct Selection {
  bool module = false;                  ///< all scopes of the run
  std::vector<std::string> scopes;      ///< otherwise these, by their exact names
  std::optional<isa::CoreKind> half;    ///< only cores of this kind
  std::optional<isa::MemSpace> memory;  ///< for MemoryPeak
  bool tail = false;                    ///< for Overhead: the tail's
  struct Edge {
    std::string scope;
    bool at_end = false;
  };
  std::optional<std::pair<Edge, Edge>> between;  ///< for Span and Gap: instead of scopes
};

/// Why a run does not have what a row asks for, in a few words.
class NotInRun : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The quantity of the selected part, in the unit given at Quantity. NotInRun: a scope did not run,
/// nothing of the half ran, a quantity that a part does not have.
double measure(Quantity quantity, const Selection& selection, const traces::Summary& summary);

/// The figure that two states make together; nullopt where it would divide by 0.
std::optional<double> combine(Form form, double before, double after);

}  // namespace app
