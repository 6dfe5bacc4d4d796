// The comparison as JSON.
#include <fmt/format.h>

#include "traces/compare.h"
#include "traces/json_text.h"

namespace traces {
namespace {

template <class... Args>
void put(Text& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

void put_text(Text& out, const char* key, std::string_view value) {
  put(out, "\"{}\": ", key);
  append_json_string(out, value);
}

void put_pair(Text& out, const char* key, const TimePair& t) {
  put(out, "\"{}\": {{\"a\": ", key);
  append_us_exact(out, t.a);
  append(out, ", \"b\": ");
  append_us_exact(out, t.b);
  append(out, ", \"difference\": ");
  append_us_exact(out, t.difference());
  const std::optional<double> ratio = t.ratio();
  put(out, ", \"ratio\": {}}}", ratio ? fmt::format("{:.6f}", *ratio) : std::string("null"));
}

void put_reason(Text& out, const Reason& r) {
  if (r.kind == Reason::Kind::None) {
    append(out, "\"reason\": null");
    return;
  }
  const bool pipe = r.kind == Reason::Kind::Pipe;
  put(out,
      "\"reason\": {{\"kind\": \"{}\", \"name\": \"{}\", \"change_us\": ", pipe ? "pipe" : "wait",
      pipe ? isa::name(r.pipe) : name(r.wait));
  append_us_exact(out, r.change);
  append(out, ", \"facts\": [");
  for (size_t i = 0; i < r.facts.size(); ++i) {
    append(out, i == 0 ? "{" : ", {");
    put_text(out, "what", r.facts[i].what);
    put(out, ", \"a\": {}, \"b\": {}}}", r.facts[i].a, r.facts[i].b);
  }
  append(out, "]}");
}

void put_work(Text& out, const char* key, const KindWork& work) {
  put(out, "\"{}\": {{\"count\": {}, \"bytes\": {}, \"busy_us\": ", key, work.count, work.bytes);
  append_us_exact(out, work.busy);
  append(out, ", \"advance_us\": ");
  append_us_exact(out, work.advance);
  append(out, "}");
}

void put_kinds(Text& out, const std::vector<KindChange>& kinds) {
  append(out, "\"kinds\": [");
  const char* separator = "";
  for (const KindChange& c : kinds) {
    append(out, separator);
    put(out, "{{\"kind\": \"{}\", ", name(c.kind));
    put_work(out, "a", c.a);
    append(out, ", ");
    put_work(out, "b", c.b);
    append(out, "}");
    separator = ",\n    ";
  }
  append(out, "]");
}

void put_groups(Text& out, const Comparison& c) {
  append(out, ",\n \"groups\": [");
  const char* separator = "\n  {";
  for (const GroupComparison& g : c.groups) {
    append(out, separator);
    put_text(out, "name", g.group.name);
    append(out, ", \"scopes\": [");
    for (size_t i = 0; i < g.group.scopes.size(); ++i) {
      append(out, i == 0 ? "" : ", ");
      append_json_string(out, g.group.scopes[i]);
    }
    append(out, "], ");
    put_text(out, "verdict", g.verdict);
    append(out, ",\n   ");
    put_pair(out, "busy_us", g.busy);
    append(out, ",\n   ");
    put_kinds(out, g.kinds);
    append(out, "}");
    separator = ",\n  {";
  }
  append(out, "]");
}

std::string flag(const std::optional<bool>& value) {
  return value ? (*value ? "true" : "false") : "null";
}

/// The numbers of one side that the tables show.
void put_side(Text& out, const char* key, const std::optional<ScopeSummary>& side) {
  if (!side) {
    put(out, "\"{}\": null", key);
    return;
  }
  const ScopeSummary& s = *side;
  put(out, "\"{}\": {{\"tasks\": {}, \"blocks\": {}, \"span_us\": ", key, s.tasks, s.blocks);
  append_us_exact(out, s.span);
  put(out,
      ", \"gm_moved_bytes\": {}, \"overfetch\": {:.6f}, \"lines\": {}, \"line_misses\": {}, "
      "\"pipes_us\": {{",
      s.gm.moved_bytes, s.overfetch(), s.gm.lines, s.gm.line_misses);
  for (size_t p = 0; p < s.pipes.size(); ++p) {
    put(out, "{}\"{}\": ", p == 0 ? "" : ", ", isa::name(static_cast<isa::Pipe>(p)));
    append_us_exact(out, s.pipes[p]);
  }
  append(out, "}, \"waits_us\": {");
  for (size_t w = 0; w < s.waits.size(); ++w) {
    const auto reason = static_cast<WaitReason>(w);
    if (reason == WaitReason::Peer && s.waits[w].value == 0) continue;  // one chip only
    put(out, "{}\"{}\": ", w == 0 ? "" : ", ", name(reason));
    append_us_exact(out, s.waits[w]);
  }
  append(out, "}}");
}

}  // namespace

std::string compare_json(const Comparison& c) {
  Text out;
  append(out, "{");
  put_text(out, "label_a", c.label_a);
  append(out, ", ");
  put_text(out, "label_b", c.label_b);
  append(out, ",\n ");
  put_text(out, "verdict", c.verdict);
  append(out, ",\n ");
  put_pair(out, "makespan_us", c.makespan);
  append(out, ",\n ");
  put_pair(out, "busy_us", c.busy);
  put(out, ",\n \"cores_busy_mean\": {{\"a\": {:.6f}, \"b\": {:.6f}}}", c.cores_busy_a,
      c.cores_busy_b);
  put(out, ",\n \"observer_effect\": {{\"a\": {}, \"b\": {}}}", flag(c.observer_a),
      flag(c.observer_b));
  put_groups(out, c);
  put(out, ",\n \"instructions\": {{\"a\": {}, \"b\": {}}},\n \"scopes\": [", c.instructions_a,
      c.instructions_b);
  for (size_t i = 0; i < c.scopes.size(); ++i) {
    const ScopeComparison& s = c.scopes[i];
    append(out, i == 0 ? "\n  {" : ",\n  {");
    put_text(out, "name", s.name);
    put(out, ", \"change\": \"{}\", ", name(s.change));
    put_text(out, "verdict", s.verdict);
    append(out, ",\n   ");
    put_pair(out, "busy_us", s.busy);
    append(out, ",\n   ");
    put_reason(out, s.reason);
    append(out, ",\n   ");
    put_kinds(out, s.kinds);
    append(out, ",\n   ");
    put_side(out, "a", s.a);
    append(out, ",\n   ");
    put_side(out, "b", s.b);
    append(out, "}");
  }
  append(out, "]}\n");
  return to_string(out);
}

}  // namespace traces
