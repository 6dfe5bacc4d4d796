#include "apps/progress.h"

#include <unistd.h>

#include <cstdio>

namespace app {

Progress::Progress(bool enabled) : active_(enabled && isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() { clear(); }

void Progress::step(const std::string& what) {
  if (!active_) return;
  clear();
  std::fprintf(stderr, "%s ...", what.c_str());
  std::fflush(stderr);
}

void Progress::clear() {
  if (!active_) return;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
}

}  // namespace app
