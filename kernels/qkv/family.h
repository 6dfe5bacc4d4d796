// What the programs of the family share: their inputs and the chain of scopes over some token rows.
#pragma once

#include "kernels/program.h"
#include "kernels/qkv/scopes.h"

namespace kernels::qkv {

/// The weights and norms both programs read; tables and token rows differ.
std::vector<TensorSpec> weight_specs(const Config& c);
/// Draws every weight and norm in `specs` into `set` (kernels.md §2.2, or §2.13 with p253_inputs).
void make_weights(const Config& c, uint64_t seed, TensorSet& set);

/// Weights as tensors of a session; vectors become rows [1, N].
struct Weights {
  Tensor wq_a, wq_b, wq_b_scale, wkv, gamma_cq, gamma_ckv, norm_w;
};
Weights declare_weights(pl::Session& session, const TensorSet& inputs, const Config& c);

/// Outputs of some token rows, as the two-dimensional views the scopes take.
struct Outputs {
  Tensor q, kv, qr, qr_scale;
};

/// The whole kernel over the rows of `x`.
void qkv_rows(const Config& c, Tensor x, const Weights& w, RopeTensors rope, const Outputs& out);

/// The same as P253 had it (p253.cpp): single tasks, one per head and N tile, at most 16 rows.
void task_per_head_rows(const Config& c, const Tensor& x, const Weights& w, const RopeTensors& rope,
                        const Outputs& out);

}  // namespace kernels::qkv
