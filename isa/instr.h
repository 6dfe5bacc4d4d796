// The PTO tile instruction record: complete enough to be executed and timed on its own.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "isa/types.h"

namespace isa {

/// Tile instructions DeepSeek-V4 kernels lower to (kernel-language.md §1, §3.7). A program recorded
/// by `pl` uses the same names; there a TLOAD has no address yet, a TMATMUL is not tiled to L0 and
/// a TGATHER covers all rows of its tile.
enum class Opcode : uint8_t {
  // data movement
  TLOAD,     ///< GM -> UB or L1 (ND2NZ); pipe MTE2
  TSTORE,    ///< UB -> GM (MTE3) or L0C -> GM (FIX); attr.atomic adds
  TEXTRACT,  ///< L1 sub-tile -> L0A / L0B; pipe MTE1
  TMOV,      ///< whole-tile copy: L1 -> L0A/L0B (MTE1) or UB -> UB (V)
  // cube
  TMATMUL,      ///< L0C = A x B
  TMATMUL_ACC,  ///< L0C += A x B
  // vector: tile op tile
  TADD,
  TSUB,
  TMUL,
  TDIV,
  TMAX,
  TMIN,
  // vector: tile op scalar (attr.imm)
  TADDS,
  TSUBS,
  TMULS,
  TDIVS,
  TMAXS,
  TMINS,
  // vector: unary
  TEXP,
  TLOG,
  TSQRT,
  TRSQRT,
  TRECIP,
  TABS,
  TNEG,
  TCVT,
  // reductions: rows give [M,1], columns give [1,N]
  TROWSUM,
  TROWMAX,
  TROWMIN,
  TROWARGMAX,
  TCOLSUM,
  TCOLMAX,
  // [M,N] op [M,1]
  TROWEXPAND,
  TROWEXPANDADD,
  TROWEXPANDSUB,
  TROWEXPANDMUL,
  TROWEXPANDDIV,
  // [M,N] op [1,N]
  TCOLEXPAND,
  TCOLEXPANDADD,
  TCOLEXPANDSUB,
  TCOLEXPANDMUL,
  TCOLEXPANDDIV,
  TCOLEXPANDEXPDIF,
  // fill, index, select
  TEXPANDS,  ///< every element = attr.imm
  TFILLPAD,  ///< copy and write attr.pad outside the source's valid area
  TCI,       ///< ramp attr.imm, attr.imm + 1, ... (attr.descending counts down), per row
  TCMP,
  TCMPS,
  TSEL,
  TGATHER,    ///< dst[r,j] = src0[r, src1[r,j]]; out-of-range index yields 0
  TGATHERM,   ///< lane compaction by attr.mask, result half as wide
  TSCATTER,   ///< dst[r, src1[r,k]] = src0[r,k], other lanes of dst kept
  TSCATTERM,  ///< lane expansion by attr.mask, other lanes of dst kept
  TSORT32,
  TMRGSORT,
  TTRANS,
  TCONCAT,
  // cube <-> vector hand-over: through a GM ring on a2a3, on chip on a5
  TPUSH,
  TPOP,
  TFREE,
  // scalar unit
  SREAD,    ///< one element of GM or UB into a scalar register, or a run of GM elements in turn
  SWRITE,   ///< one scalar into GM or UB, or into a run of GM elements in turn
  SWORK,    ///< attr.imm scalar instructions (loop control, address arithmetic)
  DCCI,     ///< clean the scalar data cache at the end of a kernel
  SYNCALL,  ///< barrier over all cores of the launch
  // several ranks (scalar unit)
  TNOTIFY,  ///< sets an INT32 flag of rank gm.peer to attr.imm, or adds it (attr.atomic)
  TWAIT,    ///< spins until an own INT32 flag satisfies attr.cmp against attr.imm
};
inline constexpr int kOpcodes = static_cast<int>(Opcode::TWAIT) + 1;
std::string_view name(Opcode op);

/// A window of a tile in a core-local memory. The element (r, c) of the window is element
/// (row0 + r, col0 + c) of the tile stored at byte `addr` with `layout`; in ND the row pitch is
/// `tile_cols` elements, so a contiguous [M,1] column has tile_cols = 1.
/// rows x cols is the static shape, valid_rows x valid_cols the part that holds data.
struct TileOperand {
  uint32_t addr = 0;
  MemSpace space = MemSpace::UB;
  DType dtype = DType::F32;
  Layout layout = Layout::ND;
  uint16_t tile_rows = 0, tile_cols = 0;
  uint16_t row0 = 0, col0 = 0;
  uint16_t rows = 0, cols = 0;
  uint16_t valid_rows = 0, valid_cols = 0;

  bool present() const { return rows != 0; }
};

/// A two-dimensional window of a GM buffer: `rows` runs of `cols` elements, `row_stride` elements
/// apart, starting `offset` elements into the buffer. Windows may run past the end of the tensor:
/// `rows`/`cols` are then already clipped and the tile's valid shape is smaller than its shape.
///
/// With a `peer`, the window lies in that rank's copy of the buffer, which is then a symmetric
/// window (GmBuffer::window). Accesses to the own copy never name a peer.
struct GmAccess {
  static constexpr int16_t kOwn = -1;
  BufferId buffer;
  DType dtype = DType::F32;
  int16_t peer = kOwn;
  int64_t offset = 0;
  int64_t row_stride = 0;
  int32_t rows = 0;
  int32_t cols = 0;

  bool present() const { return buffer.valid(); }
  bool remote() const { return peer != kOwn; }
  int64_t row_bytes() const {
    return static_cast<int64_t>(cols) * static_cast<int64_t>(size_of(dtype));
  }
  int64_t bytes() const { return row_bytes() * rows; }
};

/// Elements that a scalar access of this window touches one after the other.
inline int64_t scalar_elements(const GmAccess& gm) { return gm.present() ? gm.cols : 1; }

/// Everything about an instruction that is not an operand.
struct Attr {
  double imm = 0;                     ///< scalar operand; count for SWORK
  int32_t run_iterations = 0;         ///< SREAD, SWRITE of a run: loop iterations begun within it
  int32_t block_len = 0;              ///< TMRGSORT run length in words; 0 = multi-list form
  RoundMode round = RoundMode::None;  ///< TCVT
  MaskPattern mask = MaskPattern::None;  ///< TGATHERM, TSCATTERM
  PadValue pad = PadValue::Zero;         ///< TFILLPAD
  CmpOp cmp = CmpOp::Eq;                 ///< TCMP, TCMPS
  bool atomic = false;                   ///< TSTORE adds to GM
  bool trans_b = false;         ///< TMATMUL (recorded form), TEXTRACT/TMOV to L0B: source is [N,K]
  bool high_precision = false;  ///< TRSQRT as sqrt and divide
  bool descending = false;      ///< TCI
};

/// One instruction of a lowered stream. Ordering: it waits for the instructions of its own stream
/// named by `after` (index + 1 of the latest one on each pipe, 0 = none), then for the events
/// `wait_event`; at its end it raises `signal_event` (indices into the block's cross-core events,
/// -1 = none). Bit p of `after_release` says that the edge to pipe p needs only that the earlier
/// instruction has read its sources (write-after-read), not that it is complete.
struct Instr {
  Opcode op = Opcode::SWORK;
  Pipe pipe = Pipe::S;
  uint8_t n_src = 0;
  bool barrier = false;  ///< a pipe barrier of its own pipe stands in front (V drain, M)
  uint8_t after_release = 0;
  int32_t wait_event = -1;
  int32_t signal_event = -1;
  SiteId site;
  Attr attr;
  GmAccess gm;
  TileOperand dst;
  std::array<TileOperand, 3> src;
  std::array<uint32_t, kPipes> after{};
};

}  // namespace isa
