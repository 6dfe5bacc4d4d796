// The published comparators (kernels.md §0.3). All throw "kernel.shape" when the two tensors differ
// in dtype or shape.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "kernels/program.h"

namespace kernels {

/// torch.allclose: every |actual - expected| <= atol + rtol * |expected|.
Comparator allclose(double rtol = 1e-5, double atol = 1e-5);

/// tol = atol + rtol * |expected|; fails on any NaN or Inf in actual; passes if the elements out of
/// tolerance are at most round(max_error_ratio * numel). "RA(atol, rtol, ratio)".
Comparator ratio_allclose(double atol, double rtol, double max_error_ratio = 0.005);

/// The same with at most `count` elements out of tolerance, whatever the tensor's size.
Comparator all_but(double atol, double rtol, double count);

/// a = |difference|, b = max(|actual|, |expected|, 2^-14 / diff_thd) + 1e-9; rd = a if a < diff_thd
/// else a / b; bad if rd > diff_thd; passes if bad <= round(pct_thd * numel) and the largest rd is
/// below max_diff_hd. "RD(diff, pct, max)".
Comparator ratio_reldiff(double diff_thd = 0.01, double pct_thd = 0.05,
                         double max_diff_hd = std::numeric_limits<double>::infinity());

/// Indices: a mismatch at position i of a row is legal if the actual values `values_name` (same
/// shape) stay descending over i-1, i, i+1.
Comparator topk_pair_compare(std::string values_name);

/// The same for indices into `values_name` [.., W], which stays unsorted: position i of a row is
/// paired with the value at (index - offset), -1 with none. `offset_name` is an integer input of
/// one element. A mismatch must also be an index the row has once; -1 only matches -1.
Comparator topk_lookup_compare(std::string values_name, std::string offset_name);

/// ratio_reldiff on the first n rows; n is given, or is the first element of an integer input.
Comparator valid_ratio_reldiff(int64_t n, double diff_thd = 0.01, double pct_thd = 0.05,
                               double max_diff_hd = std::numeric_limits<double>::infinity());
Comparator valid_ratio_reldiff(std::string count_name, double diff_thd = 0.01,
                               double pct_thd = 0.05,
                               double max_diff_hd = std::numeric_limits<double>::infinity());

/// ratio_allclose on the first n rows; n is the first element of an integer input.
Comparator valid_ratio_allclose(std::string count_name, double atol, double rtol,
                                double max_error_ratio = 0.005);

/// Tensors [lanes, slots, ...] with `count_name` [lanes]: only slots below the lane's count are
/// compared, with atol + rtol * |expected|; every one of them must agree.
Comparator valid_rows_compare(std::string count_name, double atol = 0, double rtol = 0);

/// Every output of a run against its golden, with the program's comparators (default: allclose).
std::vector<OutputVerdict> judge(const Program& program, const TensorSet& inputs,
                                 const TensorSet& actual, const TensorSet& expected);

}  // namespace kernels
