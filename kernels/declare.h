// Program arguments from host tensors.
#pragma once

#include <string>

#include "kernels/program.h"

namespace kernels {

/// The tensor `name` of `inputs` as an argument of the session: in/out if its role says so, else
/// read-only. Error "kernel.no-tensor".
pl::Tensor declare(pl::Session& session, const TensorSet& inputs, const std::string& name);
/// A vector [N] seen as one row [1, N].
pl::Tensor declare_row(pl::Session& session, const TensorSet& inputs, const std::string& name);

/// All n bytes are 0.
bool all_zero(const uint8_t* p, size_t n);

/// A copy with memory of its own. Pages that hold only zeros are not copied, so that the unused
/// part of a paged cache costs nothing.
HostTensor clone_tensor(const HostTensor& t);
/// The same tensors, those of role InOut with memory of their own: what a run may write.
TensorSet with_private_inouts(const TensorSet& inputs);

}  // namespace kernels
