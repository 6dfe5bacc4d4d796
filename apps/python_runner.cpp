#include "apps/python_runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "apps/progress.h"
#include "apps/subprocess.h"
#include "apps/worker_pool.h"
#include "isa/error.h"

namespace app {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// An outcome as text and back: states run in other processes.
Json to_json(const RunOutcome& outcome) {
  Json executions = Json::array();
  for (const Execution& e : outcome.executions)
    executions.push_back({{"program", e.program},
                          {"rank", e.rank},
                          {"ranks", e.ranks},
                          {"summary", traces::summary_json(e.summary)}});
  return {{"error", outcome.error}, {"executions", std::move(executions)}};
}

RunOutcome from_json(const Json& json) {
  RunOutcome outcome;
  outcome.error = json.at("error").get<std::string>();
  for (const Json& e : json.at("executions")) {
    outcome.executions.push_back(
        {e.at("program").get<std::string>(), e.at("rank").get<int>(), e.at("ranks").get<int>(),
         traces::parse_summary(e.at("summary").get<std::string>(), "run")});
  }
  return outcome;
}

std::string joined(const std::vector<std::string>& parts) {
  return fmt::format("{}", fmt::join(parts, ","));
}

/// Everything the front end takes from the environment, so that a user's own variables change
/// nothing.
std::map<std::string, std::string> environment(const PythonRunnerOptions& options,
                                               const std::string& folder) {
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  return {
      {"A2A3SIM_RUN_LOG", folder + "/run.jsonl"},
      {"PYPTO_PROG_BUILD_DIR", folder + "/out"},
      {"A2A3SIM_CHIP", options.chip},
      {"A2A3SIM_SOC", options.soc},
      {"A2A3SIM_CHIP_SET", joined(options.chip_overrides)},
      {"A2A3SIM_GOLDEN", options.golden ? "1" : "0"},
      {"A2A3SIM_THREADS", fmt::format("{}", std::max(1, static_cast<int>(cores) / options.jobs))},
      {"A2A3SIM_SEED", "1"},  // the work of routed experts depends on drawn inputs
      {"PYTHONHASHSEED", "0"},
      {"PYPTO_BENCH", ""}};
}

RunOutcome run_state(const RunState& state, const std::string& tree, const std::string& folder,
                     const PythonRunnerOptions& options) {
  fs::create_directories(folder);
  Command command;
  command.words = {options.program, "run", tree + "/" + state.file, "--"};
  command.words.insert(command.words.end(), state.args.begin(), state.args.end());
  command.folder = folder;
  command.env = environment(options, folder);
  command.timeout_s = options.timeout_s;
  command.stoppable = true;
  const CommandResult result = run_command(command);
  RunOutcome outcome;
  if (fs::exists(folder + "/run.jsonl")) outcome.executions = read_run_log(folder + "/run.jsonl");
  if (result.timed_out)
    outcome.error = fmt::format("took longer than {} s", options.timeout_s);
  else if (!result.ok())
    outcome.error = fmt::format("failed: {}", result.error_line());
  std::error_code ignored;
  fs::remove_all(folder, ignored);  // traces of large programs are large
  return outcome;
}

/// git calls a worktree by the last part of its path.
std::string tree_of(const std::string& folder, const std::string& commit) {
  return folder + "/tree-" + commit;
}

/// All states of one commit, in its tree; the outcomes as text.
std::string run_commit(const Checkout& checkout, const std::vector<RunState>& states,
                       const std::string& folder, const PythonRunnerOptions& options) {
  const std::string tree = tree_of(folder, states.front().commit);
  Json outcomes = Json::array();
  try {
    checkout.add_worktree(states.front().commit, tree);
    for (const RunState& state : states)
      outcomes.push_back(to_json(run_state(state, tree, tree + "-run", options)));
  } catch (...) {
    checkout.remove_worktree(tree);
    throw;
  }
  checkout.remove_worktree(tree);
  return outcomes.dump();
}

/// What a commit's process left, or its failure for each of its states.
std::vector<RunOutcome> outcomes_of(const JobOutcome& job, size_t states) {
  std::vector<RunOutcome> outcomes(states);
  for (RunOutcome& outcome : outcomes) outcome.error = job.error;
  if (!job.ok) return outcomes;
  const Json list = Json::parse(job.text);
  for (size_t i = 0; i < states; ++i) outcomes[i] = from_json(list.at(i));
  return outcomes;
}

std::vector<RunOutcome> run_states(const Checkout& checkout, const PythonRunnerOptions& options,
                                   const std::vector<RunState>& states) {
  std::map<std::string, std::vector<size_t>> by_commit;
  for (size_t i = 0; i < states.size(); ++i) by_commit[states[i].commit].push_back(i);
  const StopSignals signals;
  const TempFolder temp("a2a3sim-validate-");
  std::vector<std::function<std::string()>> jobs;
  for (const auto& [commit, indices] : by_commit) {
    std::vector<RunState> own;
    for (const size_t i : indices) own.push_back(states[i]);
    jobs.push_back([&, own] { return run_commit(checkout, own, temp.path(), options); });
  }
  Progress progress;
  const auto show = [&](int done) {
    progress.step(fmt::format("{} of {} commits, {} runs", done, jobs.size(), states.size()));
  };
  show(0);
  const std::vector<JobOutcome> done =
      run_in_processes(jobs, options.jobs, show, StopSignals::stopped);
  progress.clear();
  for (const auto& [commit, indices] : by_commit)  // what a process that died left behind
    if (fs::exists(tree_of(temp.path(), commit)))
      checkout.remove_worktree(tree_of(temp.path(), commit));
  checkout.prune();
  if (StopSignals::stopped()) throw isa::Error("validate.stopped", "stopped by a signal");
  std::vector<RunOutcome> outcomes(states.size());
  size_t job = 0;
  for (const auto& [commit, indices] : by_commit) {
    const std::vector<RunOutcome> own = outcomes_of(done[job++], indices.size());
    for (size_t i = 0; i < indices.size(); ++i) outcomes[indices[i]] = own[i];
  }
  return outcomes;
}

}  // namespace

std::vector<Execution> read_run_log(const std::string& path) {
  std::vector<Execution> executions;
  std::ifstream file(path);
  int line_number = 0;
  for (std::string line; std::getline(file, line);) {
    ++line_number;
    if (line.empty()) continue;
    try {
      const Json json = Json::parse(line);
      const fs::path folder = fs::path(path).parent_path() / json.at("work_dir").get<std::string>();
      executions.push_back({json.at("program").get<std::string>(), json.value("rank", 0),
                            json.value("ranks", 1), traces::read_summary(folder.string())});
    } catch (const Json::exception& e) {
      throw isa::Error("validate.run-log", fmt::format("{}:{}", path, line_number), e.what());
    }
  }
  return executions;
}

Runner python_runner(const Checkout& checkout, PythonRunnerOptions options) {
  if (options.program.empty()) options.program = fs::read_symlink("/proc/self/exe").string();
  return [&checkout, options = std::move(options)](const std::vector<RunState>& states) {
    return run_states(checkout, options, states);
  };
}

}  // namespace app
