// a2a3sim sweep: a grid of knob values, ranked.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "apps/commands.h"
#include "apps/progress.h"
#include "apps/run.h"
#include "apps/worker_pool.h"
#include "traces/text_table.h"

namespace app {
namespace {

struct SweepCommand {
  RequestOptions options;
  std::vector<std::string> vary;
  int jobs = 0;
  bool json = false;
};

struct Point {
  Settings settings;
  bool ran = false;
  bool passed = false;
  double makespan_us = 0, busy_us = 0;
  int64_t gm_moved = 0;
  std::vector<double> groups_us;  ///< busy sums, as the program declares its groups
  std::string why_not;
};

std::string label(const Settings& settings) {
  std::string text;
  for (const auto& [name, value] : settings) text += (text.empty() ? "" : " ") + name + "=" + value;
  return text;
}

/// One point in a child process: the few numbers the table shows, as JSON.
std::string run_point(RunRequest request) {
  Progress quiet(false);
  const RunResult result = run(request, quiet);
  int64_t moved = 0;
  for (const traces::ScopeSummary& s : result.summary.scopes) moved += s.gm.moved_bytes;
  std::vector<double> groups;
  for (const traces::ScopeGroup& group : result.summary.groups)
    groups.push_back(result.summary.busy_of(group).us());
  return nlohmann::json{{"passed", result.passed()},
                        {"groups_us", groups},
                        {"makespan_us", result.summary.makespan.us()},
                        {"busy_us", result.summary.busy().us()},
                        {"gm_moved", moved}}
      .dump();
}

void take(const JobOutcome& outcome, Point& point) {
  point.ran = outcome.ok;
  point.why_not = outcome.error;
  if (!outcome.ok) return;
  const auto j = nlohmann::json::parse(outcome.text);
  point.passed = j["passed"];
  point.makespan_us = j["makespan_us"];
  point.busy_us = j["busy_us"];
  point.gm_moved = j["gm_moved"];
  point.groups_us = j["groups_us"].get<std::vector<double>>();
}

/// The ranking; group sums only if any of the group's scopes ran at any point.
std::string table(const std::vector<Point>& points, const std::vector<std::string>& groups,
                  bool golden) {
  using Align = traces::TextTable::Align;
  std::vector<size_t> shown;
  for (size_t g = 0; g < groups.size(); ++g)
    if (std::any_of(points.begin(), points.end(),
                    [&](const Point& p) { return p.ran && p.groups_us[g] > 0; }))
      shown.push_back(g);
  std::vector<traces::TextTable::Column> columns = {
      {"rank"}, {"point", Align::Left}, {"wall us"}, {"vs best"}, {"busy us"}, {"GM MB"}};
  for (const size_t g : shown) columns.push_back({"Σ " + groups[g] + " us"});
  columns.push_back({"golden", Align::Left});
  traces::TextTable rows(columns);
  int rank = 0;
  for (const Point& p : points) {
    if (!p.ran) continue;
    std::vector<std::string> cells = {
        fmt::format("{}", ++rank),
        label(p.settings),
        fmt::format("{:.1f}", p.makespan_us),
        fmt::format("{:.2f}x", p.makespan_us / points.front().makespan_us),
        fmt::format("{:.1f}", p.busy_us),
        fmt::format("{:.1f}", static_cast<double>(p.gm_moved) / 1e6)};
    for (const size_t g : shown) cells.push_back(fmt::format("{:.1f}", p.groups_us[g]));
    cells.push_back(!golden ? "-" : p.passed ? "PASS" : "FAIL");
    rows.add(cells);
  }
  std::string out = rows.text();
  for (const Point& p : points)
    if (!p.ran) out += fmt::format("   -  {}: {}\n", label(p.settings), p.why_not);
  return out;
}

std::string json(const std::vector<Point>& points, const std::vector<std::string>& groups) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const Point& p : points) {
    nlohmann::ordered_json knobs = nlohmann::ordered_json::object();
    for (const auto& [name, value] : p.settings) knobs[name] = value;
    if (!p.ran) {
      all.push_back({{"knobs", knobs}, {"error", p.why_not}});
      continue;
    }
    nlohmann::ordered_json sums = nlohmann::ordered_json::object();
    for (size_t g = 0; g < groups.size(); ++g) sums[groups[g]] = p.groups_us[g];
    all.push_back({{"knobs", knobs},
                   {"makespan_us", p.makespan_us},
                   {"busy_us", p.busy_us},
                   {"gm_moved_bytes", p.gm_moved},
                   {"groups_busy_us", sums},
                   {"passed", p.passed}});
  }
  return all.dump(2) + "\n";
}

/// What makes every point fail is one error, not a table of failures.
void check_request(const RunRequest& request, const std::vector<Vary>& vary) {
  const kernels::Program& program = kernels::find_program(request.program);
  if (!request.mode.empty() &&
      std::count(program.modes.begin(), program.modes.end(), request.mode) == 0)
    throw isa::Error("cli.mode", program.name,
                     fmt::format("there is no mode '{}'; it has {}", request.mode,
                                 fmt::join(program.modes, ", ")));
  chips::load_chip(request.chip, request.soc, request.chip_overrides);
  for (const Vary& v : vary)
    if (std::none_of(program.knobs.begin(), program.knobs.end(),
                     [&](const kernels::Knob& k) { return k.name == v.knob; }))
      throw isa::Error("knob.unknown", program.name,
                       fmt::format("there is no knob '{}' to vary", v.knob));
}

int sweep(SweepCommand& c) {
  finish_request(c.options);
  std::vector<Vary> vary;
  for (const std::string& text : c.vary) vary.push_back(parse_vary(text));
  check_request(c.options.request, vary);
  std::vector<Point> points;
  std::vector<std::function<std::string()>> jobs;
  for (const Settings& settings : grid(vary)) {
    points.push_back({settings, false, false, 0, 0, 0, {}, ""});
    RunRequest request = c.options.request;
    request.threads = 1;
    for (const auto& s : settings) request.settings.push_back(s);
    jobs.push_back([request] { return run_point(request); });
  }
  Progress progress;
  progress.step(fmt::format("0 of {} points", jobs.size()));
  const int processes =
      c.jobs > 0 ? c.jobs : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  const auto outcomes = run_in_processes(jobs, processes, [&](int done) {
    progress.step(fmt::format("{} of {} points", done, jobs.size()));
  });
  for (size_t i = 0; i < points.size(); ++i) take(outcomes[i], points[i]);
  std::stable_sort(points.begin(), points.end(), [](const Point& a, const Point& b) {
    if (a.ran != b.ran) return a.ran;
    return a.ran && a.makespan_us < b.makespan_us;
  });
  if (!points.front().ran)  // sorted: none ran
    throw isa::Error("cli.sweep",
                     fmt::format("none of the {} points can run; {}: {}", points.size(),
                                 label(points.front().settings), points.front().why_not));
  progress.clear();
  std::vector<std::string> groups;
  for (const kernels::ScopeGroup& g : kernels::find_program(c.options.request.program).scope_groups)
    groups.push_back(g.name);
  print(c.json ? json(points, groups) : table(points, groups, c.options.request.golden));
  const bool all_pass =
      std::all_of(points.begin(), points.end(), [](const Point& p) { return !p.ran || p.passed; });
  return all_pass ? 0 : 1;
}

}  // namespace

void add_sweep_command(CLI::App& cli, CommandContext& context) {
  auto c = std::make_shared<SweepCommand>();
  c->options.request.chip = context.default_chip;
  CLI::App* cmd =
      cli.add_subcommand("sweep", "A grid of knob values, ranked by predicted wall time");
  cmd->add_option("program", c->options.request.program, "see the list command")->required();
  cmd->add_option("--vary", c->vary, "name=value,value,...; several make a grid")
      ->required()
      ->allow_extra_args(false);
  add_machine_options(*cmd, c->options);
  cmd->add_option("--jobs", c->jobs, "processes (default: one per core)")
      ->check(CLI::Range(1, 256));
  cmd->add_flag("--json", c->json, "machine-readable");
  cmd->callback([c, &context] { context.exit_code = sweep(*c); });
}

}  // namespace app
