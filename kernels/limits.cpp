#include "kernels/limits.h"

#include "kernels/knobs.h"

namespace kernels {

void require_divides(const std::string& program, const std::string& what, int64_t total,
                     const std::string& by, int64_t part) {
  if (total % part != 0)
    conflict(program, what + " " + std::to_string(total) + " is not divisible by " + by + " " +
                          std::to_string(part));
}

void require_fits(const std::string& program, const std::string& memory, const std::string& what,
                  int64_t bytes, int64_t limit) {
  if (bytes > limit)
    conflict(program, memory + ": " + what + " needs " + std::to_string(bytes) +
                          " B, the limit is " + std::to_string(limit) + " B");
}

}  // namespace kernels
