// Which execution answers a row, and what it says.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "apps/measurement_score.h"

namespace app {
namespace {

using Executions = std::vector<const Execution*>;

std::vector<std::string> programs_of(const Executions& executions) {
  std::vector<std::string> names;
  for (const Execution* e : executions)
    if (std::count(names.begin(), names.end(), e->program) == 0) names.push_back(e->program);
  return names;
}

bool asks_fast_rank(const MeasurementRow& row) {
  const std::vector<std::string> words = words_of(row.conditions);
  for (size_t i = 0; i + 1 < words.size(); ++i)
    if ((words[i] == "fast" || words[i] == "fastest") && words[i + 1] == "rank") return true;
  return row.metric.compare(0, 5, "fast_") == 0;
}

/// Wall of all programs of a rank.
double wall_us(const Executions& executions, int rank) {
  double sum = 0;
  for (const Execution* e : executions)
    if (e->rank == rank) sum += e->summary.makespan.us();
  return sum;
}

/// The slowest rank's executions; the fastest one's if the row asks for it.
Executions of_one_rank(const Executions& executions, const MeasurementRow& row) {
  std::set<int> ranks;
  for (const Execution* e : executions) ranks.insert(e->rank);
  const bool fast = asks_fast_rank(row);
  int chosen = *ranks.begin();
  for (const int rank : ranks) {
    const double here = wall_us(executions, rank), best = wall_us(executions, chosen);
    if (fast ? here < best : here > best) chosen = rank;
  }
  Executions out;
  for (const Execution* e : executions)
    if (e->rank == chosen) out.push_back(e);
  return out;
}

/// Of several programs those whose names hold the row's mode, if there are any.
Executions of_mode(const Executions& executions, const std::string& mode) {
  if (mode.empty() || programs_of(executions).size() < 2) return executions;
  Executions out;
  for (const Execution* e : executions)
    if (e->program.find(mode) != std::string::npos) out.push_back(e);
  return out.empty() ? executions : out;
}

bool has_scopes(const Execution& execution, const ScopeText& text) {
  try {
    select_scopes(text, execution.summary, nullptr);
    return true;
  } catch (const NotInRun&) {
    return false;
  }
}

/// The executions that could answer: several programs only if all have the scopes.
Executions candidates(const PlannedRow& planned, const RunOutcome& outcome) {
  Executions all;
  for (const Execution& e : outcome.executions) all.push_back(&e);
  if (all.empty())
    throw NotInRun(outcome.error.empty() ? "the file executed nothing" : outcome.error);
  all = of_mode(of_one_rank(all, planned.row), planned.mode);
  if (planned.scope.fixed.module || programs_of(all).size() < 2) return all;
  Executions fitting;
  for (const Execution* e : all)
    if (has_scopes(*e, planned.scope)) fitting.push_back(e);
  return fitting.empty() ? all : fitting;
}

const traces::Summary& summary_of(const Executions& executions) {
  const std::vector<std::string> programs = programs_of(executions);
  if (programs.size() > 1)
    throw NotInRun(
        fmt::format("the file ran {} and the row does not say which", fmt::join(programs, ", ")));
  return executions.front()->summary;  // a program that runs again does the same
}

/// What a state says, and how its texts were read.
struct Reading {
  double value = 0;
  Selection selection;
};

Reading read_state(const PlannedRow& planned, const Executions& here, const Executions* there) {
  const Quantity quantity = planned.metric->quantity;
  Reading reading;
  if (quantity == Quantity::Effective) {  // the benchmark adds up the launches of a round
    reading.selection.module = true;
    for (const Execution* e : here)
      reading.value += measure(quantity, reading.selection, e->summary);
    return reading;
  }
  const traces::Summary& run = summary_of(here);
  const bool one = there != nullptr && programs_of(*there).size() == 1;
  const traces::Summary* other = one ? &there->front()->summary : nullptr;
  reading.selection = select_scopes(planned.scope, run, other);
  reading.value = measure(quantity, reading.selection, run);
  return reading;
}

class RowJudge {
 public:
  RowJudge(const PlannedRow& planned, const std::vector<RunOutcome>& outcomes)
      : planned_(planned), outcomes_(outcomes) {}

  ScoredRow judge() {
    scored_.row = planned_.row;
    scored_.metric = planned_.metric;
    scored_.before.measured = planned_.row.before;
    scored_.after.measured = planned_.row.after;
    scored_.reason = planned_.reason;
    if (!scored_.reason.empty()) return scored_;
    if (is_of_two_states(*planned_.metric)) {
      scored_.before.measured.reset();
      judge_both();
    } else {
      judge_side(planned_.before, planned_.after, scored_.before);
      judge_side(planned_.after, planned_.before, scored_.after);
    }
    if (!scored_.predicted())
      scored_.reason = scored_.after.reason.empty() ? scored_.before.reason : scored_.after.reason;
    return scored_;
  }

 private:
  Executions executions_of(const PlannedSide& side) const {
    if (!side.state) throw NotInRun(side.reason);
    return candidates(planned_, outcomes_[*side.state]);
  }

  std::optional<Executions> executions_if_any(const PlannedSide& side) const {
    try {
      return executions_of(side);
    } catch (const NotInRun&) {
      return std::nullopt;
    }
  }

  double value_of(const PlannedSide& side, const PlannedSide& other) {
    const Executions here = executions_of(side);
    const std::optional<Executions> there = executions_if_any(other);
    const Reading reading = read_state(planned_, here, there ? &*there : nullptr);
    note_reading(reading.selection);
    const std::string& error = outcomes_[*side.state].error;
    if (!error.empty()) note("the file failed after its run: " + error);
    return reading.value;
  }

  void judge_side(const PlannedSide& side, const PlannedSide& other, ScoredSide& out) {
    if (!out.measured) return;
    try {
      out.predicted = value_of(side, other);
    } catch (const NotInRun& e) {
      // Published as gone: it must not be in the run, but the run must be there.
      if (*out.measured == 0 && executions_if_any(side))
        out.predicted = 0;
      else
        out.reason = e.what();
    }
  }

  void judge_both() {
    try {
      const double before = value_of(planned_.before, planned_.after);
      const double after = value_of(planned_.after, planned_.before);
      scored_.after.predicted = combine(planned_.metric->form, before, after);
      if (!scored_.after.predicted) scored_.after.reason = "predicted 0 before the change";
    } catch (const NotInRun& e) {
      scored_.after.reason = e.what();
    }
  }

  void note(const std::string& text) {
    if (std::count(scored_.notes.begin(), scored_.notes.end(), text) == 0)
      scored_.notes.push_back(text);
  }

  void note_reading(const Selection& selection) {
    if (selection.scopes.empty() || selection.scopes == planned_.scope.names) return;
    note(fmt::format("read as {}", fmt::join(selection.scopes, " + ")));
  }

  const PlannedRow& planned_;
  const std::vector<RunOutcome>& outcomes_;
  ScoredRow scored_;
};

}  // namespace

std::vector<ScoredRow> score_rows(const MeasurementPlan& plan,
                                  const std::vector<RunOutcome>& outcomes) {
  std::vector<ScoredRow> rows;
  for (const PlannedRow& planned : plan.rows) rows.push_back(RowJudge(planned, outcomes).judge());
  return rows;
}

}  // namespace app
