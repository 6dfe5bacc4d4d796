#include "lower/spaces.h"

#include <algorithm>

#include "isa/error.h"
#include "lower/work.h"

namespace lower {
namespace {

using isa::MemSpace;
using isa::Opcode;
using pl::Op;

bool has_tiles(const Op& op) { return op.kind == Op::Kind::Instr; }

/// A constant-zero fill of an accumulator is no vector operation: the first product just does not
/// accumulate (split.cpp drops the fill).
bool zero_fill(const Op& op) { return op.opcode == Opcode::TEXPANDS && op.attr.imm == 0; }

void note_matmul(const Op& op, std::vector<uint8_t>& use) {
  use[op.dst.value.value] |= kMatmulDst;
  for (int i = 0; i < 2; ++i) use[op.src[i].value.value] |= kOperand;
}

void note_other(const Op& op, const std::string& where, const std::vector<std::string>& sites,
                std::vector<uint8_t>& use) {
  const bool load = op.opcode == Opcode::TLOAD, store = op.opcode == Opcode::TSTORE;
  if (op.dst.present()) {
    uint8_t& u = use[op.dst.value.value];
    if (u & kMatmulDst) {
      if (!zero_fill(op))
        throw isa::Error("lower.space-conflict", where,
                         site_text(sites, op.site) + ": " + std::string(isa::name(op.opcode)) +
                             " writes a matmul accumulator, which lives in L0C");
    } else {
      u |= load ? kLoaded : kVecWritten;
    }
  }
  for (int i = 0; i < op.n_src; ++i)
    if (op.src[i].present()) use[op.src[i].value.value] |= store ? kStored : kVecRead;
}

MemSpace space_of(const pl::ValueInfo& info, uint8_t use) {
  if ((use & kMatmulDst) || info.space == pl::TileSpace::Acc) return MemSpace::L0C;
  if (info.space == pl::TileSpace::Mat) return MemSpace::L1;
  if (info.space == pl::TileSpace::Vec) return MemSpace::UB;
  return (use & kOperand) && (use & kLoaded) && !(use & kVecWritten) ? MemSpace::L1 : MemSpace::UB;
}

/// Does this operation (not a matmul) need a vector core?
bool needs_vector(const Op& op, const BlockSpaces& s) {
  switch (op.opcode) {
    case Opcode::TLOAD:
      return !s.dead(op.dst.value) &&
             (s.space[op.dst.value.value] == MemSpace::UB || s.twin(op.dst.value));
    case Opcode::TSTORE:
      return s.space[op.src[0].value.value] != MemSpace::L0C;
    case Opcode::SREAD:
      return op.src[0].present();
    case Opcode::SWRITE:
      return op.dst.present();
    case Opcode::SWORK:
    case Opcode::DCCI:
    case Opcode::SYNCALL:
    case Opcode::TNOTIFY:
    case Opcode::TWAIT:
      return false;
    default:
      return !(zero_fill(op) && s.space[op.dst.value.value] == MemSpace::L0C);
  }
}

/// The windows of one product that vector operations have read since it was last written.
struct WindowsRead {
  std::vector<pl::TileRef> windows;
  bool in_pieces = true;
  int64_t largest_elements = 0;

  void read(const pl::TileRef& ref, const pl::ValueInfo& info) {
    const auto same = [&](const pl::TileRef& w) {
      return w.offset == ref.offset && w.rows == ref.rows && w.cols == ref.cols;
    };
    if (!windows.empty() && same(windows.back())) return;
    constexpr uint32_t kFractal = 16;
    const uint32_t row = ref.offset / info.stride, col = ref.offset % info.stride;
    in_pieces &= ref.stride == info.stride && row % kFractal == 0 && ref.rows % kFractal == 0 &&
                 col % kFractal == 0 && ref.cols % kFractal == 0 &&
                 std::none_of(windows.begin(), windows.end(), same);
    windows.push_back(ref);
    largest_elements = std::max<int64_t>(largest_elements, int64_t{ref.rows} * ref.cols);
  }
};

void find_windows(const pl::BlockRecord& record, BlockSpaces& s) {
  const size_t n = record.values.size();
  std::vector<WindowsRead> read(n);
  for (const Op& op : record.ops) {
    if (!has_tiles(op)) continue;
    if (!is_matmul(op.opcode) && op.opcode != Opcode::TSTORE)
      for (int i = 0; i < op.n_src; ++i) {
        if (!op.src[i].present()) continue;
        const uint32_t v = op.src[i].value.value;
        if (s.space[v] != MemSpace::L0C) continue;
        read[v].read(op.src[i], record.values[v]);
        for (int j = 0; j < i; ++j)  // one operation takes a value from one place
          read[v].in_pieces &= op.src[j].value.value != v || op.src[j].offset == op.src[i].offset;
      }
    if (op.dst.present()) read[op.dst.value.value].windows.clear();
  }
  s.windowed.assign(n, false);
  for (size_t v = 0; v < n; ++v) {
    if (s.space[v] != MemSpace::L0C || !(s.use[v] & kVecRead)) continue;
    const pl::ValueInfo& info = record.values[v];
    s.windowed[v] = read[v].in_pieces;
    int64_t bytes =
        isa::tile_bytes(isa::Layout::NZ, MemSpace::L1, info.dtype, info.rows, info.cols);
    if (s.windowed[v])
      bytes = read[v].largest_elements * static_cast<int64_t>(isa::size_of(info.dtype));
    s.cube_to_vector_windows = std::max(s.cube_to_vector_windows, bytes);
  }
}

}  // namespace

BlockSpaces infer_spaces(const pl::BlockRecord& record, const std::string& where,
                         const std::vector<std::string>& sites) {
  BlockSpaces s;
  const size_t n = record.values.size();
  s.use.assign(n, 0);
  for (const Op& op : record.ops)
    if (has_tiles(op) && is_matmul(op.opcode)) {
      note_matmul(op, s.use);
      s.has_cube = true;
    }
  for (const Op& op : record.ops) {
    if (has_tiles(op) && !is_matmul(op.opcode)) note_other(op, where, sites, s.use);
    s.has_lanes |= op.kind == Op::Kind::LaneBegin;
  }

  s.space.resize(n);
  for (size_t v = 0; v < n; ++v) s.space[v] = space_of(record.values[v], s.use[v]);

  for (const Op& op : record.ops)
    if (has_tiles(op) && !is_matmul(op.opcode) && needs_vector(op, s)) {
      s.has_vector = true;
      break;
    }
  for (size_t v = 0; v < n; ++v) {
    const pl::ValueInfo& info = record.values[v];
    const int64_t bytes =
        isa::tile_bytes(isa::Layout::NZ, MemSpace::L1, info.dtype, info.rows, info.cols);
    if (s.space[v] == MemSpace::L0C && (s.use[v] & kVecRead))
      s.cube_to_vector = std::max(s.cube_to_vector, bytes);
    if (s.space[v] == MemSpace::UB && (s.use[v] & kOperand))
      s.vector_to_cube = std::max(s.vector_to_cube, bytes);
  }
  if (s.cube_to_vector > 0) find_windows(record, s);
  return s;
}

}  // namespace lower
