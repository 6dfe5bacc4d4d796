// Pipe View of the Chrome trace: one lane per core and pipe, one slice per instruction.
#pragma once

#include "isa/graph.h"
#include "traces/chrome_events.h"
#include "traces/timeline.h"

namespace traces {

/// Writes lanes and slices of all instructions. Error "traces.timeline" for a row that names an
/// instruction the program does not have.
void write_pipe_view(const Timeline& timeline, const isa::TaskGraph& graph, int pid,
                     ChromeEvents& events);

/// The instruction a row stands for. Error "traces.timeline".
isa::Instr instruction_of(const Timeline& timeline, const isa::TaskGraph& graph,
                          const InstrRow& row);

/// "AIV_24.MTE2": the name of a pipe's lane.
std::string pipe_label(const LaneRow& row, isa::Pipe pipe);

}  // namespace traces
