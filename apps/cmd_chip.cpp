// a2a3sim chip: every constant of the chip in use, with its source.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "chips/chip.h"

namespace app {
namespace {

struct ChipOptions {
  std::string chip, soc;
  std::vector<std::string> overrides;
  bool json = false;
};

std::string table(const chips::Chip& chip, const std::string& name) {
  std::string out = fmt::format("{} / {}: {} AIC + {} AIV at {:g} MHz\n", chip.name, chip.soc,
                                chip.aic, chip.aiv, chip.clock_mhz);
  out += fmt::format("SoC variants: {}\n\n", fmt::join(chips::soc_names(name), " "));
  size_t width = 3;
  for (const auto& [key, p] : chip.parameters) width = std::max(width, key.size());
  out += fmt::format("{:<{}}  {:>12}  {:<10} {:<11} source\n", "key", width, "value", "unit",
                     "confidence");
  for (const auto& [key, p] : chip.parameters)
    out += fmt::format("{:<{}}  {:>12g}  {:<10} {:<11} {}{}{}\n", key, width, p.value, p.unit,
                       p.confidence, p.source, p.overridden ? " (overridden)" : "",
                       p.note.empty() ? "" : "; " + p.note);
  return out;
}

std::string json(const chips::Chip& chip) {
  nlohmann::ordered_json j{{"chip", chip.name}, {"soc", chip.soc}};
  for (const auto& [key, p] : chip.parameters)
    j["parameters"][key] = {
        {"value", p.value}, {"unit", p.unit}, {"source", p.source}, {"confidence", p.confidence},
        {"note", p.note},   {"min", p.min},   {"max", p.max},       {"overridden", p.overridden}};
  return j.dump(2) + "\n";
}

}  // namespace

void add_chip_command(CLI::App& cli, CommandContext& context) {
  auto o = std::make_shared<ChipOptions>();
  o->chip = context.default_chip;
  CLI::App* c = cli.add_subcommand(
      "chip", "Every constant of the chip in use, with unit, source and confidence");
  c->add_option("--chip", o->chip, "a2a3, a5, or a chip file (.toml)")->capture_default_str();
  c->add_option("--soc", o->soc, "SoC variant (default: the chip's first)");
  c->add_option("--chip-set", o->overrides, "override a constant: key=value")
      ->allow_extra_args(false);
  c->add_flag("--json", o->json, "machine-readable");
  c->callback([o] {
    const chips::Chip chip = chips::load_chip(o->chip, o->soc, o->overrides);
    print(o->json ? json(chip) : table(chip, o->chip));
  });
}

}  // namespace app
