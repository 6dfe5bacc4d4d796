#include "apps/measurement_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>

namespace app {
namespace {

const std::vector<std::string> kModes = {"decode", "prefill"};

std::string stem_of(const std::string& file) {
  const size_t slash = file.rfind('/');
  const std::string name = slash == std::string::npos ? file : file.substr(slash + 1);
  return name.substr(0, name.rfind('.'));
}

void add_parts(std::set<std::string>& words, const std::string& text) {
  std::string plain = text;
  for (char& c : plain)
    if (c == '_' || c == '-') c = ' ';
  for (const std::string& word : words_of(plain)) words.insert(word);
}

std::set<std::string> module_words(const MeasurementRow& row) {
  std::set<std::string> words(kModes.begin(), kModes.end());
  add_parts(words, stem_of(row.kernel_file));
  add_parts(words, row.family);
  add_parts(words, row.group);
  return words;
}

bool ends_with(const std::string& text, const std::string& ending) {
  return text.size() >= ending.size() &&
         text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

/// A figure of a group "...-layer" was read off a layer's run: the file is that of the row of
/// family "layer" with the same commits, group and conditions, the row's own if there is none.
std::string file_of(const MeasurementRow& row, const std::vector<MeasurementRow>& rows) {
  if (!ends_with(row.group, "-layer")) return row.kernel_file;
  for (const MeasurementRow& other : rows)
    if (other.family == "layer" && other.group == row.group && other.commit == row.commit &&
        other.commit_before == row.commit_before && other.conditions == row.conditions)
      return other.kernel_file;
  return row.kernel_file;
}

/// What can be said without the checkout.
void read_texts(PlannedRow& planned) {
  const MeasurementRow& row = planned.row;
  if (row.repo != "pypto-lib" && !ends_with(row.repo, "/pypto-lib"))
    throw NotInRun("repo " + row.repo + " is not pypto-lib");
  if (!row.problem.empty()) throw NotInRun(row.problem);
  planned.metric = metric_from_name(row.metric);
  if (!planned.metric) throw NotInRun(why_not_modelled(row.metric));
  if (!row.before && !row.after) throw NotInRun("the row has no figure");
  if (row.commit.empty()) throw NotInRun("no commit");
  if (row.kernel_file.empty()) throw NotInRun("no kernel file");
  if (is_of_two_states(*planned.metric) && (row.commit_before.empty() || !row.after))
    throw NotInRun("a change needs commit_before and value_after");
  if (row.before && row.commit_before.empty())
    throw NotInRun("value_before without commit_before: figures of variants of one commit");
  if (row.platform != "a2a3" && row.platform != "a5")
    throw NotInRun("platform '" + row.platform + "' is neither a2a3 nor a5");
  planned.scope = read_scope_text(row.scope, planned.metric->quantity, module_words(row));
  if (planned.metric->whole_module && !planned.scope.fixed.module)
    throw NotInRun("'" + row.scope + "' is not the whole module");
}

RunState state_of(const PlannedRow& planned, const std::string& commit, const std::string& file,
                  const SourceTree& tree) {
  if (!tree.has_commit(commit))
    throw NotInRun("commit " + commit.substr(0, 8) + " is not in the checkout");
  std::string source;
  if (!tree.read(commit, file, source))
    throw NotInRun(fmt::format("{} has no file {}", commit.substr(0, 8), file));
  const Script script = read_script(source);
  if (!script.has_main)
    throw NotInRun(fmt::format("{} has no main at {}", file, commit.substr(0, 8)));
  const bool swimlane = planned.metric->quantity != Quantity::Effective;
  return {commit, file, script_arguments(script, planned.row, swimlane)};
}

/// A long name as people write it: "--start-pos" is "start_pos", "start-pos" or "start pos".
std::string pattern_of(const std::string& name) {
  std::string pattern = "\\b";
  for (const char c : name.substr(2))
    pattern += c == '-' || c == '_' ? std::string("[-_ ]") : std::string(1, c);
  return pattern;
}

std::string value_in(const std::string& text, const std::string& name) {
  std::smatch match;
  const std::regex named(pattern_of(name) + "\\s*[=: ]?\\s*(-?[0-9]+)\\b", std::regex::icase);
  if (std::regex_search(text, match, named)) return match[1];
  if (name == "--start-pos") {
    const std::regex context("\\b([0-9]+)k context\\b", std::regex::icase);
    if (std::regex_search(text, match, context)) return std::to_string(1024 * std::stoi(match[1]));
  }
  return "";
}

void add_swimlane(const Script& script, std::vector<std::string>& args) {
  for (const char* name : {"--enable-l2-swimlane", "--enable-chip-swimlane"}) {
    const ScriptOption* option = script.find(name);
    if (option == nullptr) continue;
    args.push_back(name);
    if (!option->takes_value || option->value_is_optional) return;
    // Level 2 is the first that records dispatch and finish.
    const bool has_two = option->choices.empty() ||
                         std::count(option->choices.begin(), option->choices.end(), "2") != 0;
    args.push_back(has_two ? "2" : option->choices.back());
    return;
  }
}

/// Numbers and "all" also stand in texts that mean something else.
bool is_mode(const std::string& choice) {
  return choice != "all" && choice.size() > 2 &&
         std::none_of(choice.begin(), choice.end(),
                      [](unsigned char c) { return std::isdigit(c); });
}

}  // namespace

std::string mode_of(const MeasurementRow& row, const std::vector<std::string>& choices) {
  for (const std::string& text : {row.scope, row.conditions, row.group}) {
    std::string plain = text;
    std::replace(plain.begin(), plain.end(), '-', ' ');
    const std::vector<std::string> words = words_of(plain);
    std::set<std::string> named;
    for (const std::string& choice : choices)
      if (is_mode(choice) && std::count(words.begin(), words.end(), choice) != 0)
        named.insert(choice);
    if (named.size() == 1) return *named.begin();
  }
  return "";
}

std::vector<std::string> script_arguments(const Script& script, const MeasurementRow& row,
                                          bool swimlane) {
  std::vector<std::string> args;
  for (const char* name : {"-p", "--platform"})
    if (args.empty() && script.find(name) != nullptr) args = {name, row.platform + "sim"};
  if (swimlane) add_swimlane(script, args);
  static const std::set<std::string> kOwn = {"--platform", "--device", "--enable-l2-swimlane",
                                             "--enable-chip-swimlane"};
  for (const ScriptOption& option : script.options) {
    const std::string& name = option.names.back();
    if (name.compare(0, 2, "--") != 0 || kOwn.count(name) != 0 || !option.takes_value) continue;
    std::string value = value_in(row.conditions, name);
    if (value.empty()) value = mode_of(row, option.choices);
    if (!value.empty()) args.insert(args.end(), {name, value});
  }
  return args;
}

namespace {

/// The states of a row before they have their numbers.
struct WantedStates {
  std::optional<RunState> before, after;
};

WantedStates plan_row(PlannedRow& planned, const std::vector<MeasurementRow>& rows,
                      const SourceTree& tree) {
  WantedStates wanted;
  const MeasurementRow& row = planned.row;
  const auto plan_side = [&](const std::string& commit, const std::string& file,
                             PlannedSide& side) -> std::optional<RunState> {
    try {
      return state_of(planned, commit, file, tree);
    } catch (const NotInRun& e) {
      side.reason = e.what();
      return std::nullopt;
    }
  };
  try {
    read_texts(planned);
    planned.mode = mode_of(row, kModes);
    const std::string file = file_of(row, rows);
    if (row.before || is_of_two_states(*planned.metric))
      wanted.before = plan_side(row.commit_before, file, planned.before);
    if (row.after) wanted.after = plan_side(row.commit, file, planned.after);
  } catch (const NotInRun& e) {
    planned.reason = e.what();
  }
  return wanted;
}

}  // namespace

MeasurementPlan plan_measurements(const std::vector<MeasurementRow>& rows,
                                  const std::vector<std::string>& names, const SourceTree& tree) {
  MeasurementPlan plan;
  std::vector<WantedStates> wanted;
  for (const MeasurementRow& row : select_measurements(rows, names)) {
    plan.rows.emplace_back();
    plan.rows.back().row = row;
    wanted.push_back(plan_row(plan.rows.back(), rows, tree));
  }
  std::map<RunState, size_t> index;
  for (const WantedStates& w : wanted)
    for (const auto& state : {w.before, w.after})
      if (state) index[*state];
  for (auto& [state, at] : index) {
    at = plan.states.size();
    plan.states.push_back(state);
  }
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].before) plan.rows[i].before.state = index.at(*wanted[i].before);
    if (wanted[i].after) plan.rows[i].after.state = index.at(*wanted[i].after);
  }
  return plan;
}

}  // namespace app
