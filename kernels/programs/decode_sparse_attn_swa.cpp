// Sparse attention of SWA layers (window only); the kernel is kernels/sparse_attn (kernels.md
// §2.7).
#include "kernels/sparse_attn/sparse_attn.h"

namespace kernels {

Program program_decode_sparse_attn_swa();
Program program_decode_sparse_attn_swa() { return sparse::program(sparse::Kind::Swa); }

}  // namespace kernels
