// What a user asks for on the command line, before anything is resolved.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "kernels/program.h"

namespace app {

using Settings = std::vector<std::pair<std::string, std::string>>;  ///< knob name, value

/// One run of one program on one chip.
struct RunRequest {
  std::string program;
  std::string mode;           ///< "" = the program's first mode
  Settings settings;          ///< knobs, in command-line order
  std::string chip = "a2a3";  ///< name or path of a chip file
  std::string soc;
  std::vector<std::string> chip_overrides;  ///< "mte2.latency=300"
  uint64_t seed = 1;
  int threads = 0;  ///< host threads; never changes a result
  std::string inputs_dir, save_dir, save_inputs_dir;
  bool golden = true;
  bool verify_lowering = false;
  bool observer_effect = true;  ///< swimlane profiling cost, as in published figures
  int level = 4;                ///< 1-4, detail of swimlane records
  bool detail = false;          ///< record every instruction, pipe lanes in the trace
};

/// Splits "name=value"; error "cli.setting" when there is no '=' or no name.
std::pair<std::string, std::string> parse_setting(const std::string& text);

/// Splits "a=1,b=2" (also ';'-free lists given twice) into settings.
Settings parse_settings(const std::vector<std::string>& texts);

/// "name=v1,v2,v3" of `sweep --vary`. Error "cli.vary" when empty or malformed.
struct Vary {
  std::string knob;
  std::vector<std::string> values;
};
Vary parse_vary(const std::string& text);

/// Every combination, the last knob varying fastest.
std::vector<Settings> grid(const std::vector<Vary>& vary);

}  // namespace app
