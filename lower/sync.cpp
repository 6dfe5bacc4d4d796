#include "lower/sync.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "isa/layout.h"
#include "lower/access.h"

namespace lower {
namespace {

using isa::Instr;
using isa::Layout;
using isa::MemSpace;
using isa::Opcode;
using isa::Pipe;
using isa::TileOperand;

constexpr size_t idx(Pipe p) { return static_cast<size_t>(p); }

/// What an instruction knows when it starts, per pipe: instructions below `complete` have ended,
/// those below `released` have read their sources.
struct Known {
  std::array<uint32_t, isa::kPipes> complete{}, released{};

  void join(const Known& o) {
    for (size_t p = 0; p < isa::kPipes; ++p) {
      complete[p] = std::max(complete[p], o.complete[p]);
      released[p] = std::max(released[p], o.released[p]);
    }
  }
};

/// The bytes of an operand's static window.
ByteWindow window_of(const TileOperand& t) {
  const auto size = static_cast<int64_t>(isa::size_of(t.dtype));
  if (t.layout == Layout::ND)
    return make_window(t.addr + (static_cast<int64_t>(t.row0) * t.tile_cols + t.col0) * size,
                       t.cols * size, t.tile_cols * size, t.rows);
  if (t.layout == Layout::NZ) {  // strips of c0 columns; a window is a run of rows in each strip
    const int32_t strip = isa::c0(t.dtype, t.space);
    const int32_t first = t.col0 / strip, last = (t.col0 + t.cols - 1) / strip;
    const int64_t row_bytes = strip * size;
    const int64_t strip_bytes = isa::round_up(t.tile_rows, 16) * row_bytes;
    return make_window(t.addr + first * strip_bytes + t.row0 * row_bytes, t.rows * row_bytes,
                       strip_bytes, last - first + 1);
  }
  return make_window(t.addr, isa::tile_bytes(t.layout, t.space, t.dtype, t.tile_rows, t.tile_cols),
                     0, 1);
}

ByteWindow window_of(const isa::GmAccess& gm) {
  const auto size = static_cast<int64_t>(isa::size_of(gm.dtype));
  return make_window(gm.offset * size, gm.cols * size, gm.row_stride * size, std::max(gm.rows, 1));
}

bool is_store(const Instr& in) { return in.op == Opcode::TSTORE || in.op == Opcode::TPUSH; }

bool writes_gm(const Instr& in) {
  return is_store(in) || in.op == Opcode::SWRITE || in.op == Opcode::TNOTIFY;
}

/// The copy of a buffer an access means.
uint64_t copy_of(const isa::GmAccess& gm) {
  return uint64_t{static_cast<uint16_t>(gm.peer)} << 32 | gm.buffer.value;
}

class EdgeBuilder {
 public:
  explicit EdgeBuilder(std::vector<Instr>& instrs) : instrs_(instrs), known_(instrs.size()) {}

  void run() {
    find_shared_buffers();
    for (uint32_t i = 0; i < instrs_.size(); ++i) {
      begin(i);
      Instr& in = instrs_[i];
      // Writes first: a read would replace the earlier reads the write has to wait for.
      if (in.dst.present() && !on_peer(in)) tile(in.dst, true);
      for (size_t k = 0; k < in.src.size(); ++k)
        if (in.src[k].present() && written(in, k)) tile(in.src[k], true);
      for (size_t k = 0; k < in.src.size(); ++k)
        if (in.src[k].present() && !written(in, k)) tile(in.src[k], false);
      if (in.gm.present()) gm(in);
      if (in.op == Opcode::TNOTIFY) after_all_dmas();
      finish();
    }
  }

 private:
  /// An on-chip push writes the other core's memory; cross-core events order that.
  static bool on_peer(const Instr& in) { return in.op == Opcode::TPUSH; }

  static constexpr uint8_t kWrites = 1, kReads = 2, kByScalar = 4, kByDma = 8, kPipes = 12;
  static uint8_t pipe_bit(Pipe p) { return p == Pipe::S ? kByScalar : kByDma; }

  /// Scratch behind the sources, and what a TFREE gives back.
  static bool written(const Instr& in, size_t k) { return k >= in.n_src || in.op == Opcode::TFREE; }

  /// Only buffers that are written here, and read too or written by another pipe, can conflict.
  void find_shared_buffers() {
    for (const Instr& in : instrs_) {
      if (!in.gm.present()) continue;
      uint8_t& u = gm_use_[copy_of(in.gm)];
      u |= writes_gm(in) ? static_cast<uint8_t>(kWrites | pipe_bit(in.pipe)) : kReads;
    }
  }

  void begin(uint32_t i) {
    index_ = i;
    pipe_ = instrs_[i].pipe;
    complete_.fill(0);
    released_.fill(0);
    own_conflict_ = 0;
  }

  AccessHistory& local(MemSpace s) { return local_[static_cast<size_t>(s)]; }

  void tile(const TileOperand& t, bool write) {
    const bool early = !write && is_store(instrs_[index_]);
    access(local(t.space), window_of(t), write, early);
  }

  void gm(const Instr& in) {
    const uint8_t use = gm_use_[copy_of(in.gm)];
    const bool shared =
        (use & (kWrites | kReads)) == (kWrites | kReads) || (use & kPipes) == kPipes;
    if (shared) access(gm_[copy_of(in.gm)], window_of(in.gm), writes_gm(in));
  }

  /// A flag tells a peer that what was moved before is there, or no longer needed (TNOTIFY drains
  /// the pipes).
  void after_all_dmas() {
    for (const Pipe p : {Pipe::MTE2, Pipe::MTE3, Pipe::FIX})
      complete_[idx(p)] = last_of_pipe_[idx(p)];
  }

  void access(AccessHistory& history, const ByteWindow& window, bool write, bool early = false) {
    const AccessHistory::Access a{window, index_ + 1, pipe_, write, early};
    history.visit(a, [&](const AccessHistory::Access& e) {
      if (e.pipe == pipe_) {
        own_conflict_ = std::max(own_conflict_, e.index);
        return;
      }
      const bool release = !e.write && e.releases_early;
      uint32_t& need = release ? released_[idx(e.pipe)] : complete_[idx(e.pipe)];
      need = std::max(need, e.index);
    });
  }

  void finish() {
    Instr& in = instrs_[index_];
    Known& k = known_[index_];
    uint32_t& last = last_of_pipe_[idx(pipe_)];
    if (last != 0) k.join(known_[last - 1]);
    if (pipe_ == Pipe::V && own_conflict_ > last_barrier_) in.barrier = true;
    if (in.barrier) {
      last_barrier_ = pipe_ == Pipe::V ? index_ : last_barrier_;
      k.complete[idx(pipe_)] = std::max(k.complete[idx(pipe_)], last);
      k.released[idx(pipe_)] = std::max(k.released[idx(pipe_)], last);
    }
    drop_known(k);
    for (size_t p = 0; p < isa::kPipes; ++p) take_edge(in, k, p);
    last = index_ + 1;
  }

  void drop_known(const Known& k) {
    for (size_t p = 0; p < isa::kPipes; ++p) {
      if (complete_[p] <= k.complete[p]) complete_[p] = 0;
      if (released_[p] <= k.released[p]) released_[p] = 0;
      // One edge per pipe: the later instruction, complete unless only a release is needed.
      if (complete_[p] != 0) {
        complete_[p] = std::max(complete_[p], released_[p]);
        released_[p] = 0;
      }
    }
    // An edge another edge of this instruction implies.
    for (size_t p = 0; p < isa::kPipes; ++p)
      for (size_t q = 0; q < isa::kPipes; ++q) {
        const uint32_t via = std::max(complete_[q], released_[q]);
        if (p == q || via == 0) continue;
        const Known& other = known_[via - 1];
        if (complete_[p] != 0 && complete_[p] <= other.complete[p]) complete_[p] = 0;
        if (released_[p] != 0 && released_[p] <= other.released[p]) released_[p] = 0;
      }
  }

  void take_edge(Instr& in, Known& k, size_t p) {
    const uint32_t edge = std::max(complete_[p], released_[p]);
    if (edge == 0) return;
    in.after[p] = edge;
    k.join(known_[edge - 1]);
    k.released[p] = std::max(k.released[p], edge);
    if (complete_[p] != 0)
      k.complete[p] = std::max(k.complete[p], edge);
    else
      in.after_release |= static_cast<uint8_t>(1U << p);
  }

  std::vector<Instr>& instrs_;
  std::vector<Known> known_;
  std::array<AccessHistory, isa::kMemSpaces> local_;
  std::unordered_map<uint64_t, uint8_t> gm_use_;    // never iterated
  std::unordered_map<uint64_t, AccessHistory> gm_;  // never iterated
  std::array<uint32_t, isa::kPipes> last_of_pipe_{};
  uint32_t last_barrier_ = 0;

  uint32_t index_ = 0;
  Pipe pipe_ = Pipe::S;
  std::array<uint32_t, isa::kPipes> complete_{}, released_{};
  uint32_t own_conflict_ = 0;
};

}  // namespace

void add_edges(std::vector<Instr>& instrs) { EdgeBuilder(instrs).run(); }

}  // namespace lower
