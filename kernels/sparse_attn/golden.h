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

/// attn_out [T, D], rounded to BF16. Runs on all host cores.
golden::Matrix golden_sparse_attn(const Config& c, const GoldenInputs& in);

}  // namespace kernels::sparse
