// Sparse attention of CSA layers (ratio 4); the kernel is kernels/sparse_attn (kernels.md §2.7).
#include "kernels/sparse_attn/sparse_attn.h"

namespace kernels {

Program program_decode_sparse_attn();
Program program_decode_sparse_attn() { return sparse::program(sparse::Kind::Csa); }

}  // namespace kernels
