// Writes a trace, a picture and a viewer page to look at or to feed to run.sh.
// Usage: traces_write_trace OUT_FOLDER [layers] [instructions per row]
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>

#include "traces/chrome.h"
#include "traces/folder.h"
#include "traces/picture.h"
#include "traces/sample.h"
#include "traces/summary.h"

int main(int argc, char** argv) try {
  if (argc < 2) {
    fmt::print(stderr, "usage: {} OUT_FOLDER [layers] [instructions per row]\n", argv[0]);
    return 2;
  }
  const sample::Run run =
      sample::synthetic(argc > 2 ? std::atoi(argv[2]) : 4, argc > 3 ? std::atoi(argv[3]) : 30);
  const sample::Run other = sample::synthetic(3, 30);
  auto timed = [](const char* what, auto make) {
    const auto start = std::chrono::steady_clock::now();
    std::string text = make();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    fmt::print("{:<10} {:>10} bytes {:.3f} s\n", what, text.size(), took.count());
    return text;
  };
  fmt::print("{} rows, {} instructions\n", run.timeline.lanes.size(), run.timeline.instrs.size());
  traces::OutputFolder folder(argv[1], {"trace.json", "trace.json.gz", "sample.json"});
  const std::string trace =
      timed("trace", [&] { return traces::chrome_trace(run.timeline, run.graph); });
  folder.write("trace.json", trace);
  folder.write("trace.json.gz", timed("gzip", [&] { return traces::gzip(trace); }));
  folder.write("sample.json", traces::chrome_trace(sample::timeline(), sample::graph()));
  folder.write("swimlane.svg",
               timed("svg", [&] { return traces::swimlane_svg(run.timeline, run.graph); }));
  folder.write("viewer.html", timed("viewer", [&] {
                 return traces::viewer_html({{"run", run.timeline, run.graph},
                                             {"three layers", other.timeline, other.graph}});
               }));
  folder.write("summary.json",
               traces::summary_json(traces::summarize(run.timeline, run.graph, {})));
  fmt::print("{}\n", folder.commit());
  return 0;
} catch (const std::exception& e) {
  fmt::print(stderr, "{}\n", e.what());
  return 2;
}
