// The few statistics that validation tables need.
#pragma once

#include <optional>
#include <vector>

namespace app {

/// The value below which the share `q` (0 to 1) of `values` lies, linear between neighbours (0.5 is
/// the median); nullopt without values.
std::optional<double> quantile(std::vector<double> values, double q);

std::optional<double> mean(const std::vector<double>& values);

/// Spearman's rank correlation of pairs (a[i], b[i]); equal values share their mean rank. nullopt
/// for fewer than three pairs or when one side has a single value.
std::optional<double> rank_correlation(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace app
