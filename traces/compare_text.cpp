// The comparison as text, markdown and JSON.
#include <fmt/format.h>

#include "traces/compare.h"
#include "traces/json_text.h"
#include "traces/text_table.h"

namespace traces {
namespace {

using Align = TextTable::Align;

std::string percent_change(const TimePair& t) {
  if (t.a.value == 0) return "-";
  return fmt::format("{:+.1f} %", 100 * t.difference().us() / t.a.us());
}

std::string ratio_cell(const TimePair& t) {
  const std::optional<double> ratio = t.ratio();
  return ratio ? fmt::format("{:.2f}x", *ratio) : "-";
}

std::string us_cell(const std::optional<ScopeSummary>& side, Picoseconds value) {
  return side ? short_us(value.us()) : "-";
}

std::string side_label(const std::string& letter, const std::string& label) {
  return letter == label ? letter : letter + ": " + label;
}

/// "32" or "32 → 16".
std::string pair_text(int64_t a, int64_t b) {
  return a == b ? fmt::format("{}", a) : fmt::format("{} → {}", a, b);
}

TextTable scope_rows(const Comparison& c) {
  TextTable table({{"scope", Align::Left},
                   {"blocks"},
                   {"A us"},
                   {"B us"},
                   {"diff us"},
                   {"diff"},
                   {"A/B"},
                   {"why", Align::Left}});
  for (const ScopeComparison& s : c.scopes)
    table.add({s.name, pair_text(s.a ? s.a->blocks : 0, s.b ? s.b->blocks : 0),
               us_cell(s.a, s.busy.a), us_cell(s.b, s.busy.b), signed_us(s.busy.difference().us()),
               percent_change(s.busy), ratio_cell(s.busy), s.verdict});
  auto total = [&](const char* title, const TimePair& t, const std::string& why) {
    table.add({title, "", short_us(t.a.us()), short_us(t.b.us()), signed_us(t.difference().us()),
               percent_change(t), ratio_cell(t), why});
  };
  table.rule();
  total("Σ busy", c.busy,
        fmt::format("cores busy {:.1f} → {:.1f}", c.cores_busy_a, c.cores_busy_b));
  total("wall", c.makespan, "");
  return table;
}

/// The numbers behind the changed scopes, both sides.
TextTable detail_rows(const Comparison& c) {
  TextTable table({{"scope", Align::Left}, {"quantity", Align::Left}, {"A"}, {"B"}});
  for (const ScopeComparison& s : c.scopes) {
    if (!s.a || !s.b || s.change == Change::Same) continue;
    const ScopeSummary &a = *s.a, &b = *s.b;
    std::string scope = s.name;  // once per scope
    auto row = [&](const std::string& what, const std::string& x, const std::string& y) {
      if (x == y) return;
      table.add({scope, what, x, y});
      scope.clear();
    };
    auto times = [&](const std::string& what, Picoseconds x, Picoseconds y) {
      row(what + " us", short_us(x.us()), short_us(y.us()));
    };
    auto counts = [&](const std::string& what, int64_t x, int64_t y) {
      row(what, fmt::format("{}", x), fmt::format("{}", y));
    };
    times("span", a.span, b.span);
    times("exec mean", a.exec_mean, b.exec_mean);
    times("head", a.head, b.head);
    for (size_t p = 0; p < a.pipes.size(); ++p)
      times(fmt::format("pipe {}", isa::name(static_cast<isa::Pipe>(p))), a.pipes[p], b.pipes[p]);
    for (size_t w = 0; w < a.waits.size(); ++w)
      times(fmt::format("wait {}", name(static_cast<WaitReason>(w))), a.waits[w], b.waits[w]);
    row("GM moved", short_bytes(a.gm.moved_bytes), short_bytes(b.gm.moved_bytes));
    row("over-fetch", fmt::format("{:.2f}x", a.overfetch()), fmt::format("{:.2f}x", b.overfetch()));
    counts("GM rows", a.gm.rows, b.gm.rows);
    counts("lines", a.gm.lines, b.gm.lines);
    counts("lines missed", a.gm.line_misses, b.gm.line_misses);
    counts("instructions", a.instruction_count(), b.instruction_count());
    for (const Fact& f : s.reason.facts)
      if (a.instructions.count(f.what) + b.instructions.count(f.what) != 0)
        counts(f.what, f.a, f.b);
  }
  return table;
}

std::string golden_text(const Comparison& c) {
  auto one = [](const std::optional<bool>& passed) {
    return passed ? (*passed ? "PASS" : "FAIL") : "not checked";
  };
  return fmt::format("golden: A {}, B {}", one(c.golden_a), one(c.golden_b));
}

std::string settings(const RunInfo& run) {
  std::string text = run.program;
  for (const std::string& part : {run.variant, run.mode, run.chip, run.soc})
    if (!part.empty()) text += " " + part;
  return text + fmt::format(" seed {}", run.seed);
}

// --- JSON ---

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
    put(out, "{}\"{}\": ", w == 0 ? "" : ", ", name(static_cast<WaitReason>(w)));
    append_us_exact(out, s.waits[w]);
  }
  append(out, "}}");
}

}  // namespace

std::string compare_text(const Comparison& c) {
  std::string out = side_label("A", c.label_a) + "   (" + settings(c.run_a) + ")\n" +
                    side_label("B", c.label_b) + "   (" + settings(c.run_b) + ")\n" +
                    golden_text(c) + "\n\n" + scope_rows(c).text() + "\n";
  const TextTable details = detail_rows(c);
  if (!details.empty()) out += "Behind the changes\n\n" + details.text() + "\n";
  return out + "B against A: " + c.verdict + "\n";
}

std::string compare_markdown(const Comparison& c) {
  std::string out = "**B against A: " + c.verdict + "**\n\n- " + side_label("A", c.label_a) + " (" +
                    settings(c.run_a) + ")\n- " + side_label("B", c.label_b) + " (" +
                    settings(c.run_b) + ")\n- " + golden_text(c) +
                    "\n- predicted on the modelled chip, sums of busy time over all lanes\n\n" +
                    scope_rows(c).markdown();
  const TextTable details = detail_rows(c);
  if (!details.empty())
    out += "\n<details><summary>Behind the changes</summary>\n\n" + details.markdown() +
           "\n</details>\n";
  return out;
}

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
    put_side(out, "a", s.a);
    append(out, ",\n   ");
    put_side(out, "b", s.b);
    append(out, "}");
  }
  append(out, "]}\n");
  return to_string(out);
}

}  // namespace traces
