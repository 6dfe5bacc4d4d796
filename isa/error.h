// One exception for everything a user can get wrong or a model can detect.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace isa {

/// A source position in a kernel program. `Site::here()` as a default argument names the caller.
struct Site {
  const char* file = "";
  int line = 0;

  static constexpr Site here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return Site{file, line};
  }
};

/// An error with a stable id ("lower.l0c-overflow"), the place it happened ("scope qproj_matmul,
/// qkv_proj_rope.cpp:120") and a message that names the limit and the value.
/// `what()` is one line: "<where>: <message> [<id>]".
class Error : public std::runtime_error {
 public:
  Error(std::string id, std::string where, const std::string& message)
      : std::runtime_error((where.empty() ? "" : where + ": ") + message + " [" + id + "]"),
        id_(std::move(id)),
        where_(std::move(where)) {}
  Error(std::string id, const std::string& message) : Error(std::move(id), "", message) {}

  const std::string& id() const { return id_; }
  const std::string& where() const { return where_; }

 private:
  std::string id_;
  std::string where_;
};

}  // namespace isa
