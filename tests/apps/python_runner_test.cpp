// Commits taken from a real repository, a shell script in place of the Python front end.
#include "apps/python_runner.h"

#include <signal.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <thread>

#include "apps/run_cli.h"
#include "apps/subprocess.h"

namespace apps_test {
namespace {

namespace fs = std::filesystem;

std::string sh(const std::string& script, const fs::path& folder) {
  app::Command command;
  command.words = {"/bin/sh", "-ec", script};
  command.folder = folder.string();
  const app::CommandResult result = app::run_command(command);
  INFO(result.output);
  REQUIRE(result.ok());
  return result.output.substr(0, result.output.find('\n'));
}

/// A repository with two commits of k.py ("one", "two"), and a program that stands for a2a3sim: it
/// puts the file's text into a summary and says what it was given.
struct Repository {
  TempDir temp;
  std::string first, second;

  Repository() {
    const std::string git = "git -c user.name=t -c user.email=t@example.org ";
    sh("mkdir lib && cd lib && git init -q . && printf one > k.py && git add k.py && " + git +
           "commit -qm 1",
       temp.path());
    first = sh("git rev-parse HEAD", temp.path() / "lib");
    sh("printf two > k.py && " + git + "commit -qam 2", temp.path() / "lib");
    second = sh("git rev-parse HEAD", temp.path() / "lib");
    program(
        "mkdir out\n"
        "sed \"s/PROGRAM/$(cat $2)/\" " +
        (temp.path() / "summary").string() +
        " > out/summary.json\n"
        "printf '{\"program\": \"%s\", \"work_dir\": \"out\", \"rank\": 0, \"ranks\": 1}\\n' "
        "\"$(cat $2) $1 $3 $4\" > $A2A3SIM_RUN_LOG\n");
    traces::Summary summary;
    summary.run.program = "PROGRAM";
    write_file(temp.path() / "summary", traces::summary_json(summary));
  }

  void program(const std::string& script) {
    const fs::path file = temp.path() / "fake";
    write_file(file, "#!/bin/sh\nset -e\n" + script);
    chmod(file.c_str(), 0755);
  }

  app::PythonRunnerOptions options() const {
    app::PythonRunnerOptions o;
    o.program = (temp.path() / "fake").string();
    o.jobs = 2;
    return o;
  }

  std::string worktrees() const { return sh("git worktree list | wc -l", temp.path() / "lib"); }
};

}  // namespace

TEST_CASE("a command's output, its exit code and why it failed") {
  app::Command command;
  command.words = {"/bin/sh", "-c", "echo $GREETING; echo to stderr >&2; exit 3"};
  command.env = {{"GREETING", "hello"}};
  const app::CommandResult r = app::run_command(command);
  CHECK(r.exit_code == 3);
  CHECK(r.output == "hello\nto stderr\n");
  command.with_stderr = false;
  CHECK(app::run_command(command).output == "hello\n");
  command.words = {"/no/such/program"};
  CHECK(app::run_command(command).exit_code == 127);
  command.words = {"/bin/sh", "-c", "sleep 60"};
  command.timeout_s = 1;
  CHECK(app::run_command(command).timed_out);
}

TEST_CASE("the line that says why a program failed") {
  const auto line = [](const std::string& output) {
    app::CommandResult r;
    r.output = output;
    return r.error_line();
  };
  CHECK(line("a\nk.py: error: no such option\nlast\n") == "k.py: error: no such option");
  CHECK(line("x\nTraceback (most recent call last):\n  File \"k.py\"\nKeyError: 'a'\n\nmore\n") ==
        "KeyError: 'a'");
  CHECK(line("first\nlast\n\n") == "last");
  CHECK(line("").empty());
  CHECK(line(std::string(1000, 'x')).size() == 300);
}

TEST_CASE("a checkout: commits, files, trees that disappear again") {
  const Repository repository;
  const app::Checkout lib((repository.temp.path() / "lib").string());
  CHECK(lib.has_commit(repository.first));
  CHECK(lib.has_commit(repository.first.substr(0, 8)));
  CHECK_FALSE(lib.has_commit("0123456789abcdef"));
  CHECK_FALSE(lib.has_commit("HEAD"));
  std::string text;
  CHECK(lib.read(repository.first, "k.py", text));
  CHECK(text == "one");
  CHECK_FALSE(lib.read(repository.first, "other.py", text));
  const fs::path tree = repository.temp.path() / "tree";
  lib.add_worktree(repository.first, tree.string());
  CHECK(read_file(tree / "k.py") == "one");
  lib.remove_worktree(tree.string());
  CHECK_FALSE(fs::exists(tree));
  CHECK(repository.worktrees() == "1");
  CHECK(error_id([&] { lib.add_worktree("0123456789abcdef", tree.string()); }) ==
        "validate.checkout");
  CHECK(error_id([&] { app::Checkout((repository.temp.path() / "nowhere").string()); }) ==
        "validate.checkout");
}

TEST_CASE("states run at their commits with their arguments, outcomes in order") {
  const Repository repository;
  const app::Checkout lib((repository.temp.path() / "lib").string());
  const std::vector<app::RunState> states = {{repository.second, "k.py", {"-x"}},
                                             {repository.first, "k.py", {"-y"}},
                                             {repository.second, "k.py", {"-z"}}};
  const auto outcomes = app::python_runner(lib, repository.options())(states);
  REQUIRE(outcomes.size() == 3);
  for (const app::RunOutcome& o : outcomes) REQUIRE(o.executions.size() == 1);
  CHECK(outcomes[0].executions[0].program == "two run -- -x");
  CHECK(outcomes[1].executions[0].program == "one run -- -y");
  CHECK(outcomes[2].executions[0].program == "two run -- -z");
  CHECK(outcomes[1].executions[0].summary.run.program == "one");
  CHECK(outcomes[0].error.empty());
  CHECK(repository.worktrees() == "1");
}

TEST_CASE("a file that fails says why; what it executed before stays") {
  Repository repository;
  const app::Checkout lib((repository.temp.path() / "lib").string());
  repository.program("echo 'k.py: error: broken'\nexit 1\n");
  const std::vector<app::RunState> states = {{repository.first, "k.py", {}}};
  auto outcome = app::python_runner(lib, repository.options())(states)[0];
  CHECK(outcome.executions.empty());
  CHECK(outcome.error == "failed: k.py: error: broken");
  repository.program("sleep 60\n");
  app::PythonRunnerOptions options = repository.options();
  options.timeout_s = 1;
  outcome = app::python_runner(lib, options)(states)[0];
  CHECK(outcome.error == "took longer than 1 s");
  CHECK(repository.worktrees() == "1");
}

TEST_CASE("a stop signal ends the runs and leaves nothing behind") {
  Repository repository;
  const app::Checkout lib((repository.temp.path() / "lib").string());
  repository.program("sleep 60\n");
  // Before the jobs are forked there is a single thread; this one only sends the signal.
  const pid_t self = getpid();
  const pid_t sender = fork();
  if (sender == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(700));
    kill(self, SIGTERM);
    _exit(0);
  }
  const auto run = app::python_runner(lib, repository.options());
  CHECK(error_id([&] { run({{repository.first, "k.py", {}}}); }) == "validate.stopped");
  CHECK(repository.worktrees() == "1");
}

TEST_CASE("error validate.run-log") {
  TempDir temp;
  write_file(temp.path() / "run.jsonl", "{\"program\": \"p\"\n");
  CHECK(error_id([&] { app::read_run_log((temp.path() / "run.jsonl").string()); }) ==
        "validate.run-log");
  write_file(temp.path() / "run.jsonl", "{\"program\": \"p\"}\n");
  CHECK(error_id([&] { app::read_run_log((temp.path() / "run.jsonl").string()); }) ==
        "validate.run-log");
}

}  // namespace apps_test
