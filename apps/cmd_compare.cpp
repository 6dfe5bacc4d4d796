// a2a3sim compare: two variants of a program, or two output folders, side by side with reasons.
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "apps/commands.h"
#include "apps/output.h"
#include "apps/run.h"
#include "traces/compare.h"
#include "traces/picture.h"

namespace app {
namespace {

struct CompareCommand {
  RequestOptions options;
  std::vector<std::string> subjects;  ///< PROGRAM, or two folders
  std::vector<std::string> a, b;
  std::string out;
  std::string format = "text";
};

std::string render(const traces::Comparison& comparison, const std::string& format) {
  if (format == "markdown") return traces::compare_markdown(comparison);
  if (format == "json") return traces::compare_json(comparison);
  return traces::compare_text(comparison);
}

/// Where --out goes; made before any work, so that a bad path is told at once.
struct ComparisonFolders {
  explicit ComparisonFolders(const std::string& path)
      : a(path + "/a"),
        b(path + "/b"),
        compare(path + "/compare", {"compare.txt", "compare.md", "compare.json", "compare.html"}) {}
  traces::OutputFolder a, b, compare;
};

/// Both output folders, the comparison in three forms and the overlay page.
void write_comparison(ComparisonFolders& folders, const traces::Comparison& comparison,
                      const RunResult& a, const RunResult& b, const RunRequest& request_a,
                      const RunRequest& request_b) {
  write_result(folders.a, a, request_a, {});
  write_result(folders.b, b, request_b, {});
  traces::OutputFolder& folder = folders.compare;
  folder.write("compare.txt", traces::compare_text(comparison));
  folder.write("compare.md", traces::compare_markdown(comparison));
  folder.write("compare.json", traces::compare_json(comparison));
  folder.write("compare.html",
               traces::viewer_html({{comparison.label_a, a.timeline, a.lowered.graph},
                                    {comparison.label_b, b.timeline, b.lowered.graph}},
                                   {request_a.program, true}));
  folder.write("summary.json", traces::summary_json(b.summary));
  for (traces::OutputFolder* f : {&folders.a, &folders.b, &folders.compare}) f->commit();
}

int compare_runs(CompareCommand& c) {
  finish_request(c.options);
  RunRequest side[2] = {c.options.request, c.options.request};
  const std::vector<std::string>* texts[2] = {&c.a, &c.b};
  for (int i = 0; i < 2; ++i) {
    side[i].program = c.subjects[0];
    for (const auto& s : parse_settings(*texts[i])) side[i].settings.push_back(s);
  }
  std::optional<ComparisonFolders> folders;
  if (!c.out.empty()) folders.emplace(c.out);
  Progress progress;
  const RunResult a = run(side[0], progress);
  const RunResult b = run(side[1], progress);
  const traces::Comparison comparison =
      traces::compare(a.summary, b.summary, fmt::format("{}", fmt::join(c.a, ",")),
                      fmt::format("{}", fmt::join(c.b, ",")));
  progress.clear();
  print(render(comparison, c.format));
  if (folders) {
    progress.step("writing " + c.out);
    write_comparison(*folders, comparison, a, b, side[0], side[1]);
    progress.clear();
    if (c.format == "text")
      print(
          fmt::format("\ncomparison: {0}/compare (compare.md, compare.json, compare.html)\n"
                      "traces:     {0}/a/dfx_outputs/merged_swimlane_{1}.json\n"
                      "            {0}/b/dfx_outputs/merged_swimlane_{1}.json\n",
                      c.out, side[0].program));
  }
  return a.passed() && b.passed() ? 0 : 1;
}

int compare_folders(const CompareCommand& c) {
  const traces::Summary a = traces::read_summary(c.subjects[0]);
  const traces::Summary b = traces::read_summary(c.subjects[1]);
  print(render(traces::compare(a, b), c.format));
  return 0;
}

/// Two folders are read, not run: an option of a run would be ignored in silence.
void refuse_run_options(const CLI::App& command) {
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_name();
    if (option->count() > 0 && name != "subjects" && name != "--format" && name != "--json")
      throw isa::Error("cli.compare", name + " goes with one program, not with two folders");
  }
}

int compare_command(CompareCommand& c, const CLI::App& command) {
  if (c.subjects.size() == 2) {
    refuse_run_options(command);
    return compare_folders(c);
  }
  if (c.a.empty() || c.b.empty())
    throw isa::Error(
        "cli.compare",
        "give a program with --a knob=value and --b knob=value, or two output folders");
  return compare_runs(c);
}

}  // namespace

void add_compare_command(CLI::App& cli, CommandContext& context) {
  auto c = std::make_shared<CompareCommand>();
  c->options.request.chip = context.default_chip;
  CLI::App* cmd = cli.add_subcommand(
      "compare", "Two variants of a program, or two output folders, with the reasons");
  cmd->add_option("subjects", c->subjects, "a program (with --a and --b), or two output folders")
      ->required()
      ->expected(1, 2);
  cmd->add_option("--a", c->a, "knobs of the first side: name=value,name=value")
      ->allow_extra_args(false);
  cmd->add_option("--b", c->b, "knobs of the second side")->allow_extra_args(false);
  add_machine_options(*cmd, c->options);
  cmd->add_option("--out", c->out, "write both output folders and the comparison here");
  cmd->add_option("--format", c->format, "text, markdown (for a pull request) or json")
      ->check(CLI::IsMember({"text", "markdown", "json"}))
      ->capture_default_str();
  cmd->add_flag_callback(
      "--json", [c] { c->format = "json"; }, "same as --format json");
  cmd->callback([c, cmd, &context] { context.exit_code = compare_command(*c, *cmd); });
}

}  // namespace app
