#include "lower/expand.h"

#include <algorithm>

#include "isa/error.h"
#include "isa/semantics.h"

namespace lower {
namespace {

using isa::DType;
using isa::Instr;
using isa::Opcode;
using isa::TileOperand;
using pl::Op;

constexpr int kReductionScratchCols = 128;  // kernel-language.md §1.3

Value scratch_tile(DType dtype, int rows, int cols, isa::SiteId site) {
  Value v;
  v.dtype = dtype;
  v.rows = v.tile_rows = static_cast<uint16_t>(rows);
  v.cols = v.stride = static_cast<uint16_t>(cols);
  v.site = site;
  v.bytes = value_bytes(v);
  return v;
}

/// Bounds of a row padded to whole 32 B blocks, as vector instructions write them.
int block_cols(DType dtype, int cols) {
  return isa::round_up(cols, static_cast<int32_t>(32 / isa::size_of(dtype)));
}

/// Error "lower.cast", or true when the conversion goes by way of FP32.
bool needs_detour(const Op& op, const chips::Chip& chip, const std::string& where,
                  const std::vector<std::string>& sites) {
  const DType from = op.src[0].dtype, to = op.dst.dtype;
  const bool wide = chip.wide_casts;
  if (isa::cast_supported(from, to, wide)) return false;
  if (isa::cast_by_detour(from, to, wide)) return true;
  throw isa::Error("lower.cast", where,
                   site_text(sites, op.site) + ": " + chip.name + " has no conversion " +
                       std::string(isa::name(from)) + " -> " + std::string(isa::name(to)));
}

}  // namespace

void add_scratch(BlockWork& work, int stream, const chips::Chip& chip,
                 const std::vector<std::string>& sites) {
  for (Item& item : work.streams[static_cast<size_t>(stream)]) {
    if (!is_instr(item)) continue;
    const Op& op = *item.op;
    switch (op.opcode) {
      case Opcode::TROWSUM:
      case Opcode::TROWMAX:
      case Opcode::TROWMIN:
      case Opcode::TROWARGMAX:
        item.scratch = work.add_value(
            scratch_tile(op.src[0].dtype, op.src[0].rows,
                         std::max<int>(op.src[0].cols, kReductionScratchCols), op.site));
        break;
      case Opcode::TRSQRT:
        if (op.attr.high_precision)
          item.scratch =
              work.add_value(scratch_tile(op.src[0].dtype, op.src[0].rows,
                                          block_cols(op.src[0].dtype, op.src[0].cols), op.site));
        break;
      case Opcode::TGATHER:
        item.scratch = work.add_value(
            scratch_tile(op.dst.dtype, 1, block_cols(op.dst.dtype, op.dst.cols), op.site));
        break;
      case Opcode::TCVT:
        if (needs_detour(op, chip, work.where, sites))
          item.scratch = work.add_value(scratch_tile(
              DType::F32, op.src[0].rows, block_cols(DType::F32, op.src[0].cols), op.site));
        break;
      case Opcode::TSCATTERM:
        if (!chip.mask_scatter)
          throw isa::Error(
              "lower.mask-scatter", work.where,
              site_text(sites, op.site) + ": " + chip.name + " has no mask form of scatter");
        break;
      default:
        break;
    }
  }
}

namespace {

TileOperand row_of(const TileOperand& t, int row) {
  TileOperand w = t;
  w.row0 = static_cast<uint16_t>(t.row0 + row);
  w.rows = 1;
  w.valid_rows = row < t.valid_rows ? 1 : 0;
  return w;
}

TileOperand shaped_like(const TileOperand& scratch, const TileOperand& like) {
  TileOperand w = scratch;
  w.rows = like.rows;
  w.cols = like.cols;
  w.valid_rows = like.valid_rows;
  w.valid_cols = like.valid_cols;
  return w;
}

}  // namespace

void emit_gather(const Instr& whole, const TileOperand& row, std::vector<Instr>& out) {
  const int rows = std::min<int>(whole.dst.rows, std::max<int>(whole.dst.valid_rows, 1));
  for (int r = 0; r < rows; ++r) {
    const TileOperand result = row_of(whole.dst, r);
    Instr gather = whole;
    gather.src[0] = row_of(whole.src[0], r);
    gather.src[1] = row_of(whole.src[1], r);
    gather.dst = shaped_like(row, result);
    gather.barrier = true;
    out.push_back(gather);

    Instr move = whole;
    move.op = Opcode::TMOV;
    move.attr = {};
    move.n_src = 1;
    move.src = {};
    move.src[0] = gather.dst;
    move.dst = result;
    move.barrier = true;
    out.push_back(move);
  }
}

void emit_cast_detour(const Instr& cast, const TileOperand& through, std::vector<Instr>& out) {
  Instr widen = cast;
  widen.dst = shaped_like(through, cast.src[0]);
  out.push_back(widen);
  Instr narrow = cast;
  narrow.src[0] = widen.dst;
  out.push_back(narrow);
}

}  // namespace lower
