// What the three decode attention blocks share (kernels.md §2.8): sizes, knobs, the arguments, and
// fixtures and references of everything in front of and behind a block's own part.
//
//   hc_pre -> positions -> rms_norm -> qkv -> [compressor -> indexer] -> index lists
//          -> sparse attention -> cache write-back -> hc_post
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/fixtures.h"
#include "kernels/hc/hc_post.h"
#include "kernels/hc/hc_pre.h"
#include "kernels/knobs.h"
#include "kernels/norm.h"
#include "kernels/positions/golden.h"
#include "kernels/positions/positions.h"
#include "kernels/qkv/family.h"

namespace kernels::attention {

using positions::Kind;

/// Sizes and the parts that every kind has.
struct DecodeConfig {
  std::string program;
  Kind kind = Kind::Swa;
  int64_t batch = 0, seq = 0, hidden = 0, heads = 0;
  int64_t start_pos = -1;  ///< of every request; -1: the kind's pattern
  rope::Layout layout = rope::Layout::FusedSwapGather;
  hc::HcPreConfig hc_pre;
  RmsNormTiles norm;
  qkv::Config qkv;
  hc::HcPostConfig hc_post;

  int64_t tokens() const { return batch * seq; }
  bool split_half() const { return layout == rope::Layout::SplitHalf; }
  /// Layout of the parts without a fused form: (e) is (c) there.
  rope::Layout part_layout() const;
  std::vector<int64_t> starts() const;
  int64_t last_position() const;
};

/// `era`, `layout`, sizes and the tiles of the common parts.
std::vector<Knob> decode_knobs();
/// Presets of `era` and `tiling`.
std::vector<Preset> decode_presets();
DecodeConfig decode_config(const Knobs& knobs, Kind kind);
/// Tiles of the common parts, which prefill has as well, and the configuration from them and
/// hidden, heads and layout. A prefill chunk is one request of T tokens.
std::vector<Knob> block_tile_knobs();
DecodeConfig block_config(const Knobs& knobs, Kind kind, const std::string& program, int64_t batch,
                          int64_t seq);
/// The layout of each era: PR578 fused the projections' rotation, PR570 split the halves.
rope::Layout era_layout(const std::string& era);
void check_decode(const DecodeConfig& c);

/// x_hc, gates, norm, projections and tables, in upstream's order.
std::vector<TensorSpec> front_specs(const DecodeConfig& c);
/// Window cache with its table, slot mapping, positions and lengths, in/out where the step writes.
std::vector<TensorSpec> window_specs(const DecodeConfig& c);
/// Weights are drawn by `weight`, which gets 1 / sqrt(fan in).
using WeightDraw = Distribution (*)(float scale);
Distribution normal_weight(float scale);
void fill_front(const DecodeConfig& c, uint64_t seed, TensorSet& set,
                WeightDraw weight = normal_weight);
void fill_window(const DecodeConfig& c, uint64_t seed, TensorSet& set);

/// Arguments and results of the scopes up to q and kv.
struct Front {
  hc::HcPreArgs hc;             ///< x_mixed [T, D], post, comb
  positions::Step step;         ///< tables, position_ids [B, S]
  positions::CosSin rope_rows;  ///< [T, 64] BF16, written by the position scope
  pl::Tensor attn_norm_w;       ///< [1, D]
  pl::Tensor x_normed;          ///< [T, D] BF16
  qkv::Weights weights;
  pl::Tensor q, kv, qr, qr_scale;  ///< [T, H * 512], [T, 512], [T, Q], [1, T]
};
/// Declares the arguments of front_specs and position_ids, and creates the results.
Front declare_front(pl::Session& session, const TensorSet& inputs, const DecodeConfig& c);
/// `rms_norm` and the projections; rope_rows must be submitted before.
void normed_projections(const DecodeConfig& c, const Front& f);
/// Tables [T, 64] read as BF16 rows for the rotation scopes of qkv.
qkv::RopeTensors rope_tensors(const positions::CosSin& rows);

/// References of the same, on the host.
struct GoldenFront {
  HostTensor post, comb;  ///< of hc_pre
  HostTensor cos, sin;    ///< [T, 64] BF16 rows of every token
  HostTensor x_normed;    ///< [T, D] BF16
  HostTensor q, kv, qr, qr_scale;
};
GoldenFront golden_front(const TensorSet& inputs, const DecodeConfig& c);

/// x_out RD(3e-3, .005, 1) and kv_cache RA(1e-4, 1/128).
std::map<std::string, Comparator> decode_comparators();

/// Upstream's runs of whole blocks set PTO2_RING_HEAP to 2 GiB: their temporaries live to the end.
inline constexpr int64_t kRingHeapBytes = int64_t{2} << 30;

/// "RoPE": every scope that rotates or prepares tables, and the kind's own (kernels.md §5.1).
std::vector<ScopeGroup> decode_scope_groups(const std::vector<std::string>& own);

}  // namespace kernels::attention
