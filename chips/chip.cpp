#include "chips/chip.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "chips/bindings.h"
#include "chips/chip_file.h"
#include "isa/error.h"

namespace chips {
namespace {

using detail::Binding;
using detail::ChipFile;
using detail::Entry;
using detail::Kind;

const Binding* find(const std::vector<Binding>& table, const std::string& key) {
  const auto it =
      std::find_if(table.begin(), table.end(), [&](const Binding& b) { return b.key == key; });
  return it == table.end() ? nullptr : &*it;
}

constexpr double kMaxOpCost = 1e6;  // cycles

/// A column of [vec.ops]: which opcode and which member, if `key` names one.
struct OpColumn {
  isa::Opcode op;
  double VectorOp::*member;
};
bool find_op_column(const std::string& key, OpColumn& column) {
  const std::string prefix = "vec.ops.";
  if (key.compare(0, prefix.size(), prefix) != 0) return false;
  const size_t dot = key.find('.', prefix.size());
  if (dot == std::string::npos) return false;
  const std::string op = key.substr(prefix.size(), dot - prefix.size());
  for (const detail::OpMember& m : detail::op_members()) {
    if (key.compare(dot + 1, std::string::npos, m.name) != 0) continue;
    for (int i = 0; i < isa::kOpcodes; ++i)
      if (isa::name(static_cast<isa::Opcode>(i)) == op) {
        column = {static_cast<isa::Opcode>(i), m.member};
        return true;
      }
  }
  return false;
}

std::string known_keys_like(const std::string& key) {
  const std::string section = key.substr(0, key.find('.') + 1);
  std::string list;
  for (const Binding& b : detail::modelled_keys())
    if (!section.empty() && b.key.compare(0, section.size(), section) == 0)
      list += (list.empty() ? "" : ", ") + b.key.substr(section.size());
  return list.empty() ? "no such section"
                      : fmt::format("[{}] has {}", section.substr(0, section.size() - 1), list);
}

void check_range(const Entry& entry, double min, double max, Kind kind) {
  const auto fail = [&](const std::string& why) {
    throw isa::Error("chip.range", entry.where,
                     fmt::format("{} = {}: {}", entry.parameter.key, entry.parameter.text, why));
  };
  const bool number = entry.kind == Kind::Real || entry.kind == Kind::Integer;
  if (kind == Kind::Bool && entry.kind != Kind::Bool) fail("must be true or false");
  if (kind == Kind::Layout && entry.kind != Kind::Layout)
    fail("must be a layout: ND, NZ, ZN or ZZ");
  if (kind == Kind::Real && !number) fail("must be a number");
  if (kind == Kind::Integer && entry.kind != Kind::Integer) fail("must be a whole number");
  if (entry.parameter.value < min || entry.parameter.value > max)
    fail(fmt::format("must be between {} and {}", min, max));
}

/// Fills a Chip entry by entry and keeps the parameter list beside it.
class Builder {
 public:
  explicit Builder(const ChipFile& file) : file_(file) { chip_.name = file.name; }

  void set(const Entry& entry) {
    Parameter p = entry.parameter;
    OpColumn column{};
    if (const Binding* b = find(detail::modelled_keys(), p.key)) {
      check_range(entry, b->min, b->max, b->kind);
      p.min = b->min, p.max = b->max;
      b->set(chip_, p.value);
    } else if (find_op_column(p.key, column)) {
      check_range(entry, 0, kMaxOpCost, Kind::Real);
      p.max = kMaxOpCost;
      chip_.vec.ops[static_cast<size_t>(column.op)].*column.member = p.value;
    } else if (const Binding* r = find(detail::recorded_keys(), p.key)) {
      check_range(entry, r->min, r->max, r->kind);
      p.min = r->min, p.max = r->max;
      p.modelled = false;
    } else {
      throw isa::Error("chip.unknown-key", entry.where,
                       fmt::format("unknown key '{}'; {}", p.key, known_keys_like(p.key)));
    }
    chip_.parameters[p.key] = std::move(p);
  }

  void apply_soc(const std::string& wanted) {
    const std::string name = wanted.empty() ? file_.default_soc : wanted;
    const auto it = std::find_if(file_.variants.begin(), file_.variants.end(),
                                 [&](const detail::Variant& v) { return v.name == name; });
    if (it == file_.variants.end()) {
      std::string list;
      for (const detail::Variant& v : file_.variants) list += (list.empty() ? "" : ", ") + v.name;
      throw isa::Error("chip.unknown-soc", file_.path,
                       fmt::format("no SoC '{}'; there are {}", name, list));
    }
    chip_.soc = name;
    for (const Entry& entry : it->entries) {
      Entry merged = entry;
      if (const auto base = chip_.parameters.find(entry.parameter.key);
          base != chip_.parameters.end())
        merged.parameter = base->second;
      merged.parameter.key = entry.parameter.key;
      merged.parameter.value = entry.parameter.value;
      merged.parameter.text = entry.parameter.text;
      merged.parameter.source = it->source;
      merged.parameter.confidence = it->confidence;
      set(merged);
    }
  }

  void apply_override(const std::string& text) {
    const size_t equals = text.find('=');
    const auto fail = [&](const std::string& why) {
      throw isa::Error("chip.override", fmt::format("'{}'", text), why);
    };
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
      fail("an override is key=value, as in mte2.latency=300");
    Entry entry;
    entry.where = fmt::format("'{}'", text);
    const std::string key = text.substr(0, equals);
    if (const auto it = chip_.parameters.find(key); it != chip_.parameters.end()) {
      entry.parameter = it->second;
    } else if (OpColumn column{}; !find_op_column(key, column)) {
      fail(fmt::format("unknown key '{}'; {}", key, known_keys_like(key)));
    }
    Parameter& p = entry.parameter;
    if (!p.modelled) fail(fmt::format("'{}' is recorded only, no model uses it", key));
    p.key = key;
    p.text = text.substr(equals + 1);
    if (!detail::parse_value(p.text, p.value, entry.kind))
      fail(fmt::format("'{}' is not a number, true, false or a layout", p.text));
    p.overridden = true;
    set(entry);
  }

  Chip finish() {
    for (const Binding& b : detail::modelled_keys())
      if (chip_.parameters.count(b.key) == 0) missing(b.key);
    for (int op = static_cast<int>(isa::Opcode::TADD); op <= static_cast<int>(isa::Opcode::TCONCAT);
         ++op)
      require_op(static_cast<isa::Opcode>(op));
    const auto require = [&](bool ok, const std::string& message) {
      if (!ok) throw isa::Error("chip.range", file_.path, message);
    };
    require(chip_.aiv == 2 * chip_.aic,
            fmt::format("soc.aiv = {} must be twice soc.aic = {}", chip_.aiv, chip_.aic));
    require(chip_.l2.line % chip_.l2.request == 0,
            fmt::format("l2.line = {} must be a multiple of l2.request = {}", chip_.l2.line,
                        chip_.l2.request));
    const int64_t window = chip_.runtime.task_window;
    require((window & (window - 1)) == 0,
            fmt::format("runtime.task_window = {} must be a power of two", window));
    return std::move(chip_);
  }

 private:
  void require_op(isa::Opcode op) const {
    for (const detail::OpMember& m : detail::op_members())
      if (chip_.parameters.count(fmt::format("vec.ops.{}.{}", isa::name(op), m.name)) != 0) return;
    missing(fmt::format("vec.ops.{}", isa::name(op)));
  }
  [[noreturn]] void missing(const std::string& key) const {
    throw isa::Error("chip.missing-key", file_.path, fmt::format("'{}' is missing", key));
  }

  const ChipFile& file_;
  Chip chip_;
};

}  // namespace

int64_t Chip::ps(double cycles) const {
  // A cycle is 1e6 / MHz picoseconds; the small bias keeps exact products from rounding up.
  return static_cast<int64_t>(std::ceil(cycles * 1e6 / clock_mhz - 1e-6));
}

std::vector<std::string> soc_names(const std::string& chip_name_or_path) {
  const ChipFile file = detail::read_chip_file(chip_name_or_path);
  std::vector<std::string> names = {file.default_soc};
  for (const detail::Variant& v : file.variants)
    if (v.name != file.default_soc) names.push_back(v.name);
  return names;
}

Chip load_chip(const std::string& chip_name_or_path, const std::string& soc,
               const std::vector<std::string>& overrides) {
  const ChipFile file = detail::read_chip_file(chip_name_or_path);
  Builder builder(file);
  for (const Entry& entry : file.entries) builder.set(entry);
  builder.apply_soc(soc);
  for (const std::string& text : overrides) builder.apply_override(text);
  return builder.finish();
}

}  // namespace chips
