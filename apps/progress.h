// Progress of long work: a status line on a terminal, silence everywhere else.
#pragma once

#include <string>

namespace app {

/// Prints "[3/7] lowering ..." over itself on stderr while alive, only when stderr is a terminal.
class Progress {
 public:
  explicit Progress(bool enabled = true);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void step(const std::string& what);
  /// Removes the line, before anything else is printed.
  void clear();

 private:
  bool active_;
};

}  // namespace app
