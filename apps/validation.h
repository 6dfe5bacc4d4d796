// Predictions beside published device measurements.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "traces/summary.h"

namespace app {

/// validation.toml, built in.
extern const char* const kValidationToml;

enum class Metric : uint8_t { ModuleWall, ScopeSpan, BusySum, TaskExec, BusyChangePct, GainPct };
/// True for metrics published as a change in percent, not as a time.
inline bool is_percent(Metric m) { return m == Metric::BusyChangePct || m == Metric::GainPct; }

/// One published row and how to reproduce it; fields as documented in validation.toml.
struct ValidationRow {
  std::string id, title, program, mode;
  Metric metric = Metric::ModuleWall;
  std::vector<std::string> scopes;
  std::string a, b;                     ///< knob settings, "era=p441"
  std::optional<double> before, after;  ///< published
  std::pair<double, double> bound;
  std::optional<std::pair<double, double>> ratio_bound;  ///< of before/after
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

/// The metric of `row` on one side: a time in us (percent metrics: the busy sum they are made of).
/// Error "validate.scope" when a scope of the row did not run.
double metric_us(const ValidationRow& row, const traces::Summary& summary);

/// Fills `predicted_*` and `within` from both sides.
ValidationResult judge(const ValidationRow& row, const traces::Summary& a,
                       const traces::Summary& b);

/// Median of |ln(predicted / published)| over absolute figures.
double median_log_error(const std::vector<ValidationResult>& results);

std::string validation_text(const std::vector<ValidationResult>& results,
                            const ValidationTable& table, bool markdown);
std::string validation_json(const std::vector<ValidationResult>& results,
                            const ValidationTable& table);

}  // namespace app
