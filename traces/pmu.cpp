#include <cmath>

#include "traces/deps.h"
#include "traces/json_text.h"
#include "traces/naming.h"

namespace traces {
namespace {

constexpr int kPipeUtilisation = 2;  // event group (runtime.md §3.10)
constexpr int kNoPipe = -1;          // a counter we do not model

struct Counter {
  std::string_view column;
  int pipe;
};

constexpr int pipe(isa::Pipe p) { return static_cast<int>(p); }

std::vector<Counter> counters(PmuColumns columns) {
  using isa::Pipe;
  if (columns == PmuColumns::A5)
    return {{"pmu_idc_aic_vec_busy_o", pipe(Pipe::V)},
            {"cube_instr_busy", pipe(Pipe::M)},
            {"scalar_instr_busy", pipe(Pipe::S)},
            {"mte1_instr_busy", pipe(Pipe::MTE1)},
            {"mte2_instr_busy", pipe(Pipe::MTE2)},
            {"mte3_instr_busy", pipe(Pipe::MTE3)},
            {"icache_req", kNoPipe},
            {"icache_miss", kNoPipe},
            {"pmu_fix_instr_busy", pipe(Pipe::FIX)}};
  return {{"vec_busy_cycles", pipe(Pipe::V)},
          {"cube_busy_cycles", pipe(Pipe::M)},
          {"scalar_busy_cycles", pipe(Pipe::S)},
          {"mte1_busy_cycles", pipe(Pipe::MTE1)},
          {"mte2_busy_cycles", pipe(Pipe::MTE2)},
          {"mte3_busy_cycles", pipe(Pipe::MTE3)},
          {"icache_miss", kNoPipe},
          {"icache_req", kNoPipe}};
}

int64_t cycles(Picoseconds t, double clock_mhz) {
  return std::llround(static_cast<double>(t.value) * clock_mhz / 1e6);
}

}  // namespace

PmuColumns pmu_columns(const std::string& chip) {
  return chip == "a5" ? PmuColumns::A5 : PmuColumns::A2a3;
}

std::string pmu_csv(const Timeline& timeline, const isa::TaskGraph& graph, double clock_mhz,
                    PmuColumns columns) {
  check_timeline(timeline, graph);
  const std::vector<Counter> list = counters(columns);
  Text out;
  append(out, "thread_id,core_id,task_id,func_id,core_type,pmu_total_cycles");
  for (const Counter& c : list) fmt::format_to(std::back_inserter(out), ",{}", c.column);
  append(out, ",event_type\n");
  for (const LaneRow& row : timeline.lanes) {
    const std::vector<int32_t>& threads = timeline.meta.core_to_thread;
    fmt::format_to(std::back_inserter(out), "{},{},0x{:016x},{},{},{}",
                   row.core.value < threads.size() ? threads[row.core.value] : -1, row.core.value,
                   task_token(graph, row.task),
                   row.func.valid() ? static_cast<int64_t>(row.func.value) : -1,
                   row.kind == isa::CoreKind::AIC ? 0 : 1, cycles(row.end - row.start, clock_mhz));
    for (const Counter& c : list)
      fmt::format_to(
          std::back_inserter(out), ",{}",
          c.pipe == kNoPipe ? 0 : cycles(row.pipe_busy[static_cast<size_t>(c.pipe)], clock_mhz));
    fmt::format_to(std::back_inserter(out), ",{}\n", kPipeUtilisation);
  }
  return to_string(out);
}

}  // namespace traces
