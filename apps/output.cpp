#include "apps/output.h"

#include <fmt/format.h>

namespace app {
namespace {

constexpr size_t kMostLines = 10;  ///< of diagnostics and hazards on the terminal

std::vector<traces::MemoryLine> memory_lines(const lower::Result& lowered) {
  std::vector<traces::MemoryLine> lines;
  for (const lower::MemoryUse& m : lowered.memory) {
    traces::MemoryLine line{m.scope,
                            std::string(isa::name(m.core)),
                            std::string(isa::name(m.space)),
                            m.peak_bytes,
                            m.limit_bytes,
                            {}};
    for (const lower::LiveTile& t : m.live_at_peak)
      line.live_at_peak.push_back({t.site, t.shape, t.addr, t.bytes});
    lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<traces::HintLine> hint_lines(const lower::Result& lowered) {
  std::vector<traces::HintLine> lines;
  for (const lower::PerfHint& h : lowered.hints)
    lines.push_back({h.id, h.scope, h.site, h.message});
  return lines;
}

std::string list_some(const std::string& title, const std::vector<std::string>& lines) {
  if (lines.empty()) return "";
  std::string out = fmt::format("{} {}\n", lines.size(), title);
  for (size_t i = 0; i < lines.size() && i < kMostLines; ++i) out += "  " + lines[i] + "\n";
  if (lines.size() > kMostLines) out += fmt::format("  ... {} more\n", lines.size() - kMostLines);
  return out;
}

}  // namespace

void write_result(traces::OutputFolder& folder, const RunResult& result, const RunRequest& request,
                  const OutputOptions& options) {
  traces::RunFilesOptions files;
  files.records.format = traces::records_format_from_name(options.records_format);
  files.records.level = request.level;
  files.gzip_trace = options.gzip;
  files.swimlane = options.swimlane;
  files.deps = options.deps;
  files.pmu = options.pmu;
  files.clock_mhz = result.chip.clock_mhz;
  files.dfx = options.dfx;
  files.rest = options.rest;
  traces::write_run_files(folder, result.timeline, result.lowered.graph, result.summary,
                          memory_lines(result.lowered), hint_lines(result.lowered), files);
}

void write_rank_results(traces::OutputFolder& folder, const std::vector<RunResult>& results,
                        const RunRequest& request, const OutputOptions& options, int dispatch) {
  const RunResult* last = nullptr;
  for (size_t r = 0; r < results.size(); ++r) {
    OutputOptions own = options;
    own.dfx = fmt::format("dfx_outputs/rank{}/d{}/", r, dispatch);
    own.rest =
        fmt::format("next_levels/rank{}{}/", r, dispatch == 0 ? "" : fmt::format("_d{}", dispatch));
    write_result(folder, results[r], request, own);
    if (last == nullptr || last->summary.makespan < results[r].summary.makespan) last = &results[r];
  }
  if (last != nullptr) folder.write("summary.json", traces::summary_json(last->summary));
}

std::string verdict_text(const RunResult& result, const RunRequest& request) {
  std::string out;
  if (request.golden) {
    out += fmt::format("golden {} (seed {})\n", result.summary.golden->passed ? "PASS" : "FAIL",
                       request.seed);
    for (const kernels::OutputVerdict& v : result.verdicts)
      out += fmt::format("  {} {:<10} {} of {} out of tolerance, max |error| {:g}, {}{}\n",
                         v.passed ? "PASS" : "FAIL", v.name, v.bad, v.total, v.max_abs_err, v.rule,
                         v.detail.empty() ? "" : "; first " + v.detail);
  } else {
    out += fmt::format("golden not checked (seed {})\n", request.seed);
  }
  if (result.lowering_check)
    out += result.lowering_check->equal
               ? "lowering PASS: the lowered program gives the eager values bit for bit\n"
               : "lowering FAIL: " + result.lowering_check->first_difference + "\n";
  std::vector<std::string> diagnostics;
  for (const pl::Diagnostic& d : result.diagnostics)
    diagnostics.push_back(fmt::format("{}: {} [{}]", d.where, d.message, d.id));
  out += list_some("diagnostics", diagnostics);
  out += list_some("hazards (overlapping accesses without an ordering path)", result.hazards);
  return out;
}

}  // namespace app
