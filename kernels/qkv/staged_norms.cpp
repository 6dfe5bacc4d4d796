// P374's norm and quantisation of qr in five scopes (kernels.md §2.14).
#include <algorithm>

#include "kernels/norm.h"
#include "kernels/qkv/scopes.h"
#include "kernels/quant.h"

namespace kernels::qkv {
namespace {

using isa::DType;

constexpr int64_t kPartials = 2;      ///< tasks that share the sum of squares
constexpr int64_t kApplyTasks = 4;    ///< tasks that share the columns afterwards
constexpr int64_t kAmaxRowPitch = 8;  ///< amax partials sit in rows 0, 8, 16, 24

struct Staged {
  const Config& c;
  int64_t tokens, width, step;
  Tensor sq_sum_part, inv_rms, qr_bf16, amax_part, scale_quant;
};

void qr_rms_partial(const Staged& s, const Tensor& qr_fp32) {
  const int64_t chunks = s.width / s.step / kPartials;
  launch(s.c, "qr_rms_partial", kPartials, [&](int64_t part) {
    Tile sum = pl::full(1, s.tokens, DType::F32, 0.0);
    for (int64_t j : loop(part * chunks, (part + 1) * chunks, 2))
      sum = add_row_squares(sum, pl::load(qr_fp32, {0, j * s.step}, {s.tokens, s.step}));
    pl::store(sum, {part, 0}, s.sq_sum_part);
  });
}

void qr_rms_final(const Staged& s) {
  launch(s.c, "qr_rms_final", 1, [&](int64_t) {
    const Tile a = pl::load(s.sq_sum_part, {0, 0}, {1, s.tokens});
    const Tile b = pl::load(s.sq_sum_part, {1, 0}, {1, s.tokens});
    pl::store(inverse_rms(s.c, pl::add(a, b), s.width), {0, 0}, s.inv_rms);
  });
}

void qr_norm_apply(const Staged& s, const Tensor& qr_fp32, const Tensor& gamma_cq) {
  const int64_t chunks = s.width / s.step / kApplyTasks;
  launch(s.c, "qr_norm_apply", kApplyTasks, [&](int64_t task) {
    const Tile inv = pl::load(s.inv_rms, {0, 0}, {1, s.tokens});
    Tile amax = pl::full(1, s.tokens, DType::F32, kAmaxFloor);
    for (int64_t j : loop(task * chunks, (task + 1) * chunks, 2)) {
      const Tile x = pl::load(qr_fp32, {0, j * s.step}, {s.tokens, s.step});
      const Tile gamma = pl::load(gamma_cq, {0, j * s.step}, {1, s.step});
      const Tile rounded = to_bf16(scale_columns(scale_rows(x, inv), gamma));
      amax = raise_row_amax(amax, pl::cast(rounded, DType::F32));
      pl::store(rounded, {0, j * s.step}, s.qr_bf16);
    }
    pl::store(amax, {task * kAmaxRowPitch, 0}, s.amax_part);
  });
}

void qr_quant_amax(const Staged& s, const Tensor& qr_scale) {
  launch(s.c, "qr_quant_amax", 1, [&](int64_t) {
    Tile amax = pl::load(s.amax_part, {0, 0}, {1, s.tokens});
    for (int64_t task = 1; task < kApplyTasks; ++task)
      amax = pl::maximum(amax, pl::load(s.amax_part, {task * kAmaxRowPitch, 0}, {1, s.tokens}));
    const RowScale scale = row_scale(amax);
    pl::store(scale.multiplier, {0, 0}, s.scale_quant);
    pl::store(scale.stored, {0, 0}, qr_scale);
  });
}

void qr_quant_apply(const Staged& s, const Tensor& qr) {
  const int64_t chunks = s.width / s.step / kApplyTasks;
  launch(s.c, "qr_quant_apply", kApplyTasks, [&](int64_t task) {
    const Tile multiplier = pl::load(s.scale_quant, {0, 0}, {1, s.tokens});
    for (int64_t j : loop(task * chunks, (task + 1) * chunks, 2)) {
      const Tile x = pl::load(s.qr_bf16, {0, j * s.step}, {s.tokens, s.step});
      const Tile scaled = scale_rows(pl::cast(x, DType::F32), multiplier);
      pl::store(to_int8(scaled), {0, j * s.step}, qr);
    }
  });
}

}  // namespace

void staged_qr_norm_quant(const Config& c, const Tensor& qr_fp32, const Tensor& gamma_cq,
                          const Tensor& qr, const Tensor& qr_scale) {
  const int64_t tokens = qr_fp32.dim(0), width = qr_fp32.dim(1);
  const Staged s{c,
                 tokens,
                 width,
                 c.qr_norm_chunk,
                 pl::create_tensor({kPartials, tokens}, DType::F32),
                 pl::create_tensor({1, tokens}, DType::F32),
                 pl::create_tensor({tokens, width}, DType::BF16),
                 pl::create_tensor({kApplyTasks * kAmaxRowPitch, tokens}, DType::F32),
                 pl::create_tensor({1, tokens}, DType::F32)};
  qr_rms_partial(s, qr_fp32);
  qr_rms_final(s);
  qr_norm_apply(s, qr_fp32, gamma_cq);
  qr_quant_amax(s, qr_scale);
  qr_quant_apply(s, qr);
}

}  // namespace kernels::qkv
