// The command line of a Python program file, read from its source: nothing is run.
#pragma once

#include <string>
#include <vector>

namespace app {

/// One add_argument(...) of the file.
struct ScriptOption {
  std::vector<std::string> names;    ///< "-p", "--platform"
  bool takes_value = true;           ///< false for store_true and the like
  bool value_is_optional = false;    ///< nargs="?"
  std::vector<std::string> choices;  ///< literal ones only
};

struct Script {
  bool has_main = false;  ///< it tests __name__ against "__main__"
  std::vector<ScriptOption> options;

  /// The option with this name, nullptr if there is none.
  const ScriptOption* find(const std::string& name) const;
};

Script read_script(const std::string& source);

}  // namespace app
