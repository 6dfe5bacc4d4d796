// Small programs of several ranks, run eagerly, lowered, interpreted and replayed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "chips/chip.h"
#include "isa/error.h"
#include "isa/graph.h"
#include "lang/pl.h"
#include "sim/machine.h"
#include "traces/timeline.h"

namespace ranks_test {

using isa::DType;
using pl::Dims;

/// What a rank's program gets: its session is open.
using Program = std::function<void(pl::Session&, int rank)>;

/// Runs `program` on all ranks of `world`.
std::vector<pl::RecordedProgram> record(pl::World& world, const Program& program);

/// An FP32 tensor of 0, 1, 2, ... plus `first`.
std::shared_ptr<uint8_t> ramp(int64_t n, float first);
/// Element `i` of an output or window.
float f32(const pl::RecordedProgram& p, const std::string& buffer, int64_t i);
int32_t i32(const pl::RecordedProgram& p, const std::string& buffer, int64_t i);

/// Adds 1 to flag `own rank` of every other rank, then waits for all of them to have done so.
void barrier(const pl::Tensor& flags, int64_t round = 1);

/// a2a3 with given link constants ("latency_ns=500", ...).
chips::Chip chip(const std::vector<std::string>& link = {});

/// Lowers every rank's program and runs the lowered ones together; fails the test where a byte
/// differs from the eager run.
std::vector<isa::TaskGraph> lower_and_verify(const std::vector<pl::RecordedProgram>& programs,
                                             const chips::Chip& chip);
std::vector<isa::TaskGraph> lower(const std::vector<pl::RecordedProgram>& programs,
                                  const chips::Chip& chip);
std::vector<traces::Timeline> replay(const std::vector<isa::TaskGraph>& graphs,
                                     const chips::Chip& chip);

/// The instructions of one opcode, in the order they started.
std::vector<traces::InstrRow> rows(const traces::Timeline& t, isa::Opcode op);

/// The isa::Error `f` throws; fails the test when it throws none.
isa::Error error_of(const std::function<void()>& f);

}  // namespace ranks_test
