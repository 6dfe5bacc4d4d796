#include "apps/run_python.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "isa/error.h"

namespace app {
namespace {

namespace fs = std::filesystem;

/// The folder that holds the package: beside the build's or the installation's bin folder.
fs::path package_folder() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const fs::path base = program.parent_path().parent_path();
  for (const fs::path& folder : {base / "python", base / "lib" / "a2a3sim" / "python"})
    if (fs::exists(folder / "pypto" / "__init__.py", error)) return folder;
  throw isa::Error("python.missing",
                   fmt::format("there is no Python front end beside {}; build with "
                               "-DA2A3SIM_PYTHON=ON (needs python3-dev and pybind11-dev)",
                               program.string()));
}

std::string read_program(const std::string& file) {
  std::ifstream in(file);
  std::ostringstream text;
  if (!fs::is_regular_file(file) || !in || !(text << in.rdbuf()))
    throw isa::Error("python.file", fmt::format("'{}' cannot be read", file));
  return text.str();
}

void set_variable(const char* name, const std::string& value) {
  if (!value.empty()) ::setenv(name, value.c_str(), 1);
}

void set_environment(const PythonRun& run, const RunRequest& request) {
  std::string path = package_folder().string();
  if (const char* old = std::getenv("PYTHONPATH"); old && *old) path += ":" + std::string(old);
  set_variable("PYTHONPATH", path);
  set_variable("A2A3SIM_CHIP", request.chip);
  set_variable("A2A3SIM_SOC", request.soc);
  set_variable("A2A3SIM_CHIP_SET", fmt::format("{}", fmt::join(request.chip_overrides, ",")));
  if (request.threads > 0) set_variable("A2A3SIM_THREADS", std::to_string(request.threads));
  if (!request.observer_effect) set_variable("A2A3SIM_OBSERVER", "0");
  set_variable("PYPTO_PROG_BUILD_DIR", run.out);
}

}  // namespace

bool is_python_file(const std::string& program) { return fs::path(program).extension() == ".py"; }

bool chooses_platform(const std::vector<std::string>& arguments) {
  for (const std::string& a : arguments)
    if (a.rfind("--platform", 0) == 0 || (a.rfind("-p", 0) == 0 && a.rfind("--", 0) != 0))
      return true;
  return false;
}

std::string platform_of(const std::string& chip, const std::string& default_chip,
                        const std::string& source) {
  const std::string device = chip == "a2a3" || chip == "a5" ? chip : default_chip;
  return source.find(device + "sim") != std::string::npos ? device + "sim" : device;
}

void run_python(const PythonRun& run, const RunRequest& request, const std::string& default_chip) {
  const std::string source = read_program(run.file);
  set_environment(run, request);
  const char* chosen = std::getenv("A2A3SIM_PYTHON");
  const std::string interpreter = chosen && *chosen ? chosen : A2A3SIM_PYTHON_EXECUTABLE;

  std::vector<std::string> words = {interpreter, run.file};
  if (!chooses_platform(run.arguments) && source.find("--platform") != std::string::npos) {
    words.push_back("-p");
    words.push_back(platform_of(request.chip, default_chip, source));
  }
  words.insert(words.end(), run.arguments.begin(), run.arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  throw isa::Error("python.start", fmt::format("cannot start the interpreter '{}': {}", interpreter,
                                               std::strerror(errno)));
}

}  // namespace app
