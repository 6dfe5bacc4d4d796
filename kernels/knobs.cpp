#include "kernels/knobs.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "isa/error.h"
#include "kernels/text.h"

namespace kernels {
namespace {

bool parse_int(const std::string& text, int64_t* value) {
  if (text.empty()) return false;
  char* end = nullptr;
  errno = 0;
  *value = std::strtoll(text.c_str(), &end, 10);
  return errno == 0 && *end == '\0' && text[0] != ' ' && text[0] != '+';
}

std::string range_text(const Knob& knob) {
  std::string text = std::to_string(knob.min) + ".." + std::to_string(knob.max);
  if (knob.multiple > 1) text += " in steps of " + std::to_string(knob.multiple);
  return text;
}

/// The value in canonical spelling ("016" -> "16", "yes" -> "true").
std::string checked(const std::string& program, const Knob& knob, const std::string& value) {
  const auto refuse = [&](const std::string& accepted) {
    throw isa::Error("knob.value", program,
                     "knob " + knob.name + " cannot be '" + value + "'; accepted: " + accepted);
  };
  switch (knob.kind) {
    case Knob::Kind::Choice:
      if (std::find(knob.choices.begin(), knob.choices.end(), value) == knob.choices.end())
        refuse(join(knob.choices) + did_you_mean(value, knob.choices));
      return value;
    case Knob::Kind::Flag:
      if (value == "true" || value == "1" || value == "yes" || value == "on") return "true";
      if (value == "false" || value == "0" || value == "no" || value == "off") return "false";
      refuse("true, false");
      break;
    case Knob::Kind::Int: {
      int64_t number = 0;
      if (!parse_int(value, &number) || number < knob.min || number > knob.max ||
          (number - knob.min) % knob.multiple != 0)
        refuse(range_text(knob));
      return std::to_string(number);
    }
  }
  return value;
}

}  // namespace

const std::string& Knobs::text(const std::string& name) const {
  const auto it = values_.find(name);
  if (it == values_.end()) throw isa::Error("knob.unknown", "there is no knob " + name);
  return it->second;
}

int64_t Knobs::integer(const std::string& name) const {
  int64_t value = 0;
  if (!parse_int(text(name), &value))
    throw isa::Error("knob.value", "knob " + name + " is not a number: '" + text(name) + "'");
  return value;
}

bool Knobs::flag(const std::string& name) const { return text(name) == "true"; }

Knob int_knob(std::string name, int64_t default_value, int64_t min, int64_t max, int64_t multiple,
              std::string doc) {
  Knob k;
  k.name = std::move(name);
  k.doc = std::move(doc);
  k.kind = Knob::Kind::Int;
  k.default_value = std::to_string(default_value);
  k.min = min;
  k.max = max;
  k.multiple = multiple;
  return k;
}

Knob choice_knob(std::string name, std::vector<std::string> choices, std::string doc) {
  Knob k;
  k.name = std::move(name);
  k.doc = std::move(doc);
  k.kind = Knob::Kind::Choice;
  k.default_value = choices.front();
  k.choices = std::move(choices);
  return k;
}

Knob flag_knob(std::string name, bool default_value, std::string doc) {
  Knob k;
  k.name = std::move(name);
  k.doc = std::move(doc);
  k.kind = Knob::Kind::Flag;
  k.default_value = default_value ? "true" : "false";
  return k;
}

std::vector<Knob> in_part(const std::string& part, std::vector<Knob> knobs) {
  for (Knob& k : knobs) k.part = part;
  return knobs;
}

KnobTable::KnobTable(std::string program, std::vector<std::string> modes, std::vector<Knob> knobs,
                     std::vector<Preset> presets)
    : program_(std::move(program)),
      modes_(std::move(modes)),
      knobs_(std::move(knobs)),
      presets_(std::move(presets)) {
  // A preset that names a knob nobody declared is a programming error; find it at start-up.
  for (const Preset& p : presets_) {
    checked(program_, find(p.knob), p.value);
    for (const auto& [name, value] : p.settings) checked(program_, find(name), value);
  }
}

const Knob& KnobTable::find(const std::string& name) const {
  for (const Knob& k : knobs_)
    if (k.name == name) return k;
  std::vector<std::string> names;
  for (const Knob& k : knobs_) names.push_back(k.name);
  throw isa::Error("knob.unknown", program_,
                   "there is no knob '" + name + "'" + did_you_mean(name, names));
}

bool KnobTable::is_preset(const std::string& name) const {
  return std::any_of(presets_.begin(), presets_.end(),
                     [&](const Preset& p) { return p.knob == name; });
}

void KnobTable::assign(Knobs& knobs, const std::string& mode, const std::string& name,
                       const std::string& value) const {
  const std::string canonical = checked(program_, find(name), value);
  knobs.set(name, canonical);
  for (const Preset& p : presets_) {
    if (p.knob != name || p.value != canonical || !(p.mode.empty() || p.mode == mode)) continue;
    for (const auto& [knob, setting] : p.settings) assign(knobs, mode, knob, setting);
  }
}

Knobs KnobTable::resolve(const std::string& mode, const Settings& settings) const {
  if (std::find(modes_.begin(), modes_.end(), mode) == modes_.end())
    throw isa::Error("kernel.mode", program_,
                     "there is no mode '" + mode + "'; modes: " + join(modes_));
  for (const auto& [name, value] : settings) checked(program_, find(name), value);

  Knobs knobs;
  for (const Knob& k : knobs_)
    if (!is_preset(k.name)) knobs.set(k.name, k.default_value);
  const auto chosen = [&](const std::string& name) -> const std::string* {
    const std::string* value = nullptr;
    for (const auto& s : settings)
      if (s.first == name) value = &s.second;
    return value;
  };
  // The first preset's default describes the whole program; the others only refine it when asked.
  bool first = true;
  for (const Knob& k : knobs_) {
    if (!is_preset(k.name)) continue;
    const std::string* value = chosen(k.name);
    if (value != nullptr)
      assign(knobs, mode, k.name, *value);
    else if (first || !knobs.has(k.name))
      assign(knobs, mode, k.name, k.default_value);
    first = false;
  }
  for (const Knob& k : knobs_)
    if (const std::string* value = chosen(k.name); value != nullptr && !is_preset(k.name))
      assign(knobs, mode, k.name, *value);
  return knobs;
}

void conflict(const std::string& program, const std::string& reason) {
  throw isa::Error("knob.conflict", program, reason);
}

}  // namespace kernels
