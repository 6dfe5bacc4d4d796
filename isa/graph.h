// The task graph: what lowering produces, what the interpreter executes and the machine replays.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "isa/code_list.h"
#include "isa/instr.h"

namespace isa {

enum class BufferRole : uint8_t { Input, Output, InOut, Temp, Ring };

/// A GM allocation. `gm_addr` is its simulated address (512 B aligned at least); `data` its host
/// bytes after the eager run, `initial` those before it (empty: never written, poison).
struct GmBuffer {
  std::string name;
  DType dtype = DType::F32;
  std::vector<int64_t> shape;
  int64_t bytes = 0;
  uint64_t gm_addr = 0;
  BufferRole role = BufferRole::Temp;
  int32_t window = kNoWindow;  ///< number of the symmetric window all ranks have a copy of

  static constexpr int32_t kNoWindow = -1;
};

/// Instructions of one core for one block, in program order.
struct Stream {
  CodeList<Instr> instrs;
  bool empty() const { return instrs.empty(); }
};

/// The highest byte used in each core-local memory and who lived there at the peak.
struct MemoryPeak {
  std::array<int64_t, kMemSpaces> bytes{};
};

/// The lowered code of one block: an AIC stream and/or one AIV stream per lane.
struct BlockCode {
  Stream aic;
  std::array<Stream, 2> aiv;
  int32_t events = 0;  ///< number of cross-core events used by wait_event / signal_event
  MemoryPeak peak;
};

/// How a task uses an argument (runtime.md §1.5).
enum class Direction : uint8_t { Input, Output, OutputExisting, InOut, NoDep };

/// A strided view of a buffer: element offset, shape and strides (elements).
struct TensorArg {
  BufferId buffer;
  DType dtype = DType::F32;
  int64_t offset = 0;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;
  Direction dir = Direction::Input;
};

enum class EdgeSource : uint8_t { Explicit, Creator, TensorMap };

/// A dependency the runtime knows about. `arg` is the consumer's argument (-1: explicit).
struct TaskEdge {
  TaskId pred, succ;
  int32_t arg = -1;
  EdgeSource source = EdgeSource::TensorMap;
  bool covered = false;  ///< TensorMap: the new view contains the old one
};

struct Task {
  std::string name;  ///< scope name, the swimlane row
  TaskKind kind = TaskKind::AIV;
  std::array<FuncId, 3> func;  ///< AIC, AIV0, AIV1; invalid = lane not used
  int32_t block_num = 1;
  std::vector<TensorArg> args;
  int32_t scalars = 0;
  std::vector<TaskId> explicit_deps;
  bool manual_scope = false;
  bool allow_early_resolve = false;
  bool sync_start = false;
  int32_t scope_depth = 1;
  SiteId site;
  std::vector<BlockCode> blocks;
};

/// One step of the orchestration program, in source order.
struct OrchStep {
  enum class Kind : uint8_t { Alloc, Submit, Read, ScopeBegin, ScopeEnd };
  Kind kind = Kind::Submit;
  TaskId task;                ///< Submit
  BufferId buffer;            ///< Read: waits for the producers of this buffer
  std::vector<TaskId> waits;  ///< Read: those producers
  int64_t heap_bytes = 0;     ///< Alloc: bytes taken from the ring heap
};

/// A whole program for one chip: the only one, or that of one rank of several.
struct TaskGraph {
  std::string program;
  int32_t rank = 0, ranks = 1;
  std::vector<GmBuffer> buffers;
  std::vector<std::string> func_names;  ///< by FuncId
  std::vector<CoreKind> func_kinds;     ///< by FuncId
  std::vector<std::string> sites;       ///< by SiteId: "file.cpp:123"
  std::vector<Task> tasks;              ///< by TaskId, in submission order
  std::vector<TaskEdge> edges;          ///< sorted by (succ, pred)
  std::vector<OrchStep> orchestration;

  const Task& task(TaskId id) const { return tasks[id.value]; }
  const GmBuffer& buffer(BufferId id) const { return buffers[id.value]; }
  /// The buffer that is this rank's copy of a symmetric window; invalid if it has none.
  BufferId window_buffer(int32_t window) const;
  int64_t instruction_count() const;
};

}  // namespace isa
