#include "apps/metric.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace app {
namespace {

struct NamedQuantity {
  std::string_view name;
  Quantity quantity;
  bool whole_module;
};

/// Before "_us", "_change_pct", "_delta_us" or "_gain_pct".
constexpr NamedQuantity kQuantities[] = {
    {"module_wall", Quantity::Wall, true},
    {"total_test_time", Quantity::Wall, true},
    {"wall", Quantity::Wall, true},
    {"effective", Quantity::Effective, true},
    {"fast_effective", Quantity::Effective, true},
    {"module_busy", Quantity::Busy, true},
    {"busy_sum", Quantity::Busy, false},
    {"busy", Quantity::Busy, false},
    {"scope_span", Quantity::Span, false},
    {"span", Quantity::Span, false},
    {"gap", Quantity::Gap, false},
    {"task_exec", Quantity::Exec, false},
    {"exec", Quantity::Exec, false},
    {"task_latency", Quantity::Latency, false},
    {"latency", Quantity::Latency, false},
    {"overhead", Quantity::Overhead, false},
};

constexpr std::pair<std::string_view, Form> kSuffixes[] = {{"_change_pct", Form::ChangePct},
                                                           {"_delta_us", Form::Delta},
                                                           {"_gain_pct", Form::GainPct},
                                                           {"_us", Form::Value}};

/// Names that are no stem with a suffix.
constexpr std::pair<std::string_view, Metric> kWholeNames[] = {
    {"gain_pct", {Quantity::Busy, Form::GainPct, false}},
    {"speedup", {Quantity::Wall, Form::Speedup, false}},
    {"cores_busy", {Quantity::CoresBusy, Form::Value, true}},
    {"task_count", {Quantity::Tasks, Form::Value, false}},
    {"task_count_change_pct", {Quantity::Tasks, Form::ChangePct, false}},
    {"kb", {Quantity::MemoryPeak, Form::Value, false}},
};

constexpr std::pair<std::string_view, std::string_view> kNotModelled[] = {
    {"row_us", "the run keeps no time per row of a loop"},
    {"iter_us", "the run keeps no time per iteration of a loop"},
    {"ordering", "an ordering in words has no figure"},
    {"bandwidth", "a rate of one stream is not in the run's summary"},
    {"ns", "time of a single access, measured outside a kernel program"},
    {"cycles", "time of a single instruction, measured outside a kernel program"},
    {"model_constant", "a constant of somebody's model, not a measurement of a run"},
    {"device_wall_us", "includes set-up and tear-down of the device runtime"},
    {"host_wall_us", "includes the host's part of a launch"},
    {"spread_us", "a spread over repetitions: the model is deterministic"},
    {"pipe_busy_pct", "measured by the vendor's profiler on a kernel outside pypto-lib"},
};

[[noreturn]] void refuse(const std::string& what) { throw NotInRun(what); }

using Scopes = std::vector<const traces::ScopeSummary*>;

const traces::ScopeSummary& scope_of(const std::string& name, const traces::Summary& summary) {
  const traces::ScopeSummary* scope = summary.find(name);
  if (scope == nullptr) refuse("scope " + name + " did not run");
  return *scope;
}

Scopes scopes_of(const Selection& selection, const traces::Summary& summary) {
  Scopes scopes;
  if (selection.module) {
    for (const traces::ScopeSummary& scope : summary.scopes) scopes.push_back(&scope);
  } else {
    for (const std::string& name : selection.scopes) scopes.push_back(&scope_of(name, summary));
  }
  return scopes;
}

/// Lanes and busy of the scopes, of one half only if that is selected.
traces::CoreShare share_of(const Scopes& scopes, const Selection& selection) {
  traces::CoreShare sum;
  for (const traces::ScopeSummary* scope : scopes) {
    const traces::CoreShare share = selection.half
                                        ? scope->cores[static_cast<size_t>(*selection.half)]
                                        : traces::CoreShare{scope->lanes, scope->busy};
    sum.lanes += share.lanes;
    sum.busy += share.busy;
  }
  if (selection.half && sum.lanes == 0)
    refuse(fmt::format("nothing ran on {} cores", isa::name(*selection.half)));
  return sum;
}

double exec_us(const Scopes& scopes, const Selection& selection) {
  if (selection.half) {
    const traces::CoreShare share = share_of(scopes, selection);
    return share.busy.us() / static_cast<double>(share.lanes);
  }
  traces::Picoseconds busy;
  int64_t blocks = 0;
  for (const traces::ScopeSummary* scope : scopes) {
    busy += scope->block_busy;
    blocks += scope->blocks;
  }
  if (blocks == 0) refuse("no block ran");
  return busy.us() / static_cast<double>(blocks);
}

/// Mean over all lanes of a time that each scope keeps as a mean over its lanes.
template <class Time>
double lane_mean_us(const Scopes& scopes, Time time) {
  double sum = 0;
  int64_t lanes = 0;
  for (const traces::ScopeSummary* scope : scopes) {
    sum += time(*scope).us() * static_cast<double>(scope->lanes);
    lanes += scope->lanes;
  }
  if (lanes == 0) refuse("no lane had work");
  return sum / static_cast<double>(lanes);
}

/// Quantities that the summary does not keep by kind of core.
void refuse_half(const Selection& selection, const char* what) {
  if (selection.half) refuse(fmt::format("the run keeps no {} of one half of a scope", what));
}

double latency_us(const Scopes& scopes) {
  return lane_mean_us(scopes, [](const traces::ScopeSummary& s) { return s.latency; });
}

/// Head is start - dispatch here, as upstream's report has it: latency without execution and tail.
double overhead_us(const Scopes& scopes, bool tail) {
  const double tail_us = lane_mean_us(scopes, [](const traces::ScopeSummary& s) { return s.tail; });
  if (tail) return tail_us;
  const double exec =
      lane_mean_us(scopes, [](const traces::ScopeSummary& s) { return s.exec_mean; });
  return latency_us(scopes) - exec - tail_us;
}

double edge_us(const Selection::Edge& edge, const traces::Summary& summary) {
  const traces::ScopeSummary& scope = scope_of(edge.scope, summary);
  return (edge.at_end ? scope.last_end : scope.first_start).us();
}

double span_us(const Selection& selection, const Scopes& scopes, const traces::Summary& summary) {
  if (selection.between)
    return edge_us(selection.between->second, summary) - edge_us(selection.between->first, summary);
  refuse_half(selection, "span");
  traces::Summary part;
  for (const traces::ScopeSummary* scope : scopes) part.scopes.push_back(*scope);
  return part.span().us();
}

double memory_kb(const Scopes& scopes, const Selection& selection) {
  if (!selection.memory) refuse("no memory is named");
  int64_t peak = 0;
  for (const traces::ScopeSummary* scope : scopes)
    peak = std::max(peak, scope->memory_peak[static_cast<size_t>(*selection.memory)]);
  return static_cast<double>(peak) / 1024;
}

}  // namespace

std::optional<Metric> metric_from_name(std::string_view name) {
  for (const auto& [known, metric] : kWholeNames)
    if (name == known) return metric;
  for (const auto& [suffix, form] : kSuffixes) {
    if (name.size() <= suffix.size() || name.substr(name.size() - suffix.size()) != suffix)
      continue;
    const std::string_view stem = name.substr(0, name.size() - suffix.size());
    for (const NamedQuantity& known : kQuantities)
      if (stem == known.name) return Metric{known.quantity, form, known.whole_module};
  }
  return std::nullopt;
}

std::string why_not_modelled(std::string_view name) {
  for (const auto& [known, why] : kNotModelled)
    if (name == known) return fmt::format("metric {} is not modelled: {}", name, why);
  return fmt::format("metric '{}' is not modelled: no such metric is known", name);
}

double measure(Quantity quantity, const Selection& selection, const traces::Summary& summary) {
  const Scopes scopes = scopes_of(selection, summary);
  switch (quantity) {
    case Quantity::Wall:
      return summary.makespan.us();
    case Quantity::Effective:
      if (!summary.effective) refuse("the run's summary has no effective_us");
      return summary.effective->us();
    case Quantity::CoresBusy:
      return summary.cores_busy_mean();
    case Quantity::Busy:
      return share_of(scopes, selection).busy.us();
    case Quantity::Span:
    case Quantity::Gap:
      return span_us(selection, scopes, summary);
    case Quantity::Exec:
      return exec_us(scopes, selection);
    case Quantity::Latency:
      refuse_half(selection, "latency");
      return latency_us(scopes);
    case Quantity::Overhead:
      refuse_half(selection, "overhead");
      return overhead_us(scopes, selection.tail);
    case Quantity::Tasks:
      return static_cast<double>(share_of(scopes, selection).lanes);
    case Quantity::MemoryPeak:
      return memory_kb(scopes, selection);
  }
  return 0;
}

std::optional<double> combine(Form form, double before, double after) {
  if (form == Form::Delta) return after - before;
  if (form == Form::Speedup) return after == 0 ? std::nullopt : std::optional(before / after);
  if (before == 0) return std::nullopt;
  const double change = 100 * (after / before - 1);
  return form == Form::GainPct ? -change : change;
}

}  // namespace app
