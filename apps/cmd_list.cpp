// a2a3sim list [PROGRAM]: what can be run and which knobs it has.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "apps/commands.h"

namespace app {
namespace {

using kernels::Knob;
using kernels::Program;

std::string join(const std::vector<std::string>& parts, const char* separator) {
  return fmt::format("{}", fmt::join(parts, separator));
}

std::string range_of(const Knob& k) {
  switch (k.kind) {
    case Knob::Kind::Choice:
      return join(k.choices, " | ");
    case Knob::Kind::Flag:
      return "on | off";
    case Knob::Kind::Int:
      return fmt::format("{}..{}{}", k.min, k.max,
                         k.multiple > 1 ? fmt::format(", multiple of {}", k.multiple) : "");
  }
  return "";
}

std::string default_of(const Knob& k) {
  if (k.kind != Knob::Kind::Flag) return k.default_value;
  return k.default_value == "true" ? "on" : "off";
}

nlohmann::ordered_json to_json(const Program& p) {
  nlohmann::ordered_json j{{"program", p.name}, {"doc", p.doc}, {"modes", p.modes}};
  j["knobs"] = nlohmann::ordered_json::array();
  for (const Knob& k : p.knobs)
    j["knobs"].push_back({{"name", k.name},
                          {"part", k.part},
                          {"default", default_of(k)},
                          {"range", range_of(k)},
                          {"doc", k.doc}});
  return j;
}

std::string overview() {
  std::string out;
  size_t width = 8;
  for (const Program& p : kernels::programs()) width = std::max(width, p.name.size());
  for (const Program& p : kernels::programs())
    out += fmt::format("{:<{}}  {:<16}  {}\n", p.name, width, join(p.modes, ","), p.doc);
  return out;
}

constexpr size_t kLineWidth = 110;

/// `text` broken between words into lines of at most `width` characters (a longer word overflows).
std::vector<std::string> wrapped(const std::string& text, size_t width) {
  std::vector<std::string> lines(1);
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    std::string& line = lines.back();
    if (line.empty())
      line = word;
    else if (line.size() + 1 + word.size() <= width)
      line += " " + word;
    else
      lines.push_back(word);
  }
  return lines;
}

std::string first_word(const Knob& k) { return k.name.substr(0, k.name.find('_')); }

/// How many knobs in a row, this one included, share its first word.
size_t run_length(const std::vector<Knob>& knobs, size_t at) {
  size_t begin = at, end = at + 1;
  const auto same = [&](size_t i) {
    return knobs[i].part == knobs[at].part && first_word(knobs[i]) == first_word(knobs[at]);
  };
  while (begin > 0 && same(begin - 1)) --begin;
  while (end < knobs.size() && same(end)) ++end;
  return end - begin;
}

/// What stands between two knobs: the title of a new part, or a gap around families of names.
std::string separator(const std::vector<Knob>& knobs, size_t at) {
  const std::string& part = knobs[at].part;
  if (at == 0) return part.empty() ? "" : part + ":\n";
  if (part != knobs[at - 1].part)
    return "\n" + (part.empty() ? "the program itself" : part) + ":\n";
  constexpr size_t kFamily = 3;
  const bool new_word = first_word(knobs[at]) != first_word(knobs[at - 1]);
  const bool family = run_length(knobs, at) >= kFamily || run_length(knobs, at - 1) >= kFamily;
  return new_word && family ? "\n" : "";
}

/// Knobs together with others of their part, parts in order of their first knob.
std::vector<Knob> by_part(const std::vector<Knob>& knobs) {
  std::vector<std::string> parts;
  for (const Knob& k : knobs)
    if (std::find(parts.begin(), parts.end(), k.part) == parts.end()) parts.push_back(k.part);
  std::vector<Knob> sorted;
  for (const std::string& part : parts)
    std::copy_if(knobs.begin(), knobs.end(), std::back_inserter(sorted),
                 [&](const Knob& k) { return k.part == part; });
  return sorted;
}

std::string knob_list(const std::vector<Knob>& knobs) {
  size_t name_width = 4, default_width = 7;
  for (const Knob& k : knobs) {
    name_width = std::max(name_width, k.name.size());
    default_width = std::max(default_width, default_of(k).size());
  }
  std::string out =
      fmt::format("{:<{}}  {:<{}}  meaning\n", "knob", name_width, "default", default_width);
  const size_t indent = name_width + default_width + 4;
  for (size_t i = 0; i < knobs.size(); ++i) {
    const Knob& k = knobs[i];
    out += separator(knobs, i) +
           fmt::format("{:<{}}  {:<{}}", k.name, name_width, default_of(k), default_width);
    std::string space = "  ";
    for (const std::string& line : wrapped(k.doc + " [" + range_of(k) + "]", kLineWidth - indent)) {
      out += space + line + "\n";
      space = std::string(indent, ' ');
    }
  }
  return out;
}

/// With `match`, only the knobs whose name or part contains it. Error "cli.list" if none does.
std::string details(const Program& p, const std::string& match) {
  std::vector<Knob> knobs = by_part(p.knobs);
  knobs.erase(std::remove_if(knobs.begin(), knobs.end(),
                             [&](const Knob& k) {
                               return k.name.find(match) == std::string::npos &&
                                      k.part.find(match) == std::string::npos;
                             }),
              knobs.end());
  if (knobs.empty())
    throw isa::Error("cli.list", p.name, "no knob has '" + match + "' in its name or part");
  const std::vector<std::string> title = wrapped(p.name + ": " + p.doc, kLineWidth);
  return join(title, "\n") + "\nmodes: " + join(p.modes, ", ") + "\n\n" + knob_list(knobs);
}

struct ListOptions {
  std::string program, match;
  bool json = false;
};

void list(const ListOptions& o) {
  if (o.json) {
    nlohmann::ordered_json all = nlohmann::ordered_json::array();
    if (o.program.empty())
      for (const Program& p : kernels::programs()) all.push_back(to_json(p));
    else
      all = to_json(kernels::find_program(o.program));
    print(all.dump(2) + "\n");
    return;
  }
  print(o.program.empty() ? overview() : details(kernels::find_program(o.program), o.match));
}

}  // namespace

void add_list_command(CLI::App& cli, CommandContext&) {
  auto o = std::make_shared<ListOptions>();
  CLI::App* c = cli.add_subcommand("list", "Programs, their modes and knobs");
  CLI::Option* program = c->add_option("program", o->program, "show this program's knobs");
  c->add_option("--match", o->match, "only knobs with this text in their name or part")
      ->needs(program);
  c->add_flag("--json", o->json, "machine-readable");
  c->callback([o] { list(*o); });
}

}  // namespace app
