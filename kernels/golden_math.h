// Whole-matrix arithmetic of goldens: plain loops and a dense GEMM, independent of the tile code.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/program.h"

namespace kernels::golden {

using Matrix = std::vector<float>;  ///< row-major

/// 1 / sqrt(mean of squares + 1e-6), summed in double.
float inverse_rms(const float* row, int64_t n);
/// rows x gamma / rms, in place; gamma has `cols` elements, or none for 1.
void rms_norm(Matrix& m, int64_t rows, int64_t cols, const Matrix& gamma);

void round_to_bf16(float* values, int64_t n);
void round_to_bf16(Matrix& m);

/// INT8 quantisation per row (kernels.md §1.4): amax = max(1e-4, max|x|), q = rint(x * 127 / amax),
/// scale = 1 / (127 / amax).
/// `half_away`: rounded half away from zero, as P253 does.
void quantise_rows(const Matrix& m, int64_t rows, int64_t cols, int8_t* q, float* scale,
                   bool half_away = false);

/// INT8 values as FP32.
void widen(const int8_t* in, int64_t n, float* out);
Matrix widen(const int8_t* in, int64_t n);

/// x [rows, K] times the columns [n0, n0 + n) of w [K, N] (BF16, INT8 or FP32). Pieces of K are
/// FP32 products, their sum is taken in double: INT8 products are exact, BF16 ones lose next to
/// nothing.
Matrix product(const Matrix& x, const HostTensor& w, int64_t rows, int64_t n0, int64_t n);
Matrix product(const Matrix& x, const HostTensor& w, int64_t rows);
/// x [rows, K] times the transpose of rows [n0, n0 + n) of w [N, K].
Matrix product_transposed(const Matrix& x, const HostTensor& w, int64_t rows, int64_t n0,
                          int64_t n);

/// row * row_scale * column_scale[j], in this order.
void dequantise_row(float* row, float row_scale, const float* column_scale, int64_t n);
void scale_row(float* row, float factor, int64_t n);

/// Rotates 64 lanes in place; `c` and `s` have the 32 frequencies. Pairs are (2i, 2i+1), or (i,
/// 32+i) with `split_half`: first' = first * c - second * s, second' = first * s + second * c.
void rotate(float* lanes, const float* c, const float* s, bool split_half);
/// By the opposite angle: first' = first * c + second * s, second' = second * c - first * s.
void rotate_inverse(float* lanes, const float* c, const float* s, bool split_half);

}  // namespace kernels::golden
