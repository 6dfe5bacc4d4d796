// Predictions beside published figures, and how good they are.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/measurement_plan.h"

namespace app {

/// One figure of a row.
struct ScoredSide {
  std::optional<double> measured, predicted;  ///< predicted only where measured is there
  std::string reason;                         ///< why it is not predicted
};

/// Two sides as a factor: after / before, 1 + percent / 100, 1 / speedup.
struct ChangeFactor {
  double measured = 1, predicted = 1;
};

struct ScoredRow {
  MeasurementRow row;
  std::optional<Metric> metric;
  ScoredSide before, after;
  std::string reason;              ///< why the row is not predicted at all
  std::vector<std::string> notes;  ///< how a text was read, a file that failed after its run

  bool predicted() const { return before.predicted || after.predicted; }
  std::optional<ChangeFactor> change() const;
  /// Whether the prediction goes the way of the measurement; nullopt if that changed 5 % or less.
  std::optional<bool> sign_agrees() const;
};

/// ln(predicted / measured) of a side; nullopt where one is missing or not above 0, and for
/// changes.
std::optional<double> log_error(const ScoredRow& row, const ScoredSide& side);

/// Every row of `plan` with the outcomes of its states (docs/validation.md, "Which run counts").
std::vector<ScoredRow> score_rows(const MeasurementPlan& plan,
                                  const std::vector<RunOutcome>& outcomes);

/// How a set of rows does.
struct Score {
  std::string name;
  int rows = 0;                         ///< predicted
  int figures = 0;                      ///< behind the errors
  std::optional<double> median, p90;    ///< of |ln(predicted / measured)|
  std::optional<double> bias;           ///< geometric mean of predicted / measured
  std::optional<double> change_median;  ///< of |ln| of predicted over measured change factors
  int signs = 0, signs_right = 0;
  std::optional<double> rank;  ///< Spearman's correlation of predicted and measured figures
};

struct Scores {
  Score overall;                                 ///< all times
  Score counts;                                  ///< counts, sizes, rates
  std::vector<Score> families, groups, metrics;  ///< times; in alphabetical order
  std::vector<Score> sweeps;  ///< times of one commit, file and metric, three figures or more
};

Scores score(const std::vector<ScoredRow>& rows);

}  // namespace app
