#include "kernels/sparse_attn/prefill_lists.h"

#include <algorithm>

namespace kernels::sparse {

std::vector<int32_t> prefill_list(const Config& c, int64_t start_pos, int64_t position,
                                  int64_t ratio) {
  std::vector<int32_t> list;
  for (int64_t p = std::max<int64_t>(position - kWindow + 1, 0); p <= position; ++p)
    list.push_back(static_cast<int32_t>(p >= start_pos ? kWindow + p - start_pos : p % kWindow));
  if (ratio == 0) return list;
  const int64_t groups = std::min((position + 1) / ratio, c.cmp_columns);
  for (int64_t g = 0; g < groups; ++g)
    list.push_back(static_cast<int32_t>(c.first_compressed() + g));
  return list;
}

void fill_prefill_lists(const Config& c, int64_t start_pos, int64_t ratio,
                        const HostTensor& indices, const HostTensor& lens) {
  auto* row = indices.as<int32_t>();
  std::fill_n(row, indices.numel(), -1);
  for (int64_t t = 0; t < c.active_tokens(); ++t, row += indices.shape.back()) {
    const std::vector<int32_t> list = prefill_list(c, start_pos, start_pos + t, ratio);
    std::copy(list.begin(), list.end(), row);
    lens.as<int32_t>()[t] = static_cast<int32_t>(list.size());
  }
}

}  // namespace kernels::sparse
