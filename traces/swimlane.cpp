#include "traces/swimlane.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "isa/error.h"
#include "traces/naming.h"

namespace traces {
namespace {

__extension__ typedef __int128 Wide;  // picoseconds x hertz does not fit 64 bits

SwimlaneRecords::Phase make_phase(const PhaseRow& row, const isa::TaskGraph& graph, int64_t hz) {
  SwimlaneRecords::Phase phase;
  phase.kind = row.kind;
  phase.start = ticks(row.start, hz);
  phase.end = ticks(row.end, hz);
  phase.loop_iter = row.loop_iter;
  phase.tasks_processed = row.tasks_processed;
  phase.pop_hit = row.pop_hit;
  phase.pop_miss = row.pop_miss;
  phase.has_task = row.task.valid();
  if (phase.has_task) phase.token = task_token(graph, row.task);
  phase.shared_at_start = row.shared_at_start;
  phase.shared_at_end = row.shared_at_end;
  return phase;
}

template <class Row>
[[noreturn]] void fail(const char* table, size_t index, const Row& row, const std::string& rule) {
  throw isa::Error(
      "traces.swimlane",
      fmt::format("{} row {} (core {}, reg_task_id {})", table, index, row.core, row.reg_task_id),
      rule);
}

using Key = std::pair<int64_t, int64_t>;  // (core, reg_task_id)

std::set<Key> check_core_tasks(const SwimlaneRecords& r) {
  const char* table = "aicore_tasks";
  const auto cores = static_cast<int64_t>(r.meta.core_kinds.size());
  std::set<Key> seen;
  for (size_t i = 0; i < r.core_tasks.size(); ++i) {
    const auto& row = r.core_tasks[i];
    if (row.core < 0 || row.core >= cores)
      fail(table, i, row, fmt::format("core is not below num_cores {}", cores));
    if (!(0 < row.start && row.start <= row.end))
      fail(table, i, row, fmt::format("0 < start {} <= end {} is violated", row.start, row.end));
    if (!(0 <= row.receive_to_start && row.receive_to_start < row.start))
      fail(table, i, row,
           fmt::format("0 <= receive_to_start {} < start {} is violated", row.receive_to_start,
                       row.start));
    if (!seen.emplace(row.core, row.reg_task_id).second)
      fail(table, i, row, "core and reg_task_id occur twice");
  }
  return seen;
}

void check_scheduler_tasks(const SwimlaneRecords& r, const std::set<Key>& core_rows) {
  const char* table = r.options.format == RecordsFormat::A ? "aicpu_tasks" : "scheduler_tasks";
  std::set<Key> seen;
  for (size_t i = 0; i < r.scheduler_tasks.size(); ++i) {
    const auto& row = r.scheduler_tasks[i];
    if (!(0 < row.dispatch && row.dispatch <= row.finish))
      fail(table, i, row,
           fmt::format("0 < dispatch {} <= finish {} is violated", row.dispatch, row.finish));
    if (!seen.emplace(row.core, row.reg_task_id).second)
      fail(table, i, row, "core and reg_task_id occur twice");
  }
  if (r.options.level < 2) return;
  for (size_t i = 0; i < r.core_tasks.size(); ++i) {
    const auto& row = r.core_tasks[i];
    if (core_rows.count({row.core, row.reg_task_id}) > seen.count({row.core, row.reg_task_id}))
      fail("aicore_tasks", i, row, fmt::format("has no row in {}", table));
  }
}

void check_phases(const SwimlaneRecords& r) {
  for (size_t thread = 0; thread < r.phases.size(); ++thread)
    for (size_t i = 0; i < r.phases[thread].size(); ++i) {
      const auto& p = r.phases[thread][i];
      if (p.start <= 0 || p.end < p.start)
        throw isa::Error("traces.swimlane",
                         fmt::format("scheduler {} phase {} ({})", thread, i, p.kind),
                         fmt::format("0 < start {} <= end {} is violated", p.start, p.end));
    }
  for (size_t i = 0; i < r.submits.size(); ++i) {
    const auto& s = r.submits[i];
    if (s.start <= 0 || s.end < s.start)
      throw isa::Error("traces.swimlane", fmt::format("submit {}", i),
                       fmt::format("0 < start {} <= end {} is violated", s.start, s.end));
  }
}

/// A core runs one kernel at a time; ticks round down, so touching rows stay touching.
void check_overlap(const SwimlaneRecords& r) {
  std::vector<size_t> order(r.core_tasks.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const auto &x = r.core_tasks[a], &y = r.core_tasks[b];
    return std::tie(x.core, x.start, x.end, a) < std::tie(y.core, y.start, y.end, b);
  });
  for (size_t i = 1; i < order.size(); ++i) {
    const auto &a = r.core_tasks[order[i - 1]], &b = r.core_tasks[order[i]];
    if (a.core == b.core && b.start < a.end)
      fail("aicore_tasks", order[i], b,
           fmt::format("starts at {} while reg_task_id {} runs on this core until {}", b.start,
                       a.reg_task_id, a.end));
  }
}

}  // namespace

RecordsFormat records_format_from_name(const std::string& text) {
  if (text == "2026-08") return RecordsFormat::A;
  if (text == "2026-09") return RecordsFormat::C;
  throw isa::Error("traces.records-format",
                   "records format '" + text + "' is none of 2026-08, 2026-09");
}

int64_t ticks(Picoseconds t, int64_t counter_hz) {
  const Wide scaled = static_cast<Wide>(t.value) * counter_hz;
  return counter_hz / 10 + static_cast<int64_t>(scaled / 1'000'000'000'000);
}

SwimlaneRecords make_records(const Timeline& timeline, const isa::TaskGraph& graph,
                             const RecordsOptions& options) {
  if (options.level < 1 || options.level > 4)
    throw isa::Error("traces.records-level",
                     fmt::format("swimlane level {} is not in 1..4", options.level));
  check_timeline(timeline, graph);
  const int64_t hz = timeline.meta.counter_hz;
  SwimlaneRecords records;
  records.meta = timeline.meta;
  records.options = options;
  for (const LaneRow& row : timeline.lanes) {
    const int64_t start = ticks(row.start, hz);
    records.core_tasks.push_back({row.core.value, task_token(graph, row.task), row.reg_task_id,
                                  start, ticks(row.end, hz), start - ticks(row.receive, hz)});
    if (options.level >= 2)
      records.scheduler_tasks.push_back(
          {row.core.value, row.reg_task_id, ticks(row.dispatch, hz), ticks(row.finish, hz)});
  }
  if (options.level >= 3) {
    records.phases.resize(static_cast<size_t>(std::max(0, timeline.meta.scheduler_threads)));
    for (const PhaseRow& row : timeline.phases) {
      if (row.thread < 0 || row.thread >= timeline.meta.scheduler_threads)
        throw isa::Error("traces.timeline", "phase " + row.kind,
                         fmt::format("scheduler thread {} does not exist, there are {}", row.thread,
                                     timeline.meta.scheduler_threads));
      records.phases[static_cast<size_t>(row.thread)].push_back(make_phase(row, graph, hz));
    }
  }
  if (options.level >= 4)
    for (const SubmitRow& row : timeline.submits)
      records.submits.push_back(
          {row.index, task_token(graph, row.task), ticks(row.start, hz), ticks(row.end, hz)});
  return records;
}

void check_records(const SwimlaneRecords& records) {
  const std::set<Key> core_rows = check_core_tasks(records);
  check_scheduler_tasks(records, core_rows);
  check_phases(records);
  check_overlap(records);
}

std::string swimlane_json(const Timeline& timeline, const isa::TaskGraph& graph,
                          const RecordsOptions& options) {
  return records_json(make_records(timeline, graph, options));
}

}  // namespace traces
