// Small text helpers for error messages.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kernels {

/// Candidates within a few edits of `name`, best first, at most `limit`.
std::vector<std::string> closest_names(const std::string& name,
                                       const std::vector<std::string>& candidates, size_t limit);
/// " (did you mean a or b?)", or "" when nothing is close.
std::string did_you_mean(const std::string& name, const std::vector<std::string>& candidates);
/// "a, b, c"
std::string join(const std::vector<std::string>& parts, const std::string& separator = ", ");
/// "[128, 4096]"
std::string shape_text(const std::vector<int64_t>& shape);

}  // namespace kernels
