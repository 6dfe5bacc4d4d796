// Runs a program as a user would and keeps everything a test wants to look at.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "kernels/compare.h"
#include "kernels/knobs.h"
#include "kernels/program.h"

namespace kernels_test {

using kernels::Settings;

struct ProgramRun {
  kernels::Knobs knobs;
  kernels::TensorSet inputs, actual, golden;
  std::vector<kernels::OutputVerdict> verdicts;
  pl::RecordedProgram record;

  /// "" if every output passed, else one line per failure.
  std::string failures() const;
  /// Blocks by scope name, over all submits of that name.
  std::map<std::string, int64_t> blocks() const;
  int64_t total_blocks() const;
};

/// Inputs are drawn from seed 1 unless given.
ProgramRun run(const std::string& program, const std::string& mode, const Settings& settings,
               pl::SessionOptions options = {}, const kernels::TensorSet* inputs = nullptr);

/// Recorded instructions by kind, as the census of upstream's kernels counts them.
struct OpCounts {
  int64_t loads = 0, stores = 0, matmuls = 0, vector = 0, scalars = 0;
  int64_t load_bytes = 0, store_bytes = 0;
};
OpCounts count(const pl::RecordedProgram& record);

/// Model sizes at which a run takes milliseconds, legal for every tiling and layout.
Settings small(Settings more = {});

/// The bytes of two tensors are the same.
bool same_bytes(const kernels::HostTensor& a, const kernels::HostTensor& b);

}  // namespace kernels_test
