// Predictions beside published figures, for programs: CSV and JSON.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "apps/csv.h"
#include "apps/measurement_report.h"

namespace app {
namespace {

using Json = nlohmann::ordered_json;

std::string cell(std::optional<double> value) { return value ? fmt::format("{}", *value) : ""; }

std::string cell(std::optional<bool> value) { return !value ? "" : *value ? "yes" : "no"; }

std::optional<double> ratio(const ScoredRow& row, const ScoredSide& side) {
  const auto error = log_error(row, side);
  return error ? std::optional(std::exp(*error)) : std::nullopt;
}

std::optional<double> measured_change(const ScoredRow& row) {
  const auto change = row.change();
  return change ? std::optional(change->measured) : std::nullopt;
}

std::optional<double> predicted_change(const ScoredRow& row) {
  const auto change = row.change();
  return change ? std::optional(change->predicted) : std::nullopt;
}

std::string notes_of(const ScoredRow& row) { return fmt::format("{}", fmt::join(row.notes, "; ")); }

Json optional(std::optional<double> value) { return value ? Json(*value) : Json(nullptr); }

Json to_json(const ScoredRow& row, const ScoredSide& side) {
  return {{"measured", optional(side.measured)},
          {"predicted", optional(side.predicted)},
          {"ratio", optional(ratio(row, side))},
          {"log_error", optional(log_error(row, side))},
          {"reason", side.reason}};
}

Json to_json(const ScoredRow& row) {
  const auto sign = row.sign_agrees();
  return {{"id", row.row.id},
          {"commit_before", row.row.commit_before},
          {"commit", row.row.commit},
          {"kernel_file", row.row.kernel_file},
          {"scope", row.row.scope},
          {"family", row.row.family},
          {"group", row.row.group},
          {"metric", row.row.metric},
          {"unit", row.row.unit},
          {"before", to_json(row, row.before)},
          {"after", to_json(row, row.after)},
          {"change",
           {{"measured", optional(measured_change(row))},
            {"predicted", optional(predicted_change(row))}}},
          {"sign_agrees", sign ? Json(*sign) : Json(nullptr)},
          {"notes", row.notes},
          {"reason", row.reason}};
}

Json to_json(const Score& s) {
  return {{"name", s.name},
          {"rows", s.rows},
          {"figures", s.figures},
          {"median_log_error", optional(s.median)},
          {"p90_log_error", optional(s.p90)},
          {"mean_ratio", optional(s.bias)},
          {"change_median_log_error", optional(s.change_median)},
          {"signs", s.signs},
          {"signs_right", s.signs_right},
          {"rank_correlation", optional(s.rank)}};
}

Json to_json(const std::vector<Score>& scores) {
  Json list = Json::array();
  for (const Score& s : scores) list.push_back(to_json(s));
  return list;
}

}  // namespace

std::string measurement_csv(const std::vector<ScoredRow>& rows) {
  std::string out = csv_line({"id",
                              "commit_before",
                              "commit",
                              "kernel_file",
                              "scope",
                              "family",
                              "group",
                              "metric",
                              "unit",
                              "measured_before",
                              "predicted_before",
                              "ratio_before",
                              "log_error_before",
                              "measured_after",
                              "predicted_after",
                              "ratio_after",
                              "log_error_after",
                              "change_measured",
                              "change_predicted",
                              "sign_agrees",
                              "notes",
                              "reason_before",
                              "reason_after",
                              "reason"});
  for (const ScoredRow& row : rows) {
    const MeasurementRow& r = row.row;
    out += csv_line({r.id,
                     r.commit_before,
                     r.commit,
                     r.kernel_file,
                     r.scope,
                     r.family,
                     r.group,
                     r.metric,
                     r.unit,
                     cell(row.before.measured),
                     cell(row.before.predicted),
                     cell(ratio(row, row.before)),
                     cell(log_error(row, row.before)),
                     cell(row.after.measured),
                     cell(row.after.predicted),
                     cell(ratio(row, row.after)),
                     cell(log_error(row, row.after)),
                     cell(measured_change(row)),
                     cell(predicted_change(row)),
                     cell(row.sign_agrees()),
                     notes_of(row),
                     row.before.reason,
                     row.after.reason,
                     row.reason});
  }
  return out;
}

std::string measurement_json(const std::vector<ScoredRow>& rows) {
  Json json;
  json["rows"] = Json::array();
  for (const ScoredRow& row : rows) json["rows"].push_back(to_json(row));
  const Scores scores = score(rows);
  json["overall"] = to_json(scores.overall);
  json["counts"] = to_json(scores.counts);
  json["families"] = to_json(scores.families);
  json["groups"] = to_json(scores.groups);
  json["metrics"] = to_json(scores.metrics);
  json["sweeps"] = to_json(scores.sweeps);
  return json.dump(2) + "\n";
}

}  // namespace app
