// The list of programs is generated from kernels/programs/*.cpp (see CMakeLists.txt).
#include <algorithm>

#include "isa/error.h"
#include "kernels/program.h"
#include "kernels/text.h"

namespace kernels {

std::vector<Program> registered_programs();  // generated

const std::vector<Program>& programs() {
  static const std::vector<Program> sorted = [] {
    std::vector<Program> list = registered_programs();
    std::sort(list.begin(), list.end(),
              [](const Program& a, const Program& b) { return a.name < b.name; });
    return list;
  }();
  return sorted;
}

const Program& find_program(const std::string& name) {
  std::vector<std::string> names;
  for (const Program& p : programs()) {
    if (p.name == name) return p;
    names.push_back(p.name);
  }
  std::string hint = did_you_mean(name, names);
  if (hint.empty()) hint = "; programs: " + join(names);
  throw isa::Error("kernel.unknown", "there is no program '" + name + "'" + hint);
}

}  // namespace kernels
