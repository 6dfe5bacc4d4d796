// What a rank of a pl::World does with its peers (pypto.language.distributed). Windows are
// symmetric: a view of the own copy, together with a peer, names the same place of the peer's copy.
// A peer that is the own rank is an ordinary local access.
//
// Common errors: "lang.no-world" (the session belongs to no world), "lang.no-window" (the target is
// no window), "lang.peer" (no such rank), and those of load and store.
#pragma once

#include <cstdint>
#include <string>

#include "lang/ops.h"
#include "lang/tensor.h"
#include "lang/world.h"

namespace pl {

/// The own rank and the number of ranks of the active session's world.
int my_rank(Site site = Site::here());
int rank_count(Site site = Site::here());

/// The own copy of a window, seen as a tensor (its first view gives the buffer's shape and name).
/// Error "lang.window-bytes" (the shape needs more bytes than the window has).
Tensor window(WindowId window, DType dtype, Dims shape, const std::string& name = "",
              Site site = Site::here());

/// TSTORE of the tile's valid part to the peer's copy; `atomic` adds.
void remote_store(const Tile& tile, const Tensor& target, int64_t peer, const Dims& offsets,
                  bool atomic = false, Site site = Site::here());
/// TLOAD from the peer's copy; windows and valid shapes as in `load`.
Tile remote_load(const Tensor& target, int64_t peer, const Dims& offsets, const Dims& extent,
                 Shape2 valid = {}, Site site = Site::here());

/// How a bulk copy is staged in UB: in tiles of at most chunk_rows x chunk_cols (0: everything at
/// once), through two of them in turn with `pipeline`, else through one.
struct CopyOptions {
  bool atomic = false;  ///< put only: adds
  int64_t chunk_rows = 0, chunk_cols = 0;
  bool pipeline = false;
};
/// GM to a peer's GM through UB: loads from `src`, stores to the peer's copy of `dst`. Offsets and
/// shape say which part; all empty: everything. Error "lang.copy-window" (the two parts differ or
/// run past their tensors), "lang.copy-chunk" (pipeline without chunks).
void put(const Tensor& dst, int64_t peer, const Tensor& src, Dims dst_offsets = {},
         Dims src_offsets = {}, Dims shape = {}, const CopyOptions& options = {},
         Site site = Site::here());
/// The same from the peer's copy of `src` to `dst`, which may be any tensor.
void get(const Tensor& dst, int64_t peer, const Tensor& src, Dims dst_offsets = {},
         Dims src_offsets = {}, Dims shape = {}, const CopyOptions& options = {},
         Site site = Site::here());

enum class NotifyOp : uint8_t { AtomicAdd, Set };
/// Changes one INT32 flag of the peer once everything this core did before is done.
/// Errors: "lang.flag" (not INT32, or an index outside the window).
void notify(const Tensor& target, int64_t peer, const Dims& index, int64_t value, NotifyOp op,
            Site site = Site::here());

enum class WaitCmp : uint8_t { Eq, Ge };
/// Stands still until an own flag compares with `expected`. Errors as for notify, and
/// "lang.rank-deadlock" out of World::run.
void wait(const Tensor& signal, const Dims& index, int64_t expected, WaitCmp cmp,
          Site site = Site::here());

}  // namespace pl
