// Vector pipe: one table row per opcode (chips: [vec.ops.<opcode>]) and one law per kind of
// operation. hardware.md §5.1-§5.4, first-model.md §2 (4, 5, 9).
#include <algorithm>

#include "sim/cost.h"

namespace sim {
namespace {

using isa::Opcode;

// The largest repeat count of one vector instruction (hardware.md §2.2).
constexpr int64_t kMaxRepeats = 255;
// TMRGSORT merges four runs of 64 words per step (hardware.md §5.2, vmrgsort4).
constexpr int64_t kMergeWords = 256;
constexpr int64_t kSortGroup = 32;

/// How an opcode walks its tile.
enum class Form {
  OneSource,     ///< tile op scalar, unary, copies, fills
  TwoSource,     ///< tile op tile: count mode for ragged widths
  RowReduce,     ///< [M,N] -> [M,1]
  RowBroadcast,  ///< [M,N] op [M,1]
  ColBroadcast,  ///< [M,N] op [1,N]
  PerRow,        ///< one instruction per row (column reductions, TROWEXPAND)
  Gather,        ///< index gather, row by row
  ScalarLoop,    ///< element by element
  Sort,
  Merge,
};

Form form(Opcode op) {
  switch (op) {
    case Opcode::TADD:
    case Opcode::TSUB:
    case Opcode::TMUL:
    case Opcode::TDIV:
    case Opcode::TMAX:
    case Opcode::TMIN:
    case Opcode::TCMP:
      return Form::TwoSource;
    case Opcode::TROWSUM:
    case Opcode::TROWMAX:
    case Opcode::TROWMIN:
    case Opcode::TROWARGMAX:
      return Form::RowReduce;
    case Opcode::TROWEXPANDADD:
    case Opcode::TROWEXPANDSUB:
    case Opcode::TROWEXPANDMUL:
    case Opcode::TROWEXPANDDIV:
      return Form::RowBroadcast;
    case Opcode::TCOLEXPAND:
    case Opcode::TCOLEXPANDADD:
    case Opcode::TCOLEXPANDSUB:
    case Opcode::TCOLEXPANDMUL:
    case Opcode::TCOLEXPANDDIV:
    case Opcode::TCOLEXPANDEXPDIF:
      return Form::ColBroadcast;
    case Opcode::TCOLSUM:
    case Opcode::TCOLMAX:
    case Opcode::TROWEXPAND:
      return Form::PerRow;
    case Opcode::TGATHER:
      return Form::Gather;
    case Opcode::TSCATTER:
    case Opcode::TSCATTERM:
      return Form::ScalarLoop;
    case Opcode::TSORT32:
      return Form::Sort;
    case Opcode::TMRGSORT:
      return Form::Merge;
    default:
      return Form::OneSource;
  }
}

/// a5 re-lays a popped tile out from fractals to rows with a vector move (kernel-language.md §3.3).
Opcode table_row(Opcode op) { return op == Opcode::TPOP ? Opcode::TMOV : op; }

/// The tile-tile operation that folds a wide row before it is reduced.
Opcode fold_of(Opcode reduction) {
  if (reduction == Opcode::TROWSUM) return Opcode::TADD;
  return reduction == Opcode::TROWMIN ? Opcode::TMIN : Opcode::TMAX;
}

/// The area an operation sweeps and how it lies in UB.
struct Sweep {
  int64_t rows = 0, cols = 0;
  int64_t element = 4;       ///< bytes a lane takes: the wider side of a conversion
  int64_t chunks = 0;        ///< repeats per row
  int64_t flat_repeats = 0;  ///< repeats when rows follow each other
  bool flat = false;
  bool ragged = false;  ///< a row is no multiple of a repeat
};

bool dense(const isa::TileOperand& t) {
  return t.rows == 1 || t.valid_rows == 1 || t.tile_cols == t.valid_cols;
}

/// The operand whose valid area is computed: the result of fills and expansions, else source 0.
const isa::TileOperand& area(const isa::Instr& instr) {
  const bool by_dst = instr.n_src == 0 || instr.op == Opcode::TFILLPAD ||
                      instr.op == Opcode::TROWEXPAND || instr.op == Opcode::TCOLEXPAND ||
                      instr.op == Opcode::TCONCAT || instr.op == Opcode::TSEL;
  return by_dst ? instr.dst : instr.src[0];
}

Sweep sweep(const isa::Instr& instr, const chips::Chip& chip) {
  const auto& tile = area(instr);
  Sweep s;
  s.rows = tile.valid_rows;
  s.cols = tile.valid_cols;
  s.element = static_cast<int64_t>(isa::size_of(tile.dtype));
  if (instr.op == Opcode::TCVT) {
    s.element = std::max(s.element, static_cast<int64_t>(isa::size_of(instr.dst.dtype)));
  }
  const auto repeat = static_cast<int64_t>(chip.vec.bytes_per_cycle);
  s.chunks = ceil_div(s.cols * s.element, repeat);
  s.flat_repeats = ceil_div(s.rows * s.cols * s.element, repeat);
  s.flat = dense(tile) && dense(instr.dst);
  s.ragged = s.cols * s.element % repeat != 0;
  return s;
}

class VectorLaw {
 public:
  VectorLaw(const isa::Instr& instr, bool streaming, const chips::Chip& chip)
      : instr_(instr),
        chip_(chip),
        op_(chip.vec.op(table_row(instr.op))),
        sweep_(sweep(instr, chip)),
        streaming_(streaming),
        scale_(streaming ? chip.vec.head_tail_scale : 1.0) {}

  double cycles() const {
    switch (form(instr_.op)) {
      case Form::OneSource:
        return op_.setup + one_source();
      case Form::TwoSource:
        return op_.setup + tile_tile(two_source_slope()) + count_mode();
      case Form::RowReduce:
        return op_.setup + row_reduce();
      case Form::RowBroadcast:
        return row_broadcast();
      case Form::ColBroadcast:
        return op_.setup + strided(slope());
      case Form::PerRow:
        return op_.setup + per_row();
      case Form::Gather:
        return gather();
      case Form::ScalarLoop:
        return op_.setup +
               static_cast<double>(sweep_.rows * sweep_.cols) * chip_.vec.scatter_mask_element;
      case Form::Sort:
        return overhead(1) + static_cast<double>(sweep_.rows * ceil_div(sweep_.cols, kSortGroup)) *
                                 chip_.vec.sort32_group;
      case Form::Merge:
        return overhead(1) + static_cast<double>(merge_steps()) * chip_.vec.mrgsort_step;
    }
    return 0;
  }

 private:
  double overhead(int64_t instructions) const {
    return static_cast<double>(instructions) * (op_.head + op_.tail) * scale_;
  }
  double slope() const { return sweep_.element == 2 && op_.slope16 > 0 ? op_.slope16 : op_.slope; }
  double two_source_slope() const { return std::max(slope(), chip_.vec.two_source_slope); }
  double count_mode() const { return sweep_.ragged ? chip_.vec.count_mode : 0; }
  bool two_dimensional() const { return op_.strided_fixed > 0; }

  /// (inner x slope + row) x outer + fixed, a5's law (hardware.md §5.4).
  double two_dimensional_law() const {
    const auto chunks = static_cast<double>(sweep_.chunks);
    return (op_.strided_slope * chunks + op_.strided_row) * static_cast<double>(sweep_.rows) +
           op_.strided_fixed;
  }

  double flat(double per_repeat) const {
    return overhead(std::max<int64_t>(1, ceil_div(sweep_.flat_repeats, kMaxRepeats))) +
           per_repeat * static_cast<double>(sweep_.flat_repeats);
  }

  /// Rows apart: one instruction of `rows` repeats for each 256 B of columns, or one instruction
  /// per row when there are more column chunks than rows.
  double strided(double per_repeat) const {
    if (two_dimensional()) return two_dimensional_law();
    const bool by_chunk = sweep_.chunks <= sweep_.rows;
    const int64_t count = by_chunk ? sweep_.chunks : sweep_.rows;
    const int64_t repeats = by_chunk ? sweep_.rows : sweep_.chunks;
    return overhead(std::max<int64_t>(1, count * ceil_div(repeats, kMaxRepeats))) +
           per_repeat * static_cast<double>(sweep_.rows * sweep_.chunks);
  }

  double tile_tile(double per_repeat) const {
    return sweep_.flat ? flat(per_repeat) : strided(per_repeat);
  }

  double one_source() const {
    const double self = tile_tile(slope());
    if (instr_.op != Opcode::TRSQRT || !instr_.attr.high_precision) return self;
    // High precision: square root, drain, divide.
    isa::Instr root = instr_, divide = instr_;
    root.op = Opcode::TSQRT;
    divide.op = Opcode::TDIVS;
    return VectorLaw(root, streaming_, chip_).cycles() + chip_.vec.barrier +
           VectorLaw(divide, false, chip_).cycles();
  }

  /// A reduction of one repeat per row; wider rows are first folded chunk by chunk.
  double row_reduce() const {
    if (two_dimensional()) return two_dimensional_law();
    const auto rows = static_cast<double>(sweep_.rows);
    const auto folds = static_cast<double>(std::max<int64_t>(0, sweep_.chunks - 1));
    const auto& fold = chip_.vec.op(fold_of(instr_.op));
    return chip_.vec.reduce_fixed + rows * chip_.vec.reduce_row +
           folds * (fold.head + fold.tail + rows * fold.slope);
  }

  /// The [M,1] operand becomes blocks and drains first (setup + row x rows), then the operation
  /// runs over the columns with the blocks repeated.
  double row_broadcast() const {
    return op_.setup + op_.row * static_cast<double>(sweep_.rows) + strided(slope()) +
           (sweep_.chunks > sweep_.rows ? count_mode() : 0);
  }

  double per_row() const {
    if (two_dimensional()) return two_dimensional_law();
    const auto chunks = static_cast<double>(sweep_.chunks);
    return overhead(1) + static_cast<double>(sweep_.rows) * (op_.row + slope() * chunks);
  }

  /// The TMOV that carries one gathered row into the result.
  double row_move() const {
    const auto& move = chip_.vec.op(Opcode::TMOV);
    const int64_t bytes = static_cast<int64_t>(instr_.dst.valid_cols) *
                          static_cast<int64_t>(isa::size_of(instr_.dst.dtype));
    const auto repeats =
        static_cast<double>(ceil_div(bytes, static_cast<int64_t>(chip_.vec.bytes_per_cycle)));
    return move.setup + move.head + move.tail + move.slope * repeats;
  }

  double gather() const {
    const auto rows = static_cast<double>(instr_.dst.valid_rows);
    const int64_t index_bytes = static_cast<int64_t>(instr_.dst.valid_cols) * 4;
    const int64_t chunks = ceil_div(index_bytes, static_cast<int64_t>(chip_.vec.bytes_per_cycle));
    const double sequence =
        chip_.vec.gather_row + slope() * static_cast<double>(std::max<int64_t>(0, chunks - 1));
    return std::max(rows * sequence - 2 * chip_.vec.barrier - row_move(), overhead(1));
  }

  int64_t merge_steps() const {
    int64_t words = 0;
    for (int i = 0; i < instr_.n_src; ++i) {
      const auto& t = instr_.src[static_cast<size_t>(i)];
      words += static_cast<int64_t>(t.valid_rows) * t.valid_cols;
      if (instr_.attr.block_len != 0) break;  // single list: the other operands are scratch
    }
    return ceil_div(words, kMergeWords);
  }

  const isa::Instr& instr_;
  const chips::Chip& chip_;
  const chips::VectorOp& op_;
  Sweep sweep_;
  bool streaming_;
  double scale_;
};

}  // namespace

Cycles vector_cost(const isa::Instr& instr, bool streaming, const chips::Chip& chip) {
  if (area(instr).valid_rows == 0 || area(instr).valid_cols == 0) {
    return Cycles(chip.vec.op(table_row(instr.op)).head);  // a zero-sized tile of an idle lane
  }
  return Cycles(VectorLaw(instr, streaming, chip).cycles());
}

}  // namespace sim
