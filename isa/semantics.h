// What each instruction means: pure functions on typed two-dimensional views. `lang` uses them for
// its eager values and the interpreter for lowered streams, so an instruction has one meaning.
#pragma once

#include <cstdint>

#include "isa/instr.h"
#include "isa/types.h"

namespace isa {

/// Row-major view: element (r, c) at `data + (r * stride + c) * size_of(dtype)`.
/// rows x cols is the static shape, valid_rows x valid_cols the part that holds data.
struct TileView {
  uint8_t* data = nullptr;
  DType dtype = DType::F32;
  int32_t rows = 0, cols = 0;
  int32_t valid_rows = 0, valid_cols = 0;
  int64_t stride = 0;

  template <class T>
  T* row(int64_t r) const {
    return reinterpret_cast<T*>(data) + r * stride;
  }
  bool present() const { return data != nullptr; }
};

/// Executes a vector-pipe or UB-copy instruction: every opcode from TADD to TCONCAT, and TMOV.
/// Element-wise operations compute the first source's valid area (kernel-language.md §1.3); the
/// rest of dst is left as it is. The sources may alias dst exactly (in-place) unless the operation
/// forbids it. Deterministic: same bits on every host ISA (which NaN a NaN operand gives is open).
///
/// Operands (sources in order):
///  tile op tile / scalar   a, b / a with attr.imm. FP32, FP16 (computed in fp32, rounded once),
///                          INT32, INT16 (wrap; x / 0 = 0). Maximum and minimum give NaN for a NaN.
///  TROWEXPAND[op]          [a,] column [M,1] of stride 1; TCOLEXPAND[op]: [a,] row [1,N].
///  reductions              a -> [M,1] of stride 1 / [1,N]; FP32, FP16, INT32, INT16; TROWARGMAX to
///                          INT32 or UINT32, the first of equals. A row is summed in 32 lanes
///                          (column mod 32) and then a tree, a column from row 0 down. No valid
///                          column: 0 for a sum, the lowest (highest) value for a maximum
///                          (minimum).
///  TCVT                    a; pairs of cast_supported on either chip. No saturation: integers wrap
///                          modulo 2^bits, NaN and infinity become 0; fp32 beyond fp16 rounds to
///                          inf. int -> FP32 is to nearest, int -> FP16 honours the mode.
///  TMOV, TEXPANDS, TFILLPAD, TCI   a / none / a / none; without a source dst's valid area is
///  written,
///                          TFILLPAD writes dst's static shape. TCI starts anew in each row.
///  TCMP, TCMPS             a, b / a -> mask of any type: 1 or 0 per element. TSEL: mask, a, b.
///  TGATHER, TSCATTER       data, INT32/UINT32 index; the index's (data's) valid area; an index
///                          outside the data's columns gives 0 (writes nothing).
///  TGATHERM, TSCATTERM     a; dst may have another type of the same size.
///  TSORT32                 FP32 scores, UINT32/INT32 ids -> (score, id) words; descending, equal
///                          scores in their order, NaN first; groups of 32, the last may be
///                          shorter.
///  TMRGSORT                one list with attr.block_len, or 2 to 4 lists; equal scores keep their
///  order. TTRANS, TCONCAT         a / a, b: b's valid columns behind a's.
/// Errors: "isa.dtype", "isa.shape" (extents, operand count, block_len), "isa.opcode", "isa.alias"
/// (dst is a source of TRECIP, TGATHER, TSORT32, TMRGSORT, TTRANS, TCONCAT or of a widening TCVT).
void execute(Opcode op, const Attr& attr, const TileView& dst, const TileView* src, int n_src);

/// dst (+)= a [m,K] x b [K,n] (b is [n,K] with trans_b) over the valid extents: K summed in order
/// k = 0, 1, ... starting from dst (accumulate) or zero, one rounding per addition, fma for fp32
/// inputs. BF16/FP16/FP32 -> FP32; INT8 -> INT32 exactly. Splitting K into consecutive calls
/// therefore gives the same bits. Error "isa.matmul".
void matmul(const TileView& dst, const TileView& a, const TileView& b, bool trans_b,
            bool accumulate);

/// GM -> tile: copies gm.rows x gm.cols elements starting at `gm_base + gm.offset`; the rest of the
/// tile's static shape becomes zero.
void load(const TileView& dst, const GmAccess& gm, const uint8_t* gm_base);

/// tile -> GM: writes the tile's valid part (clipped to the window). `atomic` adds (FP32, INT32,
/// BF16); FP32/INT32 sources may convert to BF16/FP16 GM as FIXPIPE does (round to nearest even).
void store(const TileView& src, const GmAccess& gm, uint8_t* gm_base, bool atomic);

/// One element as double / from double (INT64 through the integer forms).
double get_scalar(const TileView& t, int64_t row, int64_t col);
void set_scalar(const TileView& t, int64_t row, int64_t col, double value);
int64_t get_integer(const uint8_t* p, DType t);
void set_integer(uint8_t* p, DType t, int64_t value);

/// True when `from` -> `to` is a native conversion (kernel-language.md §1.3); `a5` has more pairs.
bool cast_supported(DType from, DType to, bool a5);
/// True when the compiler reaches `from` -> `to` by way of FP32: INT32 -> FP16 on a5, the one such
/// pair that is documented (kernel-language.md §1.3).
bool cast_by_detour(DType from, DType to, bool a5);

/// Name of the host ISA path in use ("x86-64-v4", ...) and a way to force one in tests ("" = auto).
/// Error "isa.host-isa" for an unknown or unavailable one.
const char* host_isa();
void force_host_isa(const char* name);

}  // namespace isa
