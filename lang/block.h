// The context of one running block: its record, its tiles, its pending effects on GM.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <string>
#include <vector>

#include "lang/gm_storage.h"
#include "lang/lockstep.h"
#include "lang/record.h"
#include "lang/session.h"
#include "lang/site_table.h"
#include "lang/tensor.h"
#include "lang/tile_data.h"

namespace pl {

/// What the blocks of one scope share while they run.
struct ScopeRun {
  Session::Impl& session;
  std::string name;
  isa::TaskId task;
  int32_t block_num = 1;
  Lockstep* lockstep = nullptr;          ///< set when blocks may meet at barriers
  std::atomic<size_t> expected_ops{64};  ///< size of a finished block, to reserve for the next
  std::atomic<size_t> expected_values{64};
};

/// A diagnostic of a block; equal ones (id, buffer, site) are counted, not repeated.
struct PendingDiagnostic {
  const char* id;
  isa::BufferId buffer;
  Site site;
  std::string message;
  int64_t count = 1;
};

/// An atomic add of a multi-block scope, applied in block order when all blocks are done.
struct DeferredAtomic {
  isa::GmAccess gm;
  isa::TileView source;  ///< its data points into `bytes`
  std::vector<uint8_t> bytes;
  Site site;
};

/// A tile of an earlier scope this block uses: `copy` is the implicit load of it. The GM buffer is
/// chosen when the scope closes; until then the load names the index of this entry.
struct ForeignTile {
  Tile source;
  Tile copy;
  size_t load_op = 0;
};

/// A window of a tile of an earlier scope, loaded from that tile's GM temporary.
struct ForeignWindow {
  Tile source;
  size_t load_op = 0;
};

class Block {
 public:
  Block(ScopeRun& run, int32_t index);

  /// The tile as this block can use it: itself, or the implicit load of a tile of an earlier scope.
  /// Errors: "lang.outside-its-block", "lang.other-session", "lang.no-tile", "lang.transpose-view".
  const Tile& use(const Tile& tile, Site site) {
    if (tile.present() && tile.data()->owner.block_serial == owner_.block_serial &&
        !tile.transposed())
      return tile;
    return use_other(tile, site, false);
  }
  /// As `use`, for operands that may be transposed views.
  const Tile& use_operand(const Tile& tile, Site site) { return use_other(tile, site, true); }

  /// True for tiles of an earlier scope this block has not loaded as a whole.
  bool in_gm(const Tile& tile, Site site) const;
  /// Load of a window of such a tile from its GM temporary; past the edge it is clipped (smaller
  /// valid shape), as on any GM tensor. Error "lang.tile-window" (starts outside or is empty).
  Tile load_window(const Tile& tile, int64_t row, int64_t col, int64_t rows, int64_t cols,
                   Site site);

  /// A new value. What its valid area does not cover is undefined (poison).
  Tile make(DType dtype, int64_t rows, int64_t cols, int64_t valid_rows, int64_t valid_cols,
            Site site, TileSpace space = TileSpace::Auto);
  Tile make(DType dtype, int64_t rows, int64_t cols, Site site) {
    return make(dtype, rows, cols, rows, cols, site);
  }

  /// Executes a vector instruction and records it.
  void execute(isa::Opcode opcode, const isa::Attr& attr, const Tile& dst,
               std::initializer_list<const Tile*> sources, Site site);
  Op& append(isa::Opcode opcode, Site site);
  Op& append_marker(Op::Kind kind, Site site);
  /// A scalar access to one element. Loops over neighbouring elements are recorded as one run.
  void append_scalar(isa::Opcode opcode, const isa::GmAccess& gm, double value, Site site);

  /// GM accesses of this block.
  void load(const Tile& dst, const isa::GmAccess& gm, Site site);
  void store(const Tile& src, const isa::GmAccess& gm, bool atomic, Site site);
  /// Diagnoses reads of bytes nobody has written; refuses reads of bytes with a pending atomic add.
  void check_read(const isa::GmAccess& gm, Site site);
  void check_write(const isa::GmAccess& gm, bool atomic, Site site);
  /// Notes a diagnostic; `message()` is only built the first time.
  template <class F>
  void diagnose(const char* id, isa::BufferId buffer_id, Site site, F message) {
    for (PendingDiagnostic& d : diagnostics)
      if (d.id == id && d.buffer == buffer_id && d.site.line == site.line &&
          d.site.file == site.file) {
        ++d.count;
        return;
      }
    diagnostics.push_back({id, buffer_id, site, message(), 1});
  }
  /// Applies pending atomic adds (all blocks have arrived). Called in block order.
  void apply_atomics();

  ScopeRun& run() { return run_; }
  int32_t index() const { return index_; }
  GmStorage& buffer(isa::BufferId id);

  // Collected for the scope's close (scope_close.cpp).
  BlockRecord record;
  SiteTable sites;
  std::vector<PendingDiagnostic> diagnostics;
  std::deque<ForeignTile> foreign;
  std::vector<ForeignWindow> foreign_windows;
  uint8_t lane = 0;
  bool in_lane = false;

 private:
  const Tile& use_other(const Tile& tile, Site site, bool transposed_allowed);
  void require_usable(const Tile& tile, Site site) const;
  const ForeignTile* loaded(const Tile& tile) const;
  const Tile& load_foreign(const Tile& tile, Site site);
  Op& append_foreign_load(const Tile& source, const Tile& copy, int64_t offset, Site site);
  void apply_atomic(const isa::TileView& source, const isa::GmAccess& gm, Site site);

  ScopeRun& run_;
  int32_t index_;
  Owner owner_;
  std::vector<DeferredAtomic> atomics_;
};

/// The block the calling thread runs; null in orchestration code.
Block* current_block();
/// Error "lang.outside-scope" / "lang.no-session" naming `what`.
Block& require_block(const char* what, Site site);
/// Sets the calling thread's block for a C++ scope.
class BlockGuard {
 public:
  explicit BlockGuard(Block* block);
  ~BlockGuard();
  BlockGuard(const BlockGuard&) = delete;
  BlockGuard& operator=(const BlockGuard&) = delete;

 private:
  Block* previous_;
};

/// "scope qproj_matmul, qkv_proj_rope.cpp:120"; the site alone outside a scope.
std::string where(Site site);
[[noreturn]] void fail(const char* id, Site site, const std::string& message);
/// "[128x512] INT32"
std::string describe(const Tile& tile);

}  // namespace pl
