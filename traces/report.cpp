#include "traces/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "traces/naming.h"
#include "traces/text_table.h"

namespace traces {
namespace {

using Align = TextTable::Align;

double share(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

double mean_us(Picoseconds sum, int64_t count) {
  return count == 0 ? 0 : sum.us() / static_cast<double>(count);
}

std::string main_pipe_cell(const ScopeSummary& s) {
  const isa::Pipe pipe = s.main_pipe();
  const Picoseconds busy = s.pipes[static_cast<size_t>(pipe)];
  if (busy.value == 0) return "-";
  return fmt::format("{} {:.0f}%", isa::name(pipe), 100 * share(busy.value, s.busy.value));
}

std::string main_wait_cell(const ScopeSummary& s) {
  const WaitReason reason = s.main_wait();
  const Picoseconds waited = s.waits[static_cast<size_t>(reason)];
  return waited.value == 0 ? "-" : fmt::format("{} {}", name(reason), short_us(waited.us()));
}

}  // namespace

std::string scope_table(const Summary& summary) {
  TextTable table({{"scope", Align::Left},
                   {"kind", Align::Left},
                   {"tasks"},
                   {"blocks"},
                   {"busy us"},
                   {"exec mean"},
                   {"max"},
                   {"span us"},
                   {"head"},
                   {"main pipe", Align::Left},
                   {"GM moved"},
                   {"over-fetch"},
                   {"L2 hit"},
                   {"main wait us", Align::Left}});
  int64_t moved = 0;
  for (const ScopeSummary& s : summary.scopes) {
    moved += s.gm.moved_bytes;
    table.add({s.name, std::string(isa::name(s.kind)), fmt::format("{}", s.tasks),
               fmt::format("{}", s.blocks), short_us(s.busy.us()), short_us(s.exec_mean.us()),
               short_us(s.exec_max.us()), short_us(s.span.us()), short_us(s.head.us()),
               main_pipe_cell(s), short_bytes(s.gm.moved_bytes),
               s.gm.asked_bytes == 0 ? "-" : fmt::format("{:.2f}x", s.overfetch()),
               s.gm.lines == 0 ? "-" : fmt::format("{:.0f}%", 100 * s.l2_hit_rate()),
               main_wait_cell(s)});
  }
  table.rule();
  table.add({"total", "", fmt::format("{}", summary.tasks), fmt::format("{}", summary.blocks),
             short_us(summary.busy().us()), "", "", short_us(summary.makespan.us()), "", "",
             short_bytes(moved)});
  return table.text();
}

std::string totals_text(const Summary& summary) {
  std::string out;
  for (const ScopeGroup& group : summary.groups) {
    const Picoseconds busy = summary.busy_of(group);
    std::vector<std::string> ran;
    for (const std::string& scope : group.scopes)
      if (summary.find(scope) != nullptr) ran.push_back(scope);
    if (ran.empty()) continue;
    out +=
        fmt::format("{} busy {} us, {:.1f} % of the module ({})\n", group.name, short_us(busy.us()),
                    100 * share(busy.value, summary.busy().value), fmt::join(ran, ", "));
  }
  out += fmt::format("module wall {} us, busy {} us, {:.1f} cores busy on average",
                     short_us(summary.makespan.us()), short_us(summary.busy().us()),
                     summary.cores_busy_mean());
  if (summary.observer_effect)
    out += fmt::format("; observer effect {}", *summary.observer_effect ? "on" : "off");
  return out + "\n";
}

std::string swimlane_report(const Timeline& timeline, const isa::TaskGraph& graph, int level) {
  check_timeline(timeline, graph);
  struct Row {
    std::string function;
    int64_t count = 0;
    Picoseconds exec, latency, head, tail, propagation, local;
  };
  std::map<int64_t, Row> rows;
  Row total;
  for (const LaneRow& lane : timeline.lanes) {
    Row& row = rows[lane.func.valid() ? static_cast<int64_t>(lane.func.value) : -1];
    row.function = function_name(graph, lane);
    for (Row* r : {&row, &total}) {
      ++r->count;
      r->exec += lane.end - lane.start;
      r->latency += lane.finish - lane.dispatch;
      r->head += lane.start - lane.dispatch;
      r->tail += lane.finish - lane.end;
      r->propagation += lane.receive - lane.dispatch;
      r->local += lane.start - lane.receive;
    }
  }
  const bool scheduler = level >= 2;
  auto seen = [&](const std::string& cell) { return scheduler ? cell : std::string("-"); };
  auto mean = [&](Picoseconds sum, const Row& r) {
    return fmt::format("{:.2f}", mean_us(sum, r.count));
  };
  auto percent = [](const Row& r) {
    return fmt::format("{:.2f}%", 100 * share(r.exec.value, r.latency.value));
  };
  TextTable table({{"Func_ID"},
                   {"Func_Name", Align::Left},
                   {"Count"},
                   {"Avg Exec(us)"},
                   {"Avg Latency(us)"},
                   {"Exec%"},
                   {"Avg Head OH(us)"},
                   {"Avg Tail OH(us)"},
                   {"Avg Prop(us)"},
                   {"Avg Local(us)"}});
  for (const auto& [id, r] : rows)
    table.add({fmt::format("{}", id), r.function, fmt::format("{}", r.count), mean(r.exec, r),
               seen(mean(r.latency, r)), seen(percent(r)), seen(mean(r.head, r)),
               seen(mean(r.tail, r)), seen(mean(r.propagation, r)), mean(r.local, r)});
  table.rule();
  table.add({"TOTAL", "", fmt::format("{}", total.count), fmt::format("{:.2f}", total.exec.us()),
             seen(fmt::format("{:.2f}", total.latency.us())), seen(percent(total))});

  std::string out = fmt::format("Task statistics by function (source: swimlane level {})\n{}\n",
                                level, table.text());
  if (!scheduler) {
    Picoseconds first, last;
    for (const LaneRow& lane : timeline.lanes) {
      first = &lane == &timeline.lanes.front() ? lane.start : std::min(first, lane.start);
      last = std::max(last, lane.end);
    }
    return out + fmt::format("AICore Observed Span: {:.2f} us\n", (last - first).us());
  }
  out += fmt::format("Total Test Time: {:.2f} us\n\n", timeline.makespan().us());
  out += fmt::format(
      "Execution vs. scheduling, all lanes:\n"
      "  execution  {:.2f} us ({:.2f}% of latency)\n"
      "  head and tail overhead  {:.2f} us ({:.2f}% of latency)\n",
      total.exec.us(), 100 * share(total.exec.value, total.latency.value),
      (total.head + total.tail).us(),
      100 * share((total.head + total.tail).value, total.latency.value));
  return out;
}

std::string memory_report(const std::vector<MemoryLine>& lines) {
  TextTable table({{"scope", Align::Left},
                   {"core", Align::Left},
                   {"space", Align::Left},
                   {"peak B"},
                   {"limit B"},
                   {"used"}});
  for (const MemoryLine& line : lines)
    table.add({line.scope, line.core, line.space, fmt::format("{}", line.peak_bytes),
               fmt::format("{}", line.limit_bytes),
               fmt::format("{:.1f}%", 100 * share(line.peak_bytes, line.limit_bytes))});
  std::string out = "Memory after AllocateMemoryAddr\n\n" + table.text();
  for (const MemoryLine& line : lines) {
    if (line.live_at_peak.empty()) continue;
    out += fmt::format("\n{} {} {}: live at the peak of {} B\n", line.scope, line.core, line.space,
                       line.peak_bytes);
    TextTable tiles({{"  address"}, {"bytes"}, {"tile", Align::Left}, {"site", Align::Left}});
    for (const MemoryLine::Tile& tile : line.live_at_peak)
      tiles.add({fmt::format("  0x{:06x}", tile.addr), fmt::format("{}", tile.bytes), tile.shape,
                 tile.site});
    out += tiles.text();
  }
  return out;
}

std::string hint_log(const std::vector<HintLine>& hints) {
  std::string out;
  for (const HintLine& hint : hints)
    out += fmt::format("[{}] {} ({}): {}\n", hint.id, hint.scope, hint.site, hint.message);
  return out;
}

}  // namespace traces
