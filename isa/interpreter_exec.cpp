// What one instruction does to the modelled memories: operands become row-major views,
// isa/semantics.h gives the meaning.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "isa/error.h"
#include "isa/interpreter_block.h"
#include "isa/semantics.h"

namespace isa::interp {
namespace {

/// The window moved by (row, col) and cut to rows x cols, valid part included.
TileOperand part(TileOperand o, int32_t row, int32_t col, int32_t rows, int32_t cols) {
  const auto narrow = [](int32_t x) { return static_cast<uint16_t>(std::max(x, 0)); };
  o.valid_rows = narrow(std::min(o.valid_rows - row, rows));
  o.valid_cols = narrow(std::min(o.valid_cols - col, cols));
  o.row0 = narrow(o.row0 + row);
  o.col0 = narrow(o.col0 + col);
  o.rows = narrow(rows);
  o.cols = narrow(cols);
  return o;
}

/// Copies the valid part of `from`; converts as FIXPIPE does when the types differ.
void copy(const TileView& from, const TileView& to) {
  if (from.dtype != to.dtype) {
    GmAccess g;
    g.buffer = BufferId(0);
    g.dtype = to.dtype;
    g.row_stride = to.stride;
    g.rows = from.valid_rows;
    g.cols = from.valid_cols;
    store(from, g, to.data, false);
    return;
  }
  const auto size = static_cast<int64_t>(size_of(from.dtype));
  for (int64_t r = 0; r < from.valid_rows; ++r)
    std::memcpy(to.data + r * to.stride * size, from.data + r * from.stride * size,
                static_cast<size_t>(from.valid_cols * size));
}

struct Area {
  int32_t rows = 0, cols = 0;
};

/// What an operation of isa/semantics.h writes: the top-left part of dst.
Area result_area(const Instr& i) {
  const TileOperand& a = i.src[0];
  switch (i.op) {
    case Opcode::TROWSUM:
    case Opcode::TROWMAX:
    case Opcode::TROWMIN:
    case Opcode::TROWARGMAX:
      return {a.valid_rows, 1};
    case Opcode::TCOLSUM:
    case Opcode::TCOLMAX:
      return {1, a.valid_cols};
    case Opcode::TROWEXPAND:
    case Opcode::TCOLEXPAND:
      if (i.n_src > 1) return {a.valid_rows, a.valid_cols};
      return {i.dst.valid_rows, i.dst.valid_cols};
    case Opcode::TEXPANDS:
    case Opcode::TCI:
      return {i.dst.valid_rows, i.dst.valid_cols};
    case Opcode::TFILLPAD:
      return {i.dst.rows, i.dst.cols};
    case Opcode::TGATHER:
      return {i.src[1].valid_rows, i.src[1].valid_cols};
    case Opcode::TGATHERM:
      return {a.valid_rows, (a.valid_cols + (i.attr.mask == MaskPattern::P0101 ? 1 : 0)) / 2};
    case Opcode::TSORT32:
      return {a.valid_rows, 2 * a.valid_cols};
    case Opcode::TMRGSORT: {
      int32_t width = 0;
      for (size_t k = 0; k < i.n_src; ++k) width += i.src[k].valid_cols;
      return {a.valid_rows, width};
    }
    case Opcode::TTRANS:
      return {a.valid_cols, a.valid_rows};
    case Opcode::TCONCAT:
      return {a.valid_rows, a.valid_cols + i.src[1].valid_cols};
    default:  // element-wise, with rows and columns too: the first source (kernel-language.md §1.3)
      return {a.valid_rows, a.valid_cols};
  }
}

/// TROWEXPAND and TCOLEXPAND with two sources take only the shape of the first.
bool gives_only_shape(const Instr& i, size_t source) {
  return source == 0 && i.n_src > 1 && (i.op == Opcode::TROWEXPAND || i.op == Opcode::TCOLEXPAND);
}

void need_shape(const TileOperand& o, int32_t rows, int32_t cols) {
  if (rows > o.rows || cols > o.cols)
    throw Error("isa.shape",
                fmt::format("dst {} is too small for a [{}x{}] result", describe(o), rows, cols));
}

void need_space(const TileOperand& o, MemSpace space, size_t position) {
  if (!o.present() || o.space != space)
    throw Error("isa.operand", fmt::format("{} must be in {}{}", kRoles[position], name(space),
                                           o.present() ? ", is " + describe(o) : ", is missing"));
}

}  // namespace

void BlockRun::execute_instr(const Instr& i) {
  switch (i.op) {
    case Opcode::TLOAD:
      return load_tile(i, i.dst);
    case Opcode::TSTORE:
      return store_tile(i, i.src[0]);
    case Opcode::TPUSH:
      if (!i.src[0].present()) return;  // an idle lane only signals
      return i.gm.present() ? store_tile(i, i.src[0]) : push_on_chip(i);
    case Opcode::TPOP:
      if (!i.dst.present()) return;
      if (i.gm.present()) return load_tile(i, i.dst);
      if (i.src[0].present()) return move_tile(i);
      read(i.dst, i.dst.valid_rows, i.dst.valid_cols, kDst);  // taken over where it lies
      return;
    case Opcode::TEXTRACT:
      need_space(i.src[0], MemSpace::L1, 0);
      return move_tile(i);
    case Opcode::TMOV:
      return i.dst.space == MemSpace::UB && i.src[0].space == MemSpace::UB ? vector_op(i)
                                                                           : move_tile(i);
    case Opcode::TMATMUL:
    case Opcode::TMATMUL_ACC:
      return multiply(i);
    case Opcode::TSCATTER:
    case Opcode::TSCATTERM:
      return scatter_op(i);
    case Opcode::SREAD:
      return read_scalar(i);
    case Opcode::SWRITE:
      return write_scalar(i);
    case Opcode::TNOTIFY:
      return notify(i);
    case Opcode::TWAIT:  // run_stream has seen the flag
      return gm_read(i.gm);
    case Opcode::TFREE:
    case Opcode::SWORK:
    case Opcode::DCCI:
    case Opcode::SYNCALL:
      return;
    default:
      return vector_op(i);
  }
}

// --- instruction classes ---------------------------------------------------------------------

void BlockRun::load_tile(const Instr& i, const TileOperand& dst) {
  if (dst.space != MemSpace::UB) need_space(dst, MemSpace::L1, kDst);
  gm_read(i.gm);
  const TileView view = begin_write(stream_, dst, dst.rows, dst.cols, kDst);
  load(view, i.gm, gm_base(i.gm));
  commit(stream_, dst, view, dst.rows, dst.cols);
}

void BlockRun::store_tile(const Instr& i, const TileOperand& src) {
  if (src.space != MemSpace::UB) need_space(src, MemSpace::L0C, 0);
  const int32_t rows = std::min<int32_t>(src.valid_rows, i.gm.rows);
  const int32_t cols = std::min<int32_t>(src.valid_cols, i.gm.cols);
  GmAccess window = i.gm;  // what really reaches GM
  window.rows = rows;
  window.cols = cols;
  const TileView view = read(src, rows, cols, 0);
  gm_write(window, i.attr.atomic);
  store(view, window, gm_base(window), i.attr.atomic);
}

/// L1 -> L0A / L0B (fractal re-layout, transposed with attr.trans_b) and other whole-tile moves.
void BlockRun::move_tile(const Instr& i) {
  const TileOperand& src = i.src[0];
  // Seen through its transpose, an [N,K] NZ tile is exactly what an L0B [K,N] ZN tile holds.
  const TileOperand dst = i.attr.trans_b ? transposed(i.dst) : i.dst;
  need_shape(dst, src.valid_rows, src.valid_cols);
  const TileView from = read(src, src.valid_rows, src.valid_cols, 0);
  const TileView to = begin_write(stream_, dst, src.valid_rows, src.valid_cols, kDst);
  if (dst.layout != Layout::ND && src.dtype == dst.dtype) {  // no second dense copy
    commit(stream_, dst, from, src.valid_rows, src.valid_cols);
    return;
  }
  copy(from, to);
  commit(stream_, dst, to, src.valid_rows, src.valid_cols);
}

/// An AIC push lands in the UB of lane 0, or, when the destination is half the source, with its
/// upper / left half in lane 0 and the other half at the same address in lane 1 (FIXPIPE's dual
/// destination). An AIV push lands in the AIC's L1 window.
void BlockRun::push_on_chip(const Instr& i) {
  const TileOperand& src = i.src[0];
  const TileOperand& dst = i.dst;
  if (stream_ != 0) {
    need_space(dst, MemSpace::L1, kDst);
    return push_part(i, src, 0);
  }
  need_space(dst, MemSpace::UB, kDst);
  const int32_t rows = dst.rows, cols = dst.cols;
  if (rows == src.rows && cols == src.cols) return push_part(i, src, 1);
  const bool up_down = 2 * rows == src.rows && cols == src.cols;
  const bool left_right = rows == src.rows && 2 * cols == src.cols;
  if (!up_down && !left_right)
    throw Error("isa.shape", fmt::format("dst {} is neither the source {} nor half of it",
                                         describe(dst), describe(src)));
  push_part(i, part(src, 0, 0, rows, cols), 1);
  push_part(i, part(src, up_down ? rows : 0, up_down ? 0 : cols, rows, cols), 2);
}

void BlockRun::push_part(const Instr& i, const TileOperand& src, int to_stream) {
  if (stream_of(code_, to_stream).empty())
    throw Error("isa.operand", fmt::format("pushes to {}, which has no code in this block",
                                           stream_name(to_stream)));
  need_shape(i.dst, src.valid_rows, src.valid_cols);
  const TileView from = read(src, src.valid_rows, src.valid_cols, 0);
  const TileView to = begin_write(to_stream, i.dst, src.valid_rows, src.valid_cols, kDst);
  copy(from, to);
  commit(to_stream, i.dst, to, src.valid_rows, src.valid_cols);
}

void BlockRun::multiply(const Instr& i) {
  const TileOperand &a = i.src[0], &b = i.src[1], &c = i.dst;
  need_space(a, MemSpace::L0A, 0);
  need_space(b, MemSpace::L0B, 1);
  need_space(c, MemSpace::L0C, kDst);
  const int32_t rows = a.valid_rows, cols = b.valid_cols;
  need_shape(c, rows, cols);
  const bool accumulate = i.op == Opcode::TMATMUL_ACC;
  const TileView va = read(a, a.valid_rows, a.valid_cols, 0);
  const TileView vb = read(b, b.valid_rows, b.valid_cols, 1);
  TileView vc = accumulate ? read(c, rows, cols, kDst) : TileView{};
  const TileView out = begin_write(stream_, c, rows, cols, kDst);
  if (!accumulate) vc = out;
  matmul(vc, va, vb, false, accumulate);
  commit(stream_, c, vc, rows, cols);
}

void BlockRun::vector_op(const Instr& i) {
  std::array<TileView, 3> src;
  for (size_t k = 0; k < i.n_src; ++k) {
    need_space(i.src[k], MemSpace::UB, k);
    const bool shape_only = gives_only_shape(i, k);
    src[k] = read(i.src[k], shape_only ? 0 : i.src[k].valid_rows, i.src[k].valid_cols, k);
  }
  need_space(i.dst, MemSpace::UB, kDst);
  for (size_t k = i.n_src; k < i.src.size(); ++k)
    if (i.src[k].present()) clobber(i.src[k], k);
  const Area area = result_area(i);
  need_shape(i.dst, area.rows, area.cols);
  const TileView dst = begin_write(stream_, i.dst, area.rows, area.cols, kDst);
  execute(i.op, i.attr, dst, src.data(), i.n_src);
  commit(stream_, i.dst, dst, area.rows, area.cols);
}

/// An operand behind the sources is scratch of the instruction: its contents are lost.
void BlockRun::clobber(const TileOperand& o, size_t position) {
  begin_write(stream_, o, o.rows, o.cols, position);
  memory_of(stream_, o, position).poison(scratch_.ranges);
}

/// Scatters write only some lanes of dst. Which ones, the operation itself tells: it runs a second
/// time on the map of written bytes, with ones as source.
void BlockRun::scatter_op(const Instr& i) {
  need_space(i.dst, MemSpace::UB, kDst);
  if (i.dst.layout != Layout::ND)
    throw Error("isa.operand", "scatter needs an ND destination, is " + describe(i.dst));
  std::array<TileView, 3> src;
  for (size_t k = 0; k < i.n_src; ++k) {
    need_space(i.src[k], MemSpace::UB, k);
    src[k] = read(i.src[k], i.src[k].valid_rows, i.src[k].valid_cols, k);
  }
  TileView dst = begin_write(stream_, i.dst, i.dst.rows, i.dst.cols, kDst);
  execute(i.op, i.attr, dst, src.data(), i.n_src);

  const int64_t bytes =
      static_cast<int64_t>(src[0].rows) * src[0].cols * static_cast<int64_t>(size_of(src[0].dtype));
  src[0].data = scratch_.get(0, bytes);
  src[0].stride = src[0].cols;
  std::memset(src[0].data, 1, static_cast<size_t>(bytes));
  dst.data = nd_view(i.dst, memory_.at(stream_, MemSpace::UB)->written()).data;
  execute(i.op, i.attr, dst, src.data(), i.n_src);
}

void BlockRun::read_scalar(const Instr& i) {
  if (i.gm.present()) return gm_read(i.gm);
  need_space(i.src[0], MemSpace::UB, 0);
  read(i.src[0], 1, 1, 0, true);
}

void BlockRun::notify(const Instr& i) {
  gm_write(i.gm, i.attr.atomic);
  uint8_t* flag = gm_base(i.gm) + i.gm.offset * static_cast<int64_t>(size_of(i.gm.dtype));
  const auto value = static_cast<int64_t>(i.attr.imm);
  set_integer(flag, i.gm.dtype, i.attr.atomic ? get_integer(flag, i.gm.dtype) + value : value);
}

void BlockRun::write_scalar(const Instr& i) {
  if (i.gm.present()) {
    gm_write(i.gm, false);
    TileView v;
    v.dtype = i.gm.dtype;
    v.data = gm_base(i.gm) + i.gm.offset * static_cast<int64_t>(size_of(i.gm.dtype));
    v.rows = v.valid_rows = 1;
    v.cols = v.valid_cols = static_cast<int32_t>(scalar_elements(i.gm));
    v.stride = v.cols;
    for (int32_t element = 0; element < v.cols; ++element) set_scalar(v, 0, element, i.attr.imm);
    return;
  }
  need_space(i.dst, MemSpace::UB, kDst);
  const TileView v = begin_write(stream_, i.dst, 1, 1, kDst, true);
  set_scalar(v, 0, 0, i.attr.imm);
  commit(stream_, i.dst, v, 1, 1);
}

}  // namespace isa::interp
