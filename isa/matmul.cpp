#include <fmt/format.h>

#include <memory>
#include <vector>

#include "isa/checks.h"
#include "isa/host/kernels.h"

namespace isa {
namespace {

/// This thread's packing buffer, 64 B aligned, at least `floats` long.
float* scratch(int64_t floats) {
  constexpr size_t kAlign = 64 / sizeof(float);
  thread_local std::vector<float> buffer;
  const size_t needed = static_cast<size_t>(floats) + kAlign;
  if (buffer.size() < needed) buffer.resize(needed);
  void* p = buffer.data();
  size_t space = buffer.size() * sizeof(float);
  return static_cast<float*>(std::align(64, static_cast<size_t>(floats) * sizeof(float), p, space));
}

bool takes(DType input, DType output) {
  switch (input) {
    case DType::BF16:
    case DType::F16:
    case DType::F32:
      return output == DType::F32;
    case DType::I8:
      return output == DType::I32;
    default:
      return false;
  }
}

void check(const TileView& dst, const TileView& a, const TileView& b, bool trans_b) {
  const auto fail = [&](const char* what) {
    throw Error("isa.matmul", fmt::format("{}: {} = {} x {}{}", what, describe(dst), describe(a),
                                          describe(b), trans_b ? " transposed" : ""));
  };
  if (!dst.present() || !a.present() || !b.present()) fail("an operand is missing");
  if (a.dtype != b.dtype || !takes(a.dtype, dst.dtype)) fail("no such combination of types");
  if (a.valid_cols != (trans_b ? b.valid_cols : b.valid_rows)) fail("the K extents differ");
  if (dst.rows < a.valid_rows || dst.cols < (trans_b ? b.valid_rows : b.valid_cols))
    fail("the result does not fit");
}

}  // namespace

void matmul(const TileView& dst, const TileView& a, const TileView& b, bool trans_b,
            bool accumulate) {
  check(dst, a, b, trans_b);
  const int64_t m = a.valid_rows, k = a.valid_cols;
  const int64_t n = trans_b ? b.valid_rows : b.valid_cols;
  if (k == 0 && !accumulate)
    for (int64_t r = 0; r < m; ++r) std::fill_n(dst.row<uint32_t>(r), n, 0u);
  if (m == 0 || n == 0 || k == 0) return;
  const host::Kernels& kernels = host::kernels();
  kernels.gemm({{dst.data, dst.stride},
                {a.data, a.stride},
                {b.data, b.stride},
                m,
                n,
                k,
                a.dtype,
                trans_b,
                accumulate,
                scratch(host::gemm_scratch(m))});
}

}  // namespace isa
