#include "lower/emit.h"

#include <algorithm>

#include "isa/error.h"
#include "lower/expand.h"

namespace lower {
namespace {

using isa::Instr;
using isa::Layout;
using isa::MemSpace;
using isa::Opcode;
using isa::Pipe;
using isa::TileOperand;
using pl::Op;
using pl::TileRef;

/// Scalar instructions of one loop iteration's control: chip cycles over cycles per instruction.
double loop_control(const chips::Chip& chip) {
  return chip.scalar.op > 0 ? chip.scalar.loop_iteration / chip.scalar.op
                            : chip.scalar.loop_iteration;
}

class StreamEmitter {
 public:
  StreamEmitter(const BlockWork& work, const Placement& placement, const chips::Chip& chip,
                L0Emitter& l0, std::vector<Instr>& out, const std::vector<std::string>& sites)
      : work_(work), placement_(placement), chip_(chip), l0_(l0), out_(out), sites_(sites) {}

  void run(const std::vector<Item>& items) {
    size_t count = out_.size() + 1;  // a DCCI may follow
    for (const Item& item : items) count += instructions_of(item);
    out_.reserve(count);
    for (const Item& item : items) {
      if (is_instr(item))
        emit(item);
      else if (item.op->kind == Op::Kind::LoopIter)
        iteration(item);
    }
    clean_data_cache();
  }

 private:
  /// Instructions an item becomes, at most.
  size_t instructions_of(const Item& item) {
    if (!is_instr(item)) return 1;
    const Op& op = *item.op;
    if (op.opcode == Opcode::TGATHER) return 2U * op.dst.rows;
    if (op.opcode == Opcode::TCVT) return 2;
    return is_matmul(op.opcode) ? l0_.instructions(matmul_shape(op)) : 1;
  }

  static MatmulShape matmul_shape(const Op& op) {
    return {op.src[0].rows, op.attr.trans_b ? op.src[1].rows : op.src[1].cols, op.src[0].cols,
            op.src[0].dtype};
  }

  TileOperand operand(const TileRef& ref, const Op& op) const {
    const uint32_t v = ref.value.value;
    const Value& value = work_.values[v];
    const bool fractal = value.space != MemSpace::UB || value.nz;
    if (fractal && ref.stride != value.stride && ref.rows != 1)
      throw isa::Error("lower.l1-window", work_.where,
                       site_text(sites_, op.site) + ": " + std::string(isa::name(op.opcode)) +
                           " uses a reshaped view of a tile in " +
                           std::string(isa::name(value.space)));
    return make_operand(ref, value, placement_.addr[v]);
  }

  TileOperand scratch(const Item& item) const {
    const Value& v = work_.values[item.scratch];
    TileRef all;
    all.value = pl::ValueId(item.scratch);
    all.dtype = v.dtype;
    all.stride = v.stride;
    all.rows = all.valid_rows = v.rows;
    all.cols = all.valid_cols = v.cols;
    return make_operand(all, v, placement_.addr[item.scratch]);
  }

  void iteration(const Item& item) {
    l0_.start_iteration();
    Instr& in = out_.emplace_back();
    in.op = Opcode::SWORK;
    in.pipe = Pipe::S;
    in.site = item.op->site;
    in.attr.imm = loop_control(chip_);
  }

  void emit(const Item& item) {
    const Op& op = *item.op;
    if (is_matmul(op.opcode)) return matmul(op);
    Instr in;
    in.op = op.opcode;
    in.n_src = op.n_src;
    in.site = op.site;
    in.attr = op.attr;
    in.gm = op.gm;
    in.wait_event = item.wait_event;
    in.signal_event = item.signal_event;
    for (size_t s = 0; s < op.n_src; ++s)
      if (op.src[s].present()) in.src[s] = operand(op.src[s], op);
    if (op.dst.present()) in.dst = operand(op.dst, op);
    in.pipe = item.pipe >= 0 ? static_cast<Pipe>(item.pipe) : pipe_of(in);
    if (op.opcode == Opcode::SWRITE && op.gm.present())
      scalar_writes_ += static_cast<double>(isa::scalar_elements(op.gm));
    if (item.scratch == kNone)
      out_.push_back(in);
    else
      expand(in, scratch(item));
  }

  void expand(Instr& in, const TileOperand& tile) {
    if (in.op == Opcode::TGATHER) return emit_gather(in, tile, out_);
    if (in.op == Opcode::TCVT) return emit_cast_detour(in, tile, out_);
    in.src[in.n_src] = tile;  // behind the sources: scratch of the instruction
    out_.push_back(in);
  }

  void matmul(const Op& op) {
    l0_.emit(operand(op.dst, op), operand(op.src[0], op), operand(op.src[1], op), op.attr.trans_b,
             op.opcode == Opcode::TMATMUL_ACC, op.site, out_);
  }

  void clean_data_cache() {  // kernel-language.md §3.2
    if (scalar_writes_ == 0) return;
    Instr& in = out_.emplace_back();
    in.op = Opcode::DCCI;
    in.pipe = Pipe::S;
    in.attr.imm = scalar_writes_;
  }

  const BlockWork& work_;
  const Placement& placement_;
  const chips::Chip& chip_;
  L0Emitter& l0_;
  std::vector<Instr>& out_;
  const std::vector<std::string>& sites_;
  double scalar_writes_ = 0;
};

}  // namespace

TileOperand make_operand(const TileRef& ref, const Value& v, uint32_t addr) {
  TileOperand t;
  t.space = v.space;
  t.dtype = ref.dtype;
  t.addr = addr;
  t.rows = ref.rows;
  t.cols = ref.cols;
  t.valid_rows = ref.valid_rows;
  t.valid_cols = ref.valid_cols;
  if (v.space != MemSpace::UB || v.nz) {
    t.layout = Layout::NZ;
    t.tile_rows = v.tile_rows;
    t.tile_cols = v.cols;
    t.row0 = static_cast<uint16_t>(ref.offset / std::max<uint32_t>(v.stride, 1));
    t.col0 = static_cast<uint16_t>(ref.offset % std::max<uint32_t>(v.stride, 1));
    return t;
  }
  // Row major: keep the value's address (aligned) and express the window in the view's own pitch.
  const uint32_t pitch =
      std::max<uint32_t>(ref.rows > 1 ? ref.stride : std::max(ref.stride, ref.cols), 1);
  uint32_t row = ref.offset / pitch, col = ref.offset % pitch;
  if (col + ref.cols > pitch) {  // a view that wraps around its pitch: start the tile at the window
    t.addr += ref.offset * static_cast<uint32_t>(isa::size_of(ref.dtype));
    row = col = 0;
  }
  t.tile_cols = static_cast<uint16_t>(pitch);
  t.row0 = static_cast<uint16_t>(row);
  t.col0 = static_cast<uint16_t>(col);
  t.tile_rows = static_cast<uint16_t>(
      std::max<uint32_t>(row + ref.rows, static_cast<uint32_t>(v.rows) * v.stride / pitch));
  return t;
}

Pipe pipe_of(const Instr& in) {
  switch (in.op) {
    case Opcode::TLOAD:
      return Pipe::MTE2;
    case Opcode::TSTORE:
    case Opcode::TPUSH:
      return in.src[0].space == MemSpace::L0C && in.src[0].present() ? Pipe::FIX : Pipe::MTE3;
    case Opcode::TPOP:  // GM ring: a load; on chip: the vector core re-lays the tile out
      if (in.gm.present()) return Pipe::MTE2;
      return in.src[0].present() ? Pipe::V : Pipe::MTE1;
    case Opcode::TEXTRACT:
      return Pipe::MTE1;
    case Opcode::TMOV:
      if (in.src[0].space == MemSpace::L0C) return Pipe::FIX;
      return in.src[0].space == MemSpace::L1 ? Pipe::MTE1 : Pipe::V;
    case Opcode::TMATMUL:
    case Opcode::TMATMUL_ACC:
      return Pipe::M;
    case Opcode::TSCATTERM:  // a scalar element loop (first-model.md mechanism 5)
    case Opcode::SREAD:
    case Opcode::SWRITE:
    case Opcode::SWORK:
    case Opcode::DCCI:
    case Opcode::SYNCALL:
    case Opcode::TNOTIFY:
    case Opcode::TWAIT:
    case Opcode::TFREE:
      return Pipe::S;
    default:
      return Pipe::V;
  }
}

void emit_stream(const BlockWork& work, int stream, const Placement& placement,
                 const chips::Chip& chip, L0Emitter& l0, std::vector<Instr>& out,
                 const std::vector<std::string>& sites) {
  StreamEmitter(work, placement, chip, l0, out, sites)
      .run(work.streams[static_cast<size_t>(stream)]);
}

}  // namespace lower
