#include "apps/run.h"

#include <fmt/format.h>

#include <future>

#include "apps/verify_lowering.h"
#include "isa/semantics.h"
#include "kernels/compare.h"
#include "kernels/declare.h"
#include "kernels/manifest.h"
#include "lower/deps.h"
#include "sim/machine.h"

namespace app {
namespace {

using kernels::HostTensor;
using kernels::OutputVerdict;
using kernels::Program;
using kernels::TensorSet;

std::string resolve_mode(const Program& program, const std::string& mode) {
  if (mode.empty()) return program.modes.front();
  for (const std::string& m : program.modes)
    if (m == mode) return mode;
  throw isa::Error("cli.mode", fmt::format("{} has no mode '{}'; it has {}", program.name, mode,
                                           fmt::join(program.modes, ", ")));
}

void require_chip_form(const Program& program, const kernels::Knobs& knobs,
                       const chips::Chip& chip) {
  if (!program.refused_on_chip) return;
  const std::string why = program.refused_on_chip(knobs, chip.name);
  if (!why.empty()) throw isa::Error("knob.chip", why);
}

/// The chip, with the ring heap the program is run with unless the user sets one.
chips::Chip load_chip(const RunRequest& request, const Program& program) {
  std::vector<std::string> overrides = request.chip_overrides;
  if (program.ring_heap_bytes > 0)
    overrides.insert(overrides.begin(),
                     fmt::format("runtime.heap_bytes={}", program.ring_heap_bytes));
  return chips::load_chip(request.chip, request.soc, overrides);
}

/// The outputs of the eager run as host tensors (sharing the session's memory).
TensorSet collect_outputs(pl::Session& session,
                          const std::vector<std::pair<std::string, pl::Tensor>>& outputs) {
  TensorSet set;
  for (const auto& [name, tensor] : outputs) {
    HostTensor t;
    t.name = name;
    t.dtype = tensor.dtype();
    t.shape.assign(tensor.shape().begin(), tensor.shape().end());
    t.role = kernels::Role::Output;
    t.bytes = std::shared_ptr<uint8_t>(session.data(tensor), [](uint8_t*) {});
    set.add(std::move(t));
  }
  return set;
}

std::optional<traces::Golden> golden_summary(const std::vector<OutputVerdict>& verdicts,
                                             bool checked) {
  if (!checked) return std::nullopt;
  traces::Golden golden;
  golden.passed = true;
  for (const OutputVerdict& v : verdicts) {
    golden.passed = golden.passed && v.passed;
    golden.outputs.push_back({v.name, v.passed, v.max_abs_err, v.bad, v.total});
  }
  return golden;
}

traces::RunInfo run_info(const RunRequest& request, const std::string& mode,
                         const RunResult& result) {
  traces::RunInfo info;
  info.program = request.program;
  info.mode = mode;
  info.knobs = result.knobs.values();
  for (const auto& [name, value] : request.settings)
    info.variant += (info.variant.empty() ? "" : ",") + name + "=" + value;
  if (info.variant.empty()) info.variant = "default";
  info.chip = result.chip.name;
  info.soc = result.chip.soc;
  info.seed = request.seed;
  return info;
}

void lower_program(const pl::RecordedProgram& recorded, const RunRequest& request,
                   RunResult& result) {
  lower::Options options;
  options.threads = request.threads;
  result.lowered = lower::lower(recorded, result.chip, options);
  for (const lower::Hazard& h : lower::find_hazards(recorded, result.lowered.graph))
    result.hazards.push_back(lower::describe(h, result.lowered.graph));
}

sim::Options sim_options(const RunRequest& request) {
  sim::Options options;
  options.observer_effect = request.observer_effect;
  options.level = request.level;
  options.instructions = request.detail;
  return options;
}

void lower_and_replay(const pl::RecordedProgram& recorded, const RunRequest& request,
                      RunResult& result, Progress& progress) {
  progress.step("lowering for " + result.chip.name);
  lower_program(recorded, request, result);
  progress.step("replaying");
  result.timeline = sim::replay(result.lowered.graph, result.chip, sim_options(request));
  if (request.verify_lowering) {
    progress.step("verifying the lowering");
    result.lowering_check = verify_lowering(recorded, result.lowered.graph, result.chip);
  }
}

}  // namespace

bool RunResult::passed() const {
  if (summary.golden && !summary.golden->passed) return false;
  return !lowering_check || lowering_check->equal;
}

RunResult run(const RunRequest& request, Progress& progress) {
  const Program& program = kernels::find_program(request.program);
  const std::string mode = resolve_mode(program, request.mode);
  RunResult result;
  result.chip = load_chip(request, program);
  result.knobs = program.resolve(mode, request.settings);
  require_chip_form(program, result.knobs, result.chip);

  progress.step("inputs");
  const TensorSet inputs =
      request.inputs_dir.empty()
          ? program.make_inputs(result.knobs, mode, request.seed)
          : kernels::load_tensors(request.inputs_dir, program.inputs(result.knobs, mode));

  if (!request.save_inputs_dir.empty()) kernels::save_tensors(request.save_inputs_dir, inputs);

  // The golden needs only the inputs: it runs beside execution, lowering and replay.
  std::future<TensorSet> golden;
  if (request.golden)
    golden = std::async(request.threads == 1 ? std::launch::deferred : std::launch::async,
                        [&] { return program.golden(inputs, result.knobs, mode); });

  progress.step("executing " + program.name);
  pl::SessionOptions session_options;
  session_options.threads = request.threads;
  session_options.mask_scatter = result.chip.mask_scatter;
  session_options.a5_casts = result.chip.wide_casts;
  pl::Session session(program.name, session_options);
  const auto outputs =
      program.run(session, kernels::with_private_inouts(inputs), result.knobs, mode);
  const TensorSet actual = collect_outputs(session, outputs);
  const pl::RecordedProgram recorded = session.finish();
  result.diagnostics = recorded.diagnostics;

  lower_and_replay(recorded, request, result, progress);
  if (request.golden) {
    progress.step("golden");
    result.verdicts = kernels::judge(program, inputs, actual, golden.get());
  }
  if (!request.save_dir.empty()) kernels::save_tensors(request.save_dir, actual);
  result.summary =
      traces::summarize(result.timeline, result.lowered.graph, run_info(request, mode, result),
                        golden_summary(result.verdicts, request.golden));
  for (const kernels::ScopeGroup& group : program.scope_groups)
    result.summary.groups.push_back({group.name, group.scopes});
  return result;
}

RunResult replay(const pl::RecordedProgram& recorded, chips::Chip chip, const RunRequest& request,
                 Progress& progress) {
  RunResult result;
  result.chip = std::move(chip);
  result.diagnostics = recorded.diagnostics;
  lower_and_replay(recorded, request, result, progress);
  result.summary = traces::summarize(result.timeline, result.lowered.graph,
                                     run_info(request, request.mode, result));
  return result;
}

namespace {

/// What the flags a program waits for held when it began (zero, unless an earlier program of the
/// world has left something there).
std::vector<sim::FlagStart> flag_starts(const pl::RecordedProgram& program) {
  std::vector<sim::FlagStart> starts;
  const auto add = [&](const isa::GmAccess& gm) {
    const isa::GmBuffer& buffer = program.buffers[gm.buffer.value];
    const uint8_t* initial = program.storage[gm.buffer.value].initial.get();
    const int64_t byte = gm.offset * static_cast<int64_t>(isa::size_of(gm.dtype));
    const int64_t value = isa::get_integer(initial + byte, gm.dtype);
    if (value != 0) starts.push_back({buffer.window, byte, static_cast<int32_t>(value)});
  };
  for (const pl::ScopeRecord& scope : program.scopes)
    for (const pl::BlockRecord& block : scope.blocks)
      for (size_t i = 0; i < block.ops.size(); ++i)
        if (block.ops.elements()[i].opcode == isa::Opcode::TWAIT) add(block.ops[i].gm);
  return starts;
}

}  // namespace

std::vector<RunResult> replay_ranks(const std::vector<const pl::RecordedProgram*>& recorded,
                                    const chips::Chip& chip, const RunRequest& request,
                                    Progress& progress) {
  std::vector<RunResult> results(recorded.size());
  std::vector<const isa::TaskGraph*> graphs;
  std::vector<std::vector<sim::FlagStart>> flags;
  progress.step("lowering for " + chip.name);
  for (size_t r = 0; r < recorded.size(); ++r) {
    results[r].chip = chip;
    results[r].diagnostics = recorded[r]->diagnostics;
    lower_program(*recorded[r], request, results[r]);
    graphs.push_back(&results[r].lowered.graph);
    flags.push_back(flag_starts(*recorded[r]));
  }
  progress.step("replaying");
  std::vector<traces::Timeline> timelines =
      sim::replay_ranks(graphs, chip, sim_options(request), flags);
  std::vector<LoweringCheck> checks;
  if (request.verify_lowering) {
    progress.step("verifying the lowering");
    checks = verify_lowering(recorded, graphs, chip);
  }
  for (size_t r = 0; r < results.size(); ++r) {
    results[r].timeline = std::move(timelines[r]);
    if (!checks.empty()) results[r].lowering_check = checks[r];
    results[r].summary = traces::summarize(results[r].timeline, *graphs[r],
                                           run_info(request, request.mode, results[r]));
  }
  return results;
}

}  // namespace app
