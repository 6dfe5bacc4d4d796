// Illegal combinations of knobs, refused before anything runs.
#include <algorithm>

#include "kernels/limits.h"
#include "kernels/qkv/config.h"

namespace kernels::qkv {
namespace {

// An INT32 accumulator has at least this many rows in L0C.
constexpr int64_t kAccMinRowsInt32 = 32;

std::string s(int64_t v) { return std::to_string(v); }

void check_cube(const Config& c, const std::string& p, const CubeTiles& t, int64_t n, int64_t k,
                int64_t element) {
  divides(c, "N of " + p, n, p + "_n_tile", t.n);
  divides(c, "K of " + p, k, p + "_k_tile x " + p + "_split_k", t.k * t.split_k);

  const int64_t rows = element == 1 ? std::max(t.m, kAccMinRowsInt32) : t.m;
  const int64_t acc = rows * t.n * 4;
  if (acc > kAccBytes)
    conflict(c.program, "L0C: a " + p + " accumulator of " + s(t.m) + " x " + s(t.n) + " needs " +
                            s(acc) + " B, the limit is " + s(kAccBytes) + " B (M x N x 4; lower " +
                            p + "_m_tile or " + p + "_n_tile)");

  // A pipelined loop holds one pair of operands per stage; an outer pipeline clones the peeled
  // pair.
  const int64_t k_steps = k / (t.k * t.split_k);
  const int64_t n_steps = std::min(t.tiles_per_block, n / t.n);
  const int64_t pairs = std::max(std::min<int64_t>(t.k_stage, k_steps),
                                 t.peel ? std::min<int64_t>(t.n_stage, n_steps) : 1);
  const int64_t mat = pairs * t.k * (t.m + t.n) * element;
  if (mat > kMatBytes)
    conflict(c.program, "Mat: " + p + " operands of " + s(t.m) + " x " + s(t.k) + " and " + s(t.k) +
                            " x " + s(t.n) + " in " + s(pairs) + " stages need " + s(mat) +
                            " B of L1, the limit is " + s(kMatBytes) + " B (lower " + p +
                            "_k_tile or the stages)");
}

/// A necessary condition only: the memory report of a run has the exact figure.
void check_vec(const Config& c, const std::string& what, int64_t rows, int64_t cols,
               int64_t copies) {
  const int64_t bytes = std::min(rows, c.tokens) * cols * 4 * copies;
  if (bytes > kVecBytes)
    conflict(c.program, "UB: " + what + " needs at least " + s(bytes) + " B for " + s(copies) +
                            " FP32 tiles of " + s(std::min(rows, c.tokens)) + " x " + s(cols) +
                            ", the limit is " + s(kVecBytes) + " B");
}

void check_vector_tiles(const Config& c) {
  const int64_t attn_chunks = 2 * 4 * 128;  // partial tasks x apply chunks x columns
  if (c.attn_norm) divides(c, "hidden", c.hidden, "the attn_norm tasks' columns", attn_chunks / 2);
  divides(c, "q_lora", c.q_lora, "qr_norm_chunk", c.qr_norm_chunk);
  if (c.staged_norms) divides(c, "q_lora", c.q_lora, "4 x qr_norm_chunk", 4 * c.qr_norm_chunk);
  check_vec(c, "qr_norm_t_tile x qr_norm_chunk", c.qr_norm_t_tile, c.qr_norm_chunk, 2);
  divides(c, "heads", c.heads, "q_heads_per_block", c.q_heads_per_block);
  divides(c, "rope lanes", kRope, "q_head_chunk", c.q_head_chunk);
  divides(c, "rope lanes", kRope, "kv_norm_chunk", c.kv_norm_chunk);
  if (c.whole_head) check_vec(c, "q_head_load=whole with q_head_t_tile", c.q_head_t_tile, kHead, 2);
  if (c.hoisted()) {  // product, value and square of a whole head
    check_vec(c, "layout=hoisted with q_head_t_tile", c.q_head_t_tile, kHead, 1 + c.q_head_stage);
  } else if (c.mixed_qproj) {
    check_vec(c, "the mixed qproj tile (qproj_m_tile x qproj_n_tile)", c.qproj.m, c.qproj.n,
              1 + std::max(1, c.qproj_slot_num));
  } else {
    divides(c, "N of qproj", c.q_width(), "dequant_n_tile", c.dequant_n_tile);
    check_vec(c, "dequant_t_tile x dequant_n_tile", c.dequant_t_tile, c.dequant_n_tile,
              std::max(c.dequant_n_stage, c.dequant_t_stage));
  }
  const bool staged_rope = c.layout == rope::Layout::SelectorMatmul || c.rope_writeback;
  if (staged_rope) divides(c, "heads", c.heads, "q_rope_heads_per_block", c.q_rope_heads_per_block);
}

void check_structure(const Config& c) {
  if (c.rope_writeback && c.layout != rope::Layout::MaskScatter)
    conflict(c.program, "q_rope_writeback=true exists for layout=mask_scatter only");
  if (c.staged_norms && c.fused_rope())
    conflict(c.program, "staged_norms=true has its own norm scopes, layout=" +
                            rope::to_string(c.layout) + " fuses them");
  if (c.hoisted() && c.mixed_qproj)
    conflict(c.program,
             "layout=hoisted dequantises in the scope of the heads and needs qproj_form=split");
  if (c.staged_norms && c.amax_folded)
    conflict(c.program, "qr_amax_folded=true has no amax pass to fold with staged_norms=true");
  if (c.staged_norms && !c.qr_bf16)
    conflict(c.program, "staged_norms=true passes qr on as BF16 and needs qr_bf16=true");
  if (c.amax_folded && c.qr_bf16)
    conflict(c.program,
             "qr_amax_folded=true finds amax before qr is rounded and needs qr_bf16=false");
  if (c.task_per_head && (c.layout != rope::Layout::SelectorMatmul || c.staged_norms ||
                          !c.attn_norm || c.amax_folded || c.mixed_qproj || c.tokens > 16))
    conflict(c.program,
             "task_per_head=true (P253) needs layout=selector_matmul, attn_norm=true, "
             "staged_norms=false, qr_amax_folded=false, qproj_form=split and at most 16 "
             "tokens");
  if (c.staged_norms && c.whole_head)
    conflict(c.program, "q_head_load=whole came after staged_norms=true (P374)");
}

}  // namespace

void check(const Config& c) {
  check_structure(c);
  check_cube(c, "qr", c.qr, c.q_lora, c.hidden, 2);
  check_cube(c, "kv", c.kv, kHead, c.hidden, 2);
  check_cube(c, "qproj", c.qproj, c.q_width(), c.q_lora, 1);
  check_vector_tiles(c);
}

std::string refused_on_chip(const Config& c, const std::string& chip) {
  return rope::refused_on_chip(c.program, c.layout, chip);
}

}  // namespace kernels::qkv
