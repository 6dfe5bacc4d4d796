#include "kernels/attention/decode_fixture.h"

#include <algorithm>
#include <cmath>

#include "kernels/fixtures.h"
#include "kernels/model.h"

namespace kernels::attention {
namespace {

/// slots[t] = the pool row of logical row `row(position)`, or -1 where that is negative.
template <class Row>
void fill_slots(const HostTensor& position_ids, const HostTensor& table, int64_t page_rows,
                const HostTensor& slots, Row&& row) {
  const int64_t per_request = position_ids.numel() / table.shape[0];
  for (int64_t t = 0; t < position_ids.numel(); ++t) {
    const int64_t logical = row(position_ids.as<int32_t>()[t]);
    slots.as<int64_t>()[t] =
        logical < 0 ? -1 : paged_row(table, t / per_request, logical, page_rows);
  }
}

}  // namespace

void fill_seq_lens(const HostTensor& position_ids, const HostTensor& kv_seq_lens) {
  const int64_t requests = kv_seq_lens.numel(), seq = position_ids.numel() / requests;
  for (int64_t b = 0; b < requests; ++b)
    kv_seq_lens.as<int32_t>()[b] = position_ids.as<int32_t>()[b * seq + seq - 1] + 1;
}

void fill_block_table(const HostTensor& table) {
  for (int64_t i = 0; i < table.numel(); ++i) table.as<int32_t>()[i] = static_cast<int32_t>(i);
}

int64_t paged_row(const HostTensor& table, int64_t b, int64_t row, int64_t page_rows) {
  const int64_t page = table.as<int32_t>()[b * table.shape[1] + row / page_rows];
  return page * page_rows + row % page_rows;
}

void fill_window_slots(const HostTensor& position_ids, const HostTensor& table,
                       const HostTensor& slots) {
  fill_slots(position_ids, table, kPage, slots, [](int64_t p) { return p % kWindow; });
}

void fill_compressed_slots(const HostTensor& position_ids, const HostTensor& table,
                           int64_t page_rows, int64_t ratio, const HostTensor& slots) {
  fill_slots(position_ids, table, page_rows, slots,
             [&](int64_t p) { return (p + 1) % ratio == 0 ? p / ratio : -1; });
}

void fill_normalised_cache(const HostTensor& cache, const HostTensor& table, int64_t rows,
                           uint64_t seed) {
  const int64_t page_rows = cache.shape[1], lanes = cache.shape.back();
  const RngKey key = rng_key(seed, cache.name);
  std::vector<float> row(static_cast<size_t>(lanes));
  for (int64_t b = 0; b < table.shape[0]; ++b) {
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t at = paged_row(table, b, r, page_rows);
      fill_normal(key, static_cast<uint32_t>(at * lanes), lanes, 1, 0, row.data());
      double squares = 0;
      for (float v : row) squares += static_cast<double>(v) * v;
      const auto rms = static_cast<float>(std::sqrt(squares / static_cast<double>(lanes)));
      for (float& v : row) v /= std::max(rms, 1e-6f);
      f32_to_bf16(row.data(), lanes, cache.as<uint16_t>() + at * lanes);
    }
  }
}

}  // namespace kernels::attention
