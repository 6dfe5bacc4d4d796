#include "apps/measurements.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include "apps/csv.h"
#include "isa/error.h"

namespace app {
namespace {

constexpr const char* kTextColumns[] = {
    "id",     "repo",  "commit_before", "commit", "platform", "scope",     "kernel_file",
    "family", "group", "kind",          "metric", "unit",     "conditions"};
constexpr const char* kFigureColumns[] = {"value_before", "value_after"};

using Columns = std::map<std::string, size_t>;

std::string trimmed(const std::string& text) {
  const size_t from = text.find_first_not_of(" \t\r\n");
  if (from == std::string::npos) return "";
  return text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1);
}

Columns read_header(const CsvRecord& header, const std::string& where) {
  Columns columns;
  for (size_t i = 0; i < header.fields.size(); ++i) columns[trimmed(header.fields[i])] = i;
  const auto need = [&](const char* name) {
    if (columns.count(name) == 0)
      throw isa::Error("measurements.column", where, fmt::format("column '{}' is missing", name));
  };
  for (const char* name : kTextColumns) need(name);
  for (const char* name : kFigureColumns) need(name);
  return columns;
}

std::optional<double> figure(const std::string& text, const char* column, std::string& problem) {
  if (text.empty()) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (*end == '\0' && std::isfinite(value)) return value;
  problem = fmt::format("{} is not a number: '{}'", column, text);
  return std::nullopt;
}

MeasurementRow read_row(const CsvRecord& record, const Columns& columns) {
  const auto text = [&](const char* name) { return trimmed(record.fields[columns.at(name)]); };
  MeasurementRow row;
  row.id = text("id");
  row.repo = text("repo");
  row.commit_before = text("commit_before");
  row.commit = text("commit");
  row.platform = text("platform");
  row.kernel_file = text("kernel_file");
  row.scope = text("scope");
  row.family = text("family");
  row.group = text("group");
  row.kind = text("kind");
  row.metric = text("metric");
  row.unit = text("unit");
  row.conditions = text("conditions");
  row.before = figure(text("value_before"), "value_before", row.problem);
  row.after = figure(text("value_after"), "value_after", row.problem);
  return row;
}

}  // namespace

std::vector<MeasurementRow> parse_measurements(const std::string& csv, const std::string& where) {
  const std::vector<CsvRecord> records = parse_csv(csv, where);
  if (records.empty()) throw isa::Error("measurements.empty", where, "the table has no header");
  const Columns columns = read_header(records[0], where);
  std::vector<MeasurementRow> rows;
  for (size_t i = 1; i < records.size(); ++i) {
    const std::string place = fmt::format("{}:{}", where, records[i].line);
    if (records[i].fields.size() != records[0].fields.size())
      throw isa::Error("measurements.row", place,
                       fmt::format("the row has {} fields, the header {}", records[i].fields.size(),
                                   records[0].fields.size()));
    rows.push_back(read_row(records[i], columns));
    if (rows.back().id.empty()) rows.back().id = fmt::format("line {}", records[i].line);
  }
  return rows;
}

std::vector<MeasurementRow> select_measurements(std::vector<MeasurementRow> rows,
                                                const std::vector<std::string>& names) {
  if (names.empty()) return rows;
  const auto is = [](const MeasurementRow& row, const std::string& name) {
    return row.id == name || row.family == name || row.group == name;
  };
  for (const std::string& name : names)
    if (std::none_of(rows.begin(), rows.end(),
                     [&](const MeasurementRow& row) { return is(row, name); }))
      throw isa::Error("validate.unknown-row",
                       "no row, family or group of rows is called '" + name + "'");
  const auto unwanted = [&](const MeasurementRow& row) {
    return std::none_of(names.begin(), names.end(),
                        [&](const std::string& name) { return is(row, name); });
  };
  rows.erase(std::remove_if(rows.begin(), rows.end(), unwanted), rows.end());
  return rows;
}

}  // namespace app
