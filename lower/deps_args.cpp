#include "lower/deps_args.h"

#include <algorithm>

namespace lower {
namespace {

using isa::Opcode;

/// Bounds, per dimension from `dim` outwards, of the points start + i * step + [0, len), i < count.
void bound(const std::vector<int64_t>& shape, size_t dim, int64_t start, int64_t step,
           int64_t count, int64_t len, std::vector<Extent>& box) {
  const int64_t end = start + (count - 1) * step + len;  // behind the last point
  if (dim == 0) {
    box[0] = {start, end};
    return;
  }
  const int64_t d = shape[dim];
  if (count > 1 && step % d == 0 && start % d + len <= d) {  // the same columns of every row
    box[dim] = {start % d, start % d + len};
    bound(shape, dim - 1, start / d, step / d, count, 1, box);
  } else if (start / d == (end - 1) / d) {  // inside one row
    box[dim] = {start % d, (end - 1) % d + 1};
    bound(shape, dim - 1, start / d, 0, 1, 1, box);
  } else {  // across rows
    box[dim] = {0, d};
    bound(shape, dim - 1, start / d, 0, 1, (end - 1) / d - start / d + 1, box);
  }
}

}  // namespace

bool gm_reads(const pl::Op& op) {
  return op.gm.present() && (op.opcode == Opcode::TLOAD || op.opcode == Opcode::SREAD ||
                             op.opcode == Opcode::TNOTIFY || op.opcode == Opcode::TWAIT ||
                             (op.opcode == Opcode::TSTORE && op.attr.atomic));
}

bool gm_writes(const pl::Op& op) {
  return op.gm.present() && (op.opcode == Opcode::TSTORE || op.opcode == Opcode::SWRITE);
}

ElementWindow element_window(const isa::GmAccess& gm, const isa::GmBuffer& buffer) {
  const auto from = static_cast<int64_t>(isa::size_of(gm.dtype));
  const auto to = static_cast<int64_t>(isa::size_of(buffer.dtype));
  if (from == to) return {gm.offset, gm.row_stride, gm.rows, gm.cols};
  // A window of another element size: whole elements of the buffer, rounded outwards.
  const int64_t first = gm.offset * from / to;
  if (gm.row_stride * from % to == 0) {
    const int64_t end = ((gm.offset + gm.cols) * from + to - 1) / to;
    return {first, gm.row_stride * from / to, gm.rows, end - first};
  }
  const int64_t last = gm.offset + (gm.rows - 1) * gm.row_stride + gm.cols;
  return {first, 0, 1, (last * from + to - 1) / to - first};
}

std::vector<Extent> bounding_box(const ElementWindow& window, const std::vector<int64_t>& shape) {
  std::vector<Extent> box(std::max<size_t>(shape.size(), 1));
  bound(shape, box.size() - 1, window.offset, window.row_stride, window.rows, window.cols, box);
  return box;
}

std::vector<BufferUse> ScopeUses::of(const pl::ScopeRecord& scope) {
  std::vector<BufferUse> uses;
  for (const pl::BlockRecord& block : scope.blocks)
    for (const pl::Op& op : block.ops) {
      if (op.kind != pl::Op::Kind::Instr || !op.gm.present()) continue;
      if (op.gm.rows <= 0 || op.gm.cols <= 0) continue;
      const isa::GmBuffer& buffer = program_.buffers[op.gm.buffer.value];
      const std::vector<Extent> box = bounding_box(element_window(op.gm, buffer), buffer.shape);
      int32_t& slot = slot_[op.gm.buffer.value];
      if (slot < 0) {
        slot = static_cast<int32_t>(uses.size());
        uses.push_back({op.gm.buffer, false, false, box});
      }
      BufferUse& use = uses[static_cast<size_t>(slot)];
      use.reads = use.reads || gm_reads(op);
      use.writes = use.writes || gm_writes(op);
      for (size_t d = 0; d < box.size(); ++d) {
        use.box[d].lo = std::min(use.box[d].lo, box[d].lo);
        use.box[d].hi = std::max(use.box[d].hi, box[d].hi);
      }
    }
  for (const BufferUse& use : uses) slot_[use.buffer.value] = -1;
  return uses;
}

isa::TensorArg view_of(const BufferUse& use, const isa::GmBuffer& buffer) {
  isa::TensorArg arg;
  arg.buffer = use.buffer;
  arg.dtype = buffer.dtype;
  int64_t stride = 1;
  arg.shape.resize(use.box.size());
  arg.strides.resize(use.box.size());
  for (size_t d = use.box.size(); d-- > 0;) {
    arg.shape[d] = use.box[d].hi - use.box[d].lo;
    arg.strides[d] = stride;
    arg.offset += use.box[d].lo * stride;
    if (d < buffer.shape.size()) stride *= buffer.shape[d];
  }
  return arg;
}

}  // namespace lower
