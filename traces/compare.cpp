#include "traces/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "traces/text_table.h"

namespace traces {
namespace {

/// -1, 0 or 1.
int sign(int64_t v) { return (v > 0) - (v < 0); }

bool is_gm_pipe(isa::Pipe pipe) {
  return pipe == isa::Pipe::MTE2 || pipe == isa::Pipe::MTE3 || pipe == isa::Pipe::FIX;
}

/// The entry of a table of times that changed most in `direction`, if by a quarter of `whole`.
template <size_t N>
std::optional<size_t> largest_change(const std::array<Picoseconds, N>& a,
                                     const std::array<Picoseconds, N>& b, Picoseconds whole) {
  const int direction = sign(whole.value);
  std::optional<size_t> best;
  int64_t best_change = 0;
  for (size_t i = 0; i < N; ++i) {
    const int64_t change = (b[i] - a[i]).value * direction;
    if (change > best_change) {
      best = i;
      best_change = change;
    }
  }
  if (best_change * 4 < std::abs(whole.value)) return std::nullopt;
  return best;
}

/// Over-fetch as a fact: integer per mille would be unreadable, so it is counted in hundredths.
int64_t overfetch_percent(const ScopeSummary& s) {
  return s.gm.asked_bytes == 0 ? 0 : s.gm.moved_bytes * 100 / s.gm.asked_bytes;
}

void add_gm_facts(const ScopeSummary& a, const ScopeSummary& b, int direction,
                  std::vector<Fact>& facts) {
  const std::vector<Fact> all = {
      {"GM moved bytes", a.gm.moved_bytes, b.gm.moved_bytes},
      {"over-fetch %", overfetch_percent(a), overfetch_percent(b)},
      {"GM rows", a.gm.rows, b.gm.rows},
      {"lines missed", a.gm.line_misses, b.gm.line_misses},
      {"DMAs", a.gm.dmas, b.gm.dmas},
  };
  for (const Fact& f : all) {
    const int64_t change = (f.b - f.a) * direction;
    if (change > 0 && change * 50 >= std::max(f.a, f.b)) facts.push_back(f);
  }
}

void add_opcode_facts(const ScopeSummary& a, const ScopeSummary& b, isa::Pipe pipe, int direction,
                      std::vector<Fact>& facts) {
  std::set<std::string> names;
  for (const auto& side : {a.instructions, b.instructions})
    for (const auto& [opcode, count] : side)
      if (runs_on(opcode, pipe)) names.insert(opcode);
  auto count_in = [](const ScopeSummary& s, const std::string& opcode) {
    const auto it = s.instructions.find(opcode);
    return it == s.instructions.end() ? 0 : it->second;
  };
  std::vector<Fact> changed;
  for (const std::string& opcode : names) {
    const Fact fact{opcode, count_in(a, opcode), count_in(b, opcode)};
    if ((fact.b - fact.a) * direction > 0) changed.push_back(fact);
  }
  std::stable_sort(changed.begin(), changed.end(), [](const Fact& x, const Fact& y) {
    return std::abs(x.b - x.a) > std::abs(y.b - y.a);
  });
  facts.insert(facts.end(), changed.begin(), changed.end());
}

Reason find_reason(const ScopeSummary& a, const ScopeSummary& b) {
  Reason reason;
  const Picoseconds change = b.busy - a.busy;
  const int direction = sign(change.value);
  if (direction == 0) return reason;
  if (const auto pipe = largest_change(a.pipes, b.pipes, change)) {
    reason.kind = Reason::Kind::Pipe;
    reason.pipe = static_cast<isa::Pipe>(*pipe);
    reason.change = b.pipes[*pipe] - a.pipes[*pipe];
    if (is_gm_pipe(reason.pipe)) add_gm_facts(a, b, direction, reason.facts);
    add_opcode_facts(a, b, reason.pipe, direction, reason.facts);
  } else if (const auto wait = largest_change(a.waits, b.waits, change)) {
    reason.kind = Reason::Kind::Wait;
    reason.wait = static_cast<WaitReason>(*wait);
    reason.change = b.waits[*wait] - a.waits[*wait];
    if (reason.wait == WaitReason::Memory) add_gm_facts(a, b, direction, reason.facts);
  }
  return reason;
}

std::string fact_text(const Fact& f) {
  if (f.what == "GM moved bytes")
    return fmt::format("GM moved {} → {}", short_bytes(f.a), short_bytes(f.b));
  if (f.what == "over-fetch %")
    return fmt::format("over-fetch {:.2f}x → {:.2f}x", static_cast<double>(f.a) / 100,
                       static_cast<double>(f.b) / 100);
  return fmt::format("{} {} → {}", f.what, f.a, f.b);
}

std::string reason_text(const Reason& reason) {
  if (reason.kind == Reason::Kind::None) return "no single pipe or wait explains it";
  const std::string moved = signed_us(reason.change.us());
  const std::string fact =
      reason.facts.empty() ? "same instruction counts" : fact_text(reason.facts.front());
  if (reason.kind == Reason::Kind::Pipe)
    return fmt::format("{} ({} {} us)", fact, isa::name(reason.pipe), moved);
  return fmt::format("{}wait for {} {} us", reason.facts.empty() ? "" : fact + ", ",
                     name(reason.wait), moved);
}

/// "3.29x faster", "1.20x slower", "unchanged", or the plain difference where a side is 0.
std::string speed_text(const TimePair& t) {
  const Change change = t.change();
  if (change == Change::Same) return "unchanged";
  const std::optional<double> ratio = t.ratio();
  if (!ratio) return fmt::format("{} us", signed_us(t.difference().us()));
  return change == Change::Faster ? fmt::format("{:.2f}x faster", *ratio)
                                  : fmt::format("{:.2f}x slower", 1 / *ratio);
}

/// The kinds that make the change, in words; empty if none stands out.
std::string kinds_text(const std::vector<KindChange>& kinds, Picoseconds change, double clock_mhz) {
  std::vector<std::string> parts;
  for (const KindChange& c : main_changes(kinds, change))
    parts.push_back(kind_change_text(c, clock_mhz));
  return fmt::format("{}", fmt::join(parts, ", "));
}

/// ", GM moved 16.00 MB → 2.00 MB" where it changed along with the loads or stores that are named.
std::string moved_text(const ScopeSummary& a, const ScopeSummary& b,
                       const std::vector<KindChange>& kinds, Picoseconds change) {
  for (const KindChange& c : main_changes(kinds, change)) {
    if (c.kind != InstrKind::Load && c.kind != InstrKind::Store) continue;
    std::vector<Fact> facts;
    add_gm_facts(a, b, sign(change.value), facts);
    if (!facts.empty() && facts.front().what == "GM moved bytes")
      return ", " + fact_text(facts.front());
  }
  return "";
}

std::string scope_verdict(const ScopeComparison& s, double clock_mhz) {
  const Picoseconds change = s.busy.difference();
  const std::string kinds = kinds_text(s.kinds, change, clock_mhz);
  const std::string why = kinds.empty() ? "" : ", " + kinds;
  if (s.change == Change::Added) return fmt::format("new: {} us{}", signed_us(change.us()), why);
  if (s.change == Change::Removed)
    return fmt::format("removed: {} us{}", signed_us(change.us()), why);
  if (s.change == Change::Same) return "unchanged";
  return speed_text(s.busy) + ": " +
         (kinds.empty() ? reason_text(s.reason) : kinds + moved_text(*s.a, *s.b, s.kinds, change));
}

bool has_costs(const ScopeSummary* s) { return s == nullptr || !s->op_costs.empty(); }

KindTable table_of(const ScopeSummary* s) { return s != nullptr ? kind_table(*s) : KindTable(); }

ScopeComparison compare_scope(const ScopeSummary* a, const ScopeSummary* b, double clock_mhz) {
  ScopeComparison s;
  s.name = a != nullptr ? a->name : b->name;
  if (a != nullptr) s.a = *a;
  if (b != nullptr) s.b = *b;
  s.busy = {a != nullptr ? a->busy : Picoseconds(), b != nullptr ? b->busy : Picoseconds()};
  s.change = a == nullptr ? Change::Added : b == nullptr ? Change::Removed : s.busy.change();
  if (a != nullptr && b != nullptr) s.reason = find_reason(*a, *b);
  if (has_costs(a) && has_costs(b)) s.kinds = kind_changes(table_of(a), table_of(b));
  s.verdict = scope_verdict(s, clock_mhz);
  return s;
}

GroupComparison compare_group(const ScopeGroup& group, const Summary& a, const Summary& b,
                              double clock_mhz) {
  GroupComparison g;
  g.group = group;
  g.busy = {a.busy_of(group), b.busy_of(group)};
  KindTable tables[2];
  bool costs = true;
  const Summary* sides[2] = {&a, &b};
  for (int side = 0; side < 2; ++side)
    for (const std::string& scope : group.scopes) {
      const ScopeSummary* s = sides[side]->find(scope);
      costs = costs && has_costs(s);
      const KindTable table = table_of(s);
      for (size_t k = 0; k < table.size(); ++k) tables[side][k] += table[k];
    }
  if (costs) g.kinds = kind_changes(tables[0], tables[1]);
  const std::string why = kinds_text(g.kinds, g.busy.difference(), clock_mhz);
  g.verdict = speed_text(g.busy);
  if (g.busy.change() != Change::Same && !why.empty()) g.verdict += ": " + why;
  return g;
}

/// Groups of both sides by name, each with the scopes of both.
std::vector<ScopeGroup> joined_groups(const Summary& a, const Summary& b) {
  std::vector<ScopeGroup> groups = a.groups;
  for (const ScopeGroup& other : b.groups) {
    const auto own = std::find_if(groups.begin(), groups.end(),
                                  [&](const ScopeGroup& g) { return g.name == other.name; });
    if (own == groups.end()) {
      groups.push_back(other);
      continue;
    }
    for (const std::string& scope : other.scopes)
      if (std::count(own->scopes.begin(), own->scopes.end(), scope) == 0)
        own->scopes.push_back(scope);
  }
  return groups;
}

/// What of the settings differs, e.g. "tiling=m16n32"; "A" / "B" if nothing does.
std::string make_label(const RunInfo& own, const RunInfo& other, const char* fallback) {
  std::vector<std::string> parts;
  auto add = [&](const std::string& key, const std::string& x, const std::string& y) {
    if (x != y) parts.push_back(key.empty() ? x : key + "=" + x);
  };
  add("", own.program, other.program);
  add("", own.variant, other.variant);
  add("", own.mode, other.mode);
  add("", own.chip, other.chip);
  add("", own.soc, other.soc);
  std::vector<std::string> knobs;
  for (const auto& [knob, value] : own.knobs) {
    const auto it = other.knobs.find(knob);
    if (it == other.knobs.end() || it->second != value) knobs.push_back(knob + "=" + value);
  }
  if (knobs.size() <= 3) parts.insert(parts.end(), knobs.begin(), knobs.end());
  if (knobs.size() > 3)
    parts.push_back(fmt::format("{} (and {} more knobs)", knobs[0], knobs.size() - 1));
  parts.erase(std::remove(parts.begin(), parts.end(), std::string()), parts.end());
  return parts.empty() ? fallback : fmt::format("{}", fmt::join(parts, " "));
}

/// Wall, busy, and the scope behind most of the busy change.
std::string total_verdict(const Comparison& c) {
  std::string text =
      fmt::format("{} ({} → {} us wall), busy {} ({} → {} us)", speed_text(c.makespan),
                  short_us(c.makespan.a.us()), short_us(c.makespan.b.us()), speed_text(c.busy),
                  short_us(c.busy.a.us()), short_us(c.busy.b.us()));
  const int direction = sign(c.busy.difference().value);
  const ScopeComparison* most = nullptr;
  for (const ScopeComparison& s : c.scopes) {
    const int64_t change = s.busy.difference().value * direction;
    if (change > 0 && (most == nullptr || change > most->busy.difference().value * direction))
      most = &s;
  }
  if (most != nullptr)
    text += fmt::format("; most of it in {} ({} us)", most->name,
                        signed_us(most->busy.difference().us()));
  for (const GroupComparison& g : c.groups)
    if (g.busy.a.value != 0)
      text += fmt::format("; {} busy {:+.1f} % ({} → {} us)", g.group.name,
                          100 * g.busy.difference().us() / g.busy.a.us(), short_us(g.busy.a.us()),
                          short_us(g.busy.b.us()));
  return text;
}

}  // namespace

std::string_view name(Change c) {
  constexpr std::array<std::string_view, 5> names = {"same", "faster", "slower", "added",
                                                     "removed"};
  return names.at(static_cast<size_t>(c));
}

Change TimePair::change() const {
  const int64_t apart = std::abs(difference().value);
  if (apart < 1000 || apart * 200 < std::max(a.value, b.value)) return Change::Same;
  return b < a ? Change::Faster : Change::Slower;
}

std::optional<double> TimePair::ratio() const {
  if (a.value == 0 || b.value == 0) return std::nullopt;
  return static_cast<double>(a.value) / static_cast<double>(b.value);
}

bool runs_on(const std::string& opcode, isa::Pipe pipe) {
  using isa::Pipe;
  if (opcode == "TLOAD" || opcode == "TPOP") return pipe == Pipe::MTE2;
  if (opcode == "TSTORE" || opcode == "TPUSH") return pipe == Pipe::MTE3 || pipe == Pipe::FIX;
  if (opcode == "TEXTRACT") return pipe == Pipe::MTE1;
  if (opcode == "TMOV") return pipe == Pipe::MTE1 || pipe == Pipe::V;
  if (opcode == "TMATMUL" || opcode == "TMATMUL_ACC") return pipe == Pipe::M;
  for (const char* scalar :
       {"SREAD", "SWRITE", "SWORK", "DCCI", "SYNCALL", "TFREE", "TNOTIFY", "TWAIT"})
    if (opcode == scalar) return pipe == Pipe::S;
  return pipe == Pipe::V && !opcode.empty() && opcode.front() == 'T';
}

Comparison compare(const Summary& a, const Summary& b, const std::string& label_a,
                   const std::string& label_b) {
  Comparison c;
  c.run_a = a.run;
  c.run_b = b.run;
  c.label_a = label_a.empty() ? make_label(a.run, b.run, "A") : label_a;
  c.label_b = label_b.empty() ? make_label(b.run, a.run, "B") : label_b;
  if (a.golden) c.golden_a = a.golden->passed;
  if (b.golden) c.golden_b = b.golden->passed;
  c.makespan = {a.makespan, b.makespan};
  c.busy = {a.busy(), b.busy()};
  c.cores_busy_a = a.cores_busy_mean();
  c.cores_busy_b = b.cores_busy_mean();
  c.instructions_a = a.instructions;
  c.instructions_b = b.instructions;
  if (a.clock_mhz == b.clock_mhz) c.clock_mhz = a.clock_mhz;
  for (const ScopeSummary& scope : a.scopes)
    c.scopes.push_back(compare_scope(&scope, b.find(scope.name), c.clock_mhz));
  for (const ScopeSummary& scope : b.scopes)
    if (a.find(scope.name) == nullptr)
      c.scopes.push_back(compare_scope(nullptr, &scope, c.clock_mhz));
  c.observer_a = a.observer_effect;
  c.observer_b = b.observer_effect;
  for (const ScopeGroup& group : joined_groups(a, b))
    c.groups.push_back(compare_group(group, a, b, c.clock_mhz));
  c.verdict = total_verdict(c);
  return c;
}

}  // namespace traces
