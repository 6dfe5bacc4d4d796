#include "kernels/prefill_compressor/writes.h"

namespace kernels::prefill_compressor {

Write find_write(const pl::Tensor& cmp_slots, int64_t index) {
  Write write;
  int64_t seen = 0;
  for (int64_t t : pl::range(cmp_slots.dim(0))) {
    const int64_t slot = pl::read_int(cmp_slots, {t});
    if (slot < 0) continue;
    if (seen == 0) write.first_slot = slot;
    if (seen++ != index) continue;
    write.token = t;
    write.slot = slot;
  }
  return write;
}

}  // namespace kernels::prefill_compressor
