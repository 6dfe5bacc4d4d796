#include "apps/cli.h"

#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <new>

#include "apps/commands.h"
#include "isa/error.h"

namespace app {
namespace {

constexpr const char* kFooter = R"(
Examples
  {0} list                                             what can be run
  {0} list qkv_proj_rope                               its knobs, defaults and ranges
  {0} run qkv_proj_rope --mode decode --out out/decode
  {0} compare qkv_proj_rope --a era=pre570 --b era=p578
  {0} sweep qkv_proj_rope --vary qr_n_tile=32,64,128,256 --vary qr_split_k=1,2
  {0} chip --soc 910B3
  {0} validate

Exit codes: 0 success, 1 a golden or a check failed, 2 bad input, 3 a defect of this program.)";

/// One line per problem, whatever the user's text in it contains.
int report(const char* program, std::string message, int code) {
  for (char& c : message)
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  std::fflush(stdout);
  std::fputs(fmt::format("{}: error: {}\n", program, message).c_str(), stderr);
  return code;
}

/// As every other error; --help and --version go to stdout.
int report_parse(const char* program, const CLI::App& cli, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return cli.exit(error);
  return report(program, error.what() + std::string(" (see --help) [cli.usage]"), 2);
}

}  // namespace

int main_with_chip(int argc, char** argv, const char* default_chip) {
  std::signal(SIGPIPE, SIG_DFL);
  const std::string program = std::string(default_chip) + "sim";
  CLI::App cli{"Runs DeepSeek-V4 kernel programs on a modelled Ascend " +
                   std::string(default_chip) +
                   ": checks the values, predicts the time, draws the swimlane.",
               program};
  cli.set_version_flag("--version", program + " " A2A3SIM_VERSION);
  cli.footer(fmt::format(kFooter, program));
  cli.require_subcommand(1);

  CommandContext context;
  context.default_chip = default_chip;
  try {
    add_list_command(cli, context);
    add_run_command(cli, context);
    add_compare_command(cli, context);
    add_sweep_command(cli, context);
    add_chip_command(cli, context);
    add_validate_command(cli, context);
    add_permute_command(cli, context);
    cli.parse(argc, argv);
    return context.exit_code;
  } catch (const CLI::ParseError& e) {
    return report_parse(program.c_str(), cli, e);
  } catch (const isa::Error& e) {
    return report(program.c_str(), e.what(), 2);
  } catch (const std::bad_alloc&) {
    return report(program.c_str(), "out of memory [app.memory]", 3);
  } catch (const std::exception& e) {
    return report(program.c_str(), std::string(e.what()) + " [app.internal]", 3);
  }
}

}  // namespace app
