#include "chips/chip_file.h"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <sstream>
#include <string_view>

#include "chips/builtin.h"
#include "isa/error.h"

namespace chips::detail {
namespace {

constexpr std::array<std::string_view, 4> kConfidences = {"measured", "documented", "calibrated",
                                                          "guess"};

std::string at(const std::string& path, const toml::source_region& region) {
  return fmt::format("{}:{}", path, region.begin.line);
}

/// Turns one parsed document into a ChipFile.
class Reader {
 public:
  Reader(std::string path, const toml::table& root) : root_(root) { file_.path = std::move(path); }

  ChipFile read() {
    for (const auto& [key, node] : root_) {
      const std::string section(key.str());
      if (section == "name") {
        file_.name = text_of(node, section);
      } else if (const toml::table* table = node.as_table()) {
        if (section == "soc") {
          read_soc(*table);
        } else {
          read_section(section, *table);
        }
      } else {
        throw unknown(node, section, "only 'name' and sections stand at the top level");
      }
    }
    if (file_.name.empty()) throw missing("name");
    if (file_.default_soc.empty()) throw missing("soc.default");
    in_file_order(file_.entries);
    return std::move(file_);
  }

 private:
  isa::Error unknown(const toml::node& node, const std::string& key, const std::string& why) const {
    return isa::Error("chip.unknown-key", at(file_.path, node.source()),
                      fmt::format("unknown key '{}': {}", key, why));
  }
  isa::Error missing(const std::string& key) const {
    return isa::Error("chip.missing-key", file_.path, fmt::format("'{}' is missing", key));
  }

  std::string text_of(const toml::node& node, const std::string& key) const {
    if (const auto text = node.value_exact<std::string>()) return *text;
    throw isa::Error("chip.range", at(file_.path, node.source()),
                     fmt::format("'{}' must be a text in quotes", key));
  }

  void read_soc(const toml::table& table) {
    for (const auto& [key, node] : table) {
      const std::string name(key.str());
      const toml::table* sub = node.as_table();
      if (name == "default") {
        file_.default_soc = text_of(node, "soc.default");
      } else if (sub != nullptr && !sub->contains("value")) {
        read_variant(name, *sub);
      } else {
        read_parameter("soc." + name, node);
      }
    }
    std::sort(file_.variants.begin(), file_.variants.end(),
              [this](const Variant& a, const Variant& b) { return line(a.name) < line(b.name); });
  }

  size_t line(const std::string& variant) const {
    return root_["soc"][variant].node()->source().begin.line;
  }

  void read_section(const std::string& section, const toml::table& table) {
    for (const auto& [key, node] : table) {
      const std::string name = section + "." + std::string(key.str());
      if (name == "vec.ops") {
        if (const toml::table* ops = node.as_table()) {
          for (const auto& [op, columns] : *ops)
            read_op("vec.ops." + std::string(op.str()), columns);
          continue;
        }
      }
      read_parameter(name, node);
    }
  }

  /// { value = .., unit = "..", source = "..", confidence = "..", note = ".." }
  void read_parameter(const std::string& key, const toml::node& node) {
    const toml::table* table = node.as_table();
    if (table == nullptr || table->get("value") == nullptr)
      throw isa::Error("chip.missing-key", at(file_.path, node.source()),
                       fmt::format("'{}' needs {{ value, unit, source, confidence }}", key));
    Entry entry = with_origin(key, node, *table, {"value"});
    read_value(*table->get("value"), key, entry);
    file_.entries.push_back(entry);
  }

  /// { head = .., slope = .., ..., unit, source, confidence } : one parameter per column.
  void read_op(const std::string& key, const toml::node& node) {
    const toml::table* table = node.as_table();
    if (table == nullptr)
      throw isa::Error("chip.missing-key", at(file_.path, node.source()),
                       fmt::format("'{}' needs {{ head, slope, tail, source, confidence }}", key));
    std::vector<std::string_view> columns;
    for (const OpMember& m : op_members()) columns.push_back(m.name);
    const Entry origin = with_origin(key, node, *table, columns);
    for (const std::string_view column : columns) {
      const toml::node* cell = table->get(column);
      if (cell == nullptr) continue;
      Entry entry = origin;
      entry.parameter.key = fmt::format("{}.{}", key, column);
      read_value(*cell, entry.parameter.key, entry);
      file_.entries.push_back(entry);
    }
  }

  void read_variant(const std::string& name, const toml::table& table) {
    Variant variant;
    variant.name = name;
    for (const auto& [key, node] : table) {
      const std::string section(key.str());
      if (section == "source") {
        variant.source = text_of(node, section);
      } else if (section == "confidence") {
        variant.confidence = confidence_of(node);
      } else if (const toml::table* sub = node.as_table()) {
        for (const auto& [member, value] : *sub) {
          Entry entry;
          entry.parameter.key = section + "." + std::string(member.str());
          entry.where = at(file_.path, value.source());
          read_value(value, entry.parameter.key, entry);
          variant.entries.push_back(entry);
        }
      } else {
        throw unknown(node, "soc." + name + "." + section, "a variant sets section.key = value");
      }
    }
    for (const auto& [field, text] :
         {std::pair{"source", &variant.source}, {"confidence", &variant.confidence}})
      if (text->empty()) throw missing(fmt::format("soc.{}.{}", name, field));
    in_file_order(variant.entries);
    file_.variants.push_back(variant);
  }

  Entry with_origin(const std::string& key, const toml::node& node, const toml::table& table,
                    const std::vector<std::string_view>& value_columns) const {
    Entry entry;
    entry.where = at(file_.path, node.source());
    Parameter& p = entry.parameter;
    p.key = key;
    for (const auto& [field, cell] : table) {
      const std::string_view name = field.str();
      if (std::find(value_columns.begin(), value_columns.end(), name) != value_columns.end())
        continue;
      if (name == "unit") {
        p.unit = text_of(cell, key + ".unit");
      } else if (name == "source") {
        p.source = text_of(cell, key + ".source");
      } else if (name == "confidence") {
        p.confidence = confidence_of(cell);
      } else if (name == "note") {
        p.note = text_of(cell, key + ".note");
      } else {
        throw unknown(cell, key + "." + std::string(name), "not a field of a parameter");
      }
    }
    for (const auto& [field, text] :
         {std::pair{"unit", &p.unit}, {"source", &p.source}, {"confidence", &p.confidence}})
      if (text->empty())
        throw isa::Error("chip.missing-key", entry.where,
                         fmt::format("'{}' has no {}", key, field));
    return entry;
  }

  std::string confidence_of(const toml::node& node) const {
    const std::string text = text_of(node, "confidence");
    if (std::find(kConfidences.begin(), kConfidences.end(), text) != kConfidences.end())
      return text;
    throw isa::Error(
        "chip.range", at(file_.path, node.source()),
        fmt::format("confidence '{}' is none of {}", text, fmt::join(kConfidences, ", ")));
  }

  void read_value(const toml::node& node, const std::string& key, Entry& entry) const {
    entry.where = at(file_.path, node.source());
    std::string text;
    if (const auto* number = node.as_integer()) {
      text = fmt::format("{}", number->get());
    } else if (const auto* real = node.as_floating_point()) {
      text = fmt::format("{}", real->get());
    } else if (const auto* flag = node.as_boolean()) {
      text = flag->get() ? "true" : "false";
    } else if (const auto* word = node.as_string()) {
      text = word->get();
    }
    entry.parameter.text = text;
    if (!parse_value(text, entry.parameter.value, entry.kind))
      throw isa::Error("chip.range", entry.where,
                       fmt::format("'{}' is not a number, true, false or a layout", key));
  }

  // toml++ keeps tables sorted by key; `a2a3sim chip` lists them as the file does.
  static void in_file_order(std::vector<Entry>& entries) {
    std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      const auto line = [](const Entry& e) {
        return std::stoul(e.where.substr(e.where.rfind(':') + 1));
      };
      return line(a) < line(b);
    });
  }

  const toml::table& root_;
  ChipFile file_;
};

std::string text_of_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (in && in.peek() != std::ifstream::traits_type::eof()) text << in.rdbuf();
  if (in.bad() || !(in || in.eof()))
    throw isa::Error("chip.file", path,
                     "cannot be read; a chip is 'a2a3', 'a5' or the path of a .toml file");
  return text.str();
}

}  // namespace

bool parse_value(const std::string& text, double& value, Kind& kind) {
  if (text == "true" || text == "false") {
    value = text == "true" ? 1 : 0;
    kind = Kind::Bool;
    return true;
  }
  for (int i = 0; i < 4; ++i)
    if (text == isa::name(static_cast<isa::Layout>(i))) {
      value = i;
      kind = Kind::Layout;
      return true;
    }
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || !(value - value == 0)) return false;  // also inf, nan
  kind = value == static_cast<double>(static_cast<int64_t>(value)) ? Kind::Integer : Kind::Real;
  return true;
}

ChipFile read_chip_file(const std::string& name_or_path) {
  const std::string_view builtin = builtin_text(name_or_path);
  const std::string path =
      builtin.empty() ? name_or_path : fmt::format("chips/{}.toml", name_or_path);
  const std::string text = builtin.empty() ? text_of_file(path) : std::string(builtin);
  toml::table root;
  try {
    root = toml::parse(text, path);
  } catch (const toml::parse_error& e) {
    std::string why(e.description());
    std::replace(why.begin(), why.end(), '\n', ' ');
    throw isa::Error("chip.syntax", at(path, e.source()), why);
  }
  return Reader(path, root).read();
}

}  // namespace chips::detail
