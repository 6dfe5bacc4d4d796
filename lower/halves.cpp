#include "lower/halves.h"

#include <algorithm>

#include "isa/error.h"

namespace lower {
namespace {

using isa::Opcode;
using pl::Op;
using pl::TileRef;

HalfAxis split_axis(pl::SplitMode split) {
  return split == pl::SplitMode::UpDown ? HalfAxis::Rows : HalfAxis::Cols;
}

int extent(const TileRef& ref, HalfAxis axis) {
  return axis == HalfAxis::Rows ? ref.rows : ref.cols;
}

bool is_halved(HalfAxis axis) { return axis == HalfAxis::Rows || axis == HalfAxis::Cols; }

/// The half a strict slice of a halved value lies in; -1 for whole views, values that are not
/// halved and slices across the middle.
int half_of_slice(const TileRef& ref, const pl::ValueInfo& value, HalfAxis value_axis) {
  if (!is_halved(value_axis) || ref.stride != value.stride) return -1;
  const bool by_rows = value_axis == HalfAxis::Rows;
  const int whole = by_rows ? value.rows : value.cols;
  const int seen = extent(ref, seen_axis(ref, value, value_axis));
  const int stride = std::max<int>(value.stride, 1), offset = static_cast<int>(ref.offset);
  const int from = by_rows ? offset / stride : offset % stride;
  if (seen >= whole || whole % 2 != 0) return -1;
  if (from + seen <= whole / 2) return 0;
  return from >= whole / 2 ? 1 : -1;
}

/// A slice where it lies in the storage of the lane's half.
TileRef slice_in_half(const TileRef& ref, const pl::ValueInfo& value, HalfAxis value_axis,
                      int lane) {
  TileRef part = ref;
  if (value_axis == HalfAxis::Rows) {
    part.offset -= static_cast<uint32_t>(lane * (value.rows / 2) * value.stride);
    return part;
  }
  const uint32_t pitch = value.stride == value.cols ? value.stride / 2U : value.stride;
  const uint32_t row = ref.offset / value.stride, col = ref.offset % value.stride;
  part.offset = row * pitch + col - static_cast<uint32_t>(lane * (value.cols / 2));
  part.stride = static_cast<uint16_t>(pitch);
  return part;
}

HalfAxis axis_of_result(const Op& op, const std::vector<HalfAxis>& axes,
                        const std::vector<pl::ValueInfo>& values, HalfAxis split) {
  const int owner = owner_of(op, axes, values);
  if (owner >= 0) return owner == 0 ? HalfAxis::Lane0 : HalfAxis::Lane1;
  HalfAxis seen = HalfAxis::Whole;
  for (int s = 0; s < op.n_src && seen == HalfAxis::Whole; ++s)
    if (op.src[s].present())
      seen = seen_axis(op.src[s], values[op.src[s].value.value], axes[op.src[s].value.value]);
  if (op.opcode == Opcode::TTRANS && seen != HalfAxis::Whole)
    return seen == HalfAxis::Rows ? HalfAxis::Cols : HalfAxis::Rows;
  if (op.n_src == 0) return extent(op.dst, split) > 1 ? split : HalfAxis::Whole;
  return seen != HalfAxis::Whole && extent(op.dst, seen) > 1 ? seen : HalfAxis::Whole;
}

}  // namespace

HalfAxis seen_axis(const TileRef& ref, const pl::ValueInfo& value, HalfAxis axis) {
  if (axis == HalfAxis::Rows && value.rows > 1 && ref.rows == 1 && value.cols == 1)
    return HalfAxis::Cols;
  if (axis == HalfAxis::Cols && value.rows == 1 && ref.cols == 1) return HalfAxis::Rows;
  return axis;
}

std::vector<HalfAxis> infer_halves(const pl::BlockRecord& record, pl::SplitMode split) {
  std::vector<HalfAxis> axes(record.values.size(), HalfAxis::Whole);
  if (split == pl::SplitMode::None) return axes;
  const HalfAxis along = split_axis(split);
  for (const Op& op : record.ops) {
    if (op.kind != Op::Kind::Instr || !op.dst.present()) continue;
    const pl::ValueInfo& v = record.values[op.dst.value.value];
    HalfAxis& axis = axes[op.dst.value.value];
    const bool source = op.opcode == Opcode::TLOAD || op.opcode == Opcode::TMATMUL ||
                        op.opcode == Opcode::TMATMUL_ACC;
    if (source)
      axis = (along == HalfAxis::Rows ? v.rows : v.cols) > 1 ? along : HalfAxis::Whole;
    else if (axis == HalfAxis::Whole)
      axis = axis_of_result(op, axes, record.values, along);
  }
  return axes;
}

int owner_of(const Op& op, const std::vector<HalfAxis>& axes,
             const std::vector<pl::ValueInfo>& values) {
  const auto lane_of = [&](const TileRef& ref) {
    if (!ref.present()) return -1;
    const HalfAxis axis = axes[ref.value.value];
    if (axis == HalfAxis::Lane0 || axis == HalfAxis::Lane1) return axis == HalfAxis::Lane0 ? 0 : 1;
    return half_of_slice(ref, values[ref.value.value], axis);
  };
  for (int s = 0; s < op.n_src; ++s)
    if (const int lane = lane_of(op.src[s]); lane >= 0) return lane;
  return lane_of(op.dst);
}

TileRef half_ref(const TileRef& ref, const pl::ValueInfo& value, HalfAxis value_axis, int lane,
                 const std::string& where) {
  const HalfAxis axis = seen_axis(ref, value, value_axis);
  if (!is_halved(axis)) return ref;
  if (half_of_slice(ref, value, value_axis) == lane)
    return slice_in_half(ref, value, value_axis, lane);
  const bool rows = axis == HalfAxis::Rows;
  const int whole = value_axis == HalfAxis::Rows ? value.rows : value.cols;
  const int seen = rows ? ref.rows : ref.cols;
  if (seen != whole || seen % 2 != 0)
    throw isa::Error("lower.split", where,
                     "a view of " + std::to_string(ref.rows) + "x" + std::to_string(ref.cols) +
                         " cannot be halved for the two vector lanes");
  TileRef half = ref;
  const int cut = seen / 2, from = lane * cut;
  uint16_t& extent_now = rows ? half.rows : half.cols;
  uint16_t& valid = rows ? half.valid_rows : half.valid_cols;
  extent_now = static_cast<uint16_t>(cut);
  valid = static_cast<uint16_t>(std::clamp(valid - from, 0, cut));
  // The lane's storage is the half tile: a column cut halves the pitch.
  if (value_axis == HalfAxis::Cols && ref.stride == value.stride && value.stride == value.cols) {
    half.offset = ref.offset / std::max<uint32_t>(value.stride, 1) * (value.stride / 2U);
    half.stride = static_cast<uint16_t>(value.stride / 2);
  }
  return half;
}

TileRef lane_part(const TileRef& ref, const TileRef& result, HalfAxis axis, int lane) {
  if (!is_halved(axis) || extent(ref, axis) < 2 || extent(ref, axis) != extent(result, axis))
    return ref;
  const bool rows = axis == HalfAxis::Rows;
  const int cut = extent(ref, axis) / 2, from = lane * cut;
  TileRef part = ref;
  part.offset += static_cast<uint32_t>(from * (rows ? ref.stride : 1));
  uint16_t& extent_now = rows ? part.rows : part.cols;
  uint16_t& valid = rows ? part.valid_rows : part.valid_cols;
  extent_now = static_cast<uint16_t>(cut);
  valid = static_cast<uint16_t>(std::clamp(valid - from, 0, cut));
  return part;
}

isa::GmAccess half_gm(const isa::GmAccess& gm, const TileRef& ref, const pl::ValueInfo& value,
                      HalfAxis value_axis, int lane) {
  const HalfAxis axis = seen_axis(ref, value, value_axis);
  if (!is_halved(axis) || half_of_slice(ref, value, value_axis) >= 0) return gm;
  isa::GmAccess half = gm;
  const int cut = (axis == HalfAxis::Rows ? ref.rows : ref.cols) / 2, from = lane * cut;
  if (axis == HalfAxis::Rows) {
    half.rows = std::clamp(gm.rows - from, 0, cut);
    if (half.rows > 0) half.offset += from * gm.row_stride;
  } else {
    half.cols = std::clamp(gm.cols - from, 0, cut);
    if (half.cols > 0) half.offset += from;
  }
  return half;
}

void shrink(Value& value, HalfAxis axis, const pl::ValueInfo& whole) {
  if (axis == HalfAxis::Rows && value.rows == whole.rows)
    value.rows = value.tile_rows = static_cast<uint16_t>(whole.rows / 2);
  if (axis == HalfAxis::Cols && value.cols == whole.cols) {
    value.cols = static_cast<uint16_t>(whole.cols / 2);
    if (whole.stride == whole.cols) value.stride = static_cast<uint16_t>(whole.stride / 2);
  }
  if (!value.fixed) value.bytes = value_bytes(value);
}

}  // namespace lower
