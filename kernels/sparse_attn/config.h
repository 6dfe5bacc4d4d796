// The typed settings of sparse attention and its declared knobs (kernels.md §2.7).
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/knobs.h"
#include "kernels/launch.h"
#include "kernels/model.h"
#include "kernels/rope.h"

namespace kernels::sparse {

/// Layer kinds of decode by compression ratio: 4:1 selected by the indexer, 128:1 tail, window
/// only. Prefill has one kernel for all.
enum class Kind : uint8_t { Csa, Hca, Swa, Prefill };

/// What the columns of the index list hold in the fixtures.
enum class Fixture : uint8_t {
  Full,         ///< whole window, then the compressed slots of the ratio
  ShortWindow,  ///< 17 valid window slots and nothing else
  Mixed,        ///< 17 window slots and the compressed ones
  Overlay,      ///< 17 window slots, slot 16 replaced by an overlay token
  Causal,       ///< ring row 127 holds a later token, which the first token must not see
  Paged         ///< as Full with permuted pages and holes between valid slots
};

inline constexpr int64_t kHeadsPerGroup = 8;
inline constexpr int64_t kGroupWidth = kHeadsPerGroup * kHead;  ///< O_GROUP_IN
inline constexpr double kInvalidBias = -1e20;
inline constexpr double kSoftmaxScale = 0.044194173824159216;  ///< 512^-0.5

struct Config {
  std::string program;
  Kind kind = Kind::Hca;
  rope::Layout layout = rope::Layout::SwapGather;

  // Sizes. Token t belongs to request t / seq.
  int64_t batch = 0, seq = 0, heads = kHeads, hidden = kHidden, o_lora = 0;
  int64_t cmp_columns = 0;  ///< columns of the index list behind the window's
  int64_t cmp_pages = 0;    ///< compressed pages of a request
  int64_t min_blocks = 1;   ///< SWA: 2, the second block has no valid row
  int64_t num_tokens = -1;  ///< prefill: rows from here on are padding; -1: none

  // Tiles of the scopes, in their order.
  int64_t kv_block = 128;  ///< KV rows of one softmax block
  int64_t valid_t_tile = 16;
  int gather_stage = 4, gather_cmp_stage = 1;
  int64_t gather_tokens = 4;
  int64_t qk_head_tile = 32;
  int qk_stage = 2;
  int64_t merge_head_tile = 16;
  int64_t rope_cs_frequencies = 16, rope_t_tile = 64, rope_heads = 4;
  int64_t rope_pack_t_tile = 32;
  int64_t proj_m_tile = 128, proj_row_tile = 32;
  int64_t proj_a_n_tile = 128, proj_a_k_tile = 128;
  int proj_a_stage = 2, proj_a_slot_num = 2;
  int64_t quant_t_tile = 8, quant_chunk = 512, quant_split = 2;
  int quant_stage = 2;
  int64_t proj_b_n_tile = 128, proj_b_k_tile = 256;
  int proj_b_stage = 2, proj_b_slot_num = 2;
  bool proj_b_split = false;  ///< UP_DOWN: each vector lane drains half of the rows
  bool proj_b_peel = false;   ///< first K tile in front of the loop

  // Fixture of a standalone program.
  Fixture fixture = Fixture::Full;
  int64_t compress_ratio = 0;

  int64_t tokens() const { return batch * seq; }
  int64_t active_tokens() const { return num_tokens < 0 ? tokens() : num_tokens; }
  int64_t groups() const { return heads / kHeadsPerGroup; }
  int64_t o_width() const { return groups() * o_lora; }
  int64_t columns() const { return kWindow + cmp_columns; }
  int64_t blocks() const { return std::max(min_blocks, ceil_div(columns(), kv_block)); }
  int64_t padded() const { return blocks() * kv_block; }
  /// Raw indices: [0, 128) ring slots, [128, 128 + seq) overlay tokens of the request, from here on
  /// compressed slots.
  int64_t first_compressed() const { return kWindow + seq; }
  bool split_half() const { return layout == rope::Layout::SplitHalf; }
  /// (b) rounds the attention output to BF16 before the rotation as well (kernels.md §3.3).
  bool rounds_before_rope() const { return layout == rope::Layout::MaskScatter; }
};

/// Tile knobs of the kernel; an attention program appends them to its own.
std::vector<Knob> tile_knobs(Kind kind);
/// Sizes only this kernel has: o_lora, cmp_columns, cmp_pages.
std::vector<Knob> size_knobs(Kind kind);
/// What a choice of `layout` sets besides: PR425's rope works on four tokens at a time.
std::vector<Preset> presets();
/// The layouts the kernel exists in, the default first.
std::vector<rope::Layout> layouts();

/// From knobs that include heads, hidden, layout and those above, batch and seq in decode, tokens
/// and num_tokens in prefill; fixture and compress_ratio where declared.
Config config(const Knobs& knobs, Kind kind, const std::string& program);

/// Refuses what cannot run. Error "knob.conflict" with the limit and the value.
void check(const Config& c);

}  // namespace kernels::sparse
