// A file as text.
#pragma once

#include <string>

namespace app {

/// Error "validate.file" when it cannot be read.
std::string read_text_file(const std::string& path);

}  // namespace app
