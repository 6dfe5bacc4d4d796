// The working list of one block, shared by the passes. A pass reorders, adds or annotates items;
// only emit.cpp turns them into instructions.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "chips/chip.h"
#include "isa/graph.h"
#include "isa/layout.h"
#include "lang/record.h"

namespace lower {

inline constexpr uint32_t kNone = static_cast<uint32_t>(-1);

/// Streams of a block, in the order of BlockCode: AIC, then the two vector lanes.
inline constexpr int kStreams = 3;
inline constexpr int kAic = 0, kAiv0 = 1, kAiv1 = 2;

/// A tile with a memory. UB tiles are row major with pitch `stride`; L1 and L0C tiles are NZ.
/// `fixed` values (ring slots) have their address already and never pass through the allocator.
struct Value {
  isa::DType dtype = isa::DType::F32;
  isa::MemSpace space = isa::MemSpace::UB;
  bool fixed = false;
  bool nz = false;  ///< UB only: a ring slot the cube filled on chip keeps the fractal order
  uint16_t rows = 0, cols = 0, stride = 0;
  uint16_t tile_rows = 0;  ///< rows of the storage (padded accumulators)
  int64_t bytes = 0;
  uint32_t addr = 0;  ///< fixed values only
  isa::SiteId site;
};

/// One entry of a stream: an operation (recorded or made by a pass) and what passes know about it.
/// A LoopIter op that survives the pipeline pass marks the start of one executed iteration.
struct Item {
  const pl::Op* op = nullptr;
  int32_t wait_event = -1, signal_event = -1;
  uint32_t scratch = kNone;  ///< value that lives only during this operation
  int8_t pipe = -1;          ///< isa::Pipe when the operation does not decide it (TFREE, waits)
  bool nested = false;       ///< came out of a loop inside the loop being reordered
  uint8_t stage = 0;         ///< position in its pipeline group
};

/// A block while it is lowered.
struct BlockWork {
  const pl::BlockRecord* record = nullptr;
  std::vector<pl::Op> ops;    ///< the record's; addresses stay valid
  std::vector<Value> values;  ///< recorded values first (same ids), then those passes add
  std::deque<pl::Op> arena;   ///< operations made by passes; addresses stay valid
  std::array<std::vector<Item>, kStreams> streams;
  int32_t events = 0;
  std::array<int64_t, isa::kMemSpaces> reserved{};  ///< bytes at address 0 kept for rings
  std::string where;                                ///< "scope qproj_matmul"

  uint32_t add_value(const Value& v) {
    values.push_back(v);
    return static_cast<uint32_t>(values.size() - 1);
  }
  pl::Op* add_op(const pl::Op& op) {
    arena.push_back(op);
    return &arena.back();
  }
};

inline bool is_instr(const Item& it) { return it.op->kind == pl::Op::Kind::Instr; }
inline bool is_matmul(isa::Opcode op) {
  return op == isa::Opcode::TMATMUL || op == isa::Opcode::TMATMUL_ACC;
}

/// Bytes of a value in its memory; fractal memories hold whole fractals (isa/layout.h).
inline int64_t value_bytes(const Value& v) {
  if (v.space == isa::MemSpace::UB && !v.nz)
    return static_cast<int64_t>(v.rows) * v.stride * static_cast<int64_t>(isa::size_of(v.dtype));
  return isa::tile_bytes(isa::Layout::NZ, v.space, v.dtype, v.tile_rows, v.cols);
}

/// "file.cpp:12" of a site, or "".
inline std::string site_text(const std::vector<std::string>& sites, isa::SiteId id) {
  return id.valid() && id.value < sites.size() ? sites[id.value] : std::string();
}

}  // namespace lower
