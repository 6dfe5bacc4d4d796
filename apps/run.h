// The road from a program to a timeline: resolve, execute eagerly, check, lower, replay, sum up.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/progress.h"
#include "apps/request.h"
#include "chips/chip.h"
#include "isa/graph.h"
#include "lower/lower.h"
#include "traces/summary.h"
#include "traces/timeline.h"

namespace app {

/// How the interpreter's memories compare with the eager values.
struct LoweringCheck {
  bool equal = false;
  std::string first_difference;  ///< "q at byte 128: eager 3f, lowered 40"
};

/// Everything one run produced.
struct RunResult {
  kernels::Knobs knobs;
  chips::Chip chip;
  lower::Result lowered;
  traces::Timeline timeline;
  traces::Summary summary;
  std::vector<kernels::OutputVerdict> verdicts;
  std::vector<pl::Diagnostic> diagnostics;
  std::vector<std::string> hazards;
  std::optional<LoweringCheck> lowering_check;

  /// No golden failed and the lowering check, if made, holds.
  bool passed() const;
};

/// Runs `request`. Errors are those of the layers; "cli.mode" for a mode the program does not have,
/// "knob.chip" for a form the chip refuses.
RunResult run(const RunRequest& request, Progress& progress);

/// The second half of the road for a program that somebody else has executed: lowering, replay and
/// summary (without a golden). Of the request the machine options and `program`, the name, count.
RunResult replay(const pl::RecordedProgram& recorded, chips::Chip chip, const RunRequest& request,
                 Progress& progress);
/// The same for the programs of all ranks of a world, `recorded[r]` that of rank r, replayed
/// together on chips of their own.
std::vector<RunResult> replay_ranks(const std::vector<const pl::RecordedProgram*>& recorded,
                                    const chips::Chip& chip, const RunRequest& request,
                                    Progress& progress);

}  // namespace app
