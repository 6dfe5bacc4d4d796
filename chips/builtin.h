// The chip files that come with the program, as text; generated from chips/*.toml at build time.
#pragma once

#include <string_view>

namespace chips::detail {

/// Text of the built-in chip `name`, empty if there is none.
std::string_view builtin_text(std::string_view name);

}  // namespace chips::detail
