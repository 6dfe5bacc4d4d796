// Which chip-file key fills which member of Chip, and what it accepts: one table.
#pragma once

#include <string>
#include <vector>

#include "chips/chip.h"

namespace chips::detail {

enum class Kind { Real, Integer, Bool, Layout };

/// A key of the chip file. `set` is null for a fact that is recorded but drives no model.
struct Binding {
  std::string key;
  double min = 0, max = 0;
  Kind kind = Kind::Real;
  void (*set)(Chip& chip, double value) = nullptr;
};

/// Every key with a member (all required in a file).
const std::vector<Binding>& modelled_keys();
/// Keys a file may have for the record.
const std::vector<Binding>& recorded_keys();

/// A column of `[vec.ops.<opcode>]`.
struct OpMember {
  const char* name;
  double VectorOp::*member;
};
const std::vector<OpMember>& op_members();

}  // namespace chips::detail
