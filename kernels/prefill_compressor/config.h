// Settings of the prefill compressors (kernels.md §2.12): the same mathematics as in decode, for
// one request's chunk of T consecutive positions, of which any number may complete a window.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/compressor/config.h"
#include "kernels/knobs.h"
#include "kernels/launch.h"
#include "kernels/model.h"
#include "kernels/rope.h"

namespace kernels::prefill_compressor {

using compressor::Kind;

/// What the slot mappings of a standalone fixture look like.
enum class Fixture : uint8_t {
  Full,  ///< every active token is kept and every completed window is written
  Holes  ///< some tokens are not kept in the state, some completed windows are not written (-1)
};

struct Config {
  Kind kind = Kind::Ratio4;
  std::string program;  ///< in front of errors
  std::string prefix;   ///< of the names of weights, states and state mapping

  int64_t tokens = 0, hidden = 0;          ///< T and D
  int64_t num_tokens = 0;                  ///< rows from here on are padding
  int64_t start_pos = 0;                   ///< position of row 0
  int64_t state_pages = 0, cmp_pages = 0;  ///< pages of the pools
  rope::Layout layout = rope::Layout::MaskScatter;
  Fixture fixture = Fixture::Full;

  int64_t proj_m_tile = 128, proj_n_tile = 32, proj_k_tile = 512;
  int proj_stage = 2;
  int64_t pool_chunk = 256;
  int64_t norm_writes = 16, norm_chunk = 64;
  int norm_stage = 1;
  int64_t hadamard_n_tile = 64;
  int64_t cache_writes = 16;
  int64_t state_chunk = 1024;

  bool overlapping() const { return kind != Kind::Ratio128; }
  int64_t ratio() const { return kind == Kind::Ratio128 ? 128 : 4; }
  /// Lanes of a pooled row, and how many of them are not rotated.
  int64_t head() const { return kind == Kind::Indexer ? 128 : kHead; }
  int64_t nope() const { return head() - kRope; }
  /// Lanes of a token's value, and of its score: "front" ‖ "back" with overlap.
  int64_t width() const { return overlapping() ? 2 * head() : head(); }
  int64_t state_page_rows() const { return overlapping() ? 4 : 8; }
  /// Windows a chunk can complete.
  int64_t writes() const { return ceil_div(tokens, ratio()); }
  /// Rows of the pooled buffer: a whole number of norm tiles.
  int64_t padded_writes() const { return ceil_div(writes(), norm_writes) * norm_writes; }
};

/// T, D, num_tokens, start_pos and the pools: declared once by a program.
std::vector<Knob> size_knobs(Kind kind);
/// Tile constants; names begin with `prefix` ("" or "idx_").
std::vector<Knob> tile_knobs(Kind kind, const std::string& prefix = "");
/// The RoPE forms; the first is P578's.
std::vector<rope::Layout> layouts(Kind kind);

/// Reads the knobs of `tile_knobs(kind, prefix)` and of `size_knobs`, layout, and fixture where
/// declared. The indexer's keys stay interleaved where the rest of the network is split-half.
Config config(const Knobs& k, Kind kind, const std::string& program,
              const std::string& knob_prefix = "");

/// Refuses what cannot run. Error "knob.conflict" with the limit and the value.
void check(const Config& c);

}  // namespace kernels::prefill_compressor
