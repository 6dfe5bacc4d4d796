#include "kernels/launch.h"

namespace kernels {

void launch(const pl::ScopeOptions& options, int64_t blocks,
            const std::function<void(int64_t)>& body, pl::Site site) {
  if (blocks == 1) {
    pl::at(
        options, [&] { body(0); }, site);
  } else {
    pl::spmd(blocks, options, body, site);
  }
}

void launch(const std::string& name, int64_t blocks, const std::function<void(int64_t)>& body,
            pl::Site site) {
  pl::ScopeOptions options;
  options.name = name;
  launch(options, blocks, body, site);
}

pl::LoopRange loop(int64_t begin, int64_t end, int stage, pl::Site site) {
  const auto kind = stage > 1 ? pl::LoopKind::Pipeline : pl::LoopKind::Range;
  return pl::LoopRange(kind, begin, end, 1, stage, site);
}

pl::LoopRange loop(int64_t end, int stage, pl::Site site) { return loop(0, end, stage, site); }

}  // namespace kernels
