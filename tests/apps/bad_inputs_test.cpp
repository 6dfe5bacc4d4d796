// Every line of bad_inputs.txt: exit code 2, one line of error, nothing printed, nothing left.
#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "apps/cli_fixtures.h"
#include "apps/run_cli.h"

namespace apps_test {
namespace {

struct BadInput {
  int line = 0;
  std::string expected;  ///< fragments that must be in the error, separated by " & "
  std::string program;
  std::vector<std::string> args;
};

std::vector<std::string> split(const std::string& text, const std::string& separator) {
  std::vector<std::string> parts;
  size_t begin = 0;
  for (size_t end; (end = text.find(separator, begin)) != std::string::npos;
       begin = end + separator.size())
    parts.push_back(text.substr(begin, end - begin));
  parts.push_back(text.substr(begin));
  return parts;
}

std::string expand(std::string word, const std::string& fixtures) {
  if (word == "''") return "";
  for (const auto& [from, to] :
       {std::pair<std::string, std::string>{"{fix}", fixtures}, {"\\n", "\n"}})
    for (size_t at; (at = word.find(from)) != std::string::npos;) word.replace(at, from.size(), to);
  return word;
}

/// Lines "<fragment> & <fragment> | <program> <args>"; '#' begins a comment line.
std::vector<BadInput> read_bad_inputs(const std::string& fixtures) {
  std::ifstream file(BAD_INPUTS_FILE);
  std::vector<BadInput> inputs;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty() || line[0] == '#') continue;
    const size_t bar = line.find(" | ");
    if (bar == std::string::npos) throw std::runtime_error("bad_inputs.txt: no ' | ': " + line);
    BadInput input;
    input.line = number;
    input.expected = line.substr(0, bar);
    std::istringstream words(line.substr(bar + 3));
    words >> input.program;
    for (std::string word; words >> word;) input.args.push_back(expand(word, fixtures));
    inputs.push_back(std::move(input));
  }
  return inputs;
}

void check(const BadInput& input, const std::map<std::string, std::string>& fixtures_before,
           const std::filesystem::path& fixtures) {
  std::string command = input.program;
  for (const std::string& a : input.args) command += " " + a;
  INFO("bad_inputs.txt:" << input.line << ": " << command);
  const TempDir cwd;
  const CliResult r = run_cli(input.program, input.args, cwd.path());
  INFO("stderr: " << r.err);
  CHECK(r.exit_code == 2);
  CHECK(r.out == "");
  CHECK(r.err.rfind(input.program + ": error: ", 0) == 0);
  CHECK(std::count(r.err.begin(), r.err.end(), '\n') == 1);
  CHECK((!r.err.empty() && r.err.back() == '\n'));
  for (const std::string& fragment : split(input.expected, " & ")) {
    INFO("expected: " << fragment);
    CHECK(r.err.find(fragment) != std::string::npos);
  }
  CHECK(snapshot(cwd.path()).empty());
  CHECK(snapshot(fixtures) == fixtures_before);
}

TEST_CASE("bad inputs end with code 2, one line and nothing left behind") {
  const TempDir fixtures;
  make_fixtures(fixtures.path());
  const auto before = snapshot(fixtures.path());
  const std::vector<BadInput> inputs = read_bad_inputs(fixtures.path().string());
  REQUIRE(inputs.size() >= 60);
  for (const BadInput& input : inputs) check(input, before, fixtures.path());
}

}  // namespace
}  // namespace apps_test
