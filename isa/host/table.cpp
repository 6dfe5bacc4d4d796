#include "isa/host/parts.h"

#define ISA_STRING2(x) #x
#define ISA_STRING(x) ISA_STRING2(x)

namespace isa::host::ISA_NS {

void fill(Kernels& k) {
  k = Kernels{};
  k.name = "x86-64-" ISA_STRING(ISA_NS);
  fill_arithmetic(k);
  fill_casts(k);
  fill_reductions(k);
  k.gemm = gemm;
}

}  // namespace isa::host::ISA_NS
