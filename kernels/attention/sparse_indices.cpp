#include "kernels/attention/sparse_indices.h"

#include <algorithm>

#include "kernels/launch.h"
#include "kernels/model.h"

namespace kernels::attention {
namespace {

/// The tokens of the step that token (b, s) may see replace the ring slots they are about to take.
int64_t with_overlay(const IndexArgs& args, int64_t b, int64_t s, int64_t slot) {
  int64_t entry = slot;
  for (int64_t o : pl::range(args.position_ids.dim(1))) {
    if (o > s) continue;
    if (slot == pl::read_int(args.position_ids, {b, o}) % kWindow) entry = kWindow + o;
  }
  return entry;
}

/// Oldest first; before the ring is full, slots are positions.
void write_window_columns(const IndexArgs& args, int64_t b, int64_t s, int64_t position) {
  const int64_t token = b * args.position_ids.dim(1) + s;
  const bool full = position >= kWindow - 1;
  const int64_t oldest = full ? position % kWindow + 1 : 0;
  for (int64_t k : pl::range(kWindow)) {
    const bool present = full || k <= position;
    const int64_t entry = present ? with_overlay(args, b, s, (oldest + k) % kWindow) : -1;
    pl::write_int(args.indices, {token, k}, entry);
  }
}

/// Rows whose whole group lies at or before the token, and within the request.
int64_t read_visible_rows(const IndexArgs& args, int64_t b, int64_t position, int64_t ratio) {
  return std::min((position + 1) / ratio, pl::read_int(args.kv_seq_lens, {b}) / ratio);
}

/// Window columns of every token of every request, then `tail(b, token, position)`.
template <class Tail>
void for_all_tokens(const IndexArgs& args, Tail&& tail) {
  const int64_t seq = args.position_ids.dim(1);
  for (int64_t b : pl::range(args.position_ids.dim(0))) {
    for (int64_t s : pl::range(seq)) {
      const int64_t position = pl::read_int(args.position_ids, {b, s});
      write_window_columns(args, b, s, position);
      tail(b, b * seq + s, position);
    }
  }
}

}  // namespace

void swa_overlay_topk(const IndexArgs& args) {
  launch("swa_overlay_topk", 1,
         [&](int64_t) { for_all_tokens(args, [](int64_t, int64_t, int64_t) {}); });
}

void hca_overlay_topk(const IndexArgs& args, int64_t ratio) {
  const int64_t columns = args.indices.dim(1) - kWindow, first = kWindow + args.position_ids.dim(1);
  launch("hca_overlay_topk", 1, [&](int64_t) {
    for_all_tokens(args, [&](int64_t b, int64_t token, int64_t position) {
      const int64_t visible = std::min(columns, read_visible_rows(args, b, position, ratio));
      for (int64_t c : pl::range(columns))
        pl::write_int(args.indices, {token, kWindow + c}, c < visible ? first + c : -1);
    });
  });
}

void csa_sparse_idx_tile(const IndexArgs& args, int64_t ratio, const pl::Tensor& topk,
                         int64_t t_tile) {
  const int64_t seq = args.position_ids.dim(1), tokens = args.indices.dim(0);
  const int64_t columns = args.indices.dim(1) - kWindow, first = kWindow + seq;
  launch("csa_sparse_idx_tile", ceil_div(tokens, t_tile), [&](int64_t block) {
    for (int64_t token : pl::range(block * t_tile, std::min(tokens, (block + 1) * t_tile))) {
      const int64_t b = token / seq, s = token % seq;
      const int64_t position = pl::read_int(args.position_ids, {b, s});
      write_window_columns(args, b, s, position);
      const int64_t visible = read_visible_rows(args, b, position, ratio);
      for (int64_t c : pl::range(columns)) {
        const int64_t raw = pl::read_int(topk, {token, c});
        const bool seen = raw >= first && raw - first < visible;
        pl::write_int(args.indices, {token, kWindow + c}, seen ? raw : -1);
      }
    }
  });
}

StepPositions step_positions(const HostTensor& position_ids, const HostTensor& kv_seq_lens) {
  StepPositions step;
  step.tokens_per_request = position_ids.numel() / kv_seq_lens.numel();
  step.position.assign(position_ids.as<int32_t>(),
                       position_ids.as<int32_t>() + position_ids.numel());
  step.seq_len.assign(kv_seq_lens.as<int32_t>(), kv_seq_lens.as<int32_t>() + kv_seq_lens.numel());
  return step;
}

std::vector<int32_t> window_indices(const StepPositions& step, int64_t token) {
  const int64_t position = step.position[static_cast<size_t>(token)];
  const int64_t seq = step.tokens_per_request, first = token - token % seq;
  std::vector<int32_t> list(kWindow, -1);
  // Position p of the window sits in slot p mod 128; the last 128 positions are visible.
  size_t column = 0;
  for (int64_t p = std::max<int64_t>(0, position - kWindow + 1); p <= position; ++p) {
    int64_t entry = p % kWindow;
    for (int64_t o = first; o <= token; ++o)
      if (step.position[static_cast<size_t>(o)] % kWindow == p % kWindow)
        entry = kWindow + o - first;
    list[column++] = static_cast<int32_t>(entry);
  }
  return list;
}

int64_t visible_rows(const StepPositions& step, int64_t token, int64_t ratio) {
  return std::min((step.position[static_cast<size_t>(token)] + 1) / ratio,
                  step.seq_len[static_cast<size_t>(step.request(token))] / ratio);
}

std::vector<int32_t> tail_indices(const StepPositions& step, int64_t token, int64_t ratio,
                                  int64_t columns) {
  std::vector<int32_t> list(static_cast<size_t>(columns), -1);
  const int64_t visible = std::min(columns, visible_rows(step, token, ratio));
  for (int64_t c = 0; c < visible; ++c)
    list[static_cast<size_t>(c)] = static_cast<int32_t>(kWindow + step.tokens_per_request + c);
  return list;
}

void append_list(std::vector<int32_t>& to, const std::vector<int32_t>& window,
                 const std::vector<int32_t>& compressed) {
  to.insert(to.end(), window.begin(), window.end());
  to.insert(to.end(), compressed.begin(), compressed.end());
}

std::vector<int32_t> visible_selection(const StepPositions& step, int64_t token, int64_t ratio,
                                       std::vector<int32_t> selected) {
  const int64_t first = kWindow + step.tokens_per_request;
  const int64_t end = first + visible_rows(step, token, ratio);
  for (int32_t& entry : selected)
    if (entry < first || entry >= end) entry = -1;
  return selected;
}

}  // namespace kernels::attention
