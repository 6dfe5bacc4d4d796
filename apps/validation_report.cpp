// Tables of predictions beside published figures.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "apps/validation.h"
#include "traces/text_table.h"

namespace app {
namespace {

std::string number(double v, bool pct) { return fmt::format(pct ? "{:.1f} %" : "{:.1f}", v); }

std::string pair_text(std::optional<double> before, std::optional<double> after, bool pct) {
  std::string out = before ? number(*before, pct) + " -> " : "";
  return out + (after ? number(*after, pct) : "-");
}

/// "+20 %" of predicted over published; "gone" where both are 0.
std::string deviation(double predicted, double published) {
  if (published == 0) return predicted == 0 ? "gone" : "not gone";
  return fmt::format("{:+.0f} %", 100 * (predicted / published - 1));
}

std::string error_text(const ValidationResult& r) {
  if (is_percent(r.row.metric))
    return fmt::format("{:+.1f} points", *r.predicted_after - *r.row.after);
  std::vector<std::string> parts;
  if (r.row.before) parts.push_back(deviation(*r.predicted_before, *r.row.before));
  if (r.row.after) parts.push_back(deviation(*r.predicted_after, *r.row.after));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string ratio_text(const ValidationResult& r) {
  if (is_percent(r.row.metric) || !r.row.before || !r.row.after) return "";
  if (*r.row.after == 0 || *r.predicted_after == 0) return "";
  return fmt::format("{:.2f} / {:.2f}", *r.row.before / *r.row.after,
                     *r.predicted_before / *r.predicted_after);
}

std::string bound_text(const ValidationResult& r) { return r.within ? "ok" : "MISS"; }

std::vector<std::string> cells(const ValidationResult& r) {
  const bool pct = is_percent(r.row.metric);
  if (!r.error.empty())
    return {r.row.id, r.row.title, pair_text(r.row.before, r.row.after, pct), "-", "", "", r.error};
  return {r.row.id,
          r.row.title,
          pair_text(r.row.before, r.row.after, pct),
          pair_text(r.row.before ? r.predicted_before : std::nullopt, r.predicted_after, pct),
          error_text(r),
          ratio_text(r),
          bound_text(r)};
}

using traces::TextTable;
constexpr TextTable::Align kLeft = TextTable::Align::Left;

TextTable plain_table() {
  return TextTable({{"row", kLeft},
                    {"what (us unless %)", kLeft},
                    {"published", kLeft},
                    {"predicted", kLeft},
                    {"error", kLeft},
                    {"ratio publ. / pred.", kLeft},
                    {"bound", kLeft}});
}

std::string change_text(std::optional<double> change) {
  return change ? fmt::format("{:+.1f} %", *change) : "-";
}

std::string side_text(std::optional<double> value) {
  return !value ? "-" : *value == 0 ? "gone" : number(*value, false);
}

/// A set: published and predicted side by side, both sides and their change.
std::vector<std::string> set_cells(const ValidationResult& r) {
  const ValidationRow& row = r.row;
  if (is_percent(row.metric) && r.error.empty())
    return {row.id,
            row.title,
            "",
            "",
            change_text(row.after),
            "",
            "",
            change_text(r.predicted_after),
            bound_text(r)};
  std::vector<std::string> out = {row.id, row.title, side_text(row.before), side_text(row.after),
                                  change_text(change_percent(row.before, row.after))};
  if (!r.error.empty()) {
    out.insert(out.end(), {"-", "-", "-", r.error});
  } else {
    out.insert(out.end(),
               {side_text(r.predicted_before), side_text(r.predicted_after),
                change_text(change_percent(r.predicted_before, r.predicted_after)), bound_text(r)});
  }
  return out;
}

TextTable set_table() {
  return TextTable({{"row", kLeft},
                    {"what (us unless stated)", kLeft},
                    {"published A"},
                    {"B"},
                    {"change"},
                    {"predicted A"},
                    {"B"},
                    {"change"},
                    {"bound", kLeft}});
}

/// What the sides of a set are, if all its rows agree.
std::string set_title(const std::string& set, const std::vector<ValidationResult>& results) {
  std::string sides;
  for (const ValidationResult& r : results) {
    if (r.row.set != set) continue;
    const std::string own = fmt::format("{}, A: {}, B: {}", r.row.program, r.row.a, r.row.b);
    if (!sides.empty() && sides != own) return set;
    sides = own;
  }
  return set + " (" + sides + ")";
}

std::vector<std::string> sets_of(const std::vector<ValidationResult>& results) {
  std::vector<std::string> sets;
  for (const ValidationResult& r : results)
    if (!r.row.set.empty() && std::count(sets.begin(), sets.end(), r.row.set) == 0)
      sets.push_back(r.row.set);
  return sets;
}

}  // namespace

std::string validation_text(const std::vector<ValidationResult>& results,
                            const ValidationTable& table, bool markdown) {
  const auto text_of = [&](const TextTable& t) { return markdown ? t.markdown() : t.text(); };
  TextTable plain = plain_table();
  for (const ValidationResult& r : results)
    if (r.row.set.empty()) plain.add(cells(r));
  std::string out = plain.empty() ? "" : text_of(plain) + "\n";
  for (const std::string& set : sets_of(results)) {
    TextTable rows = set_table();
    for (const ValidationResult& r : results)
      if (r.row.set == set) rows.add(set_cells(r));
    out +=
        (markdown ? "**" + set_title(set, results) + "**\n\n" : set_title(set, results) + "\n\n") +
        text_of(rows) + "\n";
  }
  const auto within =
      std::count_if(results.begin(), results.end(), [](const auto& r) { return r.within; });
  out += fmt::format("{} of {} rows within their bounds; median |ln(predicted/published)| {:.3f}\n",
                     within, results.size(), median_log_error(results));
  for (const SkippedRow& s : table.skipped)
    out += fmt::format("{}not reproducible: {}: {}\n", markdown ? "- " : "", s.id, s.why);
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
                         {"set", r.row.set},
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
