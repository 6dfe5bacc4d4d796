// A chip file as flat entries, checked for form but not yet for meaning.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "chips/bindings.h"
#include "chips/chip.h"

namespace chips::detail {

/// Where a value stands, for messages: "chips/a5.toml:17".
struct Entry {
  Parameter parameter;     ///< key, value, text, unit, source, confidence, note
  Kind kind = Kind::Real;  ///< how the value was written
  std::string where;
};

/// A SoC variant: overriding entries (key and value only).
struct Variant {
  std::string name;
  std::string source, confidence;
  std::vector<Entry> entries;
};

struct ChipFile {
  std::string path;  ///< for messages
  std::string name;  ///< "a2a3"
  std::string default_soc;
  std::vector<Entry> entries;     ///< in file order
  std::vector<Variant> variants;  ///< in file order
};

/// Reads a built-in name or a path. Errors: chip.file, chip.syntax, chip.unknown-key,
/// chip.missing-key.
ChipFile read_chip_file(const std::string& name_or_path);

/// A value as written in a file or an override: a number, true/false or a layout name.
/// False if `text` is none of them.
bool parse_value(const std::string& text, double& value, Kind& kind);

}  // namespace chips::detail
