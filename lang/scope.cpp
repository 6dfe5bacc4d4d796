#include "lang/scope.h"

#include <memory>
#include <optional>
#include <utility>

#include "lang/ops.h"
#include "lang/session_impl.h"

namespace pl {
namespace {

constexpr int64_t kBlocksMax = 32767;

ScopeRecord describe_scope(Session::Impl& session, const ScopeOptions& options, Site site) {
  if (current_block() != nullptr)
    fail("lang.nested-scope", site,
         "scope '" + options.name + "' cannot open inside another scope");
  for (TaskId dep : options.deps)
    if (!dep.valid() || dep.value >= session.record.scopes.size())
      fail("lang.bad-dep", site,
           "scope '" + options.name + "' depends on a task that does not exist");
  ScopeRecord scope;
  scope.name = options.name;
  scope.site = session.intern(site_text(site));
  scope.scalars = options.scalars;
  scope.deps = options.deps;
  scope.allow_early_resolve = options.allow_early_resolve;
  scope.sync_start = options.sync_start;
  scope.manual_scope = session.in_manual_scope();
  scope.in_loop = session.sequential_loops > 0;
  scope.scope_depth = session.scope_depth();
  scope.split = options.split;
  scope.slot_num = options.slot_num;
  for (const Tensor& t : options.no_dep) scope.no_dep.push_back(t.buffer());
  return scope;
}

/// The next block of the scope reserves what this one took.
void note_size(const Block& block, ScopeRun& run) {
  run.expected_ops.store(block.record.ops.size(), std::memory_order_relaxed);
  run.expected_values.store(block.record.values.size(), std::memory_order_relaxed);
}

void run_block(Block& block, const std::function<void(int64_t)>& body) {
  {
    BlockGuard guard(&block);
    body(block.index());
  }
  note_size(block, block.run());
}

ScopeRecord describe_launch(Session::Impl& session, int64_t block_num, const ScopeOptions& options,
                            Site site) {
  ScopeRecord scope = describe_scope(session, options, site);
  if (block_num < 1 || block_num > kBlocksMax)
    fail("lang.block-num", site,
         "scope '" + options.name + "' asks for " + std::to_string(block_num) + " blocks, 1.." +
             std::to_string(kBlocksMax) + " are possible");
  scope.block_num = static_cast<int32_t>(block_num);
  return scope;
}

TaskId next_task(const Session::Impl& session) {
  return TaskId(static_cast<uint32_t>(session.record.scopes.size()));
}

TaskId run_scope(int64_t block_num, const ScopeOptions& options,
                 const std::function<void(int64_t)>& body, Site site) {
  Session::Impl& session = current_session(site);
  ScopeRecord scope = describe_launch(session, block_num, options, site);

  Lockstep lockstep;
  ScopeRun run{session, options.name, next_task(session), scope.block_num};
  std::vector<std::unique_ptr<Block>> blocks(static_cast<size_t>(block_num));
  const auto run_one = [&](int64_t b) {
    auto& block = blocks[static_cast<size_t>(b)];
    block = std::make_unique<Block>(run, static_cast<int32_t>(b));
    run_block(*block, body);
  };
  if (options.sync_start && block_num > 1) {
    run.lockstep = &lockstep;
    const auto barrier_reached = [&] {
      for (auto& block : blocks) block->apply_atomics();
    };
    if (!lockstep.run(block_num, run_one, barrier_reached))
      fail("lang.syncall", site,
           "scope '" + options.name + "': some blocks ended while others wait in syncall");
  } else {
    session.pool.for_each(block_num, run_one);
  }
  return session.close_scope(std::move(scope), blocks);
}

Session::Impl& orchestration(const char* what, Site site) {
  if (current_block() != nullptr)
    fail("lang.inside-scope", site, std::string(what) + " belongs to the orchestration");
  return current_session(site);
}

}  // namespace

TaskId at(const ScopeOptions& options, const std::function<void()>& body, Site site) {
  return run_scope(
      1, options, [&](int64_t) { body(); }, site);
}

TaskId spmd(int64_t blocks, const ScopeOptions& options, const std::function<void(int64_t)>& body,
            Site site) {
  return run_scope(blocks, options, body, site);
}

struct OpenScope::State {
  State(Session::Impl& owner, ScopeRecord scope, Site opened_at)
      : session(owner),
        record(std::move(scope)),
        run{owner, record.name, next_task(owner), record.block_num},
        site(opened_at) {}

  void end_block() {
    guard.reset();
    if (!blocks.empty()) note_size(*blocks.back(), run);
  }

  Session::Impl& session;
  ScopeRecord record;
  ScopeRun run;
  Site site;
  std::vector<std::unique_ptr<Block>> blocks;
  std::optional<BlockGuard> guard;  ///< while a block runs
};

OpenScope::OpenScope(int64_t blocks, const ScopeOptions& options, Site site) {
  Session::Impl& session = current_session(site);
  state_ = std::make_unique<State>(session, describe_launch(session, blocks, options, site), site);
  task_ = state_->run.task;
}

OpenScope::~OpenScope() = default;

bool OpenScope::next_block() {
  if (!state_) fail("lang.scope-closed", Site{}, "the scope has been closed");
  State& s = *state_;
  s.end_block();
  const auto index = static_cast<int32_t>(s.blocks.size());
  if (index == s.record.block_num) return false;
  s.blocks.push_back(std::make_unique<Block>(s.run, index));
  s.guard.emplace(s.blocks.back().get());
  return true;
}

int64_t OpenScope::block() const { return static_cast<int64_t>(state_->blocks.size()) - 1; }
TaskId OpenScope::task() const { return task_; }

bool OpenScope::has_recorded() const {
  return !state_->blocks.empty() && state_->blocks.back()->record.ops.size() > 0;
}

TaskId OpenScope::close() {
  if (!state_) fail("lang.scope-closed", Site{}, "the scope has been closed");
  State& s = *state_;
  s.end_block();
  if (static_cast<int32_t>(s.blocks.size()) != s.record.block_num)
    fail("lang.scope-closed", s.site,
         "scope '" + s.record.name + "' ends after " + std::to_string(s.blocks.size()) + " of " +
             std::to_string(s.record.block_num) + " blocks");
  const TaskId task = s.session.close_scope(std::move(s.record), s.blocks);
  state_.reset();
  return task;
}

TaskId task_dummy(const std::vector<TaskId>& deps, const std::string& name, Site site) {
  Session::Impl& session = current_session(site);
  ScopeOptions options;
  options.name = name;
  options.deps = deps;
  ScopeRecord scope = describe_scope(session, options, site);
  scope.dummy = true;
  scope.block_num = 0;
  std::vector<std::unique_ptr<Block>> none;
  return session.close_scope(std::move(scope), none);
}

void auto_scope(const std::function<void()>& body) {
  RuntimeScope scope(false, Site{});
  body();
}

void manual_scope(const std::function<void()>& body) {
  RuntimeScope scope(true, Site{});
  body();
}

RuntimeScope::RuntimeScope(bool manual, Site site)
    : session_(&orchestration(manual ? "manual_scope" : "auto_scope", site)) {
  serial_ = session_->serial;
  session_->open_runtime_scope(manual);
}

RuntimeScope::~RuntimeScope() { close(); }

void RuntimeScope::close() {
  // The session may have been abandoned before its scopes.
  if (session_ != nullptr && active_session() == session_ && session_->serial == serial_)
    session_->close_runtime_scope();
  session_ = nullptr;
}

int64_t get_block_idx(Site site) { return require_block("get_block_idx", site).index(); }

void split_aiv(const std::function<void(int64_t)>& body, Site site) {
  LaneLoop lanes(site);
  while (lanes.next()) body(lanes.lane());
}

LaneLoop::LaneLoop(Site site) : block_(require_block("split_aiv", site)), site_(site) {
  if (block_.in_lane) fail("lang.nested-scope", site, "split_aiv inside split_aiv");
  block_.in_lane = true;
}

// A body that failed may have taken its block with it.
LaneLoop::~LaneLoop() {
  if (lane_ < 2 && current_block() == &block_) end_lane();
}

void LaneLoop::end_lane() {
  block_.in_lane = false;
  block_.lane = 0;
}

bool LaneLoop::next() {
  if (lane_ >= 0) block_.append_marker(Op::Kind::LaneEnd, site_);
  if (++lane_ == 2) {
    end_lane();
    return false;
  }
  block_.lane = static_cast<uint8_t>(lane_);
  block_.append_marker(Op::Kind::LaneBegin, site_);
  return true;
}

void syncall(Site site) {
  Block& block = require_block("syncall", site);
  ScopeRun& run = block.run();
  if (run.block_num > 1 && run.lockstep == nullptr)
    fail("lang.syncall", site,
         "syncall needs all " + std::to_string(run.block_num) +
             " blocks on cores at once: open the scope with sync_start");
  block.append(isa::Opcode::SYNCALL, site);
  if (run.lockstep != nullptr) run.lockstep->barrier(block.index());
}

}  // namespace pl
