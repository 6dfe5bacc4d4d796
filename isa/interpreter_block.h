// Executes the streams of one block on the memories of one cluster.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "isa/graph.h"
#include "isa/interpreter.h"
#include "isa/interpreter_memory.h"
#include "isa/interpreter_order.h"
#include "isa/turns.h"

namespace isa::interp {

/// Positions of the operands in the scratch, and their names in messages.
inline constexpr size_t kDst = 3;
inline constexpr std::array<const char*, 4> kRoles = {"src0", "src1", "src2", "dst"};

/// The core-local memories of one AIC and its two AIVs.
class ClusterMemory {
 public:
  explicit ClusterMemory(const MemoryLimits& limits);
  /// Poisons the memories of the streams the block uses.
  void reset(const BlockCode& code);
  /// The memory a stream's core sees; null when that core has none of this kind.
  LocalMemory* at(int stream, MemSpace space);
  AccessMap& accesses(int stream, MemSpace space);

 private:
  static int slot(int stream, MemSpace space);  ///< -1: none

  std::array<LocalMemory, 6> memories_;  ///< L1, L0A, L0B, L0C, UB of AIV0, UB of AIV1
  std::array<AccessMap, 6> accesses_;
};

/// Dense scratch tiles, one per operand position, reused by every instruction.
struct Scratch {
  std::array<std::vector<uint8_t>, 4> tile;
  std::vector<ByteRange> ranges;
  uint8_t* get(size_t position, int64_t bytes);
};

/// The ranks whose programs run together.
struct RankWorld {
  const std::vector<const TaskGraph*>& graphs;
  std::vector<GmImage>& images;
  Turns turns;
};

/// One block in execution. Streams run in program order and are interleaved by their events.
class BlockRun {
 public:
  BlockRun(const TaskGraph& graph, const Task& task, int32_t block, ClusterMemory& memory,
           GmImage& gm, Scratch& scratch, RankWorld* world = nullptr);

  /// Runs until every stream has ended or stands at a SYNCALL. Error "isa.deadlock" otherwise.
  void advance();
  bool done() const;
  /// Lets the streams standing at a SYNCALL pass it.
  void pass_barrier();

 private:
  bool run_stream(int stream);  ///< true when it moved on
  bool ended(int stream) const;
  bool standing_at_barrier(int stream) const { return at_barrier_[static_cast<size_t>(stream)]; }
  bool flag_there(const Instr& wait);  ///< the condition of a TWAIT
  bool wait_for_peers();  ///< gives the turn away; false when no stream stands at a TWAIT
  void run_instr(int stream, uint32_t index);
  void execute_instr(const Instr& i);

  void load_tile(const Instr& i, const TileOperand& dst);
  void store_tile(const Instr& i, const TileOperand& src);
  void move_tile(const Instr& i);
  void push_on_chip(const Instr& i);
  void push_part(const Instr& i, const TileOperand& src, int to_stream);
  void multiply(const Instr& i);
  void vector_op(const Instr& i);
  void clobber(const TileOperand& o, size_t position);
  void scatter_op(const Instr& i);
  void read_scalar(const Instr& i);
  void write_scalar(const Instr& i);
  void notify(const Instr& i);

  LocalMemory& memory_of(int stream, const TileOperand& o, size_t position);
  /// Bounds, alignment, order and initialisation of the top-left rows x cols; then the operand as a
  /// row-major view: in place for ND, a copy at `position` of the scratch for fractal layouts.
  TileView read(const TileOperand& o, int32_t rows, int32_t cols, size_t position,
                bool scalar = false);
  /// Bounds, alignment and order of a result in `stream`'s memory. `commit` then marks its bytes as
  /// written and moves fractal tiles from the scratch into the memory.
  TileView begin_write(int stream, const TileOperand& o, int32_t rows, int32_t cols,
                       size_t position, bool scalar = false);
  void commit(int stream, const TileOperand& o, const TileView& view, int32_t rows, int32_t cols);
  TileView scratch_view(const TileOperand& o, size_t position);

  /// The copy of its buffer an access means. Errors: "isa.out-of-bounds", "isa.peer".
  struct GmCopy {
    GmImage& image;
    uint32_t buffer;
    std::vector<uint8_t>& bytes() const { return image.bytes[buffer]; }
    /// Null: not tracked.
    std::vector<uint8_t>* written() const {
      return buffer < image.written.size() && !image.written[buffer].empty()
                 ? &image.written[buffer]
                 : nullptr;
    }
  };
  GmCopy gm_copy(const GmAccess& gm);
  uint8_t* gm_base(const GmAccess& gm);
  void gm_ranges(const GmAccess& gm);
  void gm_read(const GmAccess& gm);
  void gm_write(const GmAccess& gm, bool atomic);
  void gm_require_written(const GmAccess& gm);  ///< the bytes in scratch_.ranges

  std::string where(int stream, uint32_t index) const;
  [[noreturn]] void deadlock() const;

  const TaskGraph& graph_;
  const Task& task_;
  const BlockCode& code_;
  int32_t block_;
  ClusterMemory& memory_;
  GmImage& gm_;
  Scratch& scratch_;
  OrderTracker order_;
  std::map<std::pair<int16_t, uint32_t>, AccessMap> gm_accesses_;  ///< (peer, buffer) it writes
  std::array<uint32_t, kStreams> position_{};
  std::array<bool, kStreams> at_barrier_{};
  std::array<int32_t, kStreams> barriers_left_{};
  std::vector<bool> raised_;
  int stream_ = 0;  ///< of the instruction in execution
  RankWorld* world_;
};

}  // namespace isa::interp
