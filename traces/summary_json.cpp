// summary.json as text.
#include <fmt/compile.h>

#include <cmath>

#include "traces/json_text.h"
#include "traces/summary.h"

namespace traces {
namespace {

template <class... Args>
void put(Text& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

void put_text(Text& out, std::string_view key, std::string_view value) {
  put(out, "\"{}\": ", key);
  append_json_string(out, value);
}

void put_us(Text& out, std::string_view key, Picoseconds value) {
  put(out, "\"{}\": ", key);
  append_us_exact(out, value);
}

void put_run(Text& out, const RunInfo& run) {
  append(out, "  ");
  put_text(out, "program", run.program);
  append(out, ",\n  ");
  put_text(out, "variant", run.variant);
  append(out, ",\n  ");
  put_text(out, "mode", run.mode);
  append(out, ",\n  \"knobs\": {");
  const char* separator = "";
  for (const auto& [knob, value] : run.knobs) {
    append(out, separator);
    append_json_string(out, knob);
    append(out, ": ");
    append_json_string(out, value);
    separator = ", ";
  }
  append(out, "},\n  ");
  put_text(out, "chip", run.chip);
  append(out, ",\n  ");
  put_text(out, "soc", run.soc);
  put(out, ",\n  \"seed\": {},\n  \"threads\": null,\n", run.seed);
}

void put_golden(Text& out, const std::optional<Golden>& golden) {
  if (!golden) {
    append(out, "  \"golden\": null,\n");
    return;
  }
  put(out, "  \"golden\": {{\"passed\": {}, \"outputs\": [", golden->passed);
  const char* separator = "\n    ";
  for (const GoldenOutput& o : golden->outputs) {
    append(out, separator);
    append(out, "{");
    put_text(out, "name", o.name);
    put(out, ", \"passed\": {}, \"max_abs_err\": ", o.passed);
    if (std::isfinite(o.max_abs_err))
      put(out, "{}", o.max_abs_err);
    else
      append(out, "null");
    put(out, ", \"bad\": {}, \"total\": {}}}", o.bad, o.total);
    separator = ",\n    ";
  }
  append(out, "]},\n");
}

void put_gm(Text& out, const ScopeSummary& s) {
  put(out,
      "     \"gm\": {{\"asked_bytes\": {}, \"moved_bytes\": {}, \"overfetch\": ", s.gm.asked_bytes,
      s.gm.moved_bytes);
  append_ratio(out, s.gm.moved_bytes, s.gm.asked_bytes);
  append(out, ", \"l2_hit_rate\": ");
  append_ratio(out, s.gm.lines - s.gm.line_misses, s.gm.lines);
  put(out,
      ", \"read_bytes\": {}, \"write_bytes\": {}, \"dmas\": {}, \"rows\": {}, \"lines\": {}, "
      "\"line_misses\": {}, \"hbm_bytes\": {}}},\n",
      s.gm.read_bytes, s.gm.write_bytes, s.gm.dmas, s.gm.rows, s.gm.lines, s.gm.line_misses,
      s.gm.hbm_bytes);
}

void put_scope(Text& out, const ScopeSummary& s) {
  append(out, "    {");
  put_text(out, "name", s.name);
  put(out, ", \"kind\": \"{}\", \"tasks\": {}, \"blocks\": {}, \"lanes\": {},\n     ",
      isa::name(s.kind), s.tasks, s.blocks, s.lanes);
  put_us(out, "busy_us", s.busy);
  append(out, ", ");
  put_us(out, "block_busy_us", s.block_busy);
  append(out, ",\n     \"exec_us\": {");
  put_us(out, "mean", s.exec_mean);
  append(out, ", ");
  put_us(out, "min", s.exec_min);
  append(out, ", ");
  put_us(out, "max", s.exec_max);
  append(out, "}, ");
  put_us(out, "span_us", s.span);
  append(out, ", ");
  put_us(out, "start_us", s.first_start);
  append(out, ", ");
  put_us(out, "end_us", s.last_end);
  append(out, ", ");
  put_us(out, "latency_us", s.latency);
  append(out, ",\n     ");
  put_us(out, "head_us", s.head);
  append(out, ", ");
  put_us(out, "tail_us", s.tail);
  append(out, ",\n     \"cores\": {");
  for (const isa::CoreKind kind : {isa::CoreKind::AIC, isa::CoreKind::AIV}) {
    const CoreShare& share = s.cores[static_cast<size_t>(kind)];
    put(out, "{}\"{}\": {{\"lanes\": {}, ", kind == isa::CoreKind::AIC ? "" : ", ", isa::name(kind),
        share.lanes);
    put_us(out, "busy_us", share.busy);
    append(out, "}");
  }
  append(out, "},\n     \"pipes_us\": {");
  for (int p = 0; p < isa::kPipes; ++p) {
    append(out, p == 0 ? "" : ", ");
    put_us(out, isa::name(static_cast<isa::Pipe>(p)), s.pipes[p]);
  }
  append(out, "},\n");
  put_gm(out, s);
  append(out, "     \"memory_peak_bytes\": {");
  for (int m = 1; m < isa::kMemSpaces; ++m)  // GM is no memory of a core
    put(out, "{}\"{}\": {}", m == 1 ? "" : ", ", isa::name(static_cast<isa::MemSpace>(m)),
        s.memory_peak[m]);
  append(out, "},\n     \"waits_us\": {");
  for (int w = 0; w < kWaitReasons; ++w) {
    const auto reason = static_cast<WaitReason>(w);
    if (reason == WaitReason::Peer && s.waits[w].value == 0) continue;  // one chip only
    append(out, w == 0 ? "" : ", ");
    put_us(out, name(reason), s.waits[w]);
  }
  append(out, "},\n     \"instructions\": {");
  const char* separator = "";
  for (const auto& [opcode, count] : s.instructions) {
    append(out, separator);
    append_json_string(out, opcode);
    put(out, ": {}", count);
    separator = ", ";
  }
  append(out, "},\n     \"op_costs\": {");
  separator = "";
  for (const auto& [opcode, cost] : s.op_costs) {
    append(out, separator);
    append_json_string(out, opcode);
    put(out, ": {{\"bytes\": {}, ", cost.bytes);
    put_us(out, "busy_us", cost.busy);
    append(out, ", ");
    put_us(out, "advance_us", cost.advance);
    append(out, "}");
    separator = ",\n       ";
  }
  append(out, "}}");
}

void put_groups(Text& out, const Summary& summary) {
  append(out, "  \"groups\": [");
  const char* separator = "";
  for (const ScopeGroup& group : summary.groups) {
    append(out, separator);
    append(out, "\n    {");
    put_text(out, "name", group.name);
    append(out, ", ");
    put_us(out, "busy_us", summary.busy_of(group));
    append(out, ", \"scopes\": [");
    const char* comma = "";
    for (const std::string& scope : group.scopes) {
      append(out, comma);
      append_json_string(out, scope);
      comma = ", ";
    }
    append(out, "]}");
    separator = ",";
  }
  append(out, "],\n");
}

}  // namespace

std::string summary_json(const Summary& summary) {
  Text out;
  append(out, "{\n");
  put_run(out, summary.run);
  put_golden(out, summary.golden);
  append(out, "  ");
  put_us(out, "makespan_us", summary.makespan);
  append(out, ",\n  ");
  if (summary.effective) {
    put_us(out, "effective_us", *summary.effective);
    append(out, ",\n  ");
  }
  put_us(out, "busy_us", summary.busy());
  append(out, ",\n  \"cores_busy_mean\": ");
  append_ratio(out, summary.busy().value, summary.makespan.value);
  put(out, ",\n  \"observer_effect\": {},\n  \"clock_mhz\": {},\n",
      summary.observer_effect ? (*summary.observer_effect ? "true" : "false") : "null",
      summary.clock_mhz);
  put_groups(out, summary);
  put(out, "  \"tasks\": {},\n  \"blocks\": {},\n  \"instructions\": {},\n  \"scopes\": [\n",
      summary.tasks, summary.blocks, summary.instructions);
  for (size_t i = 0; i < summary.scopes.size(); ++i) {
    put_scope(out, summary.scopes[i]);
    append(out, i + 1 == summary.scopes.size() ? "\n" : ",\n");
  }
  append(out, "  ]\n}\n");
  return to_string(out);
}

}  // namespace traces
