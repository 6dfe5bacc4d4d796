#include "traces/summary.h"

#include <algorithm>
#include <map>
#include <utility>

#include "traces/naming.h"

namespace traces {
namespace {

/// First start and last end of a set of lanes.
struct Interval {
  bool any = false;
  Picoseconds start, end;

  void add(Picoseconds from, Picoseconds to) {
    start = any ? std::min(start, from) : from;
    end = any ? std::max(end, to) : to;
    any = true;
  }
  Picoseconds length() const { return end - start; }
};

/// What has to be kept per scope until all rows are seen.
struct Accumulator {
  Interval span;
  Picoseconds head_sum, tail_sum, latency_sum;
  std::map<std::pair<uint32_t, int32_t>, Interval> blocks;  ///< by (task, block)
};

/// What the code of a scope says of one opcode.
struct OpCode {
  int64_t count = 0, bytes = 0;
};
using CodeTable = std::array<OpCode, isa::kOpcodes>;

std::string opcode_name(size_t op) { return std::string(isa::name(static_cast<isa::Opcode>(op))); }

void count_stream(const isa::Stream& stream, CodeTable& code) {
  for (const isa::Instr& instr : stream.instrs.elements()) {
    OpCode& op = code[static_cast<size_t>(instr.op)];
    const bool scalar = instr.gm.present() && instr.pipe == isa::Pipe::S;
    const int64_t elements = scalar ? isa::scalar_elements(instr.gm) : 1;
    op.count += elements;
    if (instr.gm.present())  // a scalar access is a row of elements, whatever its window
      op.bytes +=
          scalar ? elements * static_cast<int64_t>(isa::size_of(instr.gm.dtype)) : instr.gm.bytes();
  }
}

void add_code(const isa::Task& task, ScopeSummary& scope, CodeTable& code) {
  for (const isa::BlockCode& block : task.blocks) {
    count_stream(block.aic, code);
    for (const isa::Stream& lane : block.aiv) count_stream(lane, code);
    for (int space = 0; space < isa::kMemSpaces; ++space)
      scope.memory_peak[space] = std::max(scope.memory_peak[space], block.peak.bytes[space]);
  }
}

/// The graph's part of the scopes; `code` gets a table for each.
std::vector<ScopeSummary> make_scopes(const isa::TaskGraph& graph, const ScopeIndex& index,
                                      std::vector<CodeTable>& code) {
  std::vector<ScopeSummary> scopes(index.names.size());
  code.resize(scopes.size());
  for (size_t t = 0; t < graph.tasks.size(); ++t) {
    if (index.of_task[t] < 0) continue;
    const isa::Task& task = graph.tasks[t];
    ScopeSummary& scope = scopes[index.of_task[t]];
    if (scope.tasks++ == 0) {
      scope.name = task.name;
      scope.kind = task.kind;
    }
    scope.blocks += task.block_num;
    add_code(task, scope, code[index.of_task[t]]);
  }
  for (size_t s = 0; s < scopes.size(); ++s)
    for (size_t op = 0; op < code[s].size(); ++op)
      if (code[s][op].count != 0) scopes[s].instructions[opcode_name(op)] = code[s][op].count;
  return scopes;
}

/// Times of the opcodes by scope: a function belongs to the scope of the tasks that call it.
void add_op_costs(const Timeline& timeline, const isa::TaskGraph& graph, const ScopeIndex& index,
                  const std::vector<CodeTable>& code, std::vector<ScopeSummary>& scopes) {
  if (timeline.op_times.empty()) return;
  std::vector<int> scope_of(timeline.op_times.size(), -1);
  for (size_t t = 0; t < graph.tasks.size(); ++t)
    for (const isa::FuncId func : graph.tasks[t].func)
      if (func.value < scope_of.size()) scope_of[func.value] = index.of_task[t];
  for (size_t f = 0; f < scope_of.size(); ++f) {
    if (scope_of[f] < 0) continue;
    ScopeSummary& scope = scopes[scope_of[f]];
    for (size_t op = 0; op < isa::kOpcodes; ++op) {
      const OpTimes& times = timeline.op_times[f][op];
      if (scope.instructions.count(opcode_name(op)) == 0) continue;
      OpCost& cost = scope.op_costs[opcode_name(op)];
      cost.bytes = code[scope_of[f]][op].bytes;
      cost.busy += times.busy;
      cost.advance += times.advance;
    }
  }
}

void add_row(const LaneRow& row, Picoseconds head, ScopeSummary& scope, Accumulator& acc) {
  const Picoseconds exec = row.end - row.start;
  scope.exec_min = scope.lanes == 0 ? exec : std::min(scope.exec_min, exec);
  scope.exec_max = std::max(scope.exec_max, exec);
  scope.busy += exec;
  ++scope.lanes;
  CoreShare& share = scope.cores[static_cast<size_t>(row.kind)];
  share.busy += exec;
  ++share.lanes;
  for (int p = 0; p < isa::kPipes; ++p) scope.pipes[p] += row.pipe_busy[p];
  for (int w = 0; w < kWaitReasons; ++w) scope.waits[w] += row.waits[w];
  scope.gm += row.gm;
  acc.span.add(row.start, row.end);
  acc.head_sum += head;
  acc.tail_sum += row.finish - row.end;
  acc.latency_sum += row.finish - row.dispatch;
  acc.blocks[{row.task.value, row.block}].add(row.start, row.end);
}

void finish_scope(ScopeSummary& scope, const Accumulator& acc, Picoseconds first_dispatch) {
  if (scope.lanes == 0) return;
  scope.exec_mean = Picoseconds(scope.busy.value / scope.lanes);
  scope.head = Picoseconds(acc.head_sum.value / scope.lanes);
  scope.tail = Picoseconds(acc.tail_sum.value / scope.lanes);
  scope.latency = Picoseconds(acc.latency_sum.value / scope.lanes);
  scope.span = acc.span.length();
  scope.first_start = acc.span.start - first_dispatch;
  scope.last_end = acc.span.end - first_dispatch;
  for (const auto& [block, interval] : acc.blocks) scope.block_busy += interval.length();
}

}  // namespace

int64_t ScopeSummary::instruction_count() const {
  int64_t n = 0;
  for (const auto& [opcode, count] : instructions) n += count;
  return n;
}

double ScopeSummary::overfetch() const {
  return gm.asked_bytes == 0
             ? 0
             : static_cast<double>(gm.moved_bytes) / static_cast<double>(gm.asked_bytes);
}

double ScopeSummary::l2_hit_rate() const {
  return gm.lines == 0
             ? 0
             : static_cast<double>(gm.lines - gm.line_misses) / static_cast<double>(gm.lines);
}

isa::Pipe ScopeSummary::main_pipe() const {
  return static_cast<isa::Pipe>(std::max_element(pipes.begin(), pipes.end()) - pipes.begin());
}

WaitReason ScopeSummary::main_wait() const {
  return static_cast<WaitReason>(std::max_element(waits.begin(), waits.end()) - waits.begin());
}

Picoseconds Summary::busy() const {
  Picoseconds sum;
  for (const ScopeSummary& scope : scopes) sum += scope.busy;
  return sum;
}

Picoseconds Summary::span() const {
  Interval all;
  for (const ScopeSummary& scope : scopes)
    if (scope.lanes > 0) all.add(scope.first_start, scope.last_end);
  return all.length();
}

double Summary::cores_busy_mean() const {
  return makespan.value == 0
             ? 0
             : static_cast<double>(busy().value) / static_cast<double>(makespan.value);
}

const ScopeSummary* Summary::find(const std::string& scope) const {
  for (const ScopeSummary& s : scopes)
    if (s.name == scope) return &s;
  return nullptr;
}

Picoseconds Summary::busy_of(const ScopeGroup& group) const {
  Picoseconds sum;
  for (const std::string& name : group.scopes)
    if (const ScopeSummary* scope = find(name)) sum += scope->busy;
  return sum;
}

Summary summarize(const Timeline& timeline, const isa::TaskGraph& graph, RunInfo run,
                  std::optional<Golden> golden) {
  check_timeline(timeline, graph);
  Summary summary;
  summary.run = std::move(run);
  summary.golden = std::move(golden);
  summary.makespan = timeline.makespan();
  summary.effective = timeline.effective();
  summary.tasks = static_cast<int64_t>(graph.tasks.size());
  const ScopeIndex index(graph);
  if (!timeline.lanes.empty()) summary.observer_effect = timeline.meta.observer_effect;
  summary.clock_mhz = timeline.meta.clock_mhz;
  std::vector<CodeTable> code;
  summary.scopes = make_scopes(graph, index, code);
  add_op_costs(timeline, graph, index, code, summary.scopes);

  // Rows come sorted by start, so the previous row of a core is the one seen last.
  std::vector<Accumulator> accumulators(summary.scopes.size());
  std::vector<std::optional<Picoseconds>> previous_end(timeline.meta.core_kinds.size());
  Picoseconds first_dispatch = timeline.lanes.empty() ? Picoseconds() : timeline.lanes[0].dispatch;
  for (const LaneRow& row : timeline.lanes) {
    first_dispatch = std::min(first_dispatch, row.dispatch);
    Picoseconds head = row.start - row.dispatch;
    std::optional<Picoseconds>& previous = previous_end[row.core.value];
    if (previous) head = std::max(Picoseconds(0), std::min(head, row.start - *previous));
    previous = row.end;
    const int scope = index.of_task[row.task.value];
    if (scope < 0 || !has_work(row)) continue;
    add_row(row, head, summary.scopes[scope], accumulators[scope]);
  }
  for (size_t s = 0; s < summary.scopes.size(); ++s) {
    finish_scope(summary.scopes[s], accumulators[s], first_dispatch);
    summary.blocks += summary.scopes[s].blocks;
    summary.instructions += summary.scopes[s].instruction_count();
  }
  return summary;
}

}  // namespace traces
