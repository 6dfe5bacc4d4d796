// The comparison as text and markdown.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "traces/compare.h"
#include "traces/text_table.h"

namespace traces {
namespace {

using Align = TextTable::Align;

constexpr const char* kKindsTitle =
    "By kind of instruction (time: share of busy, how far they moved the end of their lane)";
constexpr size_t kMostDetailed = 12;  ///< scopes whose numbers the text shows

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

std::string span_cell(const ScopeComparison& s) {
  if (!s.a || !s.b) return short_us((s.a ? s.a : s.b)->span.us());
  return fmt::format("{} → {}", short_us(s.a->span.us()), short_us(s.b->span.us()));
}

std::string change_cell(const ScopeComparison& s) {
  if (s.change == Change::Added) return "new";
  if (s.change == Change::Removed) return "removed";
  return percent_change(s.busy);
}

/// All scopes, groups and the module; the reasons as last column if wanted.
TextTable scope_rows(const Comparison& c, bool with_why) {
  std::vector<TextTable::Column> columns = {{"scope", Align::Left},
                                            {"blocks"},
                                            {"A us"},
                                            {"B us"},
                                            {"diff us"},
                                            {"diff"},
                                            {"A/B"},
                                            {"span us"}};
  if (with_why) columns.push_back({"why", Align::Left});
  TextTable table(std::move(columns));
  auto add = [&](std::vector<std::string> cells, const std::string& why) {
    if (with_why) cells.push_back(why);
    table.add(std::move(cells));
  };
  for (const ScopeComparison& s : c.scopes)
    add({s.name, pair_text(s.a ? s.a->blocks : 0, s.b ? s.b->blocks : 0), us_cell(s.a, s.busy.a),
         us_cell(s.b, s.busy.b), signed_us(s.busy.difference().us()), change_cell(s),
         ratio_cell(s.busy), span_cell(s)},
        s.verdict);
  auto total = [&](const std::string& title, const TimePair& t, const std::string& why) {
    add({title, "", short_us(t.a.us()), short_us(t.b.us()), signed_us(t.difference().us()),
         percent_change(t), ratio_cell(t), ""},
        why);
  };
  if (!c.groups.empty()) table.rule();
  for (const GroupComparison& g : c.groups) total("Σ " + g.group.name, g.busy, g.verdict);
  table.rule();
  total("module busy", c.busy, "");
  total("module wall", c.makespan, "");
  add({"cores busy on average", "", fmt::format("{:.1f}", c.cores_busy_a),
       fmt::format("{:.1f}", c.cores_busy_b), "", "", "", ""},
      "");
  return table;
}

bool in_a_group(const Comparison& c, const std::string& scope) {
  return std::any_of(c.groups.begin(), c.groups.end(), [&](const GroupComparison& g) {
    return std::count(g.group.scopes.begin(), g.group.scopes.end(), scope) != 0;
  });
}

/// The scopes that are explained, in the order of the comparison: the largest changes, what one
/// side lacks, and what belongs to a group.
std::vector<const ScopeComparison*> shown_scopes(const Comparison& c) {
  std::vector<const ScopeComparison*> changed;
  for (const ScopeComparison& s : c.scopes)
    if (s.change != Change::Same) changed.push_back(&s);
  auto by_size = changed;
  std::stable_sort(by_size.begin(), by_size.end(), [](const auto* x, const auto* y) {
    return std::abs(x->busy.difference().value) > std::abs(y->busy.difference().value);
  });
  if (by_size.size() > kMostDetailed) by_size.resize(kMostDetailed);
  const auto shown = [&](const ScopeComparison* s) {
    return !s->a || !s->b || in_a_group(c, s->name) ||
           std::count(by_size.begin(), by_size.end(), s) != 0;
  };
  changed.erase(
      std::remove_if(changed.begin(), changed.end(), [&](const auto* s) { return !shown(s); }),
      changed.end());
  return changed;
}

/// One line per group and per scope that is explained.
std::string why_text(const Comparison& c) {
  std::string out;
  for (const GroupComparison& g : c.groups)
    if (g.busy.change() != Change::Same) out += "Σ " + g.group.name + ": " + g.verdict + "\n";
  for (const ScopeComparison* s : shown_scopes(c)) out += s->name + ": " + s->verdict + "\n";
  return out;
}

/// "12 smaller changes are only in the JSON form", or nothing.
std::string hidden_text(const Comparison& c) {
  const auto changed = std::count_if(c.scopes.begin(), c.scopes.end(),
                                     [](const auto& s) { return s.change != Change::Same; });
  const auto hidden = changed - static_cast<int64_t>(shown_scopes(c).size());
  return hidden == 0
             ? ""
             : fmt::format("{} changes are explained; {} smaller ones are in the JSON form only.\n",
                           changed - hidden, hidden);
}

/// Kinds of instructions of groups and of the scopes with the largest changes.
TextTable kind_rows(const Comparison& c) {
  TextTable table({{"scope", Align::Left},
                   {"instructions", Align::Left},
                   {"A"},
                   {"B"},
                   {"GM bytes A"},
                   {"B"},
                   {"pipe cycles A"},
                   {"B"},
                   {"time us A"},
                   {"B"},
                   {"diff us"}});
  auto cycles = [&](const KindWork& work) {
    return c.clock_mhz == 0 ? "-" : fmt::format("{:.0f}", work.busy.us() * c.clock_mhz);
  };
  auto bytes = [](const KindWork& work) { return work.bytes == 0 ? "-" : short_bytes(work.bytes); };
  auto add = [&](std::string scope, const std::vector<KindChange>& kinds, Picoseconds whole) {
    for (const KindChange& k : kinds) {
      const bool small = std::abs(k.time_change().value) * 50 < std::abs(whole.value);
      if (small && k.count_change() == 0) continue;
      table.add({scope, std::string(name(k.kind)), fmt::format("{}", k.a.count),
                 fmt::format("{}", k.b.count), bytes(k.a), bytes(k.b), cycles(k.a), cycles(k.b),
                 short_us(k.a.advance.us()), short_us(k.b.advance.us()),
                 signed_us(k.time_change().us())});
      scope.clear();  // once per scope
    }
  };
  for (const GroupComparison& g : c.groups)
    if (g.busy.change() != Change::Same) add("Σ " + g.group.name, g.kinds, g.busy.difference());
  for (const ScopeComparison* s : shown_scopes(c)) add(s->name, s->kinds, s->busy.difference());
  return table;
}

/// The numbers behind the changed scopes, both sides.
TextTable detail_rows(const Comparison& c) {
  TextTable table({{"scope", Align::Left}, {"quantity", Align::Left}, {"A"}, {"B"}});
  for (const ScopeComparison* s : shown_scopes(c)) {
    if (!s->a || !s->b) continue;
    const ScopeSummary &a = *s->a, &b = *s->b;
    std::string scope = s->name;  // once per scope
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
    for (size_t w = 0; w < a.waits.size(); ++w) {
      const auto reason = static_cast<WaitReason>(w);
      const bool none = a.waits[w].value == 0 && b.waits[w].value == 0;
      if (reason == WaitReason::Peer && none) continue;  // one chip only
      times(fmt::format("wait {}", name(reason)), a.waits[w], b.waits[w]);
    }
    row("GM moved", short_bytes(a.gm.moved_bytes), short_bytes(b.gm.moved_bytes));
    row("over-fetch", fmt::format("{:.2f}x", a.overfetch()), fmt::format("{:.2f}x", b.overfetch()));
    counts("GM rows", a.gm.rows, b.gm.rows);
    counts("lines", a.gm.lines, b.gm.lines);
    counts("lines missed", a.gm.line_misses, b.gm.line_misses);
    counts("instructions", a.instruction_count(), b.instruction_count());
    for (const Fact& f : s->reason.facts)
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

std::string observer_text(const Comparison& c) {
  auto one = [](const std::optional<bool>& on) {
    return on ? (*on ? "on" : "off") : "not recorded";
  };
  const std::string a = one(c.observer_a), b = one(c.observer_b);
  return "observer effect: " + (a == b ? a : "A " + a + ", B " + b);
}

std::string settings(const RunInfo& run) {
  std::string text = run.program;
  for (const std::string& part : {run.variant, run.mode, run.chip, run.soc})
    if (!part.empty()) text += " " + part;
  return text + fmt::format(" seed {}", run.seed);
}

}  // namespace

std::string compare_text(const Comparison& c) {
  std::string out = side_label("A", c.label_a) + "   (" + settings(c.run_a) + ")\n" +
                    side_label("B", c.label_b) + "   (" + settings(c.run_b) + ")\n" +
                    golden_text(c) + "\n" + observer_text(c) + "\n\n" +
                    scope_rows(c, false).text() + "\n";
  if (const std::string why = why_text(c); !why.empty()) out += "Why\n\n" + why + "\n";
  const TextTable kinds = kind_rows(c), details = detail_rows(c);
  if (!kinds.empty()) out += std::string(kKindsTitle) + "\n\n" + kinds.text() + "\n";
  if (!details.empty()) out += "Behind the changes\n\n" + details.text() + "\n";
  if (const std::string hidden = hidden_text(c); !hidden.empty()) out += hidden + "\n";
  return out + "B against A: " + c.verdict + "\n";
}

std::string compare_markdown(const Comparison& c) {
  std::string out = "**B against A: " + c.verdict + "**\n\n- " + side_label("A", c.label_a) + " (" +
                    settings(c.run_a) + ")\n- " + side_label("B", c.label_b) + " (" +
                    settings(c.run_b) + ")\n- " + golden_text(c) + "\n- " + observer_text(c) +
                    "\n- predicted on the modelled chip, sums of busy time over all lanes\n\n" +
                    scope_rows(c, true).markdown();
  const TextTable kinds = kind_rows(c), details = detail_rows(c);
  if (!kinds.empty())
    out += fmt::format("\n<details><summary>{}</summary>\n\n{}\n</details>\n", kKindsTitle,
                       kinds.markdown());
  if (!details.empty())
    out += "\n<details><summary>Behind the changes</summary>\n\n" + details.markdown() +
           "\n</details>\n";
  if (const std::string hidden = hidden_text(c); !hidden.empty()) out += "\n" + hidden;
  return out;
}

}  // namespace traces
