// L1 -> L0 tiling of one matmul (kernel-language.md §3.4).
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "chips/chip.h"
#include "isa/instr.h"

namespace lower {

/// An L1-level product [m,k] x [k,n] of `dtype` inputs.
struct MatmulShape {
  int32_t m = 0, n = 0, k = 0;
  isa::DType dtype = isa::DType::BF16;
  friend bool operator==(const MatmulShape& a, const MatmulShape& b) {
    return a.m == b.m && a.n == b.n && a.k == b.k && a.dtype == b.dtype;
  }
};

struct L0Tile {
  int32_t m = 0, n = 0, k = 0;
  /// One TMATMUL, operands moved whole with TMOV.
  bool whole(const MatmulShape& s) const { return m >= s.m && n >= s.n && k >= s.k; }
};

/// The tile the compiler picks: minimal estimated wall time max(MAD, load) + drain with the
/// chip's constants, or (chip.l0.roofline false) m and n whole and k filling half of L0.
L0Tile choose_l0(const MatmulShape& shape, const chips::Chip& chip);

/// Emits matmuls of one stream. Keeps the chosen tiles and the ping-pong position of the L0 halves.
class L0Emitter {
 public:
  explicit L0Emitter(const chips::Chip& chip) : chip_(chip) {}

  /// Forgets positions and peaks, keeps the chosen tiles.
  void start_stream() {
    half_ = 0;
    peak_a_ = peak_b_ = 0;
  }
  /// Code is static per iteration: every loop iteration starts with the first half again.
  void start_iteration() { half_ = 0; }

  /// a [m,K] and b [K,n] ([n,K] with trans_b) are L1 windows, c the L0C window; appends
  /// TEXTRACT/TMOV + TMATMUL(_ACC) in ascending k, so that the bits equal the untiled product's.
  void emit(const isa::TileOperand& c, const isa::TileOperand& a, const isa::TileOperand& b,
            bool trans_b, bool accumulate, isa::SiteId site, std::vector<isa::Instr>& out);

  /// Instructions `emit` makes of a product at most.
  size_t instructions(const MatmulShape& shape);

  /// Bytes of L0A / L0B ever used.
  int64_t peak_a() const { return peak_a_; }
  int64_t peak_b() const { return peak_b_; }

 private:
  const L0Tile& tile_for(const MatmulShape& shape);

  const chips::Chip& chip_;
  std::vector<std::pair<MatmulShape, L0Tile>> chosen_;
  int half_ = 0;
  int64_t peak_a_ = 0, peak_b_ = 0;
};

}  // namespace lower
