// The state behind pl::Session.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lang/block.h"
#include "lang/fusion.h"
#include "lang/gm_storage.h"
#include "lang/session.h"
#include "lang/thread_pool.h"
#include "lang/world_impl.h"

namespace pl {

class Session::Impl {
 public:
  Impl(std::string program, SessionOptions options);

  isa::BufferId add_buffer(std::string name, DType dtype, const Dims& shape, isa::BufferRole role,
                           std::shared_ptr<uint8_t> bytes);
  /// The rank's copy of a symmetric window, a buffer of the session from its first use on.
  isa::BufferId window_buffer(WindowId window, const std::string& name, DType dtype,
                              const Dims& shape);
  /// Where the buffer of an access lies, on this rank or on its peer.
  uint8_t* gm_data(const isa::GmAccess& gm);
  GmStorage& buffer(isa::BufferId id) { return *buffers_[id.value]; }
  /// Called before a write: an input becomes in/out where that is allowed, else error
  /// "lang.read-only".
  void require_writable(GmStorage& target, Site site);
  bool has_buffer(isa::BufferId id) const { return id.value < buffers_.size(); }
  size_t buffer_count() const { return buffers_.size(); }

  isa::SiteId intern(const std::string& site_text);

  /// Runtime scopes of the orchestration (kernel-language.md §2.5).
  void open_runtime_scope(bool manual);
  void close_runtime_scope() noexcept;
  bool in_manual_scope() const { return !manual_.empty() && manual_.back(); }
  int32_t scope_depth() const { return 1 + static_cast<int32_t>(manual_.size()); }

  /// Takes over the blocks of a finished scope (scope_close.cpp).
  TaskId close_scope(ScopeRecord scope, std::vector<std::unique_ptr<Block>>& blocks);

  /// The GM temporary of a tile of an earlier one-block scope (scope_close.cpp).
  isa::BufferId spill(const Tile& tile);

  RecordedProgram finish();

  const SessionOptions options;
  const uint64_t serial;
  const Seat seat;  ///< no world: this program runs alone
  ThreadPool pool;
  RecordedProgram record;
  int sequential_loops = 0;  ///< open orchestration `range` loops
  std::vector<Fusion> fusions;

 private:
  void merge_sites(Block& block, std::vector<isa::SiteId>& global_ids);
  void place_foreign_tiles(Block& block);
  void merge_diagnostics(const std::string& scope,
                         const std::vector<std::unique_ptr<Block>>& blocks);

  isa::CodePool<Op> code_;  ///< of finished blocks
  std::vector<std::unique_ptr<GmStorage>> buffers_;
  std::vector<isa::BufferId> windows_;                     ///< by WindowId; invalid until used
  std::unordered_map<std::string, isa::SiteId> site_ids_;  // lookup only, never iterated
  std::vector<bool> manual_;                               ///< open runtime scopes
  std::vector<std::pair<TaskId, isa::BufferId>> spill_allocs_;
};

/// The calling thread's active session; null if there is none.
Session::Impl* active_session();

}  // namespace pl
