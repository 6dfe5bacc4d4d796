// Access to operands and GM windows: bounds, alignment, order, initialisation, row-major views.
#include <fmt/format.h>

#include <cstring>

#include "isa/error.h"
#include "isa/interpreter_block.h"

namespace isa::interp {

// --- operands --------------------------------------------------------------------------------

LocalMemory& BlockRun::memory_of(int stream, const TileOperand& o, size_t position) {
  LocalMemory* m = memory_.at(stream, o.space);
  if (m == nullptr)
    throw Error("isa.operand", fmt::format("{} {}: an {} has no such memory", kRoles[position],
                                           describe(o), stream == 0 ? "AIC" : "AIV"));
  return *m;
}

TileView BlockRun::scratch_view(const TileOperand& o, size_t position) {
  TileView v;
  v.dtype = o.dtype;
  v.rows = o.rows;
  v.cols = o.cols;
  v.valid_rows = o.valid_rows;
  v.valid_cols = o.valid_cols;
  v.stride = o.cols;
  v.data = scratch_.get(
      position, static_cast<int64_t>(o.rows) * o.cols * static_cast<int64_t>(size_of(o.dtype)));
  return v;
}

TileView BlockRun::read(const TileOperand& o, int32_t rows, int32_t cols, size_t position,
                        bool scalar) {
  LocalMemory& m = memory_of(stream_, o, position);
  m.check(o, kRoles[position], scalar, o.space == MemSpace::L1);
  scratch_.ranges.clear();
  append_byte_ranges(o, rows, cols, scratch_.ranges);
  order_.read(memory_.accesses(stream_, o.space), scratch_.ranges);
  m.require_written(scratch_.ranges, o, kRoles[position]);
  if (o.layout == Layout::ND) return nd_view(o, m.bytes());
  const TileView v = scratch_view(o, position);
  gather(o, rows, cols, m.bytes(), v.data, v.stride);
  return v;
}

TileView BlockRun::begin_write(int stream, const TileOperand& o, int32_t rows, int32_t cols,
                               size_t position, bool scalar) {
  LocalMemory& m = memory_of(stream, o, position);
  m.check(o, kRoles[position], scalar, false);
  scratch_.ranges.clear();
  append_byte_ranges(o, rows, cols, scratch_.ranges);
  order_.write(memory_.accesses(stream, o.space), scratch_.ranges);
  return o.layout == Layout::ND ? nd_view(o, m.bytes()) : scratch_view(o, position);
}

void BlockRun::commit(int stream, const TileOperand& o, const TileView& view, int32_t rows,
                      int32_t cols) {
  LocalMemory& m = memory_of(stream, o, kDst);
  if (o.layout != Layout::ND) scatter(o, rows, cols, view.data, view.stride, m.bytes());
  scratch_.ranges.clear();
  append_byte_ranges(o, rows, cols, scratch_.ranges);
  m.mark_written(scratch_.ranges);
}

// --- GM --------------------------------------------------------------------------------------

BlockRun::GmCopy BlockRun::gm_copy(const GmAccess& gm) {
  const uint32_t own = gm.buffer.value;
  if (own >= gm_.bytes.size())
    throw Error("isa.out-of-bounds", fmt::format("GM buffer {} does not exist", own));
  if (!gm.remote()) return {gm_, own};
  const GmBuffer& buffer = graph_.buffer(gm.buffer);
  const auto ranks = world_ == nullptr ? 0 : static_cast<int>(world_->graphs.size());
  if (buffer.window == GmBuffer::kNoWindow || gm.peer < 0 || gm.peer >= ranks)
    throw Error("isa.peer",
                fmt::format("GM {}: rank {} of {} has no copy of it", buffer.name, gm.peer, ranks));
  const auto peer = static_cast<size_t>(gm.peer);
  const BufferId there = world_->graphs[peer]->window_buffer(buffer.window);
  if (!there.valid())
    throw Error("isa.peer",
                fmt::format("GM {}: rank {} does not use this window", buffer.name, gm.peer));
  return {world_->images[peer], there.value};
}

uint8_t* BlockRun::gm_base(const GmAccess& gm) { return gm_copy(gm).bytes().data(); }

/// Bounds check; the window's bytes in scratch_.ranges, neighbouring rows merged.
void BlockRun::gm_ranges(const GmAccess& gm) {
  const auto size = static_cast<int64_t>(gm_copy(gm).bytes().size());
  const auto element = static_cast<int64_t>(size_of(gm.dtype));
  scratch_.ranges.clear();
  if (gm.cols <= 0) return;
  for (int64_t r = 0; r < gm.rows; ++r) {
    const int64_t begin = (gm.offset + r * gm.row_stride) * element;
    const int64_t end = begin + gm.row_bytes();
    if (begin < 0 || end > size)
      throw Error("isa.out-of-bounds",
                  fmt::format("GM window row {} covers bytes [{}, {}), {} has {} B", r, begin, end,
                              graph_.buffer(gm.buffer).name, size));
    if (!scratch_.ranges.empty() && scratch_.ranges.back().end == begin)
      scratch_.ranges.back().end = end;
    else
      scratch_.ranges.push_back({begin, end});
  }
}

void BlockRun::gm_read(const GmAccess& gm) {
  gm_ranges(gm);
  // Buffers this block never writes cannot conflict inside it.
  if (const auto it = gm_accesses_.find({gm.peer, gm.buffer.value}); it != gm_accesses_.end())
    order_.read(it->second, scratch_.ranges);
  gm_require_written(gm);
}

void BlockRun::gm_require_written(const GmAccess& gm) {
  const std::vector<uint8_t>* written = gm_copy(gm).written();
  if (written == nullptr) return;
  const uint8_t* map = written->data();
  for (const ByteRange& r : scratch_.ranges) {
    const void* hole = std::memchr(map + r.begin, 0, static_cast<size_t>(r.end - r.begin));
    if (hole != nullptr)
      throw Error("isa.uninitialised",
                  fmt::format("GM {}: byte {} was never written", graph_.buffer(gm.buffer).name,
                              static_cast<const uint8_t*>(hole) - map));
  }
}

void BlockRun::gm_write(const GmAccess& gm, bool atomic) {
  gm_ranges(gm);
  order_.write(gm_accesses_[{gm.peer, gm.buffer.value}], scratch_.ranges, atomic);
  if (atomic) gm_require_written(gm);
  std::vector<uint8_t>* written = gm_copy(gm).written();
  if (written == nullptr) return;
  for (const ByteRange& r : scratch_.ranges)
    std::memset(written->data() + r.begin, 1, static_cast<size_t>(r.end - r.begin));
}

}  // namespace isa::interp
