// chip_swimlane_records.json: what upstream's swimlane tools read (runtime.md §3.1, §3.2).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "isa/graph.h"
#include "traces/sink.h"
#include "traces/timeline.h"

namespace traces {

/// Schema generation. A: August 2026, six-column rows. C: September 2026, seven columns, strict.
enum class RecordsFormat : uint8_t { A, C };

/// "2026-08" or "2026-09". Error "traces.records-format".
RecordsFormat records_format_from_name(const std::string& text);

/// Level of detail: 1 start and end, 2 + dispatch and finish, 3 + scheduler phases, 4 + submits.
/// Error "traces.records-level" outside 1..4.
struct RecordsOptions {
  RecordsFormat format = RecordsFormat::A;
  int level = 4;
};

/// Records in counter ticks, as they will be written.
struct SwimlaneRecords {
  struct CoreTask {
    int64_t core = 0;
    uint64_t token = 0;
    int64_t reg_task_id = 0, start = 0, end = 0, receive_to_start = 0;
  };
  struct SchedulerTask {
    int64_t core = 0, reg_task_id = 0, dispatch = 0, finish = 0;
  };
  struct Phase {
    std::string kind;
    int64_t start = 0, end = 0, loop_iter = 0, tasks_processed = 0, pop_hit = 0, pop_miss = 0;
    bool has_task = false;
    uint64_t token = 0;
    std::array<int32_t, 3> shared_at_start{}, shared_at_end{};
  };
  struct Submit {
    int64_t index = 0;
    uint64_t token = 0;
    int64_t start = 0, end = 0;
  };

  TimelineMeta meta;
  RecordsOptions options;
  std::vector<CoreTask> core_tasks;
  std::vector<SchedulerTask> scheduler_tasks;  ///< level >= 2
  std::vector<std::vector<Phase>> phases;      ///< by scheduler thread, level >= 3
  std::vector<Submit> submits;                 ///< level >= 4
};

/// Ticks of a time. Always rounded down: order is kept, and what ends before another thing starts
/// still does. The run starts a tenth of a second after the counter's zero, because readers take a
/// stamp of 0 for "missing".
int64_t ticks(Picoseconds t, int64_t counter_hz);

/// Converts a timeline. Errors "traces.timeline", "traces.records-level".
SwimlaneRecords make_records(const Timeline& timeline, const isa::TaskGraph& graph,
                             const RecordsOptions& options = {});

/// The strict rules of generation C, which generation A's files satisfy too: known cores, positive
/// ordered stamps, 0 <= receive_to_start < start, no (core, reg_task_id) twice in a table, a
/// scheduler row for every core row at level >= 2, no negative phase, and no two kernels at once on
/// a core. Error "traces.swimlane" naming table, row and rule.
void check_records(const SwimlaneRecords& records);

/// The text of chip_swimlane_records.json. Checks the records first.
void write_records_json(const SwimlaneRecords& records, const Sink& sink);
std::string records_json(const SwimlaneRecords& records);

/// All of it.
std::string swimlane_json(const Timeline& timeline, const isa::TaskGraph& graph,
                          const RecordsOptions& options = {});

}  // namespace traces
