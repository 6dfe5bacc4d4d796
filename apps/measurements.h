// Tables of published device measurements (CSV) and what rows of them ask for.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace app {

/// One row, columns as published. Columns beyond these are ignored.
struct MeasurementRow {
  std::string id, repo, commit_before, commit, platform, kernel_file, scope, family, group, kind,
      metric, unit, conditions;
  std::optional<double> before, after;
  std::string problem;  ///< why a figure could not be read, "" = none
};

/// Reads a table. Errors: "csv.syntax"; "measurements.column" for a column that is missing;
/// "measurements.row" (line) for a row with another number of fields than the header;
/// "measurements.empty". A row without an id is called by its line.
std::vector<MeasurementRow> parse_measurements(const std::string& csv, const std::string& where);

/// The rows whose id, family or group is named, in table order; all if `names` is empty. Error
/// "validate.unknown-row".
std::vector<MeasurementRow> select_measurements(std::vector<MeasurementRow> rows,
                                                const std::vector<std::string>& names);

}  // namespace app
