// What settings of a kernel are checked against before it runs. Errors: "knob.conflict".
#pragma once

#include <cstdint>
#include <string>

namespace kernels {

// What the authors' kernels are built against (kernels.md §0.1).
inline constexpr int64_t kMatBytes = 524288;  ///< L1
inline constexpr int64_t kAccBytes = 131072;  ///< L0C
inline constexpr int64_t kVecBytes = 188416;  ///< UB, usable

void require_divides(const std::string& program, const std::string& what, int64_t total,
                     const std::string& by, int64_t part);
void require_fits(const std::string& program, const std::string& memory, const std::string& what,
                  int64_t bytes, int64_t limit);

/// `part` (the setting `by`) divides `total`; `c.program` is named in the error.
template <class Config>
void divides(const Config& c, const std::string& what, int64_t total, const std::string& by,
             int64_t part) {
  require_divides(c.program, what, total, by, part);
}
/// `what` fits into `limit` bytes of `memory`.
template <class Config>
void fits(const Config& c, const std::string& memory, const std::string& what, int64_t bytes,
          int64_t limit) {
  require_fits(c.program, memory, what, bytes, limit);
}

}  // namespace kernels
