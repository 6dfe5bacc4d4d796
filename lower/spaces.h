// Which memory each value lives in and which kind of core a scope needs (kernel-language.md §3.2).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "isa/types.h"
#include "lang/record.h"

namespace lower {

/// How the operations of a block use a value.
enum Use : uint8_t {
  kMatmulDst = 1,   ///< a matmul writes it
  kOperand = 2,     ///< a matmul reads it as A or B
  kLoaded = 4,      ///< a TLOAD writes (part of) it
  kVecWritten = 8,  ///< a vector or scalar operation writes it
  kVecRead = 16,    ///< a vector or scalar operation reads it
  kStored = 32,     ///< a TSTORE reads it
};

struct BlockSpaces {
  std::vector<uint8_t> use;          ///< by ValueId: Use bits
  std::vector<isa::MemSpace> space;  ///< by ValueId
  bool has_cube = false, has_vector = false;
  bool has_lanes = false;                          ///< split_aiv regions
  int64_t cube_to_vector = 0, vector_to_cube = 0;  ///< largest crossing tile, bytes (0: none)

  /// By ValueId: a product the vector half reads window by window, each of whole fractals and never
  /// again after the next one. Such a tile can cross in these pieces.
  std::vector<bool> windowed;
  int64_t cube_to_vector_windows = 0;  ///< largest crossing tile then

  /// A loaded matmul operand that vector operations or stores read too: it is loaded twice, to L1
  /// and to UB (each half of the scope keeps its own loads).
  bool twin(pl::ValueId v) const {
    return space[v.value] == isa::MemSpace::L1 && (use[v.value] & (kVecRead | kStored)) != 0;
  }
  /// A load nobody uses; the compiler drops it.
  bool dead(pl::ValueId v) const { return (use[v.value] & ~kLoaded) == 0; }
};

/// Errors: "lower.space-conflict" (a tile written by the cube and by vector operations).
BlockSpaces infer_spaces(const pl::BlockRecord& record, const std::string& where,
                         const std::vector<std::string>& sites);

}  // namespace lower
