// Operand checks shared by the instruction semantics.
#pragma once

#include <string>

#include "isa/error.h"
#include "isa/semantics.h"

namespace isa {

/// "[16x128] FP32 (valid 8x128)".
std::string describe(const TileView& t);

struct Area {
  int64_t rows, cols;
};
inline Area valid_area(const TileView& t) { return {t.valid_rows, t.valid_cols}; }

/// The operand must hold `area`. Error "isa.shape".
void require_area(Opcode op, const char* operand, const TileView& t, Area area);
/// Error "isa.dtype" unless the types are equal / of one size.
void require_same_dtype(Opcode op, const TileView& a, const TileView& b);
void require_same_size(Opcode op, const TileView& a, const TileView& b);
[[noreturn]] void reject_dtype(Opcode op, const TileView& t);
[[noreturn]] void reject_shape(Opcode op, const std::string& message);

/// A column [M,1] must be contiguous. Error "isa.shape".
void require_column(Opcode op, const char* operand, const TileView& t, int64_t rows);

}  // namespace isa
