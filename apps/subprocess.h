// Other programs: started, waited for, never left behind.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace app {

struct Command {
  std::vector<std::string> words;          ///< program and arguments; no shell
  std::string folder;                      ///< working directory, "" = this one
  std::map<std::string, std::string> env;  ///< set on top of this process's environment
  int timeout_s = 0;                       ///< killed after that; 0 = no limit
  bool stoppable = false;                  ///< killed when StopSignals says so
  bool with_stderr = true;                 ///< in the output; else it is dropped
};

struct CommandResult {
  int exit_code = -1;  ///< -n when signal n ended it
  bool timed_out = false;
  std::string output;  ///< stdout, and stderr in the order they were written

  bool ok() const { return exit_code == 0; }
  /// Why it failed: the first "...: error: ..." line, else what ends the first Python traceback,
  /// else the last line that is not empty; never more than 300 characters.
  std::string error_line() const;
};

/// Runs a command to its end. It dies with this process. Error "app.fork" when it cannot start.
CommandResult run_command(const Command& command);

/// A folder of its own under the system's temporary folder, removed with the object. Error
/// "app.temp".
class TempFolder {
 public:
  explicit TempFolder(const std::string& prefix);
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// While alive, SIGINT and SIGTERM do not end this process but make `stopped()` true.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  static bool stopped();
};

}  // namespace app
