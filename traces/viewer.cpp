#include <fmt/compile.h>

#include "isa/error.h"
#include "traces/chrome_pipes.h"
#include "traces/json_text.h"
#include "traces/naming.h"
#include "traces/picture.h"
#include "traces/viewer_template.h"

namespace traces {
namespace {

template <class... Args>
void put(Text& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

template <class Names, class NameOf>
void put_names(Text& out, const char* key, const Names& items, NameOf name_of) {
  put(out, "\"{}\":[", key);
  const char* separator = "";
  for (const auto& item : items) {
    append(out, separator);
    append_json_string(out, name_of(item));
    separator = ",";
  }
  append(out, "]");
}

template <size_t N>
void put_times(Text& out, const std::array<Picoseconds, N>& times, size_t count = N) {
  append(out, ",[");
  for (size_t i = 0; i < count; ++i) put(out, "{}{}", i == 0 ? "" : ",", whole_ns(times[i]));
  append(out, "]");
}

/// [core, task, block, work, dispatch, receive, start, end, finish, asked, moved, instructions,
///  [pipe busy], [waits]]
void put_row(Text& out, const LaneRow& row, Picoseconds zero) {
  put(out, "[{},{},{},{}", row.core.value, row.task.value, row.block, has_work(row) ? 1 : 0);
  for (Picoseconds t : {row.dispatch, row.receive, row.start, row.end, row.finish})
    put(out, ",{}", whole_ns(t - zero));
  put(out, ",{},{},{}", row.gm.asked_bytes, row.gm.moved_bytes, row.instructions);
  put_times(out, row.pipe_busy);
  // One chip has no peers; only rows that waited for one say so.
  const bool peers = row.waits[static_cast<size_t>(WaitReason::Peer)].value != 0;
  put_times(out, row.waits, row.waits.size() - (peers ? 0 : 1));
  append(out, "]");
}

/// [row, pipe, opcode, start, end, site, wait, waited]
void put_instrs(Text& out, const ViewerRun& run, Picoseconds zero) {
  append(out, ",\n\"instrs\":[");
  const char* separator = "";
  for (const InstrRow& row : run.timeline.instrs) {
    const isa::Instr instr = instruction_of(run.timeline, run.graph, row);
    fmt::format_to(std::back_inserter(out), FMT_COMPILE("{}[{},{},{},{},{},{},{},{}]"), separator,
                   row.lane_row, static_cast<int>(row.pipe), static_cast<int>(instr.op),
                   whole_ns(row.start - zero), whole_ns(row.end - zero),
                   instr.site.valid() ? static_cast<int64_t>(instr.site.value) : -1,
                   static_cast<int>(row.wait), whole_ns(row.waited));
    separator = ",";
  }
  append(out, "]");
}

void put_run(Text& out, const ViewerRun& run, const ViewerOptions& options) {
  const Timeline& tl = run.timeline;
  const isa::TaskGraph& graph = run.graph;
  check_timeline(tl, graph);
  const Picoseconds zero = time_zero(tl);
  const ScopeIndex scopes(graph);
  append(out, "{\"label\":");
  append_json_string(out, run.label);
  append(out, ",\"program\":");
  append_json_string(out, graph.program);
  append(out, ",\"chip\":");
  append_json_string(out, tl.meta.chip);
  put(out, ",\"makespan\":{},\n", whole_ns(tl.makespan()));
  put_names(out, "cores", tl.meta.core_kinds, [](isa::CoreKind k) { return isa::name(k); });
  append(out, ",\n");
  put_names(out, "scopes", scopes.names, [](const std::string& s) { return s; });
  append(out, ",\n\"tasks\":[");
  for (uint32_t t = 0; t < graph.tasks.size(); ++t) {
    put(out, "{}[{},", t == 0 ? "" : ",", scopes.of_task[t]);
    append_json_string(out, task_label(graph, isa::TaskId(t)));
    append(out, "]");
  }
  append(out, "],\n\"edges\":[");
  for (size_t e = 0; e < graph.edges.size(); ++e)
    put(out, "{}[{},{}]", e == 0 ? "" : ",", graph.edges[e].pred.value, graph.edges[e].succ.value);
  append(out, "],\n\"rows\":[");
  for (size_t i = 0; i < tl.lanes.size(); ++i) {
    append(out, i == 0 ? "\n" : ",\n");
    put_row(out, tl.lanes[i], zero);
  }
  append(out, "]");
  if (options.instructions && !tl.instrs.empty()) {
    append(out, ",\n");
    put_names(out, "sites", graph.sites, [](const std::string& s) { return s; });
    put_instrs(out, run, zero);
  }
  append(out, "}");
}

}  // namespace

std::string viewer_data(const std::vector<ViewerRun>& runs, const ViewerOptions& options) {
  if (runs.empty() || runs.size() > 2)
    throw isa::Error("traces.viewer",
                     fmt::format("the viewer shows one or two runs, not {}", runs.size()));
  Text out;
  append(out, "{\"title\":");
  append_json_string(out, options.title.empty() ? runs[0].graph.program : options.title);
  append(out, ",\n\"colours\":[");
  for (int i = 0; i < 20; ++i) put(out, "{}\"{}\"", i == 0 ? "" : ",", scope_colour(i));
  append(out, "],\n\"pipes\":[");
  for (int p = 0; p < isa::kPipes; ++p)
    put(out, "{}\"{}\"", p == 0 ? "" : ",", isa::name(static_cast<isa::Pipe>(p)));
  append(out, "],\n\"waits\":[");
  for (int w = 0; w < kWaitReasons; ++w)
    put(out, "{}\"{}\"", w == 0 ? "" : ",", name(static_cast<WaitReason>(w)));
  append(out, "],\n\"opcodes\":[");
  for (int op = 0; op < isa::kOpcodes; ++op)
    put(out, "{}\"{}\"", op == 0 ? "" : ",", isa::name(static_cast<isa::Opcode>(op)));
  append(out, "],\n\"runs\":[");
  for (size_t i = 0; i < runs.size(); ++i) {
    append(out, i == 0 ? "" : ",\n");
    put_run(out, runs[i], options);
  }
  append(out, "]}");
  return to_string(out);
}

std::string viewer_html(const std::vector<ViewerRun>& runs, const ViewerOptions& options) {
  std::string page(kViewerTemplate);
  const size_t at = page.find(kViewerDataMark);
  if (at == std::string::npos)
    throw isa::Error("traces.viewer", "the page has no place for the data");
  return page.replace(at, kViewerDataMark.size(), viewer_data(runs, options));
}

}  // namespace traces
