// Projections of the chunk's tokens and their place in the paged state.
#include <algorithm>

#include "kernels/prefill_compressor/scopes.h"

namespace kernels::prefill_compressor {
namespace {

using isa::DType;

constexpr int64_t kGuardLanes = 16;

/// value + 0 x pooled[0, 0:16] in the first lanes: the same value, and an order.
Tile guarded(const Tile& value, const Tensor& pooled) {
  const Tile guard = pl::load(pooled, {0, 0}, {1, kGuardLanes});
  const Tile zero = pl::mul(guard, 0.0);
  const Tile head = pl::add(value.window(0, 0, 1, kGuardLanes), zero);
  return pl::assemble(value, head, 0, 0);
}

}  // namespace

void state_proj(const Config& c, const Args& a, const std::string& name, const Tensor& k,
                const Tensor& g) {
  const int64_t m_tiles = ceil_div(c.tokens, c.proj_m_tile), n_tiles = c.width() / c.proj_n_tile;
  const int64_t rows = std::min(c.proj_m_tile, c.tokens);
  launch(name, m_tiles * n_tiles, [&](int64_t block) {
    const int64_t m0 = block / n_tiles * c.proj_m_tile, n0 = block % n_tiles * c.proj_n_tile;
    Tile k_acc, g_acc;
    for (int64_t i : loop(c.hidden / c.proj_k_tile, c.proj_stage)) {
      const int64_t k0 = i * c.proj_k_tile;
      const Tile x = pl::load(a.x, {m0, k0}, {rows, c.proj_k_tile});
      const Tile wkv = pl::load(a.wkv, {k0, n0}, {c.proj_k_tile, c.proj_n_tile});
      const Tile wgate = pl::load(a.wgate, {k0, n0}, {c.proj_k_tile, c.proj_n_tile});
      k_acc = i == 0 ? pl::matmul(x, wkv) : pl::matmul_acc(k_acc, x, wkv);
      g_acc = i == 0 ? pl::matmul(x, wgate) : pl::matmul_acc(g_acc, x, wgate);
    }
    pl::store(k_acc, {m0, n0}, k);
    pl::store(g_acc, {m0, n0}, g);
  });
}

void state_update(const Config& c, const Args& a, const std::string& name, const Tensor& k,
                  const Tensor& g, const Tensor& pooled) {
  const Tensor kv_state = as_rows(a.kv_state), score_state = as_rows(a.score_state);
  const int64_t chunks = c.width() / c.state_chunk;
  launch(name, c.tokens * chunks, [&](int64_t block) {
    const int64_t token = block / chunks, column = block % chunks * c.state_chunk;
    const int64_t slot = pl::read_int(a.state_slots, {token});
    if (slot < 0) return;
    const int64_t position = pl::read_int(a.positions, {token});
    const Tile value = pl::load(k, {token, column}, {1, c.state_chunk});
    const Tile score = pl::load(g, {token, column}, {1, c.state_chunk});
    const Tile ape = pl::load(a.ape, {position % c.ratio(), column}, {1, c.state_chunk});
    pl::store(guarded(value, pooled), {slot, column}, kv_state);
    pl::store(pl::add(score, ape), {slot, column}, score_state);
  });
}

}  // namespace kernels::prefill_compressor
