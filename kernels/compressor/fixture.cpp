#include <algorithm>
#include <limits>

#include "kernels/compressor/host.h"
#include "kernels/declare.h"
#include "kernels/fixtures.h"
#include "kernels/rope_tables.h"

namespace kernels::compressor {
namespace {

using isa::DType;

struct Published {
  Distribution wkv, wgate, ape, norm_w;
};
Published distributions(Kind kind) {
  switch (kind) {
    case Kind::Ratio4:
      return {normal(.0245f), normal(.0388f), normal(.1243f), normal(.1929f, .9666f)};
    case Kind::Ratio128:
      return {normal(.0246f), normal(.0316f), normal(.0340f), normal(.0549f, .1001f)};
    case Kind::Indexer:
      return {normal(.0293f), normal(.0512f), normal(.1528f), normal(.2610f, .6850f)};
  }
  return {};
}

/// The names of the two tensors a layout needs besides; none for most.
std::vector<TensorSpec> layout_specs(const Config& c) {
  if (c.layout == rope::Layout::IndexScatter)
    return {{c.prefix + "even_idx", DType::I32, {1, kHalf}},
            {c.prefix + "odd_idx", DType::I32, {1, kHalf}}};
  if (c.layout == rope::Layout::SelectorMatmul)
    return {{c.prefix + "even_select", DType::BF16, {kRope, kHalf}},
            {c.prefix + "odd_select", DType::BF16, {kRope, kHalf}}};
  return {};
}

void fill_layout_tensors(const Config& c, const TensorSet& set) {
  const std::vector<TensorSpec> specs = layout_specs(c);
  for (size_t odd = 0; odd < specs.size(); ++odd) {
    const HostTensor& t = set.at(specs[odd].name);
    for (int64_t i = 0; i < kHalf; ++i) {
      const auto lane = 2 * i + static_cast<int64_t>(odd);
      if (t.dtype == DType::I32)
        t.as<int32_t>()[i] = static_cast<int32_t>(lane);
      else
        t.as<uint16_t>()[lane * kHalf + i] = 0x3f80;  // 1
    }
  }
}

}  // namespace

std::vector<TensorSpec> own_specs(const Config& c) {
  const std::string& p = c.prefix;
  const int64_t pages = c.batch * c.state_pages;
  std::vector<TensorSpec> specs = {
      {p + "compress_state", DType::F32, {pages, c.state_page_rows(), 2 * c.width()}, Role::InOut},
      {p + "compress_state_block_table", DType::I32, {c.batch, c.state_pages}},
      {p + "state_slot_mapping", DType::I64, {c.batch, c.seq}},
      {p + "wkv", DType::BF16, {c.hidden, c.width()}},
      {p + "wgate", DType::BF16, {c.hidden, c.width()}},
      {p + "ape", DType::F32, {c.ratio(), c.width()}},
      {p + "norm_w", DType::BF16, {c.head()}}};
  for (TensorSpec& spec : layout_specs(c)) specs.push_back(std::move(spec));
  return specs;
}

void declare_own(pl::Session& session, const TensorSet& inputs, const Config& c, Args& args) {
  const auto tensor = [&](const char* name) { return declare(session, inputs, c.prefix + name); };
  args.state = tensor("compress_state");
  args.state_table = tensor("compress_state_block_table");
  args.state_slots = tensor("state_slot_mapping");
  args.wkv = tensor("wkv");
  args.wgate = tensor("wgate");
  args.ape = tensor("ape");
  args.norm_w = declare_row(session, inputs, c.prefix + "norm_w");
  const std::vector<TensorSpec> extra = layout_specs(c);
  if (extra.empty()) return;
  args.even = declare(session, inputs, extra[0].name);
  args.odd = declare(session, inputs, extra[1].name);
}

void fill_weights(const Config& c, uint64_t seed, const TensorSet& set) {
  const Published p = distributions(c.kind);
  fill(set.at(c.prefix + "wkv"), seed, p.wkv);
  fill(set.at(c.prefix + "wgate"), seed, p.wgate);
  fill(set.at(c.prefix + "ape"), seed, p.ape);
  fill(set.at(c.prefix + "norm_w"), seed, p.norm_w);
  fill_layout_tensors(c, set);
}

int64_t PageTable::page(int64_t request, int64_t logical) const {
  if (logical == 0)
    logical = swapped;
  else if (logical == swapped)
    logical = 0;
  return pages * request + logical;
}

int64_t PageTable::row(int64_t request, int64_t logical_row) const {
  return page(request, logical_row / page_rows) * page_rows + logical_row % page_rows;
}

void fill_state_paging(const Config& c, const HostTensor& positions, const PageTable& pages,
                       const TensorSet& set) {
  auto* table = set.at(c.prefix + "compress_state_block_table").as<int32_t>();
  auto* slots = set.at(c.prefix + "state_slot_mapping").as<int64_t>();
  for (int64_t b = 0; b < c.batch; ++b) {
    for (int64_t j = 0; j < c.state_pages; ++j)
      table[b * c.state_pages + j] = static_cast<int32_t>(pages.page(b, j));
    for (int64_t t = b * c.seq; t < (b + 1) * c.seq; ++t)
      slots[t] = pages.row(b, positions.as<int32_t>()[t]);
  }
}

void fill_history(const Config& c, uint64_t seed, const HostTensor& positions,
                  const PageTable& pages, const HostTensor& state) {
  const int64_t row = 2 * c.width();
  for (int64_t r = 0; r < state.numel() / row; ++r) {
    std::fill_n(state.as<float>() + r * row, c.width(), 0.0f);
    std::fill_n(state.as<float>() + r * row + c.width(), c.width(),
                -std::numeric_limits<float>::infinity());
  }
  const RngKey key = rng_key(seed, state.name);
  for (int64_t b = 0; b < c.batch; ++b)
    for (int64_t p = 0; p < positions.as<int32_t>()[b * c.seq]; ++p) {
      const int64_t at = pages.row(b, p) * row;
      normal(.05f).fill(key, static_cast<uint32_t>(at), row, state.as<float>() + at);
    }
}

void fill_cmp_slots(const Config& c, const HostTensor& positions, const PageTable& pages,
                    const HostTensor& cmp_slots) {
  for (int64_t b = 0; b < c.batch; ++b)
    for (int64_t t = b * c.seq; t < (b + 1) * c.seq; ++t) {
      const int64_t position = positions.as<int32_t>()[t];
      const bool completes = (position + 1) % c.ratio() == 0;
      cmp_slots.as<int64_t>()[t] = completes ? pages.row(b, position / c.ratio()) : -1;
    }
}

void fill_window_tables(const Config& c, const HostTensor& positions, const HostTensor& cos,
                        const HostTensor& sin) {
  const auto* p = positions.as<int32_t>();
  const int64_t rows = *std::max_element(p, p + positions.numel()) + 1;
  const HostTensor cos_table = make_tensor("cos", DType::BF16, {rows, kRope}, Role::Input);
  const HostTensor sin_table = make_tensor("sin", DType::BF16, {rows, kRope}, Role::Input);
  fill_rope_tables(RopeProfile::Compressed, cos_table, sin_table);
  for (int64_t b = 0; b < c.batch; ++b) {
    const int64_t start = p[b * c.seq] / c.ratio() * c.ratio();
    bf16_to_f32(cos_table.as<uint16_t>() + start * kRope, kHalf, cos.as<float>() + b * kHalf);
    bf16_to_f32(sin_table.as<uint16_t>() + start * kRope, kHalf, sin.as<float>() + b * kHalf);
  }
}

Host host_of(const Config& c, const TensorSet& set, const std::string& cache_name,
             const std::string& slots_name) {
  const auto own = [&](const char* name) -> const HostTensor& { return set.at(c.prefix + name); };
  return {own("compress_state"),
          own("compress_state_block_table"),
          own("state_slot_mapping"),
          own("wkv"),
          own("wgate"),
          own("ape"),
          own("norm_w"),
          set.at("position_ids"),
          set.at(slots_name),
          set.at(cache_name),
          set.has("hadamard") ? &set.at("hadamard") : nullptr};
}

}  // namespace kernels::compressor
