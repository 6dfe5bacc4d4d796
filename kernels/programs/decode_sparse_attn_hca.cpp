// Sparse attention of HCA layers (ratio 128); the kernel is kernels/sparse_attn (kernels.md §2.7).
#include "kernels/sparse_attn/sparse_attn.h"

namespace kernels {

Program program_decode_sparse_attn_hca();
Program program_decode_sparse_attn_hca() { return sparse::program(sparse::Kind::Hca); }

}  // namespace kernels
