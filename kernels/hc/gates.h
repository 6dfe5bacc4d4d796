// The gates of hc_pre on tiles (kernels.md §2.9), and its two arrangements into scopes.
//
// A group of four gate values is a [rows, 8] FP32 tile of which four columns are valid: 32 B is the
// shortest tile row.
#pragma once

#include <array>

#include "kernels/hc/hc_pre.h"

namespace kernels::hc {

inline constexpr int64_t kMixPadded = 32;  ///< rows of hc_fn as the cube sees them, 24 valid
inline constexpr int64_t kQuad = 8;        ///< columns of a tile of four values
inline constexpr double kHcEpsilon = 1e-6;

/// hc_scale as scalars.
struct GateScale {
  double pre, post, comb;
};

/// Some token rows of the logits in GM.
struct GateSource {
  pl::Tensor mixes;  ///< [T, 32] FP32, columns 24 and up undefined
  pl::Tensor base;   ///< [1, 24]
  int64_t t0, rows;
  pl::Tensor inv_rms = {};  ///< [1, T]: factor of the logits still to be applied, if present

  /// Logits 4 * index and up: times scale, plus base.
  pl::Tile quad(int64_t index, double scale) const;
  /// The same with all eight columns of a row that `load_base` gave; the last four are neighbours.
  pl::Tile gate(int64_t index, double scale, const pl::Tile& base_row) const;
  pl::Tile load_base(int64_t index) const;
};

/// sigmoid(logits) + 1e-6 and 2 sigmoid(logits).
pl::Tile pre_gate(const pl::Tile& logits);
pl::Tile post_gate(const pl::Tile& logits);

/// Row i of every token's 4 x 4 matrix as one tile.
using Comb = std::array<pl::Tile, kStreams>;
Comb comb_logits(const GateSource& gates, double scale);
/// Softmax of each row plus epsilon, then columns and rows divided by their sums in turn.
Comb sinkhorn(Comb logits, int stage);
void store_comb(const Comb& comb, int64_t t0, const pl::Tensor& out);

/// x_mixed = sum over the streams of pre_h x_h for `rows` tokens from t0 on; pre is a quad.
void mix_streams(const HcPreConfig& c, int64_t t0, int64_t rows, const pl::Tensor& x_flat,
                 const pl::Tile& pre, const pl::Tensor& x_mixed);

/// One mixed scope of T / t_tile blocks (P533 and later).
void hc_pre_1spmd(const HcPreConfig& c, const HcPreArgs& args, const GateScale& scale);
/// Seven scopes of single tasks (P253, P374).
void hc_pre_staged(const HcPreConfig& c, const HcPreArgs& args, const GateScale& scale);

}  // namespace kernels::hc
