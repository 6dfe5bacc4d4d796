#include "traces/sample.h"

namespace sample {
namespace {

using isa::Opcode;
using isa::Pipe;
using traces::WaitReason;

isa::Instr instr(Opcode op, Pipe pipe) {
  isa::Instr i;
  i.op = op;
  i.pipe = pipe;
  i.site = isa::SiteId(0);
  return i;
}

isa::Instr load(int64_t rows, int32_t cols) {
  isa::Instr i = instr(Opcode::TLOAD, Pipe::MTE2);
  i.dst.rows = i.dst.valid_rows = static_cast<uint16_t>(rows);
  i.dst.cols = i.dst.valid_cols = static_cast<uint16_t>(cols);
  i.gm.buffer = isa::BufferId(0);
  i.gm.rows = static_cast<int32_t>(rows);
  i.gm.cols = cols;
  return i;
}

isa::Stream vector_stream(int adds) {
  isa::Stream s;
  s.instrs.push_back(load(4, 16));
  for (int i = 0; i < adds; ++i) s.instrs.push_back(instr(Opcode::TADD, Pipe::V));
  s.instrs.push_back(instr(Opcode::TSTORE, Pipe::MTE3));
  return s;
}

isa::Task vector_task(const std::string& name, int blocks, int adds) {
  isa::Task t;
  t.name = name;
  t.kind = isa::TaskKind::AIV;
  t.func[1] = isa::FuncId(0);
  t.block_num = blocks;
  t.blocks.resize(static_cast<size_t>(blocks));
  for (isa::BlockCode& b : t.blocks) b.aiv[0] = vector_stream(adds);
  return t;
}

traces::LaneRow row(int core, isa::CoreKind kind, uint32_t task, uint32_t func, int block, int lane,
                    uint32_t reg, int64_t dispatch, int64_t receive, int64_t start, int64_t end,
                    int64_t finish, int64_t instructions) {
  traces::LaneRow r;
  r.core = isa::CoreId(static_cast<uint16_t>(core));
  r.kind = kind;
  r.task = isa::TaskId(task);
  r.func = isa::FuncId(func);
  r.block = block;
  r.lane = lane;
  r.reg_task_id = reg;
  r.dispatch = ns(dispatch);
  r.receive = ns(receive);
  r.start = ns(start);
  r.end = ns(end);
  r.finish = ns(finish);
  r.instructions = instructions;
  return r;
}

traces::PhaseRow phase(int thread, const char* kind, int64_t start, int64_t end, int tasks) {
  traces::PhaseRow p;
  p.thread = thread;
  p.kind = kind;
  p.start = ns(start);
  p.end = ns(end);
  p.tasks_processed = tasks;
  return p;
}

traces::InstrRow instr_row(uint32_t row, uint32_t index, Pipe pipe, Opcode op, int64_t start,
                           int64_t end) {
  traces::InstrRow i;
  i.lane_row = row;
  i.instr = index;
  i.pipe = pipe;
  i.opcode = static_cast<uint8_t>(op);
  i.start = ns(start);
  i.end = ns(end);
  return i;
}

}  // namespace

traces::Picoseconds ns(int64_t value) { return traces::Picoseconds::from_ns(value); }

isa::TaskGraph graph() {
  isa::TaskGraph g;
  g.program = "demo";
  g.func_names = {"norm_aiv", "proj_aic", "proj_aiv"};
  g.func_kinds = {isa::CoreKind::AIV, isa::CoreKind::AIC, isa::CoreKind::AIV};
  g.sites = {"demo.cpp:12"};
  isa::GmBuffer x;
  x.name = "x";
  x.shape = {64, 64};
  x.bytes = 16384;
  x.gm_addr = 4096;
  g.buffers.push_back(x);

  isa::TensorArg whole;
  whole.buffer = isa::BufferId(0);
  whole.shape = {64, 64};
  whole.strides = {64, 1};

  isa::Task norm = vector_task("norm", 2, 2);
  norm.args = {whole};
  norm.args[0].dir = isa::Direction::InOut;
  norm.blocks[1].peak.bytes[static_cast<size_t>(isa::MemSpace::UB)] = 4096;
  g.tasks.push_back(norm);

  isa::Task proj;
  proj.name = "proj";
  proj.kind = isa::TaskKind::MIX;
  proj.func = {isa::FuncId(1), isa::FuncId(2), isa::FuncId(2)};
  proj.allow_early_resolve = true;
  proj.args = {whole};
  proj.args[0].offset = 128;
  proj.args[0].shape = {2, 64};
  proj.blocks.resize(1);
  proj.blocks[0].aic.instrs =
      std::vector<isa::Instr>{load(16, 32), instr(Opcode::TEXTRACT, Pipe::MTE1),
                              instr(Opcode::TMATMUL, Pipe::M), instr(Opcode::TSTORE, Pipe::FIX)};
  proj.blocks[0].aiv[0] = vector_stream(0);
  proj.blocks[0].peak.bytes[static_cast<size_t>(isa::MemSpace::L0C)] = 131072;
  g.tasks.push_back(proj);

  isa::Task again = vector_task("norm", 1, 0);
  again.manual_scope = true;
  again.scope_depth = 5;  // deeper than there are rings
  again.blocks[0].peak.bytes[static_cast<size_t>(isa::MemSpace::UB)] = 1024;
  g.tasks.push_back(again);

  isa::Task dummy;
  dummy.name = "join";
  dummy.kind = isa::TaskKind::Dummy;
  g.tasks.push_back(dummy);

  isa::TaskEdge first{isa::TaskId(0), isa::TaskId(1), 0, isa::EdgeSource::TensorMap, true};
  isa::TaskEdge second{isa::TaskId(1), isa::TaskId(2), -1, isa::EdgeSource::Explicit, false};
  isa::TaskEdge third{isa::TaskId(2), isa::TaskId(3), -1, isa::EdgeSource::Explicit, false};
  g.edges = {first, second, third};
  return g;
}

traces::Timeline timeline() {
  using isa::CoreKind;
  traces::Timeline t;
  t.meta.chip = "a2a3";
  t.meta.soc = "910_9382";
  t.meta.aic = 2;
  t.meta.aiv = 4;
  t.meta.scheduler_threads = 2;
  t.meta.core_kinds = {CoreKind::AIC, CoreKind::AIC, CoreKind::AIV,
                       CoreKind::AIV, CoreKind::AIV, CoreKind::AIV};
  t.meta.core_to_thread = {0, 1, 0, 0, 1, 1};
  //            core  kind        task func block lane reg dispatch receive start end  finish n
  t.lanes = {row(2, CoreKind::AIV, 0, 0, 0, 1, 1, 1000, 1140, 1200, 2200, 2500, 4),
             row(3, CoreKind::AIV, 0, 0, 1, 1, 1, 1010, 1150, 1250, 2650, 2900, 4),
             row(0, CoreKind::AIC, 1, 1, 0, 0, 1, 3000, 3140, 3200, 5200, 5500, 4),
             row(2, CoreKind::AIV, 1, 2, 0, 1, 2, 3000, 3140, 3300, 5800, 6000, 2),
             row(3, CoreKind::AIV, 1, 2, 0, 2, 2, 3000, 3140, 3310, 3360, 3600, 0),
             row(2, CoreKind::AIV, 2, 0, 0, 1, 3, 3100, 5810, 5900, 6900, 7000, 2)};
  auto at = [](auto e) { return static_cast<size_t>(e); };
  t.lanes[0].pipe_busy[at(Pipe::MTE2)] = ns(600);
  t.lanes[0].pipe_busy[at(Pipe::V)] = ns(300);
  t.lanes[1].pipe_busy[at(Pipe::MTE2)] = ns(900);
  t.lanes[1].waits[at(WaitReason::Memory)] = ns(400);
  t.lanes[2].pipe_busy[at(Pipe::M)] = ns(1500);
  t.lanes[3].waits[at(WaitReason::CrossCore)] = ns(2000);
  t.lanes[3].waits[at(WaitReason::Data)] = ns(150);
  t.lanes[0].gm = {1024, 2048, 1024, 0, 1, 4, 4, 4, 2048};
  t.lanes[1].gm = {1024, 1024, 512, 512, 2, 8, 6, 1, 512};

  t.phases = {phase(0, "dispatch", 950, 1050, 2),  phase(0, "complete", 2480, 2520, 1),
              phase(0, "resolve", 2490, 2510, 1),  phase(0, "complete", 2880, 2920, 1),
              phase(0, "dispatch", 2950, 3120, 4), phase(0, "complete", 3590, 3610, 1),
              phase(0, "complete", 5490, 5510, 1), phase(0, "complete", 5990, 6010, 1),
              phase(0, "complete", 6990, 7010, 1), phase(1, "dummy_task", 7100, 7101, 1)};
  t.phases[0].loop_iter = 3;
  t.phases[0].pop_hit = 2;
  t.phases[0].shared_at_start = {0, 2, 0};
  t.phases[4].shared_at_start = {0, 1, 1};
  t.phases[9].task = isa::TaskId(3);
  for (int i = 0; i < 4; ++i) {
    const int64_t start[] = {100, 500, 900, 1000}, end[] = {500, 900, 1000, 1100};
    t.submits.push_back({i, isa::TaskId(static_cast<uint32_t>(i)), ns(start[i]), ns(end[i])});
  }
  t.instrs = {instr_row(0, 0, Pipe::MTE2, Opcode::TLOAD, 1220, 1820),
              instr_row(0, 1, Pipe::V, Opcode::TADD, 1830, 1900),
              instr_row(0, 2, Pipe::V, Opcode::TADD, 1880, 2100),
              instr_row(0, 3, Pipe::MTE3, Opcode::TSTORE, 2100, 2200),
              instr_row(2, 2, Pipe::M, Opcode::TMATMUL, 3600, 5100)};
  t.instrs[4].waited = ns(120);
  t.instrs[4].wait = WaitReason::Memory;
  return t;
}

}  // namespace sample
