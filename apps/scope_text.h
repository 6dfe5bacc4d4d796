// The scope column of published rows: free text by people, read by a few rules
// (docs/validation.md).
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "apps/metric.h"

namespace app {

/// What a text asks for, before any run is known. Words are in lower case.
struct ScopeText {
  std::string text;  ///< as published
  Selection fixed;   ///< module, half, memory, tail; scopes and `between` are found in a run
  bool all = false;  ///< "all rope kernels": every scope with that word in its name
  std::vector<std::string> names;  ///< scope names or their beginnings
  std::vector<std::string> words;  ///< a description instead of a name: "kv/score projection"
  bool between = false;            ///< names[0], names[1] are its edges
  bool first_at_end = false, second_at_end = false;
};

/// Reads `text` for a metric of `quantity`. `module_words` may stand in a text that names the whole
/// module, e.g. the parts of the file's name. NotInRun: a variant that no commit holds, a text for
/// a quantity of whole runs that names something else.
ScopeText read_scope_text(const std::string& text, Quantity quantity,
                          const std::set<std::string>& module_words);

/// The scopes of `run` that the text means. A shorthand that fits several scopes means those which
/// fit it in `other` as well (the run of the other commit), if there are any. NotInRun: no scope
/// fits, or a description fits several.
Selection select_scopes(const ScopeText& text, const traces::Summary& run,
                        const traces::Summary* other);

/// The lower-case words of a text: letters, digits, '_' and '-' hold together.
std::vector<std::string> words_of(const std::string& text);

}  // namespace app
