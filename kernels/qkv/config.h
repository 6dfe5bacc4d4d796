// The typed settings of the Q/KV projection family and its declared knobs.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/knobs.h"
#include "kernels/model.h"
#include "kernels/rope.h"

namespace kernels::qkv {

/// How the K slices of a split-K projection come together.
enum class SplitKSum : uint8_t {
  Seed,     ///< atomic add onto a target that a scope of its own zeroes
  Alloc,    ///< atomic add onto a target that the runtime zeroes (PR823)
  Partials  ///< one buffer per slice, added in order by a reduce scope (PR953)
};

/// Tiles of one projection matmul [T, K] x [K, N].
struct CubeTiles {
  int64_t m = 0, n = 0, k = 0;
  int64_t split_k = 1;          ///< blocks that share an output tile by atomic add
  int64_t tiles_per_block = 1;  ///< consecutive N tiles of one block
  int k_stage = 2;              ///< pipeline stages of the K loop, 1 = plain loop
  int n_stage = 1;              ///< of the loop over N tiles
  bool peel = true;             ///< first K tile before the loop instead of a branch in it
  int64_t blocks(int64_t total_n) const;
};

struct Config {
  std::string program;
  std::string prefix;  ///< of scope names
  bool tasks = false;  ///< one task per block instead of one spmd launch (P374)
  int64_t tokens = 0, hidden = 0, q_lora = 0, heads = 0;
  bool p253_inputs = false;

  rope::Layout layout = rope::Layout::FusedSwapGather;
  bool attn_norm = false;       ///< RMSNorm of x in front
  bool staged_norms = false;    ///< P374: partial / final / apply scopes
  bool qr_bf16 = false;         ///< qr rounded to BF16 before quantisation
  bool task_per_head = false;   ///< P253: single tasks, one per head (p253.cpp)
  bool amax_folded = false;     ///< amax in the sum-of-squares pass
  bool mixed_qproj = false;     ///< matmul and dequantisation in one scope
  int qproj_slot_num = 0;       ///< ring depth of the mixed scope, 0 = the chip's
  bool whole_head = false;      ///< a head is loaded once instead of chunk by chunk
  bool rope_writeback = false;  ///< q rope lanes go through an FP32 stage (PR425)
  bool rsqrt_norms = false;     ///< 1 / rms by rsqrt instead of the root's reciprocal (PR771)
  // Layout hoisted only:
  bool normalise_first = true;  ///< q times 1 / rms before the rotation, not after (PR792)
  bool kv_hoisted = true;       ///< kv uses q_rope_prepare's tables too (PR845)
  int64_t prepare_t_tile = 8;   ///< token rows of a q_rope_prepare block

  CubeTiles qr, kv, qproj;
  SplitKSum split_k_sum = SplitKSum::Seed;
  int64_t attn_t_tile = 64;
  int64_t qr_norm_t_tile = 8, qr_norm_chunk = 32;
  int qr_norm_stage = 2;
  int64_t dequant_t_tile = 128, dequant_n_tile = 128, dequant_tiles_per_block = 16;
  int dequant_n_stage = 2, dequant_t_stage = 2;
  int64_t q_head_t_tile = 32, q_head_chunk = 64, q_heads_per_block = 2;
  int q_head_stage = 2;
  int64_t q_rope_t_tile = 64, q_rope_heads_per_block = 8;
  int64_t kv_norm_t_tile = 16, kv_norm_chunk = 32;
  int kv_norm_stage = 2;
  int64_t kv_rope_t_tile = 32, kv_rope_tiles_per_block = 1;

  bool hoisted() const { return layout == rope::Layout::Hoisted; }
  /// Norm and rotation of kv are one scope.
  bool fused_rope() const { return hoisted() || layout == rope::Layout::FusedSwapGather; }
  int64_t q_width() const { return heads * kHead; }
};

/// The knobs of qkv_proj_rope with the presets `era`, `tiling` (kernels.md §2.2, §4.2).
const KnobTable& knob_table();
/// Those of prefill_qkv_proj_rope (P374).
const KnobTable& prefill_knob_table();

Config config(const Knobs& knobs, const std::string& program);

// For programs that contain the projections: `era`, `layout` and the sizes are theirs.

/// q_lora and the tiles, with the presets of `tiling`.
std::vector<Knob> part_knobs();
std::vector<Preset> part_presets();
/// What an era sets among part_knobs().
Settings part_era(const std::string& era);
struct PartSizes {
  int64_t tokens = 0, hidden = 0, heads = 0;
};
/// `knobs` holds part_knobs(), resolved; the normed rows come from outside, weights are int8
/// quantised after `inputs=uniform`.
Config part_config(Knobs knobs, const std::string& program, const PartSizes& sizes,
                   rope::Layout layout);

/// Refuses what cannot run. Error "knob.conflict" with the limit and the value.
void check(const Config& c);

/// "" or why the layout does not exist on `chip`.
std::string refused_on_chip(const Config& c, const std::string& chip);

}  // namespace kernels::qkv
