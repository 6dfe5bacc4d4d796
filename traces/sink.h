// Files that are written while they are made: a trace of 100,000 tasks is larger than the run.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace traces {

/// Takes a file's bytes piece by piece.
using Sink = std::function<void(std::string_view)>;

/// Everything `write(sink)` hands out, in one piece.
template <class Write>
std::string collect(Write&& write) {
  std::string all;
  write(Sink([&](std::string_view piece) { all += piece; }));
  return all;
}

}  // namespace traces
