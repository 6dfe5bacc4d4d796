// Sparse attention of a prefill chunk; the kernel is kernels/sparse_attn (kernels.md §2.12).
#include "kernels/sparse_attn/prefill_program.h"

namespace kernels {

Program program_prefill_sparse_attn();
Program program_prefill_sparse_attn() { return sparse::prefill_program(); }

}  // namespace kernels
