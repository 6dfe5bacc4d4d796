#include "lang/scope.h"

#include <memory>
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

void run_block(Block& block, const std::function<void(int64_t)>& body) {
  {
    BlockGuard guard(&block);
    body(block.index());
  }
  ScopeRun& run = block.run();
  run.expected_ops.store(block.record.ops.size(), std::memory_order_relaxed);
  run.expected_values.store(block.record.values.size(), std::memory_order_relaxed);
}

TaskId run_scope(int64_t block_num, const ScopeOptions& options,
                 const std::function<void(int64_t)>& body, Site site) {
  Session::Impl& session = current_session(site);
  ScopeRecord scope = describe_scope(session, options, site);
  if (block_num < 1 || block_num > kBlocksMax)
    fail("lang.block-num", site,
         "scope '" + options.name + "' asks for " + std::to_string(block_num) + " blocks, 1.." +
             std::to_string(kBlocksMax) + " are possible");
  scope.block_num = static_cast<int32_t>(block_num);

  Lockstep lockstep;
  ScopeRun run{session, options.name, TaskId(static_cast<uint32_t>(session.record.scopes.size())),
               scope.block_num};
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

class RuntimeScope {
 public:
  RuntimeScope(Session::Impl& session, bool manual) : session_(session) {
    session_.open_runtime_scope(manual);
  }
  ~RuntimeScope() { session_.close_runtime_scope(); }
  RuntimeScope(const RuntimeScope&) = delete;
  RuntimeScope& operator=(const RuntimeScope&) = delete;

 private:
  Session::Impl& session_;
};

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
  RuntimeScope scope(orchestration("auto_scope", Site{}), false);
  body();
}

void manual_scope(const std::function<void()>& body) {
  RuntimeScope scope(orchestration("manual_scope", Site{}), true);
  body();
}

int64_t get_block_idx(Site site) { return require_block("get_block_idx", site).index(); }

void split_aiv(const std::function<void(int64_t)>& body, Site site) {
  Block& block = require_block("split_aiv", site);
  if (block.in_lane) fail("lang.nested-scope", site, "split_aiv inside split_aiv");
  struct LaneGuard {
    Block& b;
    ~LaneGuard() {
      b.in_lane = false;
      b.lane = 0;
    }
  } guard{block};
  block.in_lane = true;
  for (uint8_t lane = 0; lane < 2; ++lane) {
    block.lane = lane;
    block.append_marker(Op::Kind::LaneBegin, site);
    body(lane);
    block.append_marker(Op::Kind::LaneEnd, site);
  }
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
