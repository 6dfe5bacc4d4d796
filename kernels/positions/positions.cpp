#include "kernels/positions/positions.h"

#include "kernels/launch.h"
#include "kernels/norm.h"
#include "kernels/rope.h"

namespace kernels::positions {
namespace {

using isa::DType;
using pl::Tensor;
using pl::Tile;
using rope::kHalf;
using rope::kLanes;

/// The first 32 columns of the tables' row `position`, as FP32.
void copy_half_rows(const CosSin& freqs, int64_t position, int64_t row, const CosSin& out) {
  const Tile cos = pl::load(freqs.cos, {position, 0}, {1, kHalf});
  const Tile sin = pl::load(freqs.sin, {position, 0}, {1, kHalf});
  pl::store(pl::cast(cos, DType::F32), {row, 0}, out.cos);
  pl::store(pl::cast(sin, DType::F32), {row, 0}, out.sin);
}

/// The tables' row `position`, through FP32 and back; with split_half its FP32 half rows too.
void copy_token_rows(const CosSin& freqs, int64_t position, int64_t token, const CosSin& rows,
                     const CosSin& half) {
  const Tile cos = pl::cast(pl::load(freqs.cos, {position, 0}, {1, kLanes}), DType::F32);
  const Tile sin = pl::cast(pl::load(freqs.sin, {position, 0}, {1, kLanes}), DType::F32);
  pl::store(to_bf16(cos), {token, 0}, rows.cos);
  pl::store(to_bf16(sin), {token, 0}, rows.sin);
  if (half.present()) copy_half_rows(freqs, position, token, half);
}

/// Walks the requests; first(b, p0) comes before the request's tokens.
template <class First>
void walk_tokens(const Step& step, const CosSin& rows, const CosSin& half, First&& first) {
  const int64_t batch = step.position_ids.dim(0), seq = step.position_ids.dim(1);
  for (int64_t b : pl::range(batch)) {
    first(b, pl::read_int(step.position_ids, {b, 0}));
    for (int64_t s : pl::range(seq)) {
      const int64_t position = pl::read_int(step.position_ids, {b, s});
      copy_token_rows(step.freqs, position, b * seq + s, rows, half);
    }
  }
}

}  // namespace

CosSin create_pair(const std::string& prefix, int64_t rows, int64_t cols, DType dtype) {
  const Tensor cos = pl::create_tensor(prefix + "_cos", {rows, cols}, dtype);
  const Tensor sin = pl::create_tensor(prefix + "_sin", {rows, cols}, dtype);
  return {cos, sin};
}

void csa_rope_step(const Step& step, const CsaStepRows& out) {
  launch("csa_rope_step", 1, [&](int64_t) {
    walk_tokens(step, out.tokens, out.token_half, [&](int64_t b, int64_t p0) {
      copy_half_rows(step.freqs, p0, b, out.request_half);
    });
  });
}

void csa_cmp_rope(const Step& step, const CosSin& group_half) {
  launch("csa_cmp_rope", 1, [&](int64_t) {
    for (int64_t b : pl::range(step.position_ids.dim(0))) {
      const int64_t p0 = pl::read_int(step.position_ids, {b, 0});
      copy_half_rows(step.freqs, p0 - p0 % kCsaRatio, b, group_half);
    }
  });
}

void hca_rope(const Step& step, const HcaRows& out) {
  launch("hca_rope", 1, [&](int64_t) {
    walk_tokens(step, out.tokens, out.token_half, [&](int64_t b, int64_t p0) {
      copy_half_rows(step.freqs, p0 - p0 % kHcaRatio, b, out.group_half);
    });
  });
}

void swa_rope_step(const Step& step, const SwaRows& out) {
  launch("swa_rope_step", 1,
         [&](int64_t) { walk_tokens(step, out.tokens, out.token_half, [](int64_t, int64_t) {}); });
}

void qkv_rope_rows(const Chunk& chunk, int64_t t_tile, const CosSin& tokens) {
  const int64_t rows = chunk.position_ids.numel();
  launch("qkv_rope_rows", ceil_div(rows, t_tile), [&](int64_t block) {
    const int64_t end = pl::min((block + 1) * t_tile, chunk.num_tokens);
    for (int64_t t : pl::range(block * t_tile, pl::max(block * t_tile, end))) {
      const int64_t position = pl::read_int(chunk.position_ids, {t});
      const Tile cos = pl::load(chunk.freqs.cos, {position, 0}, {1, kLanes});
      pl::store(cos, {t, 0}, tokens.cos);
      const Tile sin = pl::load(chunk.freqs.sin, {position, 0}, {1, kLanes});
      pl::store(sin, {t, 0}, tokens.sin);
    }
    const int64_t padding = pl::max(block * t_tile, chunk.num_tokens);
    const int64_t count = pl::min((block + 1) * t_tile, rows) - padding;
    if (!chunk.identity_padding || count <= 0) return;
    pl::store(pl::full(count, kLanes, DType::BF16, 1.0), {padding, 0}, tokens.cos);
    pl::store(pl::full(count, kLanes, DType::BF16, 0.0), {padding, 0}, tokens.sin);
  });
}

void prefill_rope_half(const std::string& kind, const Chunk& chunk, bool identity_padding,
                       const CosSin& token_half) {
  const int64_t rows = chunk.position_ids.numel();
  launch("prefill_" + kind + "_rope_half", 1, [&](int64_t) {
    if (identity_padding) {
      pl::store(pl::full(rows, kHalf, DType::F32, 1.0), {0, 0}, token_half.cos);
      pl::store(pl::full(rows, kHalf, DType::F32, 0.0), {0, 0}, token_half.sin);
    }
    for (int64_t t : pl::range(chunk.num_tokens)) {
      const int64_t position = pl::read_int(chunk.position_ids, {t});
      copy_half_rows(chunk.freqs, position, t, token_half);
    }
  });
}

void rope_interleave(const CosSin& half, const CosSin& interleaved) {
  const int64_t rows = half.cos.dim(0);
  launch("rope_interleave", 1, [&](int64_t) {
    const rope::SwapIndex index = rope::make_swap_index(rows);
    const Tile cos = pl::load(half.cos, {0, 0}, {rows, kHalf});
    pl::store(pl::gather(cos, index.dup), {0, 0}, interleaved.cos);
    const Tile sin = pl::load(half.sin, {0, 0}, {rows, kHalf});
    pl::store(pl::mul(pl::gather(sin, index.dup), index.sign), {0, 0}, interleaved.sin);
  });
}

}  // namespace kernels::positions
