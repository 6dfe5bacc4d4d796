// Projections of the step's tokens and their place in the paged state.
#include "kernels/compressor/scopes.h"
#include "kernels/launch.h"

namespace kernels::compressor {

void kv_score_proj(const Config& c, const Args& a, const Tensor& k, const Tensor& g) {
  const Tensor x = as_rows(a.x);
  const int64_t m_tiles = ceil_div(c.tokens(), c.proj_m_tile), n_tiles = c.width() / c.proj_n_tile;
  launch("kv_score_proj", m_tiles * n_tiles, [&](int64_t block) {
    const int64_t m0 = block / n_tiles * c.proj_m_tile, n0 = block % n_tiles * c.proj_n_tile;
    Tile k_acc, g_acc;
    for (int64_t i : loop(c.hidden / c.proj_k_tile, c.proj_stage)) {
      const int64_t k0 = i * c.proj_k_tile;
      const Tile xi = pl::load(x, {m0, k0}, {c.proj_m_tile, c.proj_k_tile});
      const Tile wkv = pl::load(a.wkv, {k0, n0}, {c.proj_k_tile, c.proj_n_tile});
      const Tile wgate = pl::load(a.wgate, {k0, n0}, {c.proj_k_tile, c.proj_n_tile});
      k_acc = i == 0 ? pl::matmul(xi, wkv) : pl::matmul_acc(k_acc, xi, wkv);
      g_acc = i == 0 ? pl::matmul(xi, wgate) : pl::matmul_acc(g_acc, xi, wgate);
    }
    pl::store(k_acc, {m0, n0}, k);
    pl::store(g_acc, {m0, n0}, g);
  });
}

void state_scatter(const Config& c, const Args& a, const std::string& name, const Tensor& k,
                   const Tensor& g) {
  const Tensor state = as_rows(a.state);
  const int64_t width = c.width();
  launch(name, 1, [&](int64_t) {
    for (int64_t b : pl::range(c.batch)) {
      for (int64_t s : loop(c.seq, c.state_stage)) {
        const int64_t token = b * c.seq + s;
        const int64_t slot = pl::read_int(a.state_slots, {b, s});
        if (slot < 0) continue;
        const int64_t position = pl::read_int(a.positions, {b, s});
        const Tile value = pl::load(k, {token, 0}, {1, width});
        const Tile score = pl::load(g, {token, 0}, {1, width});
        const Tile ape = pl::load(a.ape, {position % c.ratio(), 0}, {1, width});
        pl::store(value, {slot, 0}, state);
        pl::store(pl::add(score, ape), {slot, width}, state);
      }
    }
  });
}

}  // namespace kernels::compressor
