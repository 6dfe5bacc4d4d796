#include "kernels/compressor/host.h"
#include "kernels/declare.h"
#include "kernels/fixtures.h"
#include "kernels/prefill_compressor/host.h"

namespace kernels::prefill_compressor {
namespace {

using isa::DType;

// Fixture::Holes: every n-th token, or completed window, gets no slot.
constexpr int64_t kStateHole = 7, kWriteHole = 5;

/// Physical page of a logical state page (kernels.md §1.3).
int64_t state_page(int64_t block, int64_t pages) { return (17 * block + 3) % pages; }

bool hole(const Config& c, int64_t index, int64_t every) {
  return c.fixture == Fixture::Holes && index % every == every - 1;
}

/// Rows of the positions before the chunk.
void fill_history(const Config& c, uint64_t seed, const HostTensor& state,
                  const HostTensor& table) {
  const RngKey key = rng_key(seed, state.name);
  const Distribution d = uniform(-0.025f, 0.025f);
  const int64_t rows = c.state_page_rows(), width = c.width();
  for (int64_t p = 0; p < c.start_pos; ++p) {
    const int64_t row = table.as<int32_t>()[p / rows] * rows + p % rows;
    d.fill(key, static_cast<uint32_t>(p * width), width, state.as<float>() + row * width);
  }
}

}  // namespace

std::vector<TensorSpec> own_specs(const Config& c) {
  const std::string& p = c.prefix;
  const std::vector<int64_t> state = {c.state_pages, c.state_page_rows(), c.width()};
  return {{p + "kv_state", DType::F32, state, Role::InOut},
          {p + "score_state", DType::F32, state, Role::InOut},
          {p + "compress_state_block_table", DType::I32, {1, c.state_pages}},
          {p + "state_slot_mapping", DType::I64, {c.tokens}},
          {p + "wkv", DType::BF16, {c.hidden, c.width()}},
          {p + "wgate", DType::BF16, {c.hidden, c.width()}},
          {p + "ape", DType::F32, {c.ratio(), c.width()}},
          {p + "norm_w", DType::BF16, {c.head()}}};
}

void declare_own(pl::Session& session, const TensorSet& inputs, const Config& c, Args& args) {
  const auto tensor = [&](const char* name) { return declare(session, inputs, c.prefix + name); };
  args.kv_state = tensor("kv_state");
  args.score_state = tensor("score_state");
  args.state_table = tensor("compress_state_block_table");
  args.state_slots = tensor("state_slot_mapping");
  args.wkv = tensor("wkv");
  args.wgate = tensor("wgate");
  args.ape = tensor("ape");
  args.norm_w = declare_row(session, inputs, c.prefix + "norm_w");
}

void fill_weights(const Config& c, uint64_t seed, const TensorSet& set) {
  compressor::Config decode;
  decode.kind = c.kind;
  decode.prefix = c.prefix;
  compressor::fill_weights(decode, seed, set);
}

void fill_positions(const Config& c, const HostTensor& positions) {
  for (int64_t t = 0; t < c.num_tokens; ++t)
    positions.as<int32_t>()[t] = static_cast<int32_t>(c.start_pos + t);
}

void fill_state(const Config& c, uint64_t seed, const TensorSet& set) {
  const HostTensor& table = set.at(c.prefix + "compress_state_block_table");
  for (int64_t block = 0; block < c.state_pages; ++block)
    table.as<int32_t>()[block] = static_cast<int32_t>(state_page(block, c.state_pages));
  auto* slots = set.at(c.prefix + "state_slot_mapping").as<int64_t>();
  const int64_t rows = c.state_page_rows();
  for (int64_t t = 0; t < c.tokens; ++t) {
    const int64_t position = c.start_pos + t;
    const bool kept = t < c.num_tokens && !hole(c, t, kStateHole);
    slots[t] = kept ? table.as<int32_t>()[position / rows] * rows + position % rows : -1;
  }
  fill_history(c, seed, set.at(c.prefix + "kv_state"), table);
  fill_history(c, seed, set.at(c.prefix + "score_state"), table);
}

void fill_cmp_slots(const Config& c, const HostTensor* table, const HostTensor& cmp_slots) {
  for (int64_t t = 0; t < c.tokens; ++t) {
    const int64_t position = c.start_pos + t, row = position / c.ratio();
    const bool completes = t < c.num_tokens && (position + 1) % c.ratio() == 0;
    const int64_t page = table == nullptr ? row / kPage : table->as<int32_t>()[row / kPage];
    const bool written = completes && !hole(c, row, kWriteHole);
    cmp_slots.as<int64_t>()[t] = written ? page * kPage + row % kPage : -1;
  }
}

Host host_of(const Config& c, const TensorSet& set, const std::string& cmp_slots_name,
             const std::string& cache_name) {
  const auto own = [&](const char* name) -> const HostTensor& { return set.at(c.prefix + name); };
  return {own("kv_state"),
          own("score_state"),
          own("compress_state_block_table"),
          own("state_slot_mapping"),
          own("wkv"),
          own("wgate"),
          own("ape"),
          own("norm_w"),
          set.at("freqs_cos"),
          set.at("freqs_sin"),
          set.at("position_ids"),
          set.at(cmp_slots_name),
          set.at(cache_name),
          set.has("hadamard") ? &set.at("hadamard") : nullptr};
}

}  // namespace kernels::prefill_compressor
