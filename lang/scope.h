// Scopes (= tasks) and loops.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "isa/error.h"
#include "lang/record.h"
#include "lang/session.h"
#include "lang/tensor.h"

namespace pl {

class Block;

/// Options of a scope; `name` is the swimlane row (upstream's name_hint).
struct ScopeOptions {
  std::string name;
  std::vector<TaskId> deps = {};
  bool allow_early_resolve = false;
  bool sync_start = false;
  SplitMode split = SplitMode::None;
  int slot_num = 0;
  int scalars = 0;                  ///< orchestration scalars the body captures
  std::vector<Tensor> no_dep = {};  ///< arguments outside dependency tracking (pl.no_dep)
};

/// One task, one block. Returns the task id.
/// Errors: "lang.nested-scope", "lang.no-session", "lang.bad-dep" (a dependency that is no task
/// yet).
TaskId at(const ScopeOptions& options, const std::function<void()>& body, Site site = Site::here());

/// One task, `blocks` blocks; the body gets the block index. Blocks may run on several host
/// threads: they must not share mutable state, and reading what another block of the same launch
/// writes is undefined. Errors: "lang.nested-scope", "lang.block-num" (not 1..32767).
TaskId spmd(int64_t blocks, const ScopeOptions& options, const std::function<void(int64_t)>& body,
            Site site = Site::here());

/// A scope that is opened and closed by hand, for front ends whose bodies are no callables. Blocks
/// run one after the other on the calling thread. Errors as `spmd`; "lang.scope-closed" for a block
/// after the last one. Destroying an unclosed scope abandons its task (the body has failed).
class OpenScope {
 public:
  OpenScope(int64_t blocks, const ScopeOptions& options, Site site = Site::here());
  ~OpenScope();
  OpenScope(const OpenScope&) = delete;
  OpenScope& operator=(const OpenScope&) = delete;

  /// Ends the running block and starts the next one; false when all have run.
  bool next_block();
  int64_t block() const;      ///< index of the running block
  TaskId task() const;        ///< the id the task has, or will have once closed
  bool has_recorded() const;  ///< a block has recorded something
  TaskId close();             ///< after the last block

 private:
  struct State;
  std::unique_ptr<State> state_;
  TaskId task_;
};

/// A join node without work.
TaskId task_dummy(const std::vector<TaskId>& deps, const std::string& name = "dummy",
                  Site site = Site::here());

/// Runtime scopes around orchestration statements: `auto_scope` bounds the lifetime of temporaries,
/// `manual_scope` also turns automatic dependencies off.
void auto_scope(const std::function<void()>& body);
void manual_scope(const std::function<void()>& body);
/// The same, open as long as the object lives (or until `close`).
class RuntimeScope {
 public:
  explicit RuntimeScope(bool manual, Site site = Site::here());
  ~RuntimeScope();
  RuntimeScope(const RuntimeScope&) = delete;
  RuntimeScope& operator=(const RuntimeScope&) = delete;
  void close();

 private:
  Session::Impl* session_;
  uint64_t serial_ = 0;
};

/// The block index inside `spmd`; error "lang.outside-scope".
int64_t get_block_idx(Site site = Site::here());

/// The two vector lanes of a mixed or vector scope run `body(lane)` (kernel-language.md §2.3).
void split_aiv(const std::function<void(int64_t)>& body, Site site = Site::here());
/// The same, lane by lane: `next` ends the running lane and starts the following one.
class LaneLoop {
 public:
  explicit LaneLoop(Site site = Site::here());
  ~LaneLoop();
  LaneLoop(const LaneLoop&) = delete;
  LaneLoop& operator=(const LaneLoop&) = delete;
  bool next();
  int64_t lane() const { return lane_; }

 private:
  void end_lane();
  Block& block_;
  Site site_;
  int64_t lane_ = -1;
};

/// All functions below: error "lang.no-session" without an active session.
/// `for (int64_t i : pl::range(n))` and friends. Outside a scope they are plain orchestration loops
/// (`range` marks its submits as sequential); inside they are recorded so that `pipeline` can be
/// software-pipelined. Errors: "lang.loop-step" (step <= 0), "lang.pipeline-stage" (stage < 1).
class LoopRange {
 public:
  class iterator {
   public:
    iterator(LoopRange* loop, int64_t index) : loop_(loop), index_(index) {}
    int64_t operator*() const;
    iterator& operator++();
    bool operator!=(const iterator& other) const { return index_ != other.index_; }

   private:
    LoopRange* loop_;
    int64_t index_;
  };

  LoopRange(LoopKind kind, int64_t begin, int64_t end, int64_t step, int stage, Site site);
  ~LoopRange();
  LoopRange(const LoopRange&) = delete;
  LoopRange& operator=(const LoopRange&) = delete;
  iterator begin();
  iterator end();

 private:
  friend class iterator;
  void enter_iteration(int64_t index);
  void leave();

  LoopKind kind_;
  int64_t begin_, end_, step_, trip_;
  int stage_;
  Site site_;
  bool open_ = false;
  bool in_runtime_scope_ = false;
  Block* block_ = nullptr;  ///< the loop belongs to; null: the orchestration
  uint64_t session_ = 0;
};

LoopRange range(int64_t end, Site site = Site::here());
LoopRange range(int64_t begin, int64_t end, int64_t step = 1, Site site = Site::here());
LoopRange parallel(int64_t end, Site site = Site::here());
LoopRange parallel(int64_t begin, int64_t end, int64_t step = 1, Site site = Site::here());
LoopRange unroll(int64_t end, Site site = Site::here());
LoopRange pipeline(int64_t end, int stage, Site site = Site::here());
LoopRange pipeline(int64_t begin, int64_t end, int stage, Site site = Site::here());
LoopRange pipeline(int64_t begin, int64_t end, int64_t step, int stage, Site site = Site::here());
LoopRange unroll(int64_t begin, int64_t end, int64_t step = 1, Site site = Site::here());

}  // namespace pl
