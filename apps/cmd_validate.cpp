// a2a3sim validate: predictions beside published device measurements, with errors.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <thread>

#include "apps/cmd_validate_python.h"
#include "apps/commands.h"
#include "apps/progress.h"
#include "apps/run.h"
#include "apps/text_file.h"
#include "apps/validation.h"
#include "apps/worker_pool.h"

namespace app {
namespace {

struct ValidateCommand {
  std::vector<std::string> rows, overrides;
  std::string table_file, measurements_file, checkout, chip, soc;
  std::string format = "text";
  int jobs = 0;
  int timeout_s = 3600;
  bool golden = false;

  int processes() const {
    return jobs > 0 ? jobs : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  }
};

/// One program state that some rows need, run once.
struct State {
  std::string program, mode, settings;
  friend bool operator<(const State& a, const State& b) {
    return std::tie(a.program, a.mode, a.settings) < std::tie(b.program, b.mode, b.settings);
  }
};

std::string read_table(const std::string& path) {
  return path.empty() ? kValidationToml : read_text_file(path);
}

/// The rows whose id or set is named; all if none is.
ValidationTable select(ValidationTable table, const std::vector<std::string>& names) {
  if (names.empty()) return table;
  const auto is = [](const ValidationRow& r, const std::string& name) {
    return r.id == name || (!r.set.empty() && r.set == name);
  };
  for (const std::string& name : names)
    if (std::none_of(table.rows.begin(), table.rows.end(),
                     [&](const ValidationRow& r) { return is(r, name); }))
      throw isa::Error("validate.unknown-row", "no row or set of rows is called '" + name + "'");
  table.rows.erase(std::remove_if(table.rows.begin(), table.rows.end(),
                                  [&](const ValidationRow& r) {
                                    return std::none_of(
                                        names.begin(), names.end(),
                                        [&](const std::string& name) { return is(r, name); });
                                  }),
                   table.rows.end());
  table.skipped.clear();
  return table;
}

int validate_shipped(ValidateCommand c) {
  if (c.format == "csv") throw isa::Error("cli.usage", "--format csv belongs to --measurements");
  if (c.chip.empty()) c.chip = "a2a3";  // what the published figures were measured on
  const ValidationTable table = select(parse_validation(read_table(c.table_file)), c.rows);
  chips::load_chip(c.chip, c.soc, c.overrides);  // report a bad chip before any work
  std::map<State, JobOutcome> states;
  for (const ValidationRow& row : table.rows)
    for (const std::string& settings : {row.a, row.b}) states[{row.program, row.mode, settings}];
  std::vector<std::function<std::string()>> jobs;
  for (const auto& [state, outcome] : states) {
    RunRequest request;
    request.program = state.program;
    request.mode = state.mode;
    request.settings = parse_settings({state.settings});
    request.chip = c.chip;
    request.soc = c.soc;
    request.chip_overrides = c.overrides;
    request.golden = false;
    request.threads = 1;
    jobs.push_back([request] {
      Progress quiet(false);
      return traces::summary_json(run(request, quiet).summary);
    });
  }
  Progress progress;
  progress.step(fmt::format("0 of {} runs", jobs.size()));
  const auto outcomes = run_in_processes(jobs, c.processes(), [&](int done) {
    progress.step(fmt::format("{} of {} runs", done, jobs.size()));
  });
  size_t next = 0;
  for (auto& [state, outcome] : states) outcome = outcomes[next++];

  std::vector<ValidationResult> results;
  for (const ValidationRow& row : table.rows) {
    const JobOutcome& a = states[{row.program, row.mode, row.a}];
    const JobOutcome& b = states[{row.program, row.mode, row.b}];
    ValidationResult failed;
    failed.row = row;
    failed.error = !a.ok ? a.error : b.error;
    results.push_back(a.ok && b.ok ? judge(row, traces::parse_summary(a.text, row.a),
                                           traces::parse_summary(b.text, row.b))
                                   : failed);
  }
  progress.clear();
  print(c.format == "json" ? validation_json(results, table)
                           : validation_text(results, table, c.format == "markdown"));
  return std::all_of(results.begin(), results.end(), [](const auto& r) { return r.error.empty(); })
             ? 0
             : 1;
}

/// A chip file; programs run in folders of their own.
bool is_file(const std::string& chip) { return std::filesystem::is_regular_file(chip); }

int validate_checkout(const ValidateCommand& c) {
  PythonValidation v;
  v.measurements_file = c.measurements_file;
  v.checkout = c.checkout;
  v.format = c.format;
  v.rows = c.rows;
  v.runner.chip = is_file(c.chip) ? std::filesystem::absolute(c.chip).string() : c.chip;
  v.runner.soc = c.soc;
  v.runner.chip_overrides = c.overrides;
  v.runner.golden = c.golden;
  v.runner.jobs = c.processes();
  v.runner.timeout_s = c.timeout_s;
  chips::load_chip(c.chip.empty() ? "a2a3" : c.chip, c.soc, c.overrides);  // a bad one: no work
  return validate_python(v);
}

}  // namespace

void add_validate_command(CLI::App& cli, CommandContext& context) {
  auto c = std::make_shared<ValidateCommand>();
  CLI::App* cmd = cli.add_subcommand(
      "validate", "Predictions beside published a2a3 device measurements, with errors");
  cmd->add_option("--rows", c->rows,
                  "only these rows: ids, sets (PR570); of --measurements: ids, families, groups")
      ->delimiter(',');
  CLI::Option* table = cmd->add_option("--table", c->table_file,
                                       "another table in the form of apps/validation.toml");
  CLI::Option* measurements = cmd->add_option(
      "--measurements", c->measurements_file,
      "table (.csv) of figures of pypto-lib programs: runs their Python files at their commits");
  CLI::Option* checkout =
      cmd->add_option("--pypto-lib", c->checkout, "git checkout of pypto-lib for --measurements");
  measurements->needs(checkout)->excludes(table);
  checkout->needs(measurements);
  cmd->add_option("--timeout", c->timeout_s, "seconds for one Python file, 0 = no limit")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  cmd->add_flag("--golden", c->golden, "let the Python files check their values too (slower)");
  cmd->add_option("--chip", c->chip,
                  "a2a3, a5, or a chip file (.toml); default: what was measured");
  cmd->add_option("--soc", c->soc, "SoC variant (default: the chip's first)");
  cmd->add_option("--chip-set", c->overrides, "override a chip constant: key=value")
      ->allow_extra_args(false);
  cmd->add_option("--jobs", c->jobs, "processes (default: one per core)")
      ->check(CLI::Range(1, 256));
  cmd->add_option("--format", c->format, "text, markdown, csv (--measurements only) or json")
      ->check(CLI::IsMember({"text", "markdown", "csv", "json"}))
      ->capture_default_str();
  cmd->add_flag_callback(
      "--json", [c] { c->format = "json"; }, "same as --format json");
  cmd->callback([c, &context] {
    context.exit_code = c->measurements_file.empty() ? validate_shipped(*c) : validate_checkout(*c);
  });
}

}  // namespace app
