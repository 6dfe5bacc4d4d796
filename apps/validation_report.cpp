// Tables of predictions beside published figures.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "apps/validation.h"

namespace app {
namespace {

std::string number(double v, bool pct) { return fmt::format(pct ? "{:.1f} %" : "{:.1f}", v); }

std::string pair_text(std::optional<double> before, std::optional<double> after, bool pct) {
  std::string out = before ? number(*before, pct) + " -> " : "";
  return out + (after ? number(*after, pct) : "-");
}

std::string error_text(const ValidationResult& r) {
  if (is_percent(r.row.metric))
    return fmt::format("{:+.1f} points", *r.predicted_after - *r.row.after);
  std::string out;
  if (r.row.before)
    out += fmt::format("{:+.0f} %", 100 * (*r.predicted_before / *r.row.before - 1));
  if (r.row.after)
    out += fmt::format("{}{:+.0f} %", out.empty() ? "" : ", ",
                       100 * (*r.predicted_after / *r.row.after - 1));
  return out;
}

std::string ratio_text(const ValidationResult& r) {
  if (is_percent(r.row.metric) || !r.row.before || !r.row.after) return "";
  return fmt::format("{:.2f} | {:.2f}", *r.row.before / *r.row.after,
                     *r.predicted_before / *r.predicted_after);
}

std::vector<std::string> cells(const ValidationResult& r) {
  const bool pct = is_percent(r.row.metric);
  if (!r.error.empty())
    return {r.row.id, r.row.title, pair_text(r.row.before, r.row.after, pct), "-", "", "", r.error};
  return {r.row.id,
          r.row.title,
          pair_text(r.row.before, r.row.after, pct),
          pair_text(r.predicted_before, r.predicted_after, pct),
          error_text(r),
          ratio_text(r),
          r.within ? "ok" : "MISS"};
}

}  // namespace

std::string validation_text(const std::vector<ValidationResult>& results,
                            const ValidationTable& table, bool markdown) {
  std::vector<std::vector<std::string>> rows = {{"row", "what (us unless %)", "published",
                                                 "predicted", "error", "ratio publ. | pred.",
                                                 "bound"}};
  if (markdown) rows[0][5] = "ratio publ. / pred.";
  for (const ValidationResult& r : results) rows.push_back(cells(r));
  std::vector<size_t> width(rows[0].size());
  for (auto& row : rows)
    for (size_t i = 0; i < row.size(); ++i) {
      if (markdown) std::replace(row[i].begin(), row[i].end(), '|', '/');
      width[i] = std::max(width[i], row[i].size());
    }
  std::string out;
  for (size_t n = 0; n < rows.size(); ++n) {
    for (size_t i = 0; i < rows[n].size(); ++i)
      out += markdown ? fmt::format("| {} ", rows[n][i])
                      : fmt::format("{:<{}}  ", rows[n][i], width[i]);
    while (!markdown && out.back() == ' ') out.pop_back();
    out += markdown ? "|\n" : "\n";
    if (markdown && n == 0) out += "| --- | --- | --- | --- | --- | --- | --- |\n";
  }
  const auto within =
      std::count_if(results.begin(), results.end(), [](const auto& r) { return r.within; });
  out +=
      fmt::format("\n{} of {} rows within their bounds; median |ln(predicted/published)| {:.3f}\n",
                  within, results.size(), median_log_error(results));
  for (const SkippedRow& s : table.skipped)
    out += fmt::format("not reproducible: {}: {}\n", s.id, s.why);
  return out;
}

std::string validation_json(const std::vector<ValidationResult>& results,
                            const ValidationTable& table) {
  const auto optional = [](std::optional<double> v) {
    return v ? nlohmann::ordered_json(*v) : nullptr;
  };
  nlohmann::ordered_json j;
  j["rows"] = nlohmann::ordered_json::array();
  for (const ValidationResult& r : results)
    j["rows"].push_back({{"id", r.row.id},
                         {"title", r.row.title},
                         {"published", {optional(r.row.before), optional(r.row.after)}},
                         {"predicted", {optional(r.predicted_before), optional(r.predicted_after)}},
                         {"within", r.within},
                         {"error", r.error}});
  j["median_log_error"] = median_log_error(results);
  j["skipped"] = nlohmann::ordered_json::array();
  for (const SkippedRow& s : table.skipped) j["skipped"].push_back({{"id", s.id}, {"why", s.why}});
  return j.dump(2) + "\n";
}

}  // namespace app
