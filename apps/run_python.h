// `run FILE.py`: hands a pypto.language program to the Python front end.
#pragma once

#include <string>
#include <vector>

#include "apps/request.h"

namespace app {

/// A program file with its own command line.
struct PythonRun {
  std::string file;
  std::vector<std::string> arguments;  ///< of the file, given after --
  std::string out;                     ///< folder of the work folders; "" = upstream's build_output
};

/// Whether a program argument names a Python file.
bool is_python_file(const std::string& program);

/// Replaces this process by the interpreter (A2A3SIM_PYTHON, or the configured one) running the
/// file, with the package `pypto` on its path and the machine of `request` in A2A3SIM_* variables.
/// The file gets `-p <platform>` unless it has no such option or the arguments already contain one.
/// Errors: "python.file", "python.missing" (no front end beside this program), "python.start".
[[noreturn]] void run_python(const PythonRun& run, const RunRequest& request,
                             const std::string& default_chip);

/// Whether the arguments choose a platform.
bool chooses_platform(const std::vector<std::string>& arguments);

/// The platform option for a chip: the simulator's ("a2a3sim") where the program's source mentions
/// it, the device's ("a2a3") for files that offer only that. A chip file counts as the default
/// chip.
std::string platform_of(const std::string& chip, const std::string& default_chip,
                        const std::string& source);

}  // namespace app
