// Declared knobs, presets and their resolution: one order of precedence whatever the user's order.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "kernels/program.h"

namespace kernels {

using Settings = std::vector<std::pair<std::string, std::string>>;

/// Giving the knob `knob` the value `value` also gives these (in order; a setting of another preset
/// knob expands in turn). `mode` restricts the preset to one mode ("" = all).
struct Preset {
  std::string knob;
  std::string value;
  Settings settings;
  std::string mode = "";
};

// Declarations read like a table.
Knob int_knob(std::string name, int64_t default_value, int64_t min, int64_t max, int64_t multiple,
              std::string doc);
Knob choice_knob(std::string name, std::vector<std::string> choices,
                 std::string doc);  ///< first = default
Knob flag_knob(std::string name, bool default_value, std::string doc);
/// The knobs as those of `part`: lists show them together.
std::vector<Knob> in_part(const std::string& part, std::vector<Knob> knobs);

/// The knobs of one program.
class KnobTable {
 public:
  KnobTable(std::string program, std::vector<std::string> modes, std::vector<Knob> knobs,
            std::vector<Preset> presets = {});

  /// Defaults, then the presets the user chose (in declaration order of their knobs), then single
  /// settings; of two settings of one knob the later wins. Errors: "kernel.mode", "knob.unknown",
  /// "knob.value". Illegal combinations are the program's business ("knob.conflict").
  Knobs resolve(const std::string& mode, const Settings& settings) const;

  const std::vector<Knob>& knobs() const { return knobs_; }
  const std::vector<std::string>& modes() const { return modes_; }

 private:
  const Knob& find(const std::string& name) const;
  bool is_preset(const std::string& name) const;
  void assign(Knobs& knobs, const std::string& mode, const std::string& name,
              const std::string& value) const;

  std::string program_;
  std::vector<std::string> modes_;
  std::vector<Knob> knobs_;
  std::vector<Preset> presets_;
};

/// The error every illegal combination ends in: "<program>: <reason> [knob.conflict]".
[[noreturn]] void conflict(const std::string& program, const std::string& reason);

}  // namespace kernels
