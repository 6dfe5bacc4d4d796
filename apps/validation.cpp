#include "apps/validation.h"

#include <fmt/format.h>

#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "apps/statistics.h"
#include "isa/error.h"

namespace app {
namespace {

[[noreturn]] void bad_row(const std::string& id, const std::string& what) {
  throw isa::Error("validate.row", "row " + (id.empty() ? "without id" : id), what);
}

std::string text(const toml::table& t, const char* key, const std::string& id) {
  const auto v = t[key].value<std::string>();
  if (!v) bad_row(id, fmt::format("'{}' must be a string", key));
  return *v;
}

std::string optional_text(const toml::table& t, const char* key, const std::string& id) {
  return t.contains(key) ? text(t, key, id) : "";
}

std::optional<Range> range(const toml::table& t, const char* key, const std::string& id) {
  if (!t.contains(key)) return std::nullopt;
  const toml::array* a = t[key].as_array();
  if (!a || a->size() != 2) bad_row(id, fmt::format("'{}' must be [low, high]", key));
  const auto low = (*a)[0].value<double>(), high = (*a)[1].value<double>();
  if (!low || !high || *low > *high) bad_row(id, fmt::format("'{}' must be [low, high]", key));
  return Range(*low, *high);
}

Metric metric_of_row(const std::string& name, const std::string& id) {
  const std::optional<Metric> metric = metric_from_name(name);
  if (!metric || (is_of_two_states(*metric) && !is_percent(*metric)))
    bad_row(id, "unknown metric '" + name + "'");
  return *metric;
}

/// What the tables and the median divide by or subtract must be there.
void check_row(const ValidationRow& row) {
  if (!row.metric.whole_module && row.scopes.empty() == row.group.empty())
    bad_row(row.id, "either 'scopes' or 'group' must be given for this metric");
  if (is_percent(row.metric)) {
    if (!row.after) bad_row(row.id, "'after' must be the published change in percent");
    if (!row.bound) bad_row(row.id, "'bound' must be given for a change in percent");
    return;
  }
  if (!row.bound && !row.ratio_bound && !row.change_bound)
    bad_row(row.id, "'bound', 'ratio_bound' or 'change_bound' must be given");
  if (!row.before && !row.after) bad_row(row.id, "'before' or 'after' must be published");
  if (row.before && !(*row.before > 0)) bad_row(row.id, "a published time must be above 0");
  const bool may_be_gone =
      row.metric == Metric{Quantity::Busy, Form::Value, false} && row.group.empty() && row.before;
  if (row.after && !(*row.after > 0) && !(may_be_gone && *row.after == 0))
    bad_row(row.id, "a published time must be above 0 (0: a busy sum of scopes that are gone)");
}

ValidationRow read_row(const toml::table& t) {
  ValidationRow row;
  row.id = text(t, "id", "");
  row.title = text(t, "title", row.id);
  row.program = text(t, "program", row.id);
  row.mode = text(t, "mode", row.id);
  row.set = optional_text(t, "set", row.id);
  row.group = optional_text(t, "group", row.id);
  row.metric = metric_of_row(text(t, "metric", row.id), row.id);
  row.a = text(t, "a", row.id);
  row.b = text(t, "b", row.id);
  if (const toml::array* scopes = t["scopes"].as_array())
    for (const toml::node& s : *scopes) row.scopes.push_back(s.value<std::string>().value_or(""));
  row.before = t["before"].value<double>();
  row.after = t["after"].value<double>();
  row.bound = range(t, "bound", row.id);
  row.ratio_bound = range(t, "ratio_bound", row.id);
  row.change_bound = range(t, "change_bound", row.id);
  check_row(row);
  return row;
}

/// The tables of the list `key`, none if there is no such list.
std::vector<const toml::table*> tables(const toml::table& parsed, const char* key) {
  std::vector<const toml::table*> out;
  if (!parsed.contains(key)) return out;
  const toml::array* list = parsed[key].as_array();
  if (!list) throw isa::Error("validate.row", fmt::format("'{0}' must be a list, [[{0}]]", key));
  for (const toml::node& n : *list) {
    if (!n.is_table()) throw isa::Error("validate.row", fmt::format("'{}' must list tables", key));
    out.push_back(n.as_table());
  }
  return out;
}

/// No range accepts everything.
bool inside(std::optional<double> x, const std::optional<Range>& r) {
  return !r || (x && *x >= r->first && *x <= r->second);
}

/// Of two sides; none where one is missing or b is 0.
std::optional<double> ratio(std::optional<double> a, std::optional<double> b) {
  if (!a || !b || *b == 0) return std::nullopt;
  return *a / *b;
}

/// Predicted over published as `range` wants it; a scope that is gone must be gone.
bool agrees(double predicted, std::optional<double> published, const std::optional<Range>& range) {
  if (!published) return true;
  if (*published == 0) return predicted == 0;
  return inside(predicted / *published, range);
}

std::vector<std::string> scopes_of(const ValidationRow& row, const traces::Summary& summary) {
  if (row.group.empty()) return row.scopes;
  for (const traces::ScopeGroup& group : summary.groups) {
    if (group.name != row.group) continue;
    std::vector<std::string> ran;
    for (const std::string& scope : group.scopes)
      if (summary.find(scope) != nullptr) ran.push_back(scope);
    if (!ran.empty()) return ran;
    throw isa::Error("validate.group", "row " + row.id, "nothing of group " + row.group + " ran");
  }
  throw isa::Error("validate.group", "row " + row.id, "the program has no group " + row.group);
}

}  // namespace

ValidationTable parse_validation(const std::string& source) {
  ValidationTable table;
  toml::table parsed;
  try {
    parsed = toml::parse(source);
  } catch (const toml::parse_error& e) {
    throw isa::Error("validate.syntax", fmt::format("line {}", e.source().begin.line),
                     std::string(e.description()));
  }
  for (const toml::table* t : tables(parsed, "row")) table.rows.push_back(read_row(*t));
  for (const toml::table* t : tables(parsed, "skipped"))
    table.skipped.push_back({text(*t, "id", ""), text(*t, "why", "")});
  if (table.rows.empty()) throw isa::Error("validate.row", "the table has no [[row]]");
  return table;
}

double metric_of(const ValidationRow& row, const traces::Summary& summary) {
  Selection selection;
  selection.module = row.metric.whole_module;
  if (!selection.module)
    for (const std::string& name : scopes_of(row, summary))
      if (row.after != 0 || summary.find(name) != nullptr) selection.scopes.push_back(name);
  try {
    return measure(row.metric.quantity, selection, summary);
  } catch (const NotInRun& e) {
    throw isa::Error("validate.scope", "row " + row.id, e.what());
  }
}

std::optional<double> change_percent(std::optional<double> a, std::optional<double> b) {
  return a && b ? combine(Form::ChangePct, *a, *b) : std::nullopt;
}

ValidationResult judge(const ValidationRow& row, const traces::Summary& a,
                       const traces::Summary& b) {
  ValidationResult r;
  r.row = row;
  const double before = metric_of(row, a), after = metric_of(row, b);
  if (is_percent(row.metric)) {
    r.predicted_after = combine(row.metric.form, before, after);
    r.within = inside(r.predicted_after, row.bound);
    return r;
  }
  r.predicted_before = before;
  r.predicted_after = after;
  r.within = agrees(before, row.before, row.bound) && agrees(after, row.after, row.bound) &&
             inside(ratio(before, after), row.ratio_bound) &&
             inside(change_percent(before, after), row.change_bound);
  return r;
}

double median_log_error(const std::vector<ValidationResult>& results) {
  std::vector<double> errors;
  for (const ValidationResult& r : results) {
    if (!r.error.empty() || is_percent(r.row.metric)) continue;
    const std::pair<std::optional<double>, std::optional<double>> sides[] = {
        {r.predicted_before, r.row.before}, {r.predicted_after, r.row.after}};
    for (const auto& [predicted, published] : sides)
      if (published && *published > 0 && *predicted > 0)
        errors.push_back(std::fabs(std::log(*predicted / *published)));
  }
  return quantile(std::move(errors), 0.5).value_or(0);
}

}  // namespace app
