#include "apps/scope_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace app {
namespace {

using Words = std::vector<std::string>;
using WordSet = std::set<std::string>;

const WordSet kModule = {"module", "total",      "all",     "scopes",   "whole",
                         "layer",  "wall",       "program", "subtasks", "end-to-end",
                         "e2e",    "standalone", "tasks",   "blocks",   "kernels"};
const WordSet kFiller = {"scope",    "scopes", "kernel", "kernels", "task",
                         "tasks",    "block",  "blocks", "half",    "total",
                         "pre-pass", "per",    "the",    "core",    "cores"};
/// What a description says beside the scope's name, if the name does not hold it.
const WordSet kDescription = {"matmul", "gemm", "and"};
const WordSet kVariant = {"variant", "sweep"};
const WordSet kOverhead = {"head", "tail", "overhead"};
const WordSet kMemory = {"memory", "footprint", "peak", "use", "buffer"};
const std::pair<const char*, isa::MemSpace> kSpaces[] = {
    {"vector", isa::MemSpace::UB}, {"vec", isa::MemSpace::UB},  {"ub", isa::MemSpace::UB},
    {"l1", isa::MemSpace::L1},     {"mat", isa::MemSpace::L1},  {"l0a", isa::MemSpace::L0A},
    {"l0b", isa::MemSpace::L0B},   {"l0c", isa::MemSpace::L0C}, {"acc", isa::MemSpace::L0C}};
const std::pair<const char*, isa::CoreKind> kHalves[] = {{"aic", isa::CoreKind::AIC},
                                                         {"cube", isa::CoreKind::AIC},
                                                         {"aiv", isa::CoreKind::AIV},
                                                         {"vector", isa::CoreKind::AIV}};

bool in(const WordSet& set, const std::string& word) { return set.count(word) != 0; }

void remove(Words& words, const WordSet& set) {
  words.erase(
      std::remove_if(words.begin(), words.end(), [&](const std::string& w) { return in(set, w); }),
      words.end());
}

/// Removes the words of `table` and gives the meaning of the last one.
template <class Meaning, size_t n>
std::optional<Meaning> take(Words& words, const std::pair<const char*, Meaning> (&table)[n]) {
  std::optional<Meaning> found;
  for (const auto& [word, meaning] : table) {
    const auto at = std::find(words.begin(), words.end(), word);
    if (at == words.end()) continue;
    found = meaning;
    words.erase(at);
  }
  return found;
}

/// The text without what stands in parentheses; that goes to `aside`.
std::string without_parentheses(const std::string& text, std::string& aside) {
  std::string out;
  int depth = 0;
  for (const char c : text) {
    if (c == '(') ++depth;
    (depth > 0 ? aside : out) += c;
    if (c == ')' && depth > 0) --depth;
  }
  return out;
}

/// Cuts what follows a comma, except further scope names ("qr_proj, kv_proj").
std::string without_remarks(const std::string& text) {
  std::string out;
  size_t from = 0;
  while (from <= text.size()) {
    const size_t comma = std::min(text.find(',', from), text.size());
    const std::string piece = text.substr(from, comma - from);
    const Words words = words_of(piece);
    if (from == 0 || (words.size() == 1 && words[0].find('_') != std::string::npos))
      out += " " + piece;
    from = comma + 1;
  }
  return out;
}

/// "a start -> b end".
bool read_edges(const std::string& text, ScopeText& out) {
  const size_t arrow = text.find("->");
  if (arrow == std::string::npos) return false;
  const Words left = words_of(text.substr(0, arrow)), right = words_of(text.substr(arrow + 2));
  const auto is_edge = [](const Words& w) {
    return w.size() == 2 && (w[1] == "start" || w[1] == "end");
  };
  if (!is_edge(left) || !is_edge(right)) return false;
  out.between = true;
  out.names = {left[0], right[0]};
  out.first_at_end = left[1] == "end";
  out.second_at_end = right[1] == "end";
  return true;
}

bool names_module(const Words& words, Quantity quantity, const WordSet& module_words) {
  const bool says_so =
      std::any_of(words.begin(), words.end(), [](const std::string& w) { return w == "module"; });
  return std::all_of(words.begin(), words.end(), [&](const std::string& w) {
    return in(kModule, w) || ((says_so || is_of_module(quantity)) && in(module_words, w));
  });
}

Words tokens(const std::string& name) {
  Words out(1);
  for (const char c : name) {
    if (c == '_')
      out.emplace_back();
    else
      out.back() += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

bool starts_with(const std::string& text, const std::string& beginning) {
  return text.compare(0, beginning.size(), beginning) == 0;
}

/// "proj" stands for "projection".
bool abbreviates(const std::string& a, const std::string& b) {
  return a == b || (a.size() >= 3 && starts_with(b, a)) || (b.size() >= 3 && starts_with(a, b));
}

bool describes(const Words& words, const std::string& scope) {
  const Words parts = tokens(scope);
  const auto known = [](const std::string& word, const Words& list) {
    return std::any_of(list.begin(), list.end(),
                       [&](const std::string& w) { return abbreviates(w, word); });
  };
  return std::all_of(parts.begin(), parts.end(),
                     [&](const std::string& p) { return known(p, words); }) &&
         std::all_of(words.begin(), words.end(),
                     [&](const std::string& w) { return known(w, parts) || in(kDescription, w); });
}

template <class Fits>
Words scopes_that(const traces::Summary& run, Fits fits) {
  Words names;
  for (const traces::ScopeSummary& scope : run.scopes)
    if (scope.lanes > 0 && fits(scope.name)) names.push_back(scope.name);
  return names;
}

/// The scopes a name means: the one so called, else those whose names it begins, else the one that
/// holds it.
Words scopes_called(const std::string& name, const traces::Summary& run) {
  const auto is = [&](const std::string& s) { return s == name; };
  const auto begins = [&](const std::string& s) { return starts_with(s, name + "_"); };
  const auto holds = [&](const std::string& s) {
    return ("_" + s + "_").find("_" + name + "_") != std::string::npos;
  };
  Words found = scopes_that(run, is);
  if (found.empty()) found = scopes_that(run, begins);
  if (!found.empty()) return found;
  found = scopes_that(run, holds);
  return found.size() == 1 ? found : Words();
}

/// "exp_w2_aiv": the AIV half of exp_w2, unless a scope is called so.
std::string without_half(std::string name, const traces::Summary& run, Selection& selection) {
  for (const auto& [suffix, kind] : kHalves) {
    const std::string ending = std::string("_") + suffix;
    if (name.size() <= ending.size() || run.find(name) != nullptr) continue;
    if (name.compare(name.size() - ending.size(), ending.size(), ending) != 0) continue;
    selection.half = kind;
    return name.substr(0, name.size() - ending.size());
  }
  return name;
}

/// What fits in both runs, if anything does.
Words narrowed(const Words& here, const Words& there) {
  Words both;
  for (const std::string& name : here)
    if (std::count(there.begin(), there.end(), name) != 0) both.push_back(name);
  return both.empty() ? here : both;
}

Words find_name(const std::string& name, const ScopeText& text, const traces::Summary& run) {
  if (!text.all) return scopes_called(name, run);
  return scopes_that(run, [&](const std::string& scope) {
    const Words parts = tokens(scope);
    return std::count(parts.begin(), parts.end(), name) != 0;
  });
}

Words find_description(const ScopeText& text, const traces::Summary& run) {
  Words found =
      scopes_that(run, [&](const std::string& scope) { return describes(text.words, scope); });
  if (found.size() > 1)
    throw NotInRun(fmt::format("'{}' could mean {}", text.text, fmt::join(found, " or ")));
  return found;
}

}  // namespace

Words words_of(const std::string& text) {
  Words words(1);
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (std::isalnum(u) != 0 || c == '_' || c == '-')
      words.back() += static_cast<char>(std::tolower(u));
    else if (!words.back().empty())
      words.emplace_back();
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

ScopeText read_scope_text(const std::string& text, Quantity quantity, const WordSet& module_words) {
  ScopeText out;
  out.text = text;
  for (const std::string& word : words_of(text))
    if (in(kVariant, word))
      throw NotInRun("'" + text + "' is a variant that the commit does not hold");
  std::string aside;
  const std::string plain = without_parentheses(text, aside);
  if (read_edges(plain, out)) return out;
  Words words = words_of(without_remarks(plain));
  if (names_module(words, quantity, module_words)) {
    out.fixed.module = true;
    return out;
  }
  if (is_of_module(quantity)) throw NotInRun("'" + text + "' is not the whole module");
  if (quantity == Quantity::MemoryPeak) {
    out.fixed.memory = take(words, kSpaces);
    remove(words, kMemory);
  } else if (quantity == Quantity::Overhead) {
    out.fixed.tail = std::count(words.begin(), words.end(), "tail") != 0;
    remove(words, kOverhead);
  } else {
    out.fixed.half = take(words, kHalves);
    Words aside_words = words_of(aside);
    if (!out.fixed.half) out.fixed.half = take(aside_words, kHalves);
  }
  out.all = std::count(words.begin(), words.end(), "all") != 0;
  remove(words, {"all"});
  remove(words, kFiller);
  out.fixed.module = words.empty() || names_module(words, quantity, module_words);
  if (out.fixed.module) return out;
  const bool names =
      words.size() == 1 || std::all_of(words.begin(), words.end(), [](const auto& w) {
        return w.find('_') != std::string::npos || w == "and";
      });
  if (names) remove(words, {"and"});
  (names ? out.names : out.words) = std::move(words);
  return out;
}

Selection select_scopes(const ScopeText& text, const traces::Summary& run,
                        const traces::Summary* other) {
  Selection selection = text.fixed;
  if (selection.module) return selection;
  for (const std::string& published : text.names) {
    const std::string name = without_half(published, run, selection);
    Words found = find_name(name, text, run);
    if (found.empty()) throw NotInRun("scope " + published + " is not in the run");
    if (other != nullptr && !text.all && found.size() > 1)
      found = narrowed(found, find_name(name, text, *other));
    if (text.between && found.size() != 1)
      throw NotInRun(fmt::format("'{}' could mean {}", published, fmt::join(found, " or ")));
    selection.scopes.insert(selection.scopes.end(), found.begin(), found.end());
  }
  if (!text.words.empty()) {
    selection.scopes = find_description(text, run);
    if (selection.scopes.empty())
      throw NotInRun("no scope of the run is described by '" + text.text + "'");
  }
  if (text.between)
    selection.between = {{selection.scopes[0], text.first_at_end},
                         {selection.scopes[1], text.second_at_end}};
  return selection;
}

}  // namespace app
