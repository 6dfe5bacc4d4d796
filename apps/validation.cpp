#include "apps/validation.h"

#include <fmt/format.h>

#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "isa/error.h"

namespace app {
namespace {

constexpr std::pair<const char*, Metric> kMetrics[] = {
    {"module_wall_us", Metric::ModuleWall},     {"scope_span_us", Metric::ScopeSpan},
    {"busy_sum_us", Metric::BusySum},           {"task_exec_us", Metric::TaskExec},
    {"busy_change_pct", Metric::BusyChangePct}, {"gain_pct", Metric::GainPct}};

[[noreturn]] void bad_row(const std::string& id, const std::string& what) {
  throw isa::Error("validate.row", "row " + (id.empty() ? "without id" : id), what);
}

std::string text(const toml::table& t, const char* key, const std::string& id) {
  const auto v = t[key].value<std::string>();
  if (!v) bad_row(id, fmt::format("'{}' must be a string", key));
  return *v;
}

std::pair<double, double> range(const toml::table& t, const char* key, const std::string& id) {
  const toml::array* a = t[key].as_array();
  if (!a || a->size() != 2) bad_row(id, fmt::format("'{}' must be [low, high]", key));
  const auto low = (*a)[0].value<double>(), high = (*a)[1].value<double>();
  if (!low || !high || *low > *high) bad_row(id, fmt::format("'{}' must be [low, high]", key));
  return {*low, *high};
}

Metric metric_from_name(const std::string& name, const std::string& id) {
  for (const auto& [known, metric] : kMetrics)
    if (name == known) return metric;
  bad_row(id, "unknown metric '" + name + "'");
}

/// What the tables and the median divide by or subtract must be there.
void check_row(const ValidationRow& row) {
  if (row.metric != Metric::ModuleWall && row.scopes.empty())
    bad_row(row.id, "'scopes' must name at least one scope for this metric");
  if (is_percent(row.metric)) {
    if (!row.after) bad_row(row.id, "'after' must be the published change in percent");
    return;
  }
  if (!row.before && !row.after) bad_row(row.id, "'before' or 'after' must be published");
  for (const auto& published : {row.before, row.after})
    if (published && !(*published > 0)) bad_row(row.id, "a published time must be above 0");
}

ValidationRow read_row(const toml::table& t) {
  ValidationRow row;
  row.id = text(t, "id", "");
  row.title = text(t, "title", row.id);
  row.program = text(t, "program", row.id);
  row.mode = text(t, "mode", row.id);
  row.metric = metric_from_name(text(t, "metric", row.id), row.id);
  row.a = text(t, "a", row.id);
  row.b = text(t, "b", row.id);
  if (const toml::array* scopes = t["scopes"].as_array())
    for (const toml::node& s : *scopes) row.scopes.push_back(s.value<std::string>().value_or(""));
  row.before = t["before"].value<double>();
  row.after = t["after"].value<double>();
  row.bound = range(t, "bound", row.id);
  if (t.contains("ratio_bound")) row.ratio_bound = range(t, "ratio_bound", row.id);
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

bool inside(double x, std::pair<double, double> r) { return x >= r.first && x <= r.second; }

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

double metric_us(const ValidationRow& row, const traces::Summary& summary) {
  if (row.metric == Metric::ModuleWall) return summary.makespan.us();
  double sum = 0;
  int64_t blocks = 0;
  for (const std::string& name : row.scopes) {
    const traces::ScopeSummary* s = summary.find(name);
    if (s == nullptr)
      throw isa::Error("validate.scope", "row " + row.id, "scope " + name + " did not run");
    sum += (row.metric == Metric::ScopeSpan ? s->span : s->block_busy).us();
    blocks += s->blocks;
  }
  return row.metric == Metric::TaskExec ? sum / static_cast<double>(blocks) : sum;
}

ValidationResult judge(const ValidationRow& row, const traces::Summary& a,
                       const traces::Summary& b) {
  ValidationResult r;
  r.row = row;
  const double before = metric_us(row, a), after = metric_us(row, b);
  if (is_percent(row.metric)) {
    const double change = 100 * (after / before - 1);
    r.predicted_after = row.metric == Metric::GainPct ? -change : change;
    r.within = inside(*r.predicted_after, row.bound);
    return r;
  }
  r.predicted_before = before;
  r.predicted_after = after;
  r.within = (!row.before || inside(before / *row.before, row.bound)) &&
             (!row.after || inside(after / *row.after, row.bound)) &&
             (!row.ratio_bound || inside(before / after, *row.ratio_bound));
  return r;
}

double median_log_error(const std::vector<ValidationResult>& results) {
  std::vector<double> errors;
  for (const ValidationResult& r : results) {
    if (!r.error.empty() || is_percent(r.row.metric)) continue;
    if (r.row.before) errors.push_back(std::fabs(std::log(*r.predicted_before / *r.row.before)));
    if (r.row.after) errors.push_back(std::fabs(std::log(*r.predicted_after / *r.row.after)));
  }
  if (errors.empty()) return 0;
  std::sort(errors.begin(), errors.end());
  const size_t n = errors.size();
  return n % 2 == 1 ? errors[n / 2] : (errors[n / 2 - 1] + errors[n / 2]) / 2;
}

}  // namespace app
