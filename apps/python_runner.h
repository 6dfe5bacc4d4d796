// Runs Python program files of a checkout with the front end of this program.
#pragma once

#include <string>
#include <vector>

#include "apps/checkout.h"
#include "apps/run_state.h"

namespace app {

struct PythonRunnerOptions {
  std::string chip, soc;                    ///< "" = what the file's platform says
  std::vector<std::string> chip_overrides;  ///< "mte2.latency=300"
  bool golden = false;                      ///< let the files check their values
  int jobs = 1;                             ///< states at a time
  int timeout_s = 0;                        ///< of one state, 0 = no limit
  std::string program;                      ///< started as "program run FILE -- ..."; "" = this one
};

/// Takes every commit's tree to a temporary folder, runs its states there and removes it, also
/// after an error, SIGINT or SIGTERM (error "validate.stopped"). One line of progress on a
/// terminal.
Runner python_runner(const Checkout& checkout, PythonRunnerOptions options);

/// What a run log (A2A3SIM_RUN_LOG, one JSON object a line) and the summaries it names hold. Error
/// "validate.run-log".
std::vector<Execution> read_run_log(const std::string& path);

}  // namespace app
