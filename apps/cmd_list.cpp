// a2a3sim list [PROGRAM]: what can be run and which knobs it has.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

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
    j["knobs"].push_back(
        {{"name", k.name}, {"default", default_of(k)}, {"range", range_of(k)}, {"doc", k.doc}});
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

std::string details(const Program& p) {
  std::string out = fmt::format("{}: {}\nmodes: {}\n\n", p.name, p.doc, join(p.modes, ", "));
  size_t name_width = 4, default_width = 7;
  for (const Knob& k : p.knobs) {
    name_width = std::max(name_width, k.name.size());
    default_width = std::max(default_width, default_of(k).size());
  }
  out += fmt::format("{:<{}}  {:<{}}  meaning\n", "knob", name_width, "default", default_width);
  for (const Knob& k : p.knobs)
    out += fmt::format("{:<{}}  {:<{}}  {} [{}]\n", k.name, name_width, default_of(k),
                       default_width, k.doc, range_of(k));
  return out;
}

struct ListOptions {
  std::string program;
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
  print(o.program.empty() ? overview() : details(kernels::find_program(o.program)));
}

}  // namespace

void add_list_command(CLI::App& cli, CommandContext&) {
  auto o = std::make_shared<ListOptions>();
  CLI::App* c = cli.add_subcommand("list", "Programs, their modes and knobs");
  c->add_option("program", o->program, "show this program's knobs");
  c->add_flag("--json", o->json, "machine-readable");
  c->callback([o] { list(*o); });
}

}  // namespace app
