#include "traces/run_files.h"

#include "traces/deps.h"
#include "traces/picture.h"

namespace traces {
namespace {

void write_swimlane(OutputFolder& folder, const Timeline& timeline, const isa::TaskGraph& graph,
                    const RunFilesOptions& options) {
  const std::string& dfx = options.dfx;
  folder.write(dfx + "chip_swimlane_records.json", [&](const Sink& sink) {
    write_records_json(make_records(timeline, graph, options.records), sink);
  });
  folder.write(dfx + "name_map_" + graph.program + ".json", name_map_json(graph));
  const auto trace = [&](const Sink& sink) { write_chrome_trace(timeline, graph, sink); };
  const std::string trace_name = dfx + "merged_swimlane_" + graph.program + ".json";
  if (options.gzip_trace)
    folder.write(trace_name + ".gz", [&](const Sink& sink) { write_gzip(trace, sink); });
  else
    folder.write(trace_name, trace);
  folder.write(options.rest + "report/swimlane_report.txt",
               swimlane_report(timeline, graph, options.records.level));
  if (options.pictures) {
    folder.write(options.rest + "swimlane.svg", swimlane_svg(timeline, graph));
    folder.write(options.rest + "viewer.html", viewer_html({{graph.program, timeline, graph}}));
  }
}

}  // namespace

void write_run_files(OutputFolder& folder, const Timeline& timeline, const isa::TaskGraph& graph,
                     const Summary& summary, const std::vector<MemoryLine>& memory,
                     const std::vector<HintLine>& hints, const RunFilesOptions& options) {
  const std::string& dfx = options.dfx;
  const std::string report = options.rest + "report/";
  if (options.swimlane) write_swimlane(folder, timeline, graph, options);
  if (options.deps)
    folder.write(dfx + "deps.json", [&](const Sink& sink) { write_deps_json(graph, sink); });
  if (options.pmu)
    folder.write(dfx + "pmu.csv",
                 pmu_csv(timeline, graph, options.clock_mhz, pmu_columns(timeline.meta.chip)));
  folder.write(report + "memory_after_AllocateMemoryAddr.txt", memory_report(memory));
  folder.write(report + "perf_hints.log", hint_log(hints));
  folder.write(options.rest + "summary.json", summary_json(summary));
}

}  // namespace traces
