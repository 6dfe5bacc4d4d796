// split(UP_DOWN) / split(LEFT_RIGHT): the half of every vector tile that a lane works on
// (kernel-language.md §3.3).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lang/record.h"
#include "lower/work.h"

namespace lower {

/// Along which axis the lanes share a value. Whole values are computed by both. A slice of a halved
/// value that lies in one half belongs to that lane, and so does what is made of it.
enum class HalfAxis : uint8_t { Whole, Rows, Cols, Lane0, Lane1 };

/// Axes of all values of a block: loads and hand-overs are halved along the split axis, results
/// follow their sources (through [M,1] <-> [1,M] views too).
std::vector<HalfAxis> infer_halves(const pl::BlockRecord& record, pl::SplitMode split);

/// The lane that alone executes the operation, because it works on a slice in that lane's half; -1
/// if both lanes execute it.
int owner_of(const pl::Op& op, const std::vector<HalfAxis>& axes,
             const std::vector<pl::ValueInfo>& values);

/// The lane's half of a view, or a slice as it lies in the lane's half. `axis` is the value's.
/// Error "lower.split" for a view that is neither whole along the axis nor in the lane's half, and
/// for an odd extent.
pl::TileRef half_ref(const pl::TileRef& ref, const pl::ValueInfo& value, HalfAxis axis, int lane,
                     const std::string& where);

/// The lane's part of a whole operand `ref` of an operation whose result is halved along `axis`: a
/// [1,M] row every lane has, seen as the [M,1] column of a tile of which the lane has M / 2 rows.
/// Operands that are broadcast along the axis stay as they are.
pl::TileRef lane_part(const pl::TileRef& ref, const pl::TileRef& result, HalfAxis axis, int lane);

/// The same cut of the GM window that `ref` (already whole, of a value with `axis`) moves.
isa::GmAccess half_gm(const isa::GmAccess& gm, const pl::TileRef& ref, const pl::ValueInfo& value,
                      HalfAxis axis, int lane);

/// How a view sees its value's axis: a [1,M] view of an [M,1] value is cut by columns.
HalfAxis seen_axis(const pl::TileRef& ref, const pl::ValueInfo& value, HalfAxis axis);

/// Makes a value's storage the half tile (the same in both lanes); idempotent.
void shrink(Value& value, HalfAxis axis, const pl::ValueInfo& whole);

}  // namespace lower
