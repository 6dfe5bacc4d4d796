#include "apps/measurement_report.h"

#include <fmt/format.h>

#include <map>

#include "traces/text_table.h"

namespace app {
namespace {

using traces::TextTable;
constexpr TextTable::Align kLeft = TextTable::Align::Left;

std::string with(const char* format, std::optional<double> value) {
  return value ? fmt::format(fmt::runtime(format), *value) : "-";
}

/// Two decimals below 100, one below 1000, none above: measured figures have three digits or so.
std::string figure(std::optional<double> value) {
  if (!value) return "-";
  const double size = *value < 0 ? -*value : *value;
  return fmt::format(fmt::runtime(size < 100    ? "{:.2f}"
                                  : size < 1000 ? "{:.1f}"
                                                : "{:.0f}"),
                     *value);
}

std::string both(const std::string& before, const std::string& after) {
  return before == "-" ? after : before + " -> " + after;
}

std::string ratio(const ScoredRow& row, const ScoredSide& side) {
  if (!log_error(row, side)) return "-";
  return fmt::format("{:.2f}", *side.predicted / *side.measured);
}

std::string change_percent_text(std::optional<double> factor) {
  return factor ? fmt::format("{:+.1f} %", 100 * (*factor - 1)) : "-";
}

std::string change_text(const ScoredRow& row) {
  const auto change = row.change();
  if (!change) return "";
  return change_percent_text(change->measured) + " / " + change_percent_text(change->predicted);
}

std::string sign_text(const ScoredRow& row) {
  const auto agrees = row.sign_agrees();
  return !agrees ? "" : *agrees ? "yes" : "NO";
}

std::string file_name(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

/// Notes, and why one of two sides is missing.
std::string remarks(const ScoredRow& row) {
  std::vector<std::string> parts = row.notes;
  if (!row.before.reason.empty()) parts.push_back("before: " + row.before.reason);
  if (!row.after.reason.empty()) parts.push_back("after: " + row.after.reason);
  return fmt::format("{}", fmt::join(parts, "; "));
}

TextTable row_table(const std::vector<ScoredRow>& rows) {
  TextTable table({{"row", kLeft},
                   {"file", kLeft},
                   {"scope", kLeft},
                   {"metric", kLeft},
                   {"measured", kLeft},
                   {"predicted", kLeft},
                   {"pred / meas", kLeft},
                   {"ln", kLeft},
                   {"change meas / pred", kLeft},
                   {"sign", kLeft},
                   {"remarks", kLeft}});
  for (const ScoredRow& row : rows) {
    if (!row.predicted()) continue;
    table.add({row.row.id, file_name(row.row.kernel_file), row.row.scope, row.row.metric,
               both(figure(row.before.measured), figure(row.after.measured)),
               both(figure(row.before.predicted), figure(row.after.predicted)),
               both(ratio(row, row.before), ratio(row, row.after)),
               both(with("{:+.2f}", log_error(row, row.before)),
                    with("{:+.2f}", log_error(row, row.after))),
               change_text(row), sign_text(row), remarks(row)});
  }
  return table;
}

void add_score(TextTable& table, const Score& s) {
  table.add({s.name, fmt::format("{}", s.rows), fmt::format("{}", s.figures),
             with("{:.3f}", s.median), with("{:.3f}", s.p90), with("{:.2f}", s.bias),
             with("{:.3f}", s.change_median),
             s.signs == 0 ? "-" : fmt::format("{} of {}", s.signs_right, s.signs),
             with("{:.2f}", s.rank)});
}

TextTable score_table(const char* title) {
  return TextTable({{title, kLeft},
                    {"rows"},
                    {"figures"},
                    {"median |ln|"},
                    {"90 % |ln|"},
                    {"mean pred / meas"},
                    {"change median |ln|"},
                    {"signs right"},
                    {"rank corr."}});
}

std::string section(const char* title, const std::vector<Score>& scores, bool markdown) {
  if (scores.empty()) return "";
  TextTable table = score_table(title);
  for (const Score& s : scores) add_score(table, s);
  return (markdown ? table.markdown() : table.text()) + "\n";
}

/// Reasons in order of their first row, with the rows they hold for.
std::string reasons_text(const std::vector<ScoredRow>& rows, bool markdown) {
  std::vector<std::string> reasons;
  std::map<std::string, std::vector<std::string>> ids;
  for (const ScoredRow& row : rows) {
    if (row.predicted()) continue;
    if (ids.count(row.reason) == 0) reasons.push_back(row.reason);
    ids[row.reason].push_back(row.row.id);
  }
  std::string out;
  for (const std::string& reason : reasons)
    out += fmt::format("{}not predicted: {}: {}\n", markdown ? "- " : "",
                       fmt::join(ids[reason], " "), reason);
  return out;
}

}  // namespace

std::string measurement_text(const std::vector<ScoredRow>& rows, bool markdown) {
  const TextTable table = row_table(rows);
  std::string out;
  if (!table.empty()) out += (markdown ? table.markdown() : table.text()) + "\n";
  const Scores scores = score(rows);
  out += section("score", {scores.overall, scores.counts}, markdown);
  out += section("family", scores.families, markdown);
  out += section("group", scores.groups, markdown);
  out += section("metric", scores.metrics, markdown);
  out += section("sweep", scores.sweeps, markdown);
  const std::string reasons = reasons_text(rows, markdown);
  out += fmt::format("{} of {} rows predicted\n", scores.overall.rows + scores.counts.rows,
                     rows.size());
  return out + (reasons.empty() ? "" : "\n" + reasons);
}

}  // namespace app
