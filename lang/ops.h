// The operations of the kernel language. Shapes are [rows, cols]; each function states the dtypes
// it takes. Common errors: "lang.outside-scope", "lang.dtype", "lang.shape", "lang.cast",
// "lang.outside-its-block" (a tile of another block), "lang.tile-size" (extent above 65535).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "isa/instr.h"
#include "lang/tensor.h"

namespace pl {

using isa::CmpOp;
using isa::MaskPattern;
using isa::PadValue;
using isa::RoundMode;

struct Shape2 {
  int64_t rows = 0, cols = 0;
};

// --- GM tensors and tiles -------------------------------------------------------------------

/// A GM buffer with undefined contents; orchestration only. `manual_dep` keeps it out of automatic
/// dependencies. A fill value makes the runtime initialise it at allocation.
Tensor create_tensor(Dims shape, DType dtype, bool manual_dep = false, Site site = Site::here());
struct CreateOptions {
  bool manual_dep = false;
  std::optional<double> init_value = {};  ///< the runtime fills the buffer at allocation
  /// Blocks read parts nobody has written, by the kernel's design, and nobody uses what they make
  /// of them: not reported, but still poison, so that a use shows. No instruction, no time.
  bool partly_written = false;
};
/// The same with a name for reports and diagnostics.
Tensor create_tensor(const std::string& name, Dims shape, DType dtype, CreateOptions options = {},
                     Site site = Site::here());

/// TLOAD of a window (kernel-language.md §3.2). `offsets` has the tensor's rank; the last two
/// dimensions of the window are `shape` (`{rows, cols}`), or for rank-3 tensors a full window
/// `extent` whose leading dimensions fold into rows. A window past the edge is clipped: the tile
/// keeps its static shape with a smaller valid shape. `valid` narrows it further ({0,0} = all).
/// Error: "lang.load-window" (cannot be folded into one row stride, or starts outside).
Tile load(const Tensor& t, const Dims& offsets, const Dims& extent, Shape2 valid = {},
          Site site = Site::here());
/// The whole tensor as one tile (leading dimensions folded into rows). One TLOAD per call.
Tile load(const Tensor& t, Site site = Site::here());
/// Load with an explicit L1 (Mat) destination: only matmuls can use the tile.
Tile load_l1(const Tensor& t, const Dims& offsets, const Dims& extent, Shape2 valid = {},
             Site site = Site::here());
/// TLOAD of a window of `t` into the sub-region of `dst` at (row, col), in place; returns dst.
Tile gather_row(const Tile& dst, int64_t row, int64_t col, const Tensor& t, const Dims& offsets,
                const Dims& extent, Site site = Site::here());
/// L2 warm-up through SDMA: no data effect, nothing recorded.
void prefetch(const Tensor& t, Site site = Site::here());

/// TSTORE of the tile's valid part to the window of `t` that starts at `offsets`. Storing to a
/// rank-3 tensor takes `extent` (rows x cols folded as in load; {} = a plain 2-D window on the last
/// two axes). Returns `t`. `atomic` adds in block order. Errors: "lang.store-window",
/// "lang.atomic-dtype".
Tensor store(const Tile& tile, const Dims& offsets, const Tensor& t, bool atomic = false,
             const Dims& extent = {}, Site site = Site::here());

/// assemble(target, tile, offsets): GM target = store, tile target = in-place copy of a sub-tile.
Tensor assemble(const Tensor& target, const Tile& tile, const Dims& offsets, bool atomic = false,
                Site site = Site::here());
Tile assemble(const Tile& target, const Tile& tile, int64_t row, int64_t col,
              Site site = Site::here());

/// The GM temporary a tile of an earlier one-block scope travels through (kernel-language.md §2.4),
/// for orchestration code that makes views of it. Errors: "lang.inside-scope",
/// "lang.outside-its-block".
Tensor spill(const Tile& tile, Site site = Site::here());

/// A tile with undefined contents (Vec, or Acc once it accumulates a matmul: the first matmul_acc
/// into a window of it starts from zero).
Tile create_tile(int64_t rows, int64_t cols, DType dtype, TileSpace space = TileSpace::Auto,
                 Site site = Site::here());
Tile create_l1(int64_t rows, int64_t cols, DType dtype, Site site = Site::here());
Tile full(int64_t rows, int64_t cols, DType dtype, double value, Site site = Site::here());
/// INT32 / UINT32 ramp `start, start + 1, ...` of shape [1, cols].
Tile arange(int64_t start, int64_t cols, DType dtype = DType::I32, Site site = Site::here());

// --- metadata only ---------------------------------------------------------------------------

Tile reshape(const Tile& t, int64_t rows, int64_t cols, Site site = Site::here());
Tile set_validshape(const Tile& t, int64_t valid_rows, int64_t valid_cols,
                    Site site = Site::here());
/// Reshape is an alias; error "lang.tile-reshape" where padded rows or a partial valid area make
/// that impossible. Errors of the others: "lang.valid-shape", "lang.tile-window".
/// Sub-tile; an alias when the hardware can address it (32 B aligned columns), else a copy.
Tile slice(const Tile& t, int64_t row, int64_t col, int64_t rows, int64_t cols,
           Site site = Site::here());

/// Half of a tile for one vector lane of split_aiv: rows (UpDown) or columns (LeftRight).
Tile aiv_shard(const Tile& a, int64_t lane, SplitMode mode, Site site = Site::here());
/// A tile seen transposed without moving it; only as the second operand of a matmul.
Tile transpose_view(const Tile& a, Site site = Site::here());
/// The window with another valid area.
TileRef with_valid(TileRef ref, int64_t valid_rows, int64_t valid_cols);

// --- element-wise: FP32, FP16, INT32, INT16 (BF16 only where noted) ---------------------------
// A [M,1] second operand becomes the row-expand form, as in the compiler.

Tile add(const Tile& a, const Tile& b, Site site = Site::here());
Tile sub(const Tile& a, const Tile& b, Site site = Site::here());
Tile mul(const Tile& a, const Tile& b, Site site = Site::here());
Tile div(const Tile& a, const Tile& b, Site site = Site::here());
Tile maximum(const Tile& a, const Tile& b, Site site = Site::here());
Tile minimum(const Tile& a, const Tile& b, Site site = Site::here());
Tile add(const Tile& a, double s, Site site = Site::here());
Tile sub(const Tile& a, double s, Site site = Site::here());
Tile mul(const Tile& a, double s, Site site = Site::here());
Tile div(const Tile& a, double s, Site site = Site::here());
Tile maximum(const Tile& a, double s, Site site = Site::here());
Tile minimum(const Tile& a, double s, Site site = Site::here());
Tile exp(const Tile& a, Site site = Site::here());
Tile log(const Tile& a, Site site = Site::here());
Tile sqrt(const Tile& a, Site site = Site::here());
Tile rsqrt(const Tile& a, bool high_precision = false, Site site = Site::here());
Tile recip(const Tile& a, Site site = Site::here());
Tile abs(const Tile& a, Site site = Site::here());
Tile neg(const Tile& a, Site site = Site::here());
/// Supported pairs and modes: kernel-language.md §1.3; others are error "lang.cast".
Tile cast(const Tile& a, DType to, RoundMode mode = RoundMode::Round, Site site = Site::here());
Tile cmp(const Tile& a, const Tile& b, CmpOp op, Site site = Site::here());
Tile cmp(const Tile& a, double s, CmpOp op, Site site = Site::here());
Tile sel(const Tile& mask, const Tile& a, const Tile& b, Site site = Site::here());

// --- reductions and broadcasts (FP32, FP16; row_max and row_min also INT32, INT16) --------------

Tile row_sum(const Tile& a, Site site = Site::here());  ///< [M,N] -> [M,1]
Tile row_max(const Tile& a, Site site = Site::here());
Tile row_min(const Tile& a, Site site = Site::here());
Tile row_argmax(const Tile& a, Site site = Site::here());  ///< INT32
Tile col_sum(const Tile& a, Site site = Site::here());     ///< [M,N] -> [1,N]
Tile col_max(const Tile& a, Site site = Site::here());
Tile row_expand(const Tile& shape_like, const Tile& col, Site site = Site::here());
Tile row_expand_add(const Tile& a, const Tile& col, Site site = Site::here());
Tile row_expand_sub(const Tile& a, const Tile& col, Site site = Site::here());
Tile row_expand_mul(const Tile& a, const Tile& col, Site site = Site::here());
Tile row_expand_div(const Tile& a, const Tile& col, Site site = Site::here());
Tile col_expand(const Tile& shape_like, const Tile& row, Site site = Site::here());
Tile col_expand_add(const Tile& a, const Tile& row, Site site = Site::here());
Tile col_expand_sub(const Tile& a, const Tile& row, Site site = Site::here());
Tile col_expand_mul(const Tile& a, const Tile& row, Site site = Site::here());
Tile col_expand_div(const Tile& a, const Tile& row, Site site = Site::here());
Tile col_expand_expdif(const Tile& a, const Tile& row, Site site = Site::here());

// --- lanes ------------------------------------------------------------------------------------

/// out[r,j] = src[r, index[r,j]]; FP32 / INT32 source, INT32 index; one gather instruction per row.
Tile gather(const Tile& src, const Tile& index, Site site = Site::here());
/// Even (P0101) or odd (P1010) lanes, half as wide; `as` reinterprets bits of the same size.
Tile gather_mask(const Tile& src, MaskPattern pattern, Site site = Site::here());
Tile gather_mask(const Tile& src, MaskPattern pattern, DType as, Site site = Site::here());
/// dst[2k] = src[k] (P0101) or dst[2k+1] = src[k] (P1010), in place; returns dst.
/// Error "lang.mask-scatter" on chips without it (a5).
Tile scatter_mask(const Tile& dst, const Tile& src, MaskPattern pattern, Site site = Site::here());
/// dst[r, index[r,k]] = src[r,k], in place; returns dst.
Tile scatter(const Tile& dst, const Tile& index, const Tile& src, Site site = Site::here());
Tile concat(const Tile& a, const Tile& b, Site site = Site::here());  ///< last axis
Tile transpose(const Tile& a, Site site = Site::here());
/// Copy with everything outside the valid area set to `pad` (min = lowest finite).
Tile fillpad(const Tile& a, PadValue pad, Site site = Site::here());
/// 32-element groups of [1,n] scores descending, as interleaved (score, index bits): [1,2n].
Tile sort32(const Tile& scores, const Tile& ids, Site site = Site::here());
/// Merges groups of four runs of `block_len` words.
Tile mrgsort(const Tile& runs, int64_t block_len, Site site = Site::here());
/// Merges two to four sorted lists.
Tile mrgsort(const std::vector<Tile>& lists, Site site = Site::here());

// --- cube -------------------------------------------------------------------------------------

struct MatmulOptions {
  bool b_trans = false;  ///< b is [n, K]
  bool init = false;     ///< matmul_acc: start from zero (init_cond, the first K step)
};
/// [m,K] x [K,n]; BF16/FP16/FP32 give FP32, INT8 gives INT32. Error "lang.matmul".
Tile matmul(const Tile& a, const Tile& b, MatmulOptions options = {}, Site site = Site::here());
/// acc += a x b, in place; returns acc. Errors: "lang.matmul", "lang.memory-space".
Tile matmul_acc(const Tile& acc, const Tile& a, const Tile& b, MatmulOptions options = {},
                Site site = Site::here());

// --- scalars ----------------------------------------------------------------------------------

/// One element of a GM tensor. Orchestration: waits for the producers. In a scope: a scalar load.
/// Linear addressing: an index past a dimension reads the flat element; past the buffer it clamps
/// to the last element; both are reported (feasibility.md §5).
double read(const Tensor& t, const Dims& index, Site site = Site::here());
int64_t read_int(const Tensor& t, const Dims& index, Site site = Site::here());
double read(const Tile& t, int64_t row, int64_t col, Site site = Site::here());
void write(const Tensor& t, const Dims& index, double value, Site site = Site::here());
void write_int(const Tensor& t, const Dims& index, int64_t value, Site site = Site::here());
void write(const Tile& t, int64_t row, int64_t col, double value, Site site = Site::here());

/// Barrier over all blocks of the launch, which then run as fibres in lock step. The scope must
/// have sync_start (only then are all blocks on cores at once); error "lang.syncall" otherwise, and
/// when some blocks end while others wait.
void syncall(Site site = Site::here());

}  // namespace pl
