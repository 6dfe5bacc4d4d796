// Independent reference of sparse attention: whole rows, dense products (kernels.md §2.7).
#pragma once

#include "kernels/golden_math.h"
#include "kernels/program.h"
#include "kernels/sparse_attn/config.h"

namespace kernels::sparse {

/// Values as the kernel gets them; BF16 ones as FP32.
struct GoldenInputs {
  golden::Matrix q;  ///< [T * H, 512]
  HostTensor ori_kv, ori_block_table;
  golden::Matrix overlay;              ///< [T, 512]
  HostTensor cmp_kv, cmp_block_table;  ///< not looked at without compressed indices
  std::vector<int32_t> indices;        ///< [T, 128 + cmp_columns]
  golden::Matrix sink;                 ///< [H]
  golden::Matrix cos, sin;             ///< [T, 32]
  HostTensor wo_a, wo_b, wo_b_scale;
};

/// Prefill's index lists as the golden takes them, [T, 128 + cmp_columns]: the valid entries of the
/// first lens[t] columns without the holes between them, then -1; only -1 for padding tokens.
std::vector<int32_t> compacted_indices(const Config& c, const HostTensor& indices,
                                       const HostTensor& lens);
/// Columns 0..31 of a table, FP32.
golden::Matrix half_table(const HostTensor& t);

/// attn_out [T, D], rounded to BF16. Runs on all host cores.
golden::Matrix golden_sparse_attn(const Config& c, const GoldenInputs& in);

}  // namespace kernels::sparse
