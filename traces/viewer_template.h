// The page of viewer.html with the place where the data goes.
#pragma once

#include <string_view>

namespace traces {

extern const std::string_view kViewerTemplate;
/// Replaced by the data of one or two runs (JSON).
inline constexpr std::string_view kViewerDataMark = "/*DATA*/null";

}  // namespace traces
