// a2a3sim run PROGRAM: golden verdict, scope table, output folder. A program file in Python goes to
// the front end.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "apps/commands.h"
#include "apps/output.h"
#include "apps/run.h"
#include "apps/run_python.h"
#include "isa/error.h"
#include "traces/report.h"

namespace app {
namespace {

struct RunCommand {
  RequestOptions options;
  OutputOptions output;
  std::vector<std::string> arguments;  ///< of a Python file
  std::string out;
  bool no_out = false;
  bool json = false;
};

std::string default_folder(const RunRequest& request) {
  std::string name = request.program;
  if (!request.mode.empty()) name += "-" + request.mode;
  for (const auto& [knob, value] : request.settings) name += "-" + knob + "=" + value;
  return "out/" + name;
}

/// Options that mean something for a Python file; the rest belongs to its own command line.
void check_python_options(const CLI::App& cmd) {
  static constexpr std::array<const char*, 8> kUseful = {"program",       "arguments",  "--chip",
                                                         "--soc",         "--chip-set", "--threads",
                                                         "--no-observer", "--out"};
  for (const CLI::Option* option : cmd.get_options()) {
    const std::string name = option->get_single_name();
    const bool useful = std::any_of(kUseful.begin(), kUseful.end(), [&](const std::string& u) {
      return u == name || u == "--" + name;
    });
    if (option->count() > 0 && !useful)
      throw isa::Error("cli.python-option",
                       fmt::format("--{} does not apply to a Python file; give the file's own "
                                   "options after --",
                                   name));
  }
}

int run_command(RunCommand& c, const CLI::App& cmd, const std::string& default_chip) {
  if (is_python_file(c.options.request.program)) {
    check_python_options(cmd);
    finish_request(c.options);
    if (cmd.count("--chip") == 0 && chooses_platform(c.arguments)) c.options.request.chip.clear();
    run_python({c.options.request.program, c.arguments, c.out}, c.options.request, default_chip);
  }
  if (!c.arguments.empty())
    throw isa::Error("cli.usage",
                     fmt::format("'{}': only a Python file takes arguments, this is an "
                                 "extra one (see --help)",
                                 c.arguments.front()));
  finish_request(c.options);
  const RunRequest& request = c.options.request;
  const std::string path = c.out.empty() ? default_folder(request) : c.out;
  std::unique_ptr<traces::OutputFolder> folder;
  if (!c.no_out) folder = std::make_unique<traces::OutputFolder>(path);

  Progress progress;
  const RunResult result = run(request, progress);
  if (folder) {
    progress.step("writing " + path);
    write_result(*folder, result, request, c.output);
    folder->commit();
  }
  progress.clear();
  if (c.json) {
    print(traces::summary_json(result.summary));
  } else {
    print(verdict_text(result, request) + "\n" + traces::scope_table(result.summary) + "\n" +
          traces::totals_text(result.summary));
    if (folder)
      print(fmt::format("\noutput: {}\ntrace:  {}/dfx_outputs/merged_swimlane_{}.json{}\n", path,
                        path, request.program, c.output.gzip ? ".gz" : ""));
  }
  return result.passed() ? 0 : 1;
}

}  // namespace

void add_run_command(CLI::App& cli, CommandContext& context) {
  auto c = std::make_shared<RunCommand>();
  RunRequest& r = c->options.request;
  r.chip = context.default_chip;
  CLI::App* cmd =
      cli.add_subcommand("run", "Execute a program, check it, predict its time, write the traces");
  cmd->add_option("program", r.program,
                  "see the list command; or a pypto.language file (.py), its options after --")
      ->required();
  cmd->add_option("arguments", c->arguments, "of a Python file, after --");
  add_machine_options(*cmd, c->options);
  cmd->add_option("--inputs", r.inputs_dir,
                  "read input tensors from this folder (manifest.json and .npy files)");
  cmd->add_option("--save", r.save_dir, "write output tensors to this folder, in the same form");
  cmd->add_option("--save-inputs", r.save_inputs_dir,
                  "write input tensors to this folder, for an external reference");
  cmd->add_flag("--verify-lowering", r.verify_lowering,
                "execute the lowered program on modelled memories too; must equal the eager values "
                "bit for bit");
  CLI::Option* out =
      cmd->add_option("--out", c->out, "output folder (default: out/<program>-<settings>)");
  cmd->add_flag("--no-out", c->no_out, "write no output folder")->excludes(out);
  cmd->add_flag("--json", c->json, "print summary.json instead of the tables");
  cmd->add_option("--level", r.level, "detail of the swimlane records, 1 to 4")
      ->check(CLI::Range(1, 4))
      ->capture_default_str();
  cmd->add_flag("--detail", r.detail, "record every instruction: one lane per pipe in the trace");
  cmd->add_option("--records-format", c->output.records_format,
                  "swimlane schema: 2026-08 or 2026-09")
      ->check(CLI::IsMember({"2026-08", "2026-09"}))
      ->capture_default_str();
  cmd->add_flag("--gzip", c->output.gzip, "compress the merged trace");
  cmd->callback(
      [c, cmd, &context] { context.exit_code = run_command(*c, *cmd, context.default_chip); });
}

}  // namespace app
