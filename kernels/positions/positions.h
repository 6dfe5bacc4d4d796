// Position scopes: rows of the RoPE tables brought into the order of this step's tokens and
// requests (kernels.md §1.6, §2.8, §2.12). All decode scopes are one task that walks the tokens
// serially.
//
// Every row moves on its own: load, cast BF16 -> FP32, (cast back,) store. The attention kernels
// read the results as [T, 64] BF16 rows; compressors and the indexer as [B, 32] FP32 half rows; the
// inverse rotation of the split-half layout as [T, 32] FP32 half rows.
#pragma once

#include <cstdint>
#include <string>

#include "lang/pl.h"

namespace kernels::positions {

inline constexpr int64_t kCsaRatio = 4;  ///< positions of one compressed row
inline constexpr int64_t kHcaRatio = 128;

/// A pair of tensors with the same shape.
struct CosSin {
  pl::Tensor cos, sin;
  bool present() const { return cos.present(); }
};
/// create_tensor of both, named prefix + "_cos" and prefix + "_sin".
CosSin create_pair(const std::string& prefix, int64_t rows, int64_t cols, isa::DType dtype);

/// What a decode step knows of its tokens.
struct Step {
  CosSin freqs;             ///< tables [max_position, 64] BF16
  pl::Tensor position_ids;  ///< [B, S] INT32; token t = b * S + s
};

/// `csa_rope_step`: rows of all tokens, and the half rows of each request's first token (the
/// indexer's). `token_half` [T, 32] only with layout split_half.
struct CsaStepRows {
  CosSin tokens;           ///< out [T, 64] BF16
  CosSin request_half;     ///< out [B, 32] FP32
  CosSin token_half = {};  ///< out [T, 32] FP32
};
void csa_rope_step(const Step& step, const CsaStepRows& out);

/// `csa_cmp_rope`: half rows [B, 32] FP32 at the start of the compressed group that the request's
/// first token lies in, the group of four positions.
void csa_cmp_rope(const Step& step, const CosSin& group_half);

/// `hca_rope`: rows of all tokens, and the half rows at the start of the group of 128 positions.
struct HcaRows {
  CosSin tokens;           ///< out [T, 64] BF16
  CosSin group_half;       ///< out [B, 32] FP32
  CosSin token_half = {};  ///< out [T, 32] FP32, layout split_half
};
void hca_rope(const Step& step, const HcaRows& out);

/// `swa_rope_step`: rows of all tokens.
struct SwaRows {
  CosSin tokens;           ///< out [T, 64] BF16
  CosSin token_half = {};  ///< out [T, 32] FP32, layout split_half
};
void swa_rope_step(const Step& step, const SwaRows& out);

/// What a prefill chunk knows of its tokens.
struct Chunk {
  CosSin freqs;                   ///< tables [max_position, 64] BF16
  pl::Tensor position_ids;        ///< [T] INT32
  int64_t num_tokens = 0;         ///< rows from here on are padding
  bool identity_padding = false;  ///< of qkv_rope_rows: padding rows become cos 1, sin 0
};

/// `qkv_rope_rows`, T / t_tile blocks: copies the row of every active token. Rows of padding tokens
/// are not written, as upstream does it, or become the identity rotation.
void qkv_rope_rows(const Chunk& chunk, int64_t t_tile, const CosSin& tokens);

/// `prefill_<kind>_rope_half` (layout split_half): with `identity_padding` all T half rows [T, 32]
/// FP32 become the identity rotation first, cos 1 and sin 0; without, padding rows stay unwritten.
/// Then the active rows are filled in.
void prefill_rope_half(const std::string& kind, const Chunk& chunk, bool identity_padding,
                       const CosSin& token_half);

/// `rope_interleave` (layout hoisted): [rows, 32] FP32 half rows to [rows, 64] tables with every
/// frequency twice, the sine with the sign of the forward rotation, - on even and + on odd lanes.
void rope_interleave(const CosSin& half, const CosSin& interleaved);

}  // namespace kernels::positions
