#include "kernels/attention/cache_writeback.h"

#include <algorithm>

#include "kernels/launch.h"
#include "kernels/model.h"
#include "kernels/norm.h"

namespace kernels::attention {
namespace {

using isa::DType;
using pl::Tile;

constexpr int64_t kGuardLanes = 16;

/// Reads a row and writes it back, so that the cache counts as in/out and the write waits for the
/// gathers that read it (kernels.md §0.2).
void touch(const pl::Tensor& cache) {
  const Tile row = pl::load(cache, {0, 0}, {1, kHead});
  pl::store(row, {0, 0}, cache);
}

void write_guarded(const WritebackArgs& args, int64_t token, int64_t slot) {
  const Tile guard = pl::load(args.guard, {token, 0}, {1, kGuardLanes});
  const Tile zero = pl::mul(pl::cast(guard, DType::F32), 0.0);
  const Tile head = pl::load(args.kv, {token, 0}, {1, kGuardLanes});
  pl::store(to_bf16(pl::add(pl::cast(head, DType::F32), zero)), {slot, 0}, args.cache);
  const Tile rest = pl::load(args.kv, {token, kGuardLanes}, {1, kHead - kGuardLanes});
  pl::store(rest, {slot, kGuardLanes}, args.cache);
}

}  // namespace

void cache_writeback(const std::string& kind, const WritebackArgs& args) {
  launch(kind + "_cache_writeback", 1, [&](int64_t) {
    touch(args.cache);
    for (int64_t token : pl::range(args.kv.dim(0))) {
      const int64_t slot = pl::read_int(args.slot_mapping, {token});
      if (slot < 0) continue;
      if (args.guard.present()) {
        write_guarded(args, token, slot);
      } else {
        const Tile row = pl::load(args.kv, {token, 0}, {1, kHead});
        pl::store(row, {slot, 0}, args.cache);
      }
    }
  });
}

void golden_cache_writeback(const HostTensor& kv, const HostTensor& slot_mapping,
                            const HostTensor& cache) {
  for (int64_t t = 0; t < slot_mapping.numel(); ++t) {
    const int64_t slot = slot_mapping.as<int64_t>()[t];
    if (slot >= 0)
      std::copy_n(kv.as<uint16_t>() + t * kHead, kHead, cache.as<uint16_t>() + slot * kHead);
  }
}

}  // namespace kernels::attention
