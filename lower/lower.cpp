#include "lower/lower.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "isa/error.h"
#include "lower/block.h"
#include "lower/deps.h"
#include "lower/hints.h"
#include "lower/memory_report.h"
#include "lower/parallel.h"
#include "lower/split.h"
#include "lower/staging.h"

namespace lower {
namespace {

using isa::BufferId;
using isa::CoreKind;
using isa::FuncId;
using isa::Opcode;
using isa::Task;
using isa::TaskId;
using isa::TaskKind;

constexpr uint64_t kGmAlign = 512;

class Lowering {
 public:
  Lowering(const pl::RecordedProgram& program, const chips::Chip& chip, const Options& options)
      : program_(program), chip_(chip), options_(options) {}

  Result run() {
    start_graph();
    stage_writes();
    plan_scopes();
    lower_blocks();
    assign_functions();
    report();
    derive_dependencies(program_, result_.graph);
    return std::move(result_);
  }

 private:
  struct BlockIndex {
    uint32_t scope = 0;
    int32_t block = 0;
  };

  std::string where(const pl::ScopeRecord& scope) const { return "scope " + scope.name; }

  void start_graph() {
    isa::TaskGraph& g = result_.graph;
    g.program = program_.name;
    g.rank = program_.rank;
    g.ranks = program_.ranks;
    g.buffers = program_.buffers;
    g.sites = program_.sites;
    g.tasks.resize(program_.scopes.size());
    for (uint32_t i = 0; i < g.tasks.size(); ++i) {
      const pl::ScopeRecord& s = program_.scopes[i];
      Task& t = g.tasks[i];
      t.name = s.name;
      t.kind = TaskKind::Dummy;
      t.block_num = s.block_num;
      t.scalars = s.scalars;
      t.explicit_deps = s.deps;
      t.manual_scope = s.manual_scope;
      t.allow_early_resolve = s.allow_early_resolve;
      t.sync_start = s.sync_start;
      t.scope_depth = s.scope_depth;
      t.site = s.site;
      t.blocks.resize(s.blocks.size());
      for (size_t b = 0; b < s.blocks.size(); ++b) blocks_.push_back({i, static_cast<int32_t>(b)});
    }
  }

  const pl::BlockRecord& record(size_t i) const {
    if (staged_[i] != nullptr) return *staged_[i];
    const BlockIndex at = blocks_[i];
    return program_.scopes[at.scope].blocks[static_cast<size_t>(at.block)];
  }

  void plan_scopes() {
    std::vector<BlockSpaces> spaces(blocks_.size());
    parallel_for(blocks_.size(), options_.threads, [&](size_t i, int) {
      spaces[i] =
          infer_spaces(record(i), where(program_.scopes[blocks_[i].scope]), program_.sites);
    });
    size_t next = 0;
    plans_.resize(program_.scopes.size());
    for (uint32_t s = 0; s < program_.scopes.size(); ++s) {
      const pl::ScopeRecord& scope = program_.scopes[s];
      if (scope.dummy || scope.blocks.empty()) continue;
      const std::vector<BlockSpaces> of_scope(
          std::make_move_iterator(spaces.begin() + static_cast<std::ptrdiff_t>(next)),
          std::make_move_iterator(spaces.begin() +
                                  static_cast<std::ptrdiff_t>(next + scope.blocks.size())));
      next += scope.blocks.size();
      plans_[s] = plan_scope(scope, of_scope, chip_);
      result_.graph.tasks[s].kind = plans_[s].kind;
      add_ring(scope, plans_[s]);
      for (BlockSpaces b : of_scope) spaces_.push_back(std::move(b));
    }
  }

  /// Bulk stores and scalar writes to one tensor in one kernel (kernel-language.md §2.4): what the
  /// compiler makes stores of is staged.
  void stage_writes() {
    staged_.resize(blocks_.size());
    mixed_.resize(program_.scopes.size());
    parallel_for(mixed_.size(), options_.threads,
                 [&](size_t s, int) { mixed_[s] = mixed_writes(program_.scopes[s]); });
    for (size_t i = 0; i < blocks_.size(); ++i) {
      const std::vector<BufferId>& of_scope = mixed_[blocks_[i].scope];
      if (of_scope.empty()) continue;
      staged_[i] = stage_scalar_writes(record(i), of_scope, program_.buffers);
    }
  }

  /// What is left of them in blocks [first, end) of a scope: the scalar ones wait for the stores
  /// they overlap (sync.cpp), yet the data cache writes whole lines back (kernel-language.md §2.4).
  void publish_mixed_writes(size_t first, size_t end, BufferId buffer) {
    std::optional<isa::SiteId> store, write;
    for (size_t i = first; i < end; ++i)
      for (const pl::Op& op : record(i).ops) {
        if (op.kind != pl::Op::Kind::Instr || op.gm.buffer != buffer) continue;
        if (op.opcode == Opcode::TSTORE && !op.gm.remote() && !store) store = op.site;
        if (op.opcode == Opcode::SWRITE && !write) write = op.site;
      }
    if (!store || !write) return;
    publish({"lower.mixed-write", program_.scopes[blocks_[first].scope].name,
             site_text(program_.sites, *write),
             "scalar writes beside bulk stores (" + site_text(program_.sites, *store) +
                 ") to tensor " + program_.buffers[buffer.value].name +
                 ": a cache line written back may hold older bytes of a store; upstream's "
                 "compiler refuses this since 17 August 2026"});
  }

  /// The GM workspace of a mixed scope: one region per block.
  void add_ring(const pl::ScopeRecord& scope, ScopePlan& plan) {
    RingPlan& ring = plan.ring;
    if (ring.directions() == 0 || ring.on_chip) return;
    auto& buffers = result_.graph.buffers;
    uint64_t end = 0;
    if (!buffers.empty()) end = ring_end_ != 0 ? ring_end_ : buffers_end();
    isa::GmBuffer b;
    b.name = scope.name + "_gm_pipe";
    b.dtype = isa::DType::U8;
    b.bytes = ring.block_bytes() * static_cast<int64_t>(scope.blocks.size());
    b.shape = {b.bytes};
    b.gm_addr = (end + kGmAlign - 1) / kGmAlign * kGmAlign;
    b.role = isa::BufferRole::Ring;
    ring_end_ = b.gm_addr + static_cast<uint64_t>(b.bytes);
    ring.buffer = BufferId(static_cast<uint32_t>(buffers.size()));
    buffers.push_back(std::move(b));
  }

  uint64_t buffers_end() const {
    uint64_t end = 0;
    for (const isa::GmBuffer& b : result_.graph.buffers)
      end = std::max(end, b.gm_addr + static_cast<uint64_t>(b.bytes));
    return end;
  }

  void lower_blocks() {
    reports_.resize(blocks_.size());
    const int workers = worker_count(blocks_.size(), options_.threads);
    std::vector<BlockLowering> lowering;
    lowering.reserve(static_cast<size_t>(workers));
    for (int w = 0; w < workers; ++w) lowering.emplace_back(chip_, options_, program_.sites);
    parallel_for(blocks_.size(), options_.threads, [&](size_t i, int worker) {
      const BlockIndex at = blocks_[i];
      isa::BlockCode& code = result_.graph.tasks[at.scope].blocks[static_cast<size_t>(at.block)];
      reports_[i] = lowering[static_cast<size_t>(worker)].lower(
          record(i), spaces_[i], plans_[at.scope], at.block, where(program_.scopes[at.scope]),
          code);
    });
  }

  void assign_functions() {
    isa::TaskGraph& g = result_.graph;
    std::map<std::pair<std::string, CoreKind>, FuncId> known;
    const auto function = [&](const std::string& name, CoreKind kind) {
      const auto [it, added] =
          known.try_emplace({name, kind}, FuncId(static_cast<uint32_t>(g.func_names.size())));
      if (added) {
        g.func_names.push_back(name);
        g.func_kinds.push_back(kind);
      }
      return it->second;
    };
    for (size_t i = 0; i < g.tasks.size(); ++i) {
      Task& t = g.tasks[i];
      if (t.kind == TaskKind::Dummy) continue;
      for (int s = 0; s < kStreams; ++s)
        if (plans_[i].uses(s))
          t.func[static_cast<size_t>(s)] =
              function(t.name, s == kAic ? CoreKind::AIC : CoreKind::AIV);
    }
  }

  void report() {
    MemoryReport memory(chip_, program_.sites);
    std::vector<BlockHint> hints;
    for (size_t i = 0; i < blocks_.size(); ++i) {
      const BlockReport& r = reports_[i];
      const uint32_t scope = blocks_[i].scope;
      for (int s = 0; s < kStreams; ++s)
        if (plans_[scope].uses(s))
          memory.add(program_.scopes[scope].name, s == kAic ? CoreKind::AIC : CoreKind::AIV,
                     r.peaks[static_cast<size_t>(s)]);
      for (const BlockHint& h : r.hints) add_hint(hints, h);
      if (i + 1 < blocks_.size() && blocks_[i + 1].scope == scope) continue;
      for (BufferId buffer : mixed_[scope])
        publish_mixed_writes(i + 1 - program_.scopes[scope].blocks.size(), i + 1, buffer);
      for (const BlockHint& h : hints)
        publish(describe(h, program_.scopes[scope].name, chip_, program_.sites));
      hints.clear();
    }
    result_.memory = memory.rows();
  }

  /// Tasks of one function give each hint once.
  void publish(PerfHint hint) {
    auto& seen = published_[hint.scope];
    const auto key = std::make_pair(hint.id, hint.site);
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) return;
    seen.push_back(key);
    result_.hints.push_back(std::move(hint));
  }

  const pl::RecordedProgram& program_;
  const chips::Chip& chip_;
  const Options& options_;
  Result result_;
  std::vector<BlockIndex> blocks_;
  std::vector<std::vector<BufferId>> mixed_;  ///< tensors with both kinds of writes, by scope
  std::vector<std::unique_ptr<pl::BlockRecord>> staged_;  ///< instead of the recorded block
  std::vector<BlockSpaces> spaces_;
  std::vector<ScopePlan> plans_;
  std::vector<BlockReport> reports_;
  std::map<std::string, std::vector<std::pair<std::string, std::string>>> published_;
  uint64_t ring_end_ = 0;
};

}  // namespace

Result lower(const pl::RecordedProgram& program, const chips::Chip& chip, const Options& options) {
  return Lowering(program, chip, options).run();
}

}  // namespace lower
