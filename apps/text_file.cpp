#include "apps/text_file.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "isa/error.h"

namespace app {

std::string read_text_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path))
    throw isa::Error("validate.file", path, "cannot be read");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace app
