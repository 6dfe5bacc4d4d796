#include <algorithm>
#include <tuple>

#include "traces/sample.h"

namespace sample {
namespace {

using isa::CoreKind;
using isa::Opcode;
using isa::Pipe;

constexpr int kAic = 24, kAiv = 48, kSchedulers = 3;

/// A fixed scramble, so that lengths vary without a random generator.
int64_t scramble(int64_t a, int64_t b) { return (a * 7919 + b * 104729) % 997; }

struct Shape {
  std::array<Opcode, 3> opcodes;
  std::array<Pipe, 3> pipes;
};

isa::Stream stream(const Shape& shape, int instrs) {
  isa::Stream s;
  for (int i = 0; i < instrs; ++i) {
    isa::Instr instr;
    instr.op = shape.opcodes[static_cast<size_t>(i % 3)];
    instr.pipe = shape.pipes[static_cast<size_t>(i % 3)];
    instr.site = isa::SiteId(static_cast<uint32_t>(i % 3));
    instr.dst.rows = instr.dst.valid_rows = 16;
    instr.dst.cols = instr.dst.valid_cols = 512;
    if (i % 3 != 1) {
      instr.gm.buffer = isa::BufferId(0);
      instr.gm.rows = 16;
      instr.gm.cols = 512;
    }
    s.instrs.push_back(instr);
  }
  return s;
}

/// Loads run back to back; work and store of a step follow while the next loads go on.
void add_instructions(Run& run, uint32_t row_index, const Shape& shape, int instrs) {
  traces::LaneRow& row = run.timeline.lanes[row_index];
  const int64_t step = (row.end - row.start).value / (instrs / 3 + 1);
  for (int i = 0; i < instrs; ++i) {
    traces::InstrRow r;
    r.lane_row = row_index;
    r.instr = static_cast<uint32_t>(i);
    r.pipe = shape.pipes[static_cast<size_t>(i % 3)];
    r.opcode = static_cast<uint8_t>(shape.opcodes[static_cast<size_t>(i % 3)]);
    r.start = row.start + traces::Picoseconds(step * (i / 3) + step / 2 * (i % 3) / 2);
    r.end = r.start + traces::Picoseconds(step);  // touches the next one of its pipe
    if (i % 5 == 0) r.waited = traces::Picoseconds(step / 10);
    row.pipe_busy[static_cast<size_t>(r.pipe)] += r.end - r.start;
    run.timeline.instrs.push_back(r);
  }
}

void add_phase(Run& run, int thread, const char* kind, int64_t start, int64_t end, int tasks) {
  traces::PhaseRow p;
  p.thread = thread;
  p.kind = kind;
  p.start = ns(start);
  p.end = ns(end);
  p.tasks_processed = tasks;
  run.timeline.phases.push_back(p);
}

}  // namespace

Run synthetic(int layers, int instrs) {
  const Shape cube{{Opcode::TLOAD, Opcode::TMATMUL_ACC, Opcode::TSTORE},
                   {Pipe::MTE2, Pipe::M, Pipe::FIX}};
  const Shape vector{{Opcode::TLOAD, Opcode::TMUL, Opcode::TSTORE},
                     {Pipe::MTE2, Pipe::V, Pipe::MTE3}};
  const char* names[] = {"qr_proj_matmul", "rms_norm", "qproj_matmul", "q_head_rope_fused"};
  Run run;
  run.graph.program = "synthetic";
  run.graph.sites = {"synthetic.cpp:10", "synthetic.cpp:11", "synthetic.cpp:12"};
  isa::GmBuffer w;
  w.name = "w";
  w.dtype = isa::DType::BF16;
  w.shape = {4096, 1024};
  run.graph.buffers.push_back(w);
  traces::TimelineMeta& meta = run.timeline.meta;
  meta.chip = "a2a3";
  meta.aic = kAic;
  meta.aiv = kAiv;
  meta.scheduler_threads = kSchedulers;
  for (int c = 0; c < kAic + kAiv; ++c) {
    meta.core_kinds.push_back(c < kAic ? CoreKind::AIC : CoreKind::AIV);
    meta.core_to_thread.push_back((c < kAic ? c : (c - kAic) / 2) % kSchedulers);
  }
  for (int f = 0; f < 4; ++f) {
    run.graph.func_names.push_back(names[f]);
    run.graph.func_kinds.push_back(f % 2 == 0 ? CoreKind::AIC : CoreKind::AIV);
  }

  int64_t now = 5000;
  for (int t = 0; t < 2 * layers; ++t) {
    const bool is_cube = t % 2 == 0;
    const Shape& shape = is_cube ? cube : vector;
    const int blocks = is_cube ? kAic : kAiv, first_core = is_cube ? 0 : kAic;
    isa::Task task;
    task.name = names[t % 4];
    task.kind = is_cube ? isa::TaskKind::AIC : isa::TaskKind::AIV;
    task.func[is_cube ? 0 : 1] = isa::FuncId(static_cast<uint32_t>(t % 4));
    task.block_num = blocks;
    task.blocks.resize(static_cast<size_t>(blocks));
    for (isa::BlockCode& b : task.blocks) (is_cube ? b.aic : b.aiv[0]) = stream(shape, instrs);
    run.graph.tasks.push_back(std::move(task));
    const isa::TaskId id(static_cast<uint32_t>(t));
    if (t > 0)
      run.graph.edges.push_back(
          {isa::TaskId(static_cast<uint32_t>(t - 1)), id, 0, isa::EdgeSource::Creator, false});
    run.timeline.submits.push_back({t, id, ns(1000 * t), ns(1000 * t + 800)});

    int64_t last = now;
    for (int b = 0; b < blocks; ++b) {
      const int core = first_core + b;
      traces::LaneRow r;
      r.core = isa::CoreId(static_cast<uint16_t>(core));
      r.kind = is_cube ? CoreKind::AIC : CoreKind::AIV;
      r.task = id;
      r.func = isa::FuncId(static_cast<uint32_t>(t % 4));
      r.block = b;
      r.lane = is_cube ? 0 : 1;
      r.reg_task_id = static_cast<uint32_t>(t + 1);
      r.dispatch = ns(now + 5 * b);
      r.receive = ns(now + 5 * b + 140);
      r.start = ns(now + 5 * b + 300);
      r.end = ns(now + 5 * b + 300 + 12000 + 6 * scramble(t, b));
      r.finish = r.end + ns(200);
      r.gm.asked_bytes = 1 << 18;
      r.gm.moved_bytes = 1 << 19;
      r.instructions = instrs;
      last = std::max(last, r.finish.value / 1000);
      run.timeline.lanes.push_back(r);
      add_instructions(run, static_cast<uint32_t>(run.timeline.lanes.size() - 1), shape, instrs);
    }
    for (int thread = 0; thread < kSchedulers; ++thread) {
      add_phase(run, thread, "dispatch", now - 50, now + 400, blocks / kSchedulers);
      add_phase(run, thread, "complete", now + 12000, last, blocks / kSchedulers);
    }
    now = last + 1000;
  }
  std::stable_sort(
      run.timeline.phases.begin(), run.timeline.phases.end(), [](const auto& a, const auto& b) {
        return std::make_tuple(a.thread, a.start.value) < std::make_tuple(b.thread, b.start.value);
      });
  std::stable_sort(run.timeline.instrs.begin(), run.timeline.instrs.end(),
                   [](const auto& a, const auto& b) { return a.start < b.start; });
  return run;
}

}  // namespace sample
