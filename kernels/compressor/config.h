// Settings of the decode compressors: 4:1 (CSA), 128:1 (HCA) and 4:1 of the index keys (kernels.md
// §2.3 to §2.5).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/knobs.h"
#include "kernels/model.h"
#include "kernels/rope.h"

namespace kernels::compressor {

enum class Kind : uint8_t {
  Ratio4,    ///< CSA main: overlapping windows of four, 512 lanes
  Ratio128,  ///< HCA main: windows of 128, 512 lanes
  Indexer    ///< CSA index keys: overlapping windows of four, 128 lanes, Hadamard rotation
};

struct Config {
  Kind kind = Kind::Ratio128;
  std::string program;  ///< in front of errors
  std::string prefix;   ///< of the names of weights, state and state mapping

  int64_t batch = 0, seq = 0, hidden = 0;
  int64_t state_pages = 0, cmp_pages = 0;  ///< pages of one request
  int64_t start_pos = -1;                  ///< of every request; -1: the published positions
  rope::Layout layout = rope::Layout::SwapGather;

  int64_t proj_m_tile = 64, proj_n_tile = 64, proj_k_tile = 512;
  int proj_stage = 2;
  int state_stage = 2;
  int64_t pool_chunk = 64;
  int pool_stage = 2;
  int64_t norm_requests = 16, norm_chunk = 64;
  int norm_stage = 1;
  int64_t hadamard_n_tile = 64;
  int64_t write_requests = 16;

  bool overlapping() const { return kind != Kind::Ratio128; }
  int64_t ratio() const { return kind == Kind::Ratio128 ? 128 : 4; }
  int64_t tokens() const { return batch * seq; }
  /// Lanes of a pooled row, and how many of them are not rotated.
  int64_t head() const { return kind == Kind::Indexer ? 128 : kHead; }
  int64_t nope() const { return head() - kRope; }
  /// Lanes of a token's value (and as many of its score): "front" ‖ "back" with overlap.
  int64_t width() const { return overlapping() ? 2 * head() : head(); }
  int64_t state_page_rows() const { return overlapping() ? 4 : 8; }
  bool compresses(int64_t position, int64_t tokens_in_step) const {
    return position % ratio() + tokens_in_step >= ratio();
  }
};

/// Batch, sequence, width and pages: declared once by a program.
std::vector<Knob> size_knobs(Kind kind);
/// Tile constants; names begin with `prefix` ("" or "idx_").
std::vector<Knob> tile_knobs(Kind kind, const std::string& prefix = "");
/// The RoPE forms upstream's compressors have had; the first is the default.
std::vector<rope::Layout> layouts(Kind kind);
/// What a layout asks of the tiles.
std::vector<Preset> layout_presets(Kind kind, const std::string& prefix = "");

/// Reads the knobs of `tile_knobs(kind, prefix)` and batch, seq, hidden, layout.
/// The indexer's keys stay interleaved where the rest of the network is split-half.
Config config(const Knobs& k, Kind kind, const std::string& program,
              const std::string& knob_prefix = "");

/// Refuses what cannot run. Error "knob.conflict" with the limit and the value.
void check(const Config& c);

}  // namespace kernels::compressor
