#include "kernels/norm.h"
#include "kernels/qkv/scopes.h"

namespace kernels::qkv {

void launch(const Config& c, const std::string& name, int64_t blocks,
            const std::function<void(int64_t)>& body, Site site) {
  pl::ScopeOptions options;
  options.name = c.prefix + name;
  if (!c.tasks || blocks == 1) {
    kernels::launch(options, blocks, body, site);
  } else {
    options.scalars = 1;  // the task's index
    for (int64_t b : pl::parallel(blocks, site))
      pl::at(
          options, [&, b] { body(b); }, site);
  }
}

Tile inverse_rms(const Config& c, const Tile& sum, int64_t n) {
  return c.rsqrt_norms ? inverse_rms_rsqrt(sum, n) : kernels::inverse_rms(sum, n);
}

int64_t CubeTiles::blocks(int64_t total_n) const {
  return ceil_div(total_n / n, tiles_per_block) * split_k;
}

}  // namespace kernels::qkv
