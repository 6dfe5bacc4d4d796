// Options shared by the commands that run programs.
#include <charconv>
#include <cstdint>
#include <cstdio>

#include "apps/commands.h"

namespace app {
namespace {

/// CLI11 lets -1 and 2^64 wrap around.
std::string check_seed(const std::string& text) {
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end ? "" : "'" + text + "' is not in 0..2^64-1";
}

}  // namespace

void add_machine_options(CLI::App& command, RequestOptions& options) {
  RunRequest& r = options.request;
  command.add_option("--mode", r.mode,
                     "decode or prefill, as the program offers (default: its first)");
  command
      .add_option("--set", options.settings,
                  "a knob: name=value; may be given many times, or a=1,b=2")
      ->allow_extra_args(false);
  command.add_option("--chip", r.chip, "a2a3, a5, or a chip file (.toml)")->capture_default_str();
  command.add_option("--soc", r.soc,
                     "SoC variant of the chip, see the chip command (default: the chip's first)");
  command
      .add_option("--chip-set", r.chip_overrides,
                  "override a chip constant: key=value, e.g. mte2.latency=300")
      ->allow_extra_args(false);
  command.add_option("--seed", r.seed, "seed of the inputs; printed with the result")
      ->check(check_seed)
      ->capture_default_str();
  command.add_option("--threads", r.threads, "host threads, 0 = all; never changes a result")
      ->check(CLI::Range(0, 256));
  command.add_flag(
      "--no-observer", options.no_observer,
      "leave out the cost of swimlane profiling (0.5 us a task) that published figures contain");
  command.add_flag("--no-golden", options.no_golden, "skip the golden check");
}

void finish_request(RequestOptions& options) {
  options.request.settings = parse_settings(options.settings);
  options.request.observer_effect = !options.no_observer;
  options.request.golden = !options.no_golden;
}

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

}  // namespace app
