// Tables of predictions beside published figures of Python programs.
#pragma once

#include <string>
#include <vector>

#include "apps/measurement_score.h"

namespace app {

/// Rows, scores, and why the other rows are not predicted; aligned text or GitHub markdown.
std::string measurement_text(const std::vector<ScoredRow>& rows, bool markdown);
/// One line per row of the table, predicted or not.
std::string measurement_csv(const std::vector<ScoredRow>& rows);
std::string measurement_json(const std::vector<ScoredRow>& rows);

}  // namespace app
