// What an eager run leaves behind: the recorded program, lang's hand-over to lower.
//
// A recorded block is a flat list of operations in execution order, with markers around loops. Tile
// operands name values (one per produced tile) and a window of them; nothing has an address yet.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "isa/code_list.h"
#include "isa/error.h"
#include "isa/graph.h"
#include "isa/instr.h"

namespace pl {

using ValueId = isa::Id<struct ValueTag>;

/// Where the author asked a tile to live; Auto leaves it to lower (kernel-language.md §3.2).
enum class TileSpace : uint8_t { Auto, Vec, Mat, Acc };

/// A tile value of one block: `rows` x `cols` elements stored with row pitch `stride` elements.
/// A [M,1] value has stride 1 (M contiguous elements), which makes [M,1] <-> [1,M] an alias.
struct ValueInfo {
  isa::DType dtype = isa::DType::F32;
  uint16_t rows = 0, cols = 0;
  uint16_t stride = 0;
  TileSpace space = TileSpace::Auto;
  isa::SiteId site;

  int64_t bytes() const {
    return static_cast<int64_t>(rows) * stride * static_cast<int64_t>(isa::size_of(dtype));
  }
};

/// A window of a value: element (r, c) is element `offset + r * stride + c` of its storage, read as
/// `dtype` (of the value's size). rows x cols static, valid_rows x valid_cols hold data.
struct TileRef {
  ValueId value;
  isa::DType dtype = isa::DType::F32;
  uint32_t offset = 0;
  uint16_t stride = 0;
  uint16_t rows = 0, cols = 0;
  uint16_t valid_rows = 0, valid_cols = 0;

  bool present() const { return value.valid(); }
};

/// The same part of its value, whichever that is.
inline bool same_window(const TileRef& a, const TileRef& b) {
  return a.dtype == b.dtype && a.offset == b.offset && a.stride == b.stride && a.rows == b.rows &&
         a.cols == b.cols && a.valid_rows == b.valid_rows && a.valid_cols == b.valid_cols;
}

enum class LoopKind : uint8_t { Range, Parallel, Unroll, Pipeline };

/// One recorded event of a block.
///  Instr      an operation; opcode, operands and attributes as in isa::Instr, before lowering:
///             TLOAD / TSTORE move between `gm` and a value, TMATMUL(_ACC) is a whole L1-level
///             product (src0 [m,K], src1 [K,n], or [n,K] with attr.trans_b; _ACC: dst is also an
///             input), a SREAD or SWRITE of several columns is a run of accesses to neighbouring
///             elements by the iterations of a loop that do nothing else (attr.run_iterations of
///             them after the first have no LoopIter), TGATHER covers all rows, TMOV copies into a
///             window of an existing value (assemble), TCONCAT, TTRANS, ... as named. Operations
///             that keep part of dst (TMOV into a window, TSCATTER*, TMATMUL_ACC) name the same
///             value as dst and modify it in place.
///  LoopBegin  `loop`, `trip` (iterations), `stage` (Pipeline)
///  LoopIter   start of iteration `iter`
///  LoopEnd
///  LaneBegin / LaneEnd  a split_aiv region of vector lane `lane`
struct Op {
  enum class Kind : uint8_t { Instr, LoopBegin, LoopIter, LoopEnd, LaneBegin, LaneEnd };
  Kind kind = Kind::Instr;
  isa::Opcode opcode = isa::Opcode::SWORK;
  uint8_t n_src = 0;
  LoopKind loop = LoopKind::Range;
  uint8_t stage = 1;
  uint8_t lane = 0;
  int32_t trip = 0, iter = 0;
  isa::SiteId site;
  isa::Attr attr;
  isa::GmAccess gm;
  TileRef dst;
  std::array<TileRef, 3> src;
};

/// Everything equal but where in GM `a` and `b` read or write (isa/code_list.h); a hash of a part.
bool same_code(const Op& a, const Op& b);
uint64_t code_hash(const Op& op);

struct BlockRecord {
  isa::CodeList<Op> ops;
  std::vector<ValueInfo> values;
};

/// How a mixed scope divides vector work between the two AIVs (kernel-language.md §3.3).
enum class SplitMode : uint8_t { None, UpDown, LeftRight };

/// One scope: a `pl::at` (one block), a `pl::spmd` (block_num blocks) or a dummy (none).
struct ScopeRecord {
  std::string name;
  isa::SiteId site;
  bool dummy = false;
  int32_t block_num = 1;
  int32_t scalars = 0;  ///< orchestration scalars captured by the body (loop indices)
  std::vector<isa::TaskId> deps;
  bool allow_early_resolve = false;
  bool sync_start = false;
  bool manual_scope = false;
  bool in_loop = false;  ///< submitted inside an orchestration `range` loop (Out becomes InOut)
  int32_t scope_depth = 1;
  SplitMode split = SplitMode::None;
  int32_t slot_num = 0;               ///< ring depth asked for; 0 = the chip's default
  std::vector<isa::BufferId> no_dep;  ///< buffers kept out of this task's dependencies (pl.no_dep)
  std::vector<BlockRecord> blocks;
};

/// Host storage of a GM buffer. `data` holds the bytes after the run, `initial` those before
/// (shared with `data` for buffers nobody wrote; null for buffers that start undefined).
struct BufferStorage {
  std::shared_ptr<uint8_t> data;
  std::shared_ptr<const uint8_t> initial;
  bool manual_dep = false;
  bool filled = false;  ///< the runtime fills it with fill_value at allocation (init_value)
  double fill_value = 0;
};

struct OrchEvent {
  enum class Kind : uint8_t { Alloc, Submit, Read, Write, ScopeBegin, ScopeEnd };
  Kind kind = Kind::Submit;
  isa::TaskId task;      ///< Submit: index into scopes
  isa::BufferId buffer;  ///< Alloc, Read, Write
  bool manual = false;   ///< ScopeBegin of a manual scope
};

/// A diagnostic of the functional run ("lang.scalar-out-of-bounds", "lang.uninitialised-read",
/// ...).
struct Diagnostic {
  std::string id;
  std::string where;
  std::string message;
};

struct RecordedProgram {
  std::string name;
  int32_t rank = 0, ranks = 1;         ///< of the world the session belonged to (lang/world.h)
  std::vector<isa::GmBuffer> buffers;  ///< gm_addr assigned here, in creation order
  std::vector<BufferStorage> storage;  ///< parallel to buffers
  std::vector<ScopeRecord> scopes;     ///< by TaskId
  std::vector<OrchEvent> orchestration;
  std::vector<std::string> sites;  ///< by SiteId
  std::vector<Diagnostic> diagnostics;
};

}  // namespace pl
