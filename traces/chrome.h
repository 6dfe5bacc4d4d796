// merged_swimlane_<program>.json: the Chrome trace that Perfetto opens (runtime.md §3.7).
#pragma once

#include <string>

#include "isa/graph.h"
#include "traces/sink.h"
#include "traces/timeline.h"

namespace traces {

struct ChromeOptions {
  bool pipes = true;          ///< Pipe View, if the timeline holds instructions
  int counter_points = 4096;  ///< per counter; more points are thinned out evenly in time
};

/// The trace as text. Processes 1 AICPU Orchestrator, 2 AICPU Scheduler, 3 Scheduler View
/// (dispatch -> finish), 4 Worker View (receive -> end), 7 Pipe View (one lane per core and pipe).
/// Times are microseconds with whole nanoseconds as fraction, rounded down; there is no
/// displayTimeUnit because readers disagree about it (feasibility.md §7). Slices of a lane never
/// overlap: what does is moved to sub-lanes. Every arrow starts and ends inside a slice; one that
/// cannot (it would point backwards in time between the two slices) is left out.
/// Errors "traces.timeline", "traces.lane-overflow" (ten slices at once on one lane).
void write_chrome_trace(const Timeline& timeline, const isa::TaskGraph& graph, const Sink& sink,
                        const ChromeOptions& options = {});
std::string chrome_trace(const Timeline& timeline, const isa::TaskGraph& graph,
                         const ChromeOptions& options = {});

/// What `write(sink)` hands out, as a gzip file image.
void write_gzip(const std::function<void(const Sink&)>& write, const Sink& sink, int level = 6);
/// `text` as a gzip file image: no name, no time, so the same text gives the same bytes.
std::string gzip(const std::string& text, int level = 6);
/// The inverse. Error "traces.gzip".
std::string gunzip(const std::string& bytes);

}  // namespace traces
