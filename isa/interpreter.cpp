#include "isa/interpreter.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "isa/error.h"
#include "isa/interpreter_block.h"

namespace isa {
namespace {

using interp::BlockRun;
using interp::ClusterMemory;
using interp::RankWorld;
using interp::Scratch;

/// SYNCALLs every participating stream of the task executes. Error "isa.deadlock" when they differ.
int64_t barrier_count(const Task& task) {
  int64_t expected = -1;
  for (size_t b = 0; b < task.blocks.size(); ++b) {
    int64_t in_block = 0;
    for (int s = 0; s < interp::kStreams; ++s) {
      int64_t n = 0;
      for (const Instr& i : interp::stream_of(task.blocks[b], s).instrs)
        n += i.op == Opcode::SYNCALL ? 1 : 0;
      if (n != 0 && in_block != 0 && n != in_block) in_block = -1;
      if (n != 0 && in_block != -1) in_block = n;
    }
    if (expected == -1) expected = in_block;
    if (in_block != expected || in_block == -1)
      throw Error("isa.deadlock", fmt::format("scope {} block {}", task.name, b),
                  "not every core of the launch executes the same number of SYNCALLs");
  }
  return std::max<int64_t>(expected, 0);
}

void run_in_order(const TaskGraph& graph, const Task& task, ClusterMemory& memory, GmImage& gm,
                  Scratch& scratch, RankWorld* world) {
  for (size_t b = 0; b < task.blocks.size(); ++b)
    BlockRun(graph, task, static_cast<int32_t>(b), memory, gm, scratch, world).advance();
}

/// With SYNCALLs every block needs its own memories: all run up to the barrier, then all pass it.
void run_in_lock_step(const TaskGraph& graph, const Task& task, const MemoryLimits& limits,
                      GmImage& gm, Scratch& scratch, int64_t barriers, RankWorld* world) {
  std::vector<std::unique_ptr<ClusterMemory>> memories;
  std::vector<std::unique_ptr<BlockRun>> runs;
  for (size_t b = 0; b < task.blocks.size(); ++b) {
    memories.push_back(std::make_unique<ClusterMemory>(limits));
    runs.push_back(std::make_unique<BlockRun>(graph, task, static_cast<int32_t>(b),
                                              *memories.back(), gm, scratch, world));
  }
  for (int64_t phase = 0; phase <= barriers; ++phase) {
    for (auto& run : runs) run->advance();
    for (auto& run : runs) run->pass_barrier();
  }
}

}  // namespace

int64_t MemoryLimits::of(MemSpace s) const {
  switch (s) {
    case MemSpace::UB:
      return ub;
    case MemSpace::L1:
      return l1;
    case MemSpace::L0A:
      return l0a;
    case MemSpace::L0B:
      return l0b;
    case MemSpace::L0C:
      return l0c;
    case MemSpace::GM:
      break;
  }
  return 0;
}

namespace {

void run_program(const TaskGraph& graph, const MemoryLimits& limits, GmImage& gm,
                 RankWorld* world) {
  if (gm.bytes.size() != graph.buffers.size())
    throw Error("isa.out-of-bounds", fmt::format("the GM image has {} buffers, the graph {}",
                                                 gm.bytes.size(), graph.buffers.size()));
  ClusterMemory memory(limits);
  Scratch scratch;
  for (const Task& task : graph.tasks) {
    const int64_t barriers = barrier_count(task);
    if (barriers == 0)
      run_in_order(graph, task, memory, gm, scratch, world);
    else
      run_in_lock_step(graph, task, limits, gm, scratch, barriers, world);
  }
}

}  // namespace

void interpret(const TaskGraph& graph, const MemoryLimits& limits, GmImage& gm) {
  run_program(graph, limits, gm, nullptr);
}

void interpret_ranks(const std::vector<const TaskGraph*>& graphs, const MemoryLimits& limits,
                     std::vector<GmImage>& gm) {
  RankWorld world{graphs, gm, Turns(static_cast<int>(graphs.size()))};
  world.turns.run(
      [&](int rank) {
        const auto r = static_cast<size_t>(rank);
        run_program(*graphs[r], limits, gm[r], &world);
      },
      "isa.rank-deadlock");
}

}  // namespace isa
