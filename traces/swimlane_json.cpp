// The text of chip_swimlane_records.json, one row per line.
#include <fmt/compile.h>

#include "traces/json_text.h"
#include "traces/swimlane.h"

namespace traces {
namespace {

constexpr int kRunEpoch = 1;  // one run per file

/// Writes `[`, the rows separated by commas on lines of their own, and `]`.
template <class Rows, class Put>
void put_rows(Text& out, const Sink& sink, const Rows& rows, Put put_row) {
  append(out, "[");
  const char* separator = "\n  ";
  for (const auto& row : rows) {
    append(out, separator);
    put_row(row);
    pass_on_piece(out, sink);
    separator = ",\n  ";
  }
  append(out, "]");
}

class Writer {
 public:
  Writer(const SwimlaneRecords& records, const Sink& sink)
      : r_(records), gen_c_(records.options.format == RecordsFormat::C), sink_(sink) {}

  void write() {
    put("{{\"chip_swimlane_level\":{},\n", r_.options.level);
    metadata();
    append(out_, ",\n\"aicore_tasks\":");
    core_tasks();
    scheduler_tasks();
    if (r_.options.level >= 3) gen_c_ ? streams() : phase_lists();
    if (r_.options.level >= 4) submits();
    append(out_, "}\n");
    pass_on(out_, sink_);
  }

 private:
  template <class... Args>
  void put(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
  }

  void metadata() {
    put("\"metadata\":{{\"runtime\":\"tensormap_and_ringbuffer\",\"clock_freq_hz\":{},"
        "\"num_cores\":{},\"core_types\":[",
        r_.meta.counter_hz, r_.meta.core_kinds.size());
    for (size_t i = 0; i < r_.meta.core_kinds.size(); ++i)
      put("{}\"{}\"", i == 0 ? "" : ",",
          r_.meta.core_kinds[i] == isa::CoreKind::AIC ? "aic" : "aiv");
    append(out_, "]");
    if (r_.options.level >= 3) {
      append(out_, ",\"core_to_thread\":[");
      for (size_t i = 0; i < r_.meta.core_to_thread.size(); ++i)
        put("{}{}", i == 0 ? "" : ",", r_.meta.core_to_thread[i]);
      append(out_, "]");
    }
    append(out_, "}");
  }

  void core_tasks() {
    put_rows(out_, sink_, r_.core_tasks, [&](const SwimlaneRecords::CoreTask& t) {
      fmt::format_to(std::back_inserter(out_), FMT_COMPILE("[{},{},{},{},{},{}"), t.core, t.token,
                     t.reg_task_id, t.start, t.end, t.receive_to_start);
      close_row();
    });
  }

  void scheduler_tasks() {
    append(out_, gen_c_ ? ",\n\"scheduler_tasks\":{\"producer\":\"aicpu\",\"records\":"
                        : ",\n\"aicpu_tasks\":");
    put_rows(out_, sink_, r_.scheduler_tasks, [&](const SwimlaneRecords::SchedulerTask& t) {
      fmt::format_to(std::back_inserter(out_), FMT_COMPILE("[{},{},{},{}"), t.core, t.reg_task_id,
                     t.dispatch, t.finish);
      close_row();
    });
    if (gen_c_) append(out_, "}");
  }

  void close_row() {
    if (gen_c_) put(",{}", kRunEpoch);
    append(out_, "]");
  }

  void phase_lists() {
    append(out_, ",\n\"aicpu_scheduler_phases\":[");
    for (size_t thread = 0; thread < r_.phases.size(); ++thread) {
      if (thread != 0) append(out_, ",");
      put_rows(out_, sink_, r_.phases[thread], [&](const SwimlaneRecords::Phase& p) {
        put("{{\"kind\":\"{}\",\"start_cycles\":{},\"end_cycles\":{},\"loop_iter\":{},"
            "\"tasks_processed\":{}",
            p.kind, p.start, p.end, p.loop_iter, p.tasks_processed);
        if (p.kind == "dispatch") put(",\"pop_hit\":{},\"pop_miss\":{}", p.pop_hit, p.pop_miss);
        if (p.has_task) put(",\"task_id\":{}", p.token);
        put(",");
        queues(p);
        append(out_, "}");
      });
    }
    append(out_, "]");
  }

  void queues(const SwimlaneRecords::Phase& p) {
    put("\"shared_at_start\":[{},{},{}],\"shared_at_end\":[{},{},{}]", p.shared_at_start[0],
        p.shared_at_start[1], p.shared_at_start[2], p.shared_at_end[0], p.shared_at_end[1],
        p.shared_at_end[2]);
  }

  void streams() {
    append(out_, ",\n\"scheduler_records\":{\"streams\":[");
    for (size_t thread = 0; thread < r_.phases.size(); ++thread) {
      const auto& phases = r_.phases[thread];
      put("{}\n{{\"platform\":\"{}\",\"producer\":\"aicpu\",\"scheduler_id\":{},\"worker_id\":{},"
          "\"core_type\":\"aicpu\",\"physical_core_id\":null,"
          "\"capture\":{{\"committed\":{},\"dropped\":0,\"truncated\":false}},\n \"records\":",
          thread == 0 ? "" : ",", r_.meta.chip, thread, thread, phases.size());
      put_rows(out_, sink_, phases, [&](const SwimlaneRecords::Phase& p) {
        put("{{\"start_cycles\":{},\"end_cycles\":{},\"run_epoch\":{},\"loop_iter\":{},"
            "\"kind\":\"{}\",\"tasks_processed\":{},\"task_id\":{}}}",
            p.start, p.end, kRunEpoch, p.loop_iter, p.kind, p.tasks_processed,
            p.has_task ? fmt::format("{}", p.token) : std::string("null"));
      });
      append(out_, ",\n \"metrics\":");
      size_t index = 0;
      put_rows(out_, sink_, phases, [&](const SwimlaneRecords::Phase& p) {
        put("{{\"record_index\":{},", index++);
        if (p.kind == "dispatch") put("\"pop_hit\":{},\"pop_miss\":{},", p.pop_hit, p.pop_miss);
        queues(p);
        append(out_, "}");
      });
      append(out_, "}");
    }
    append(out_, "]}");
  }

  void submits() {
    append(out_, ",\n\"aicpu_orchestrator_phases\":[");
    put_rows(out_, sink_, r_.submits, [&](const SwimlaneRecords::Submit& s) {
      put("{{\"submit_idx\":{},\"task_id\":{},\"start_cycles\":{},\"end_cycles\":{}", s.index,
          s.token, s.start, s.end);
      if (gen_c_) put(",\"run_epoch\":{}", kRunEpoch);
      append(out_, "}");
    });
    append(out_, "]");
  }

  const SwimlaneRecords& r_;
  bool gen_c_;
  const Sink& sink_;
  Text out_;
};

}  // namespace

void write_records_json(const SwimlaneRecords& records, const Sink& sink) {
  check_records(records);
  Writer(records, sink).write();
}

std::string records_json(const SwimlaneRecords& records) {
  return collect([&](const Sink& sink) { write_records_json(records, sink); });
}

}  // namespace traces
