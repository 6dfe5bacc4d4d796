// The family's reference: whole tensors, plain loops and Eigen, independent of the tile scopes.
#pragma once

#include "kernels/program.h"
#include "kernels/qkv/config.h"

namespace kernels::qkv {

/// q [T, H, 512], kv [T, 512], qr [T, Q], qr_scale [T, 1] for inputs x, wq_a, wq_b, wq_b_scale,
/// wkv, gamma_cq, gamma_ckv (and norm_w with attn_norm), with `cos` / `sin` BF16 tables of one row
/// per token. Upstream's reference: rsqrt norms, quantisation from FP32 (from BF16 with qr_bf16),
/// exact INT32 products, rotation of interleaved pairs or split halves in FP32, one rounding per
/// output.
TensorSet golden(const TensorSet& inputs, const Config& c, const HostTensor& cos,
                 const HostTensor& sin);

/// Published tolerances of the four outputs.
std::map<std::string, Comparator> comparators();

std::vector<TensorSpec> output_specs(const Config& c);

}  // namespace kernels::qkv
