#include "lower/deps.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "isa/error.h"
#include "lower/deps_args.h"
#include "lower/deps_tensormap.h"

namespace lower {
namespace {

using isa::BufferId;
using isa::BufferRole;
using isa::Direction;
using isa::EdgeSource;
using isa::OrchStep;
using isa::Task;
using isa::TaskId;

constexpr int64_t kHeapSlot = 1024;  // every runtime-allocated tensor, runtime.md §1.3 step 2

int64_t heap_slot(int64_t bytes) { return (bytes + kHeapSlot - 1) / kHeapSlot * kHeapSlot; }

class Deriver {
 public:
  Deriver(const pl::RecordedProgram& program, isa::TaskGraph& graph)
      : program_(program),
        graph_(graph),
        uses_(program),
        map_(graph.buffers.size()),
        creator_(graph.buffers.size()),
        allocated_(graph.buffers.size(), false),
        registered_readers_(graph.buffers.size()),
        writer_sites_(graph.buffers.size()) {}

  void run() {
    if (graph_.tasks.size() != program_.scopes.size() ||
        graph_.buffers.size() < program_.buffers.size())
      throw isa::Error("lower.deps", "the graph has " + std::to_string(graph_.tasks.size()) +
                                         " tasks and the program " +
                                         std::to_string(program_.scopes.size()) + " scopes");
    for (const pl::OrchEvent& e : program_.orchestration)
      if (e.kind == pl::OrchEvent::Kind::Alloc) allocated_[e.buffer.value] = true;
    graph_.edges.clear();
    graph_.orchestration.clear();
    for (const pl::OrchEvent& e : program_.orchestration) replay(e);
    std::sort(graph_.edges.begin(), graph_.edges.end(), [](const auto& a, const auto& b) {
      return std::make_pair(a.succ, a.pred) < std::make_pair(b.succ, b.pred);
    });
  }

 private:
  static constexpr size_t kNoStep = static_cast<size_t>(-1);

  /// An open runtime scope: positions among the orchestration steps.
  struct RuntimeScope {
    size_t begin = 0;        ///< behind its ScopeBegin
    size_t alloc = kNoStep;  ///< its Alloc step
    size_t head = 0;         ///< where an Alloc step goes
  };

  void replay(const pl::OrchEvent& e) {
    using Kind = pl::OrchEvent::Kind;
    switch (e.kind) {
      case Kind::Alloc:
        return alloc(e.buffer);
      case Kind::Submit:
        return submit(e.task);
      case Kind::Read:
      case Kind::Write:
        return blocking_access(e.buffer, e.kind == Kind::Write);
      case Kind::ScopeBegin:
        add_step(OrchStep::Kind::ScopeBegin);
        open_.push_back({graph_.orchestration.size(), kNoStep, graph_.orchestration.size()});
        return;
      case Kind::ScopeEnd:
        return end_scope();
    }
  }

  void end_scope() {
    add_step(OrchStep::Kind::ScopeEnd);
    if (open_.size() == 1) return;
    const RuntimeScope inner = open_.back();
    open_.pop_back();
    // A blocking read inside the inner scope holds back the outer one's later allocations too.
    if (open_.back().head >= inner.begin) open_.back().head = graph_.orchestration.size();
  }

  OrchStep& add_step(OrchStep::Kind kind) {
    OrchStep& step = graph_.orchestration.emplace_back();
    step.kind = kind;
    return step;
  }

  // --- allocations: one alloc_tensors call per runtime scope (kernel-language.md §2.4) ----------

  void alloc(BufferId buffer) {
    RuntimeScope& scope = open_.back();
    if (scope.alloc == kNoStep) {
      scope.alloc = scope.head;
      OrchStep step;
      step.kind = OrchStep::Kind::Alloc;
      step.buffer = buffer;
      graph_.orchestration.insert(graph_.orchestration.begin() + static_cast<int64_t>(scope.head),
                                  step);
    }
    graph_.orchestration[scope.alloc].heap_bytes += heap_slot(graph_.buffer(buffer).bytes);
  }

  /// The orchestrator blocks: what it allocates later may depend on the value.
  void blocking_access(BufferId buffer, bool write) {
    OrchStep& step = add_step(OrchStep::Kind::Read);
    step.buffer = buffer;
    step.waits = map_.writers(buffer);
    if (creator_[buffer.value].valid()) step.waits.push_back(creator_[buffer.value]);
    if (write) {  // a scalar write also waits for registered consumers (runtime.md §1.10)
      const auto& readers = registered_readers_[buffer.value];
      step.waits.insert(step.waits.end(), readers.begin(), readers.end());
    }
    std::sort(step.waits.begin(), step.waits.end());
    step.waits.erase(std::unique(step.waits.begin(), step.waits.end()), step.waits.end());
    for (RuntimeScope& scope : open_) {
      scope.alloc = kNoStep;
      scope.head = graph_.orchestration.size();
    }
  }

  // --- submits ---------------------------------------------------------------------------------

  void submit(TaskId id) {
    const pl::ScopeRecord& scope = program_.scopes[id.value];
    Task& task = graph_.tasks[id.value];
    task.scalars = scope.scalars;
    task.explicit_deps = scope.deps;
    task.manual_scope = scope.manual_scope;
    task.scope_depth = scope.scope_depth;
    task.args.clear();
    OrchStep& step = add_step(OrchStep::Kind::Submit);
    step.task = id;
    for (const BufferUse& use : uses_.of(scope)) {
      task.args.push_back(view_of(use, graph_.buffer(use.buffer)));
      task.args.back().dir = direction(scope, use);
    }
    add_ring(task);
    for (const isa::TensorArg& arg : task.args)
      if (arg.dir == Direction::Output)
        step.heap_bytes += heap_slot(graph_.buffer(arg.buffer).bytes);
    find_edges(id, scope, task);
    note_writes(scope, task);
    ++submitted_;
  }

  Direction direction(const pl::ScopeRecord& scope, const BufferUse& use) {
    if (std::find(scope.no_dep.begin(), scope.no_dep.end(), use.buffer) != scope.no_dep.end())
      return Direction::NoDep;
    if (!use.writes) return Direction::Input;
    const isa::GmBuffer& buffer = graph_.buffer(use.buffer);
    const bool unowned = buffer.role == BufferRole::Temp && !allocated_[use.buffer.value] &&
                         !creator_[use.buffer.value].valid();
    if (unowned && !use.reads) return Direction::Output;
    if (use.reads) return Direction::InOut;
    const bool promoted = buffer.role == BufferRole::InOut || scope.in_loop ||
                          has_prior_sibling_writer(scope.site, use.buffer);
    return promoted ? Direction::InOut : Direction::OutputExisting;
  }

  /// The compiler looks at the source: a writer counts when its call stands before this one. The
  /// record has only submissions, so "before" means that it was first submitted earlier.
  bool has_prior_sibling_writer(isa::SiteId site, BufferId buffer) const {
    const auto here = first_submit_.find(site.value);
    for (isa::SiteId other : writer_sites_[buffer.value])
      if (here == first_submit_.end() || first_submit_.at(other.value) < here->second) return true;
    return false;
  }

  void note_writes(const pl::ScopeRecord& scope, const Task& task) {
    first_submit_.emplace(scope.site.value, submitted_);
    for (const isa::TensorArg& arg : task.args) {
      if (arg.dir == Direction::Input) continue;
      auto& sites = writer_sites_[arg.buffer.value];
      if (std::find(sites.begin(), sites.end(), scope.site) == sites.end())
        sites.push_back(scope.site);
    }
  }

  /// A mixed task on a chip with GM hand-over gets its ring from the runtime (kernel-language.md
  /// §3.1).
  void add_ring(Task& task) {
    if (task.kind != isa::TaskKind::MIX || task.blocks.empty()) return;
    const isa::BlockCode& code = task.blocks.front();
    for (const isa::Stream* stream : {&code.aic, &code.aiv[0], &code.aiv[1]})
      for (const isa::Instr& i : stream->instrs) {
        if (i.op != isa::Opcode::TPUSH || !i.gm.present()) continue;
        const isa::GmBuffer& ring = graph_.buffer(i.gm.buffer);
        const auto is_ring = [&](const isa::TensorArg& a) { return a.buffer == i.gm.buffer; };
        if (ring.role != BufferRole::Ring ||
            std::any_of(task.args.begin(), task.args.end(), is_ring))
          continue;
        BufferUse whole;
        whole.buffer = i.gm.buffer;
        for (int64_t d : ring.shape) whole.box.push_back({0, d});
        task.args.push_back(view_of(whole, ring));
        task.args.back().dir = Direction::Output;
      }
  }

  // --- edges: the table of runtime.md §1.5 -------------------------------------------------------

  void find_edges(TaskId id, const pl::ScopeRecord& scope, const Task& task) {
    seen_.resize(graph_.tasks.size());
    for (TaskId dep : scope.deps) {
      if (!dep.valid() || dep.value >= id.value)
        throw isa::Error("lower.deps", "scope " + scope.name,
                         "depends on task " +
                             (dep.valid() ? std::to_string(dep.value) : std::string("(none)")) +
                             ", which is not submitted before it");
      add_edge(dep, id, -1, EdgeSource::Explicit, false);
    }
    for (size_t a = 0; a < task.args.size() && !scope.manual_scope; ++a)
      argument_edges(id, task.args[a], static_cast<int32_t>(a));
    for (const isa::TensorArg& arg : task.args) {
      if (arg.dir == Direction::Output) creator_[arg.buffer.value] = id;
      if (!scope.manual_scope && !manual_dep(arg.buffer) &&
          (arg.dir == Direction::InOut || arg.dir == Direction::OutputExisting))
        map_.insert(id, arg);
    }
  }

  void argument_edges(TaskId id, const isa::TensorArg& arg, int32_t index) {
    if (arg.dir == Direction::Output) return;
    if (const TaskId creator = creator_[arg.buffer.value]; creator.valid())
      add_edge(creator, id, index, EdgeSource::Creator, false);
    if (manual_dep(arg.buffer)) return;
    if (arg.dir != Direction::Input && arg.dir != Direction::InOut) return;
    map_.lookup(arg, arg.dir == Direction::InOut, hits_);
    for (const TensorMap::Hit& hit : hits_)
      add_edge(hit.task, id, index, EdgeSource::TensorMap, hit.covered);
    if (!hits_.empty()) registered_readers_[arg.buffer.value].push_back(id);
  }

  bool manual_dep(BufferId buffer) const {
    return buffer.value < program_.storage.size() && program_.storage[buffer.value].manual_dep;
  }

  void add_edge(TaskId pred, TaskId succ, int32_t arg, EdgeSource source, bool covered) {
    TaskId& last_succ = seen_[pred.value];
    if (last_succ == succ) return;
    last_succ = succ;
    graph_.edges.push_back({pred, succ, arg, source, covered});
  }

  const pl::RecordedProgram& program_;
  isa::TaskGraph& graph_;
  ScopeUses uses_;
  TensorMap map_;
  std::vector<TaskId> creator_;  ///< by buffer: the task whose OUTPUT it is
  std::vector<bool> allocated_;  ///< by buffer: the program allocates it
  std::vector<std::vector<TaskId>> registered_readers_;
  std::vector<std::vector<isa::SiteId>> writer_sites_;
  std::unordered_map<uint32_t, size_t> first_submit_;  ///< by site; never iterated
  size_t submitted_ = 0;
  std::vector<TaskId> seen_;  ///< by producer: the last consumer it has an edge to
  std::vector<TensorMap::Hit> hits_;
  std::vector<RuntimeScope> open_{{0, kNoStep, 0}};
};

}  // namespace

void derive_dependencies(const pl::RecordedProgram& program, isa::TaskGraph& graph) {
  Deriver(program, graph).run();
}

}  // namespace lower
