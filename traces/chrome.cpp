#include "traces/chrome.h"

#include <algorithm>
#include <map>

#include "isa/error.h"
#include "traces/chrome_events.h"
#include "traces/chrome_flows.h"
#include "traces/chrome_pipes.h"
#include "traces/naming.h"

namespace traces {
namespace {

enum Pid { kOrchestrator = 1, kScheduler = 2, kSchedulerView = 3, kWorkerView = 4, kPipeView = 7 };
constexpr int kSubmitTid = 4000;
constexpr int kQueueTid = 3999;
constexpr int kBusyTid = 3998;
constexpr int kMaxListed = 32;  // tasks named in a fan-in or fan-out hint

int core_tid(isa::CoreId core) { return 10000 + 10 * core.value; }
int phase_tid(int thread) { return 30000 + 10 * thread; }
int marker_tid(int thread) { return 19000 + thread; }

bool is_nested(const PhaseRow& phase) { return phase.kind == "resolve"; }

/// "3: [r1t0, r1t1, r1t2]"
std::string hint(const isa::TaskGraph& graph, const std::vector<isa::TaskId>& tasks) {
  std::string text = fmt::format("{}: [", tasks.size());
  for (size_t i = 0; i < tasks.size() && i < kMaxListed; ++i)
    text += (i == 0 ? "" : ", ") + task_label(graph, tasks[i]);
  return text + (tasks.size() > kMaxListed ? ", ...]" : "]");
}

class Builder {
 public:
  Builder(const Timeline& timeline, const isa::TaskGraph& graph, const Sink& sink,
          const ChromeOptions& options)
      : tl_(timeline), graph_(graph), options_(options), events_(sink) {}

  void build() {
    collect_neighbours();
    core_views();
    phases();
    submits();
    ready_queue();
    busy_cores();
    if (options_.pipes && !tl_.instrs.empty()) {
      events_.process(kPipeView, "Pipe View", kPipeView);
      write_pipe_view(tl_, graph_, kPipeView, events_);
    }
    write_flows(tl_, graph_, slices_, neighbours_, events_);
    Text metadata;
    append(metadata, "{\"runtime\":\"tensormap_and_ringbuffer\",\"program\":");
    append_json_string(metadata, graph_.program);
    append(metadata, ",\"chip\":");
    append_json_string(metadata, tl_.meta.chip);
    append(metadata, ",\"soc\":");
    append_json_string(metadata, tl_.meta.soc);
    append(metadata, "}");
    events_.finish({metadata.data(), metadata.size()});
  }

 private:
  template <class... Args>
  void put(Args&&... args) {
    fmt::format_to(std::back_inserter(events_.text()), std::forward<Args>(args)...);
  }

  void collect_neighbours() {
    neighbours_.resize(graph_.tasks.size());
    for (const isa::TaskEdge& edge : graph_.edges) {
      // Edges are sorted by (succ, pred): those of one pair stand together.
      auto add = [](std::vector<isa::TaskId>& list, isa::TaskId id) {
        if (list.empty() || !(list.back() == id)) list.push_back(id);
      };
      add(neighbours_[edge.succ.value].preds, edge.pred);
      add(neighbours_[edge.pred.value].succs, edge.succ);
    }
    for (const TaskNeighbours& n : neighbours_) {
      fanin_.push_back(hint(graph_, n.preds));
      fanout_.push_back(hint(graph_, n.succs));
    }
  }

  /// Worker View and Scheduler View: a slice per row, on its core's lane.
  void core_views() {
    events_.process(kSchedulerView, "Scheduler View", kSchedulerView);
    events_.process(kWorkerView, "Worker View", kWorkerView);
    const size_t rows = tl_.lanes.size();
    slices_.worker.resize(rows);
    slices_.scheduler.resize(rows);
    place_rows(kWorkerView, slices_.worker, &LaneRow::receive, &LaneRow::end);
    place_rows(kSchedulerView, slices_.scheduler, &LaneRow::dispatch, &LaneRow::finish);
    for (size_t i = 0; i < rows; ++i) worker_slice(tl_.lanes[i], slices_.worker[i]);
    for (size_t i = 0; i < rows; ++i) scheduler_slice(tl_.lanes[i], slices_.scheduler[i]);
  }

  void place_rows(int pid, std::vector<ChromeSlice>& slices, Picoseconds LaneRow::*from,
                  Picoseconds LaneRow::*to) {
    std::vector<size_t> order(tl_.lanes.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return tl_.lanes[a].*from < tl_.lanes[b].*from; });
    std::map<uint16_t, LanePacker> packers;
    std::map<uint16_t, isa::CoreKind> kinds;
    for (size_t i : order) {
      const LaneRow& row = tl_.lanes[i];
      ChromeSlice& slice = slices[i];
      slice.pid = pid;
      slice.ts = whole_ns(row.*from);
      slice.end = std::max(whole_ns(row.*to), slice.ts + 1);
      LanePacker& packer =
          packers.try_emplace(row.core.value, 10, core_label(row.kind, row.core)).first->second;
      slice.tid = core_tid(row.core) + packer.place(slice.ts, slice.end);
      kinds[row.core.value] = row.kind;
    }
    for (const auto& [core, packer] : packers)
      for (int sub = 0; sub < packer.used(); ++sub) {
        const int tid = core_tid(isa::CoreId(core)) + sub;
        events_.thread(pid, tid, core_label(kinds[core], isa::CoreId(core)), tid);
      }
  }

  void begin_task_slice(const LaneRow& row, const ChromeSlice& slice) {
    Text quoted;
    append_json_string(
        quoted, fmt::format("{}({})", function_name(graph_, row), task_label(graph_, row.task)));
    events_.begin_slice(slice, {quoted.data(), quoted.size()}, "event");
    put(",\"args\":{{\"event-hint\":\"Task:{}, FuncId:{}, CoreId:{}\",\"taskId\":{},\"block\":{}",
        task_label(graph_, row.task), row.func.valid() ? static_cast<int64_t>(row.func.value) : -1,
        row.core.value, task_token(graph_, row.task), row.block);
  }

  void us_member(std::string_view key, int64_t ns) {
    put(FMT_COMPILE(",\"{}\":{}.{:03}"), key, ns / 1000, ns % 1000);
  }

  /// The non-zero entries of a table of times as one object.
  template <class E, size_t N>
  void table_member(std::string_view key, const std::array<Picoseconds, N>& values) {
    const char* separator = "";
    put(",\"{}\":{{", key);
    for (size_t i = 0; i < N; ++i) {
      if (values[i].value == 0) continue;
      put("{}\"{}\":", separator, name(static_cast<E>(i)));
      append_ns_as_us(events_.text(), whole_ns(values[i]));
      separator = ",";
    }
    put("}}");
  }

  void worker_slice(const LaneRow& row, const ChromeSlice& slice) {
    begin_task_slice(row, slice);
    put(",\"fanin-hint\":\"{}\",\"fanout-hint\":\"{}\"", fanin_[row.task.value],
        fanout_[row.task.value]);
    us_member("duration-us", whole_ns(row.end - row.receive));
    us_member("kernel-duration-us", whole_ns(row.end - row.start));
    us_member("local_setup_us", whole_ns(row.start - row.receive));
    table_member<isa::Pipe>("pipe-busy-us", row.pipe_busy);
    table_member<WaitReason>("wait-us", row.waits);
    put(",\"gm-asked-bytes\":{},\"gm-moved-bytes\":{},\"instructions\":{}}}", row.gm.asked_bytes,
        row.gm.moved_bytes, row.instructions);
    events_.end();
  }

  void scheduler_slice(const LaneRow& row, const ChromeSlice& slice) {
    begin_task_slice(row, slice);
    us_member("dispatch-time-us", whole_ns(row.dispatch));
    us_member("finish-time-us", whole_ns(row.finish));
    us_member("aicpu-duration-us", whole_ns(row.finish - row.dispatch));
    put("}}");
    events_.end();
  }

  /// Scheduler phases: outer bars on the thread's lane, resolve (nested in them) on the next one.
  void phases() {
    if (tl_.phases.empty()) return;
    events_.process(kScheduler, "AICPU Scheduler", kScheduler);
    std::map<int, LanePacker> outer, nested;
    slices_.phases.resize(tl_.phases.size());
    for (size_t i = 0; i < tl_.phases.size(); ++i) {
      const PhaseRow& phase = tl_.phases[i];
      ChromeSlice& slice = slices_.phases[i];
      slice.ts = whole_ns(phase.start);
      slice.end = std::max(whole_ns(phase.end), slice.ts + 1);
      if (phase.kind == "dummy_task") {
        slice.pid = kWorkerView;
        slice.tid = marker_tid(phase.thread);
        continue;
      }
      const std::string what = fmt::format("Sched_{}", phase.thread);
      slice.pid = kScheduler;
      LanePacker& packer =
          (is_nested(phase) ? nested : outer).try_emplace(phase.thread, 5, what).first->second;
      // +0 outer, +1 nested; further outer bars take even, further nested bars odd numbers
      slice.tid =
          phase_tid(phase.thread) + 2 * packer.place(slice.ts, slice.end) + is_nested(phase);
    }
    std::map<std::pair<int, int>, std::string> names;
    for (size_t i = 0; i < tl_.phases.size(); ++i) {
      const ChromeSlice& slice = slices_.phases[i];
      names[{slice.pid, slice.tid}] =
          fmt::format("{}_{}", slice.pid == kWorkerView ? "AICPU" : "Sched", tl_.phases[i].thread);
    }
    for (const auto& [lane, label] : names)
      events_.thread(lane.first, lane.second, label, lane.second);
    for (size_t i = 0; i < tl_.phases.size(); ++i) phase_slice(tl_.phases[i], slices_.phases[i]);
  }

  void phase_slice(const PhaseRow& phase, const ChromeSlice& slice) {
    const std::string shown = slice.pid == kWorkerView && phase.task.valid()
                                  ? fmt::format("\"dummy({})\"", task_label(graph_, phase.task))
                                  : fmt::format("\"{}({})\"", phase.kind, phase.tasks_processed);
    events_.begin_slice(slice, shown, "scheduler");
    put(",\"cname\":\"{}\"", phase.kind == "complete"   ? "good"
                             : phase.kind == "dispatch" ? "terrible"
                                                        : "vsync_highlight_color");
    put(",\"args\":{{\"phase\":\"{}\",\"loop_iter\":{},\"tasks_processed\":{},"
        "\"shared_at_start (aic,aiv,mix)\":\"{},{},{}\","
        "\"shared_at_end (aic,aiv,mix)\":\"{},{},{}\"}}",
        phase.kind, phase.loop_iter, phase.tasks_processed, phase.shared_at_start[0],
        phase.shared_at_start[1], phase.shared_at_start[2], phase.shared_at_end[0],
        phase.shared_at_end[1], phase.shared_at_end[2]);
    events_.end();
  }

  void submits() {
    if (tl_.submits.empty()) return;
    events_.process(kOrchestrator, "AICPU Orchestrator", kOrchestrator);
    LanePacker packer(10, "Orch_0");
    slices_.submits.resize(tl_.submits.size());
    for (size_t i = 0; i < tl_.submits.size(); ++i) {
      ChromeSlice& slice = slices_.submits[i];
      slice.pid = kOrchestrator;
      slice.ts = whole_ns(tl_.submits[i].start);
      slice.end = std::max(whole_ns(tl_.submits[i].end), slice.ts + 1);
      slice.tid = kSubmitTid + packer.place(slice.ts, slice.end);
    }
    for (int sub = 0; sub < packer.used(); ++sub)
      events_.thread(kOrchestrator, kSubmitTid + sub, "Orch_0", kSubmitTid + sub);
    for (size_t i = 0; i < tl_.submits.size(); ++i) {
      const SubmitRow& submit = tl_.submits[i];
      events_.begin_slice(slices_.submits[i],
                          fmt::format("\"submit({})\"", task_label(graph_, submit.task)),
                          "orchestrator");
      put(",\"cname\":\"rail_animation\",\"args\":{{\"submit_idx\":{},\"task\":", submit.index);
      append_json_string(events_.text(), graph_.task(submit.task).name);
      put(",\"taskId\":{}}}", task_token(graph_, submit.task));
      events_.end();
    }
  }

  using Points = std::vector<std::pair<int64_t, std::array<int32_t, 3>>>;  // (ns, values)

  /// Sorted points without repeats; if still too many, the last point of each of equal time slots.
  Points thinned(Points points) const {
    std::stable_sort(points.begin(), points.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    Points changes;
    for (const auto& p : points) {
      if (!changes.empty() && changes.back().first == p.first)
        changes.back().second = p.second;
      else if (changes.empty() || changes.back().second != p.second)
        changes.push_back(p);
    }
    const auto limit = static_cast<size_t>(std::max(1, options_.counter_points));
    if (changes.size() <= limit) return changes;
    const int64_t first = changes.front().first, length = changes.back().first - first + 1;
    Points kept;
    int64_t slot_of_last = -1;
    for (const auto& p : changes) {
      const int64_t slot = (p.first - first) * static_cast<int64_t>(limit) / length;
      if (slot == slot_of_last) kept.pop_back();
      kept.push_back(p);
      slot_of_last = slot;
    }
    return kept;
  }

  void ready_queue() {
    if (tl_.phases.empty()) return;
    Points points;
    for (const PhaseRow& phase : tl_.phases) {
      points.push_back({whole_ns(phase.start), phase.shared_at_start});
      points.push_back({whole_ns(phase.end), phase.shared_at_end});
    }
    events_.thread(kScheduler, kQueueTid, "shared_ready_queue (global)", kQueueTid);
    for (const auto& [ts, v] : thinned(std::move(points)))
      events_.counter(kScheduler, kQueueTid, "shared_ready_queue", ts,
                      fmt::format("\"AIC\":{},\"AIV\":{},\"MIX\":{}", v[0], v[1], v[2]));
  }

  void busy_cores() {
    std::vector<std::pair<int64_t, std::array<int32_t, 3>>> steps;
    for (const LaneRow& row : tl_.lanes) {
      if (!has_work(row)) continue;
      std::array<int32_t, 3> step{};
      step[row.kind == isa::CoreKind::AIC ? 0 : 1] = 1;
      steps.push_back({whole_ns(row.start), step});
      step[row.kind == isa::CoreKind::AIC ? 0 : 1] = -1;
      steps.push_back({whole_ns(row.end), step});
    }
    std::stable_sort(steps.begin(), steps.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::array<int32_t, 3> busy{};
    for (auto& [ts, step] : steps) {
      for (size_t k = 0; k < 2; ++k) busy[k] += step[k];
      step = busy;
    }
    for (const auto& [ts, v] : thinned(std::move(steps)))
      events_.counter(kWorkerView, kBusyTid, "busy_cores", ts,
                      fmt::format("\"AIC\":{},\"AIV\":{}", v[0], v[1]));
  }

  const Timeline& tl_;
  const isa::TaskGraph& graph_;
  const ChromeOptions& options_;
  ChromeEvents events_;
  ChromeSlices slices_;
  std::vector<TaskNeighbours> neighbours_;
  std::vector<std::string> fanin_, fanout_;  ///< hints by task
};

}  // namespace

void write_chrome_trace(const Timeline& timeline, const isa::TaskGraph& graph, const Sink& sink,
                        const ChromeOptions& options) {
  check_timeline(timeline, graph);
  Builder(timeline, graph, sink, options).build();
}

std::string chrome_trace(const Timeline& timeline, const isa::TaskGraph& graph,
                         const ChromeOptions& options) {
  return collect([&](const Sink& sink) { write_chrome_trace(timeline, graph, sink, options); });
}

}  // namespace traces
