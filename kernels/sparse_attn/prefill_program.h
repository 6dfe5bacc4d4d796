#pragma once

#include "kernels/program.h"

namespace kernels::sparse {

/// The standalone program prefill_sparse_attn.
Program prefill_program();

}  // namespace kernels::sparse
