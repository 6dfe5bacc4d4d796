#include "kernels/qkv/scopes.h"

namespace kernels::qkv {

void launch(const Config& c, const std::string& name, int64_t blocks,
            const std::function<void(int64_t)>& body, Site site) {
  pl::ScopeOptions options;
  options.name = c.prefix + name;
  if (blocks == 1) {
    pl::at(
        options, [&] { body(0); }, site);
  } else if (!c.tasks) {
    pl::spmd(blocks, options, body, site);
  } else {
    options.scalars = 1;  // the task's index
    for (int64_t b : pl::parallel(blocks, site))
      pl::at(
          options, [&, b] { body(b); }, site);
  }
}

pl::LoopRange loop(int64_t begin, int64_t end, int stage, Site site) {
  const auto kind = stage > 1 ? pl::LoopKind::Pipeline : pl::LoopKind::Range;
  return pl::LoopRange(kind, begin, end, 1, stage, site);
}

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

int64_t CubeTiles::blocks(int64_t total_n) const {
  return ceil_div(total_n / n, tiles_per_block) * split_k;
}

}  // namespace kernels::qkv
