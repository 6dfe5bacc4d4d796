// a2a3sim validate --measurements: the states are Python programs at commits of a checkout.
#pragma once

#include <string>
#include <vector>

#include "apps/python_runner.h"

namespace app {

struct PythonValidation {
  std::string measurements_file, checkout, format;
  std::vector<std::string> rows;
  PythonRunnerOptions runner;
};

/// Prints the table; 1 if a state that was run left nothing, 0 otherwise.
int validate_python(const PythonValidation& validation);

}  // namespace app
