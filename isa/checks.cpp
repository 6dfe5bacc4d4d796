#include "isa/checks.h"

#include <fmt/format.h>

namespace isa {

std::string describe(const TileView& t) {
  return fmt::format("[{}x{}] {} (valid {}x{})", t.rows, t.cols, name(t.dtype), t.valid_rows,
                     t.valid_cols);
}

void reject_dtype(Opcode op, const TileView& t) {
  throw Error("isa.dtype", fmt::format("{} does not take {}", name(op), describe(t)));
}

void reject_shape(Opcode op, const std::string& message) {
  throw Error("isa.shape", fmt::format("{}: {}", name(op), message));
}

void require_area(Opcode op, const char* operand, const TileView& t, Area area) {
  if (!t.present()) reject_shape(op, fmt::format("{} is missing", operand));
  if (area.rows > t.rows || area.cols > t.cols)
    reject_shape(op, fmt::format("{} {} cannot hold {}x{} elements", operand, describe(t),
                                 area.rows, area.cols));
}

void require_same_dtype(Opcode op, const TileView& a, const TileView& b) {
  if (a.dtype != b.dtype)
    throw Error("isa.dtype",
                fmt::format("{}: {} and {} differ", name(op), describe(a), describe(b)));
}

void require_same_size(Opcode op, const TileView& a, const TileView& b) {
  if (size_of(a.dtype) != size_of(b.dtype))
    throw Error("isa.dtype", fmt::format("{}: elements of {} and {} differ in size", name(op),
                                         describe(a), describe(b)));
}

void require_column(Opcode op, const char* operand, const TileView& t, int64_t rows) {
  require_area(op, operand, t, {rows, 1});
  if (t.cols != 1 || (rows > 1 && t.stride != 1))
    reject_shape(op, fmt::format("{} {} with stride {} is not a contiguous column", operand,
                                 describe(t), t.stride));
}

}  // namespace isa
