#include "traces/chrome_pipes.h"

#include <algorithm>
#include <map>

#include "isa/error.h"
#include "traces/naming.h"

namespace traces {
namespace {

constexpr int kSubLanes = 100;
constexpr std::array<std::string_view, isa::kPipes> kPipeLabels = {
    "SCALAR", "CUBE", "VECTOR", "MTE1", "MTE2", "MTE3", "FIXP"};

int lane_key(const LaneRow& row, isa::Pipe pipe) {
  return row.core.value * isa::kPipes + static_cast<int>(pipe);
}
int lane_tid(int key) { return 100000 + key * kSubLanes; }

const isa::Stream* stream_of(const isa::TaskGraph& graph, const LaneRow& row) {
  const isa::Task& task = graph.task(row.task);
  if (row.block < 0 || static_cast<size_t>(row.block) >= task.blocks.size()) return nullptr;
  const isa::BlockCode& block = task.blocks[static_cast<size_t>(row.block)];
  if (row.lane < 0 || row.lane > 2) return nullptr;
  return row.lane == 0 ? &block.aic : &block.aiv[static_cast<size_t>(row.lane - 1)];
}

/// Texts that repeat thousands of times, quoted once.
struct Quoted {
  std::vector<std::string> sites, buffers, opcodes;

  explicit Quoted(const isa::TaskGraph& graph) {
    for (const std::string& site : graph.sites) sites.push_back(quote(site));
    for (const isa::GmBuffer& buffer : graph.buffers) buffers.push_back(quote(buffer.name));
    for (int op = 0; op < isa::kOpcodes; ++op)
      opcodes.push_back(quote(isa::name(static_cast<isa::Opcode>(op))));
  }
  static std::string quote(std::string_view text) {
    Text out;
    append_json_string(out, text);
    return to_string(out);
  }
};

void put_tile(Text& out, const char* key, const isa::TileOperand& tile) {
  if (!tile.present()) return;
  fmt::format_to(std::back_inserter(out), FMT_COMPILE(",\"{}\":\"{} {} [{}x{}]\""), key,
                 isa::name(tile.space), isa::name(tile.dtype), tile.valid_rows, tile.valid_cols);
}

/// `,"args":{...}`: site, operands, GM bytes, and why it waited.
void put_args(Text& out, const isa::Instr& instr, const InstrRow& row, const Quoted& quoted) {
  append(out, ",\"args\":{\"index\":");
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("{}"), row.instr);
  if (instr.site.valid() && instr.site.value < quoted.sites.size()) {
    append(out, ",\"site\":");
    append(out, quoted.sites[instr.site.value]);
  }
  put_tile(out, "dst", instr.dst);
  put_tile(out, "src0", instr.src[0]);
  put_tile(out, "src1", instr.src[1]);
  if (instr.gm.present()) {
    if (instr.gm.buffer.value < quoted.buffers.size()) {
      append(out, ",\"gm\":");
      append(out, quoted.buffers[instr.gm.buffer.value]);
    }
    fmt::format_to(std::back_inserter(out),
                   FMT_COMPILE(",\"rows\":{},\"row-bytes\":{},\"bytes\":{}"), instr.gm.rows,
                   instr.gm.row_bytes(), instr.gm.bytes());
  }
  if (row.waited.value > 0) {
    const int64_t ns = whole_ns(row.waited);
    fmt::format_to(std::back_inserter(out), FMT_COMPILE(",\"wait\":\"{}\",\"wait-us\":{}.{:03}"),
                   name(row.wait), ns / 1000, ns % 1000);
  }
  append(out, "}");
}

}  // namespace

isa::Instr instruction_of(const Timeline& tl, const isa::TaskGraph& graph, const InstrRow& row) {
  const isa::Stream* stream =
      row.lane_row < tl.lanes.size() ? stream_of(graph, tl.lanes[row.lane_row]) : nullptr;
  if (stream == nullptr || row.instr >= stream->instrs.size())
    throw isa::Error("traces.timeline", fmt::format("instruction {} of lane row {} does not exist",
                                                    row.instr, row.lane_row));
  return stream->instrs[row.instr];
}

std::string pipe_label(const LaneRow& row, isa::Pipe pipe) {
  return fmt::format("{}.{}", core_label(row.kind, row.core),
                     kPipeLabels.at(static_cast<size_t>(pipe)));
}

void write_pipe_view(const Timeline& tl, const isa::TaskGraph& graph, int pid,
                     ChromeEvents& events) {
  struct Lane {
    std::string label;
    LanePacker packer;
  };
  std::map<int, Lane> lanes;
  std::vector<ChromeSlice> slices(tl.instrs.size());
  for (size_t i = 0; i < tl.instrs.size(); ++i) {  // sorted by start
    const InstrRow& instr = tl.instrs[i];
    instruction_of(tl, graph, instr);
    const LaneRow& row = tl.lanes[instr.lane_row];
    const int key = lane_key(row, instr.pipe);
    auto lane = lanes.find(key);
    if (lane == lanes.end()) {
      const std::string label = pipe_label(row, instr.pipe);
      lane = lanes.emplace(key, Lane{label, LanePacker(kSubLanes, label)}).first;
    }
    ChromeSlice& slice = slices[i];
    slice.pid = pid;
    slice.ts = whole_ns(instr.start);
    slice.end = whole_ns(instr.end);  // shorter than 1 ns: an instant, which nests anywhere
    slice.tid = lane_tid(key) + lane->second.packer.place(slice.ts, slice.end);
  }
  for (const auto& [key, lane] : lanes)
    for (int sub = 0; sub < lane.packer.used(); ++sub)
      events.thread(pid, lane_tid(key) + sub,
                    sub == 0 ? lane.label : fmt::format("{}#{}", lane.label, sub),
                    lane_tid(key) + sub);
  const Quoted quoted(graph);
  for (size_t i = 0; i < tl.instrs.size(); ++i) {
    const isa::Instr instr = instruction_of(tl, graph, tl.instrs[i]);
    events.begin_slice(slices[i], quoted.opcodes[static_cast<size_t>(instr.op)], "instr");
    put_args(events.text(), instr, tl.instrs[i], quoted);
    events.end();
  }
}

}  // namespace traces
