#include "apps/cmd_validate_python.h"

#include <algorithm>

#include "apps/commands.h"
#include "apps/measurement_report.h"
#include "apps/measurements.h"
#include "apps/text_file.h"

namespace app {

int validate_python(const PythonValidation& v) {
  const std::vector<MeasurementRow> rows =
      parse_measurements(read_text_file(v.measurements_file), v.measurements_file);
  const Checkout checkout(v.checkout);
  const MeasurementPlan plan = plan_measurements(rows, v.rows, checkout);
  const std::vector<RunOutcome> outcomes = python_runner(checkout, v.runner)(plan.states);
  const std::vector<ScoredRow> scored = score_rows(plan, outcomes);
  print(v.format == "json"  ? measurement_json(scored)
        : v.format == "csv" ? measurement_csv(scored)
                            : measurement_text(scored, v.format == "markdown"));
  return std::all_of(outcomes.begin(), outcomes.end(),
                     [](const RunOutcome& o) { return !o.executions.empty(); })
             ? 0
             : 1;
}

}  // namespace app
