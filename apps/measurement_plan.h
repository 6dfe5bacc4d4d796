// From rows of published figures to the runs that answer them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/measurements.h"
#include "apps/metric.h"
#include "apps/run_state.h"
#include "apps/scope_text.h"
#include "apps/script_options.h"

namespace app {

/// One figure of a row and the run that predicts it.
struct PlannedSide {
  std::optional<size_t> state;  ///< index into MeasurementPlan::states
  std::string reason;           ///< why there is none, "" if the row does not ask for it
};

struct PlannedRow {
  MeasurementRow row;
  std::optional<Metric> metric;
  ScopeText scope;
  std::string mode;  ///< "decode", "prefill", "" = the row does not say
  PlannedSide before, after;
  std::string reason;  ///< why the row cannot be answered at all
};

struct MeasurementPlan {
  std::vector<PlannedRow> rows;  ///< in table order
  std::vector<RunState> states;  ///< sorted, each once
};

/// Plans the rows that `names` select (all if empty); the others are context, as a row that was
/// measured inside a layer runs the layer's file. Error "validate.unknown-row".
MeasurementPlan plan_measurements(const std::vector<MeasurementRow>& rows,
                                  const std::vector<std::string>& names, const SourceTree& tree);

/// The arguments of `script` that a row asks for: platform, swimlane records, options whose choice
/// or name stands in its texts (docs/validation.md).
std::vector<std::string> script_arguments(const Script& script, const MeasurementRow& row,
                                          bool swimlane);

/// "decode", "prefill": the mode a row names, from its scope, its conditions or its group.
std::string mode_of(const MeasurementRow& row, const std::vector<std::string>& choices);

}  // namespace app
