// The subcommands: each adds itself to the command line and runs when chosen.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "apps/request.h"

namespace app {

/// What all commands share.
struct CommandContext {
  std::string default_chip;
  int exit_code = 0;
};

void add_list_command(CLI::App& cli, CommandContext& context);
void add_run_command(CLI::App& cli, CommandContext& context);
void add_compare_command(CLI::App& cli, CommandContext& context);
void add_sweep_command(CLI::App& cli, CommandContext& context);
void add_chip_command(CLI::App& cli, CommandContext& context);
void add_validate_command(CLI::App& cli, CommandContext& context);
void add_permute_command(CLI::App& cli, CommandContext& context);

/// Options every command that runs programs has: chip, SoC, overrides, seed, threads, observer.
/// The values land in `request` when the command line is parsed; call `finish_request` after.
struct RequestOptions {
  RunRequest request;
  std::vector<std::string> settings;
  bool no_observer = false;
  bool no_golden = false;
};
void add_machine_options(CLI::App& command, RequestOptions& options);
void finish_request(RequestOptions& options);

/// Prints to stdout; a closed pipe ends the program quietly.
void print(const std::string& text);

}  // namespace app
