#include "apps/measurement_score.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "apps/statistics.h"

namespace app {
namespace {

constexpr double kChanged = 0.05;  // smaller changes are within the noise of two device runs

bool is_quantity(const ScoredRow& row) { return row.metric && row.metric->form == Form::Value; }

bool is_time_row(const ScoredRow& row) { return row.metric && is_time(row.metric->quantity); }

Score score_of(const std::string& name, const std::vector<const ScoredRow*>& rows) {
  Score score;
  score.name = name;
  std::vector<double> errors, distances, changes, measured, predicted;
  for (const ScoredRow* row : rows) {
    if (!row->predicted()) continue;
    ++score.rows;
    for (const ScoredSide* side : {&row->before, &row->after}) {
      const std::optional<double> error = log_error(*row, *side);
      if (!error) continue;
      errors.push_back(*error);
      distances.push_back(std::fabs(*error));
      measured.push_back(*side->measured);
      predicted.push_back(*side->predicted);
    }
    const auto change = row->change();
    if (change && change->measured > 0 && change->predicted > 0)
      changes.push_back(std::fabs(std::log(change->predicted / change->measured)));
    if (const auto agrees = row->sign_agrees()) {
      ++score.signs;
      score.signs_right += *agrees ? 1 : 0;
    }
  }
  score.figures = static_cast<int>(errors.size());
  score.median = quantile(distances, 0.5);
  score.p90 = quantile(distances, 0.9);
  if (const auto bias = mean(errors)) score.bias = std::exp(*bias);
  score.change_median = quantile(changes, 0.5);
  score.rank = rank_correlation(measured, predicted);
  return score;
}

using KeyOf = std::function<std::string(const MeasurementRow&)>;

std::vector<Score> scores_by(const std::vector<const ScoredRow*>& rows, const KeyOf& key) {
  std::map<std::string, std::vector<const ScoredRow*>> sets;
  for (const ScoredRow* row : rows) sets[key(row->row)].push_back(row);
  std::vector<Score> scores;
  for (const auto& [name, set] : sets) {
    scores.push_back(score_of(name, set));
    if (scores.back().rows == 0) scores.pop_back();
  }
  return scores;
}

std::string sweep_of(const MeasurementRow& row) {
  const size_t slash = row.kernel_file.rfind('/');
  return fmt::format("{} {} {}", row.commit.substr(0, 8),
                     row.kernel_file.substr(slash == std::string::npos ? 0 : slash + 1),
                     row.metric);
}

}  // namespace

std::optional<ChangeFactor> ScoredRow::change() const {
  if (!metric || !after.measured || !after.predicted) return std::nullopt;
  switch (metric->form) {
    case Form::Value:
      if (!before.measured || !before.predicted || *before.measured == 0 || *before.predicted == 0)
        return std::nullopt;
      return ChangeFactor{*after.measured / *before.measured, *after.predicted / *before.predicted};
    case Form::ChangePct:
      return ChangeFactor{1 + *after.measured / 100, 1 + *after.predicted / 100};
    case Form::GainPct:
      return ChangeFactor{1 - *after.measured / 100, 1 - *after.predicted / 100};
    case Form::Speedup:
      if (*after.measured == 0 || *after.predicted == 0) return std::nullopt;
      return ChangeFactor{1 / *after.measured, 1 / *after.predicted};
    case Form::Delta:
      return std::nullopt;  // no base to relate it to
  }
  return std::nullopt;
}

std::optional<bool> ScoredRow::sign_agrees() const {
  const auto factor = change();
  if (!factor || std::fabs(factor->measured - 1) <= kChanged) return std::nullopt;
  return (factor->measured > 1) == (factor->predicted > 1) && factor->predicted != 1;
}

std::optional<double> log_error(const ScoredRow& row, const ScoredSide& side) {
  if (!is_quantity(row) || !side.measured || !side.predicted) return std::nullopt;
  if (*side.measured <= 0 || *side.predicted <= 0) return std::nullopt;
  return std::log(*side.predicted / *side.measured);
}

Scores score(const std::vector<ScoredRow>& rows) {
  std::vector<const ScoredRow*> times, others;
  for (const ScoredRow& row : rows) (is_time_row(row) ? times : others).push_back(&row);
  Scores scores;
  scores.overall = score_of("all times", times);
  scores.counts = score_of("counts and sizes", others);
  scores.families = scores_by(times, [](const MeasurementRow& r) { return r.family; });
  scores.groups = scores_by(times, [](const MeasurementRow& r) { return r.group; });
  scores.metrics = scores_by(times, [](const MeasurementRow& r) { return r.metric; });
  scores.sweeps = scores_by(times, sweep_of);
  const auto too_few = [](const Score& s) { return s.figures < 3; };
  scores.sweeps.erase(std::remove_if(scores.sweeps.begin(), scores.sweeps.end(), too_few),
                      scores.sweeps.end());
  return scores;
}

}  // namespace app
