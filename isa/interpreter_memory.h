// Core-local memories of the interpreter: poisoned bytes, who was written, and how a tile operand
// maps to bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "isa/instr.h"
#include "isa/interpreter.h"
#include "isa/layout.h"
#include "isa/semantics.h"

namespace isa::interp {

struct ByteRange {
  int64_t begin = 0, end = 0;
};

/// The operand as its transpose: rows and columns swapped, NZ <-> ZN. ND and ZZ have no such twin.
TileOperand transposed(const TileOperand& o);

/// Appends the bytes of the top-left `rows` x `cols` part of the window, neighbours merged.
void append_byte_ranges(const TileOperand& o, int32_t rows, int32_t cols,
                        std::vector<ByteRange>& out);

/// Copies the top-left `rows` x `cols` part of the window out of / into `memory` (its byte 0), to
/// or from a row-major array with `stride` elements a row. Fractal rows move as a whole.
void gather(const TileOperand& o, int32_t rows, int32_t cols, const uint8_t* memory, uint8_t* dense,
            int64_t stride);
void scatter(const TileOperand& o, int32_t rows, int32_t cols, const uint8_t* dense, int64_t stride,
             uint8_t* memory);

/// "UB tile [16x64] BF16 at 0x1200"
std::string describe(const TileOperand& o);

/// One memory of one core. Freshly reset bytes hold poison and count as unwritten.
class LocalMemory {
 public:
  LocalMemory() = default;
  LocalMemory(MemSpace space, int64_t size) : space_(space), size_(size) {}

  /// Forgets everything written since the last reset. Storage is allocated on first use.
  void reset();

  MemSpace space() const { return space_; }
  uint8_t* bytes() { return bytes_.data(); }
  uint8_t* written() { return written_.data(); }

  /// Bounds and alignment of an operand (hardware.md §2.2). `scalar`: only element alignment;
  /// `fractal_reads`: the window must start on a fractal (MTE1).
  /// Errors: "isa.out-of-bounds", "isa.misaligned".
  void check(const TileOperand& o, const char* role, bool scalar, bool fractal_start);

  /// Error "isa.uninitialised" unless every byte of the ranges was written.
  void require_written(const std::vector<ByteRange>& ranges, const TileOperand& o,
                       const char* role) const;
  void mark_written(const std::vector<ByteRange>& ranges);
  void poison(const std::vector<ByteRange>& ranges);  ///< contents lost, counts as unwritten

 private:
  MemSpace space_ = MemSpace::UB;
  int64_t size_ = 0;
  int64_t high_water_ = 0;  ///< no byte at or beyond it was touched since the last reset
  std::vector<uint8_t> bytes_, written_;
};

/// Row-major view of an ND operand in `memory`.
TileView nd_view(const TileOperand& o, uint8_t* memory);

}  // namespace isa::interp
