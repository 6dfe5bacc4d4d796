// Predictions beside published device measurements.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/metric.h"
#include "traces/summary.h"

namespace app {

/// validation.toml, built in.
extern const char* const kValidationToml;

using Range = std::pair<double, double>;

/// One published row and how to reproduce it; fields as documented in validation.toml.
struct ValidationRow {
  std::string id, title, program, mode;
  std::string set;  ///< table of its own the row belongs to, "" = none
  Metric metric;
  std::vector<std::string> scopes;
  std::string group;                    ///< instead of scopes: a scope group of the program
  std::string a, b;                     ///< knob settings, "era=p441"
  std::optional<double> before, after;  ///< published; after = 0: the scope is gone
  std::optional<Range> bound;         ///< of predicted / published (percent metrics: of predicted)
  std::optional<Range> ratio_bound;   ///< of before / after
  std::optional<Range> change_bound;  ///< of the predicted change from before to after in percent
};

struct SkippedRow {
  std::string id, why;
};

struct ValidationTable {
  std::vector<ValidationRow> rows;
  std::vector<SkippedRow> skipped;
};

/// Reads the table. Errors: "validate.syntax", "validate.row" (row and field).
ValidationTable parse_validation(const std::string& toml);

/// A row with its predictions.
struct ValidationResult {
  ValidationRow row;
  std::optional<double> predicted_before, predicted_after;
  bool within = false;
  std::string error;  ///< why the row could not run
};

/// The metric of `row` on one side (percent metrics: the quantity they are made of). Of a group,
/// the scopes that ran count. Errors: "validate.scope" when a scope of the row did not run (unless
/// the row says that it is gone), "validate.group" for a group the run does not declare or of which
/// nothing ran.
double metric_of(const ValidationRow& row, const traces::Summary& summary);

/// Fills `predicted_*` and `within` from both sides.
ValidationResult judge(const ValidationRow& row, const traces::Summary& a,
                       const traces::Summary& b);

/// Predicted change from a to b in percent; none where a is 0.
std::optional<double> change_percent(std::optional<double> a, std::optional<double> b);

/// Median of |ln(predicted / published)| over absolute figures above 0; 0 without any.
double median_log_error(const std::vector<ValidationResult>& results);

/// One table of the rows without a set, one table per set, then what was skipped.
std::string validation_text(const std::vector<ValidationResult>& results,
                            const ValidationTable& table, bool markdown);
std::string validation_json(const std::vector<ValidationResult>& results,
                            const ValidationTable& table);

}  // namespace app
