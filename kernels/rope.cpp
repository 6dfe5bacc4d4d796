#include "kernels/rope.h"

#include <iterator>

#include "isa/error.h"

namespace kernels::rope {

using isa::DType;
using pl::MaskPattern;
using pl::RoundMode;
using pl::Tensor;
using pl::Tile;

namespace {

constexpr const char* kLayoutNames[] = {"selector_matmul", "mask_scatter",      "swap_gather",
                                        "split_half",      "fused_swap_gather", "hoisted",
                                        "index_scatter"};

/// FP32 values; half tables are FP32 already.
Tile as_f32(const Tile& t) { return t.dtype() == DType::F32 ? t : pl::cast(t, DType::F32); }

}  // namespace

std::string to_string(Layout layout) { return kLayoutNames[static_cast<size_t>(layout)]; }

Layout parse_layout(const std::string& text) {
  for (size_t i = 0; i < std::size(kLayoutNames); ++i)
    if (text == kLayoutNames[i]) return static_cast<Layout>(i);
  throw isa::Error("knob.value", "there is no RoPE layout '" + text + "'");
}

Knob layout_knob(const std::vector<Layout>& forms) {
  Knob k;
  k.name = "layout";
  k.doc = "RoPE form";
  k.kind = Knob::Kind::Choice;
  for (Layout form : forms) k.choices.push_back(to_string(form));
  k.default_value = k.choices.front();
  return k;
}

std::string refused_on_chip(const std::string& program, Layout layout, const std::string& chip) {
  if (layout != Layout::MaskScatter || chip != "a5") return "";
  return program +
         ": layout=mask_scatter needs the mask form of scatter, which a5 does not have; use "
         "swap_gather or split_half";
}

SwapIndex SwapIndex::first_rows(int64_t rows) const {
  if (rows == dup.rows()) return *this;
  return {dup.window(0, 0, rows, kLanes), swap.window(0, 0, rows, kLanes),
          sign.window(0, 0, rows, kLanes)};
}

SwapIndex make_swap_index(int64_t rows) {
  const Tile ones = pl::full(rows, kLanes, DType::F32, 1.0);
  const Tile lanes = pl::cast(pl::arange(0, kLanes), DType::F32);
  const Tile column = pl::col_expand_mul(ones, lanes);
  const Tile pair =
      pl::cast(pl::cast(pl::mul(column, 0.5), DType::I32, RoundMode::Trunc), DType::F32);
  const Tile dup = pl::cast(pair, DType::I32, RoundMode::Rint);
  const Tile odd = pl::sub(column, pl::mul(pair, 2.0));  // j - 2 * (j >> 1)
  const Tile next = pl::add(column, 1.0);
  const Tile swap = pl::cast(pl::sub(next, pl::mul(odd, 2.0)), DType::I32, RoundMode::Rint);
  return {dup, swap, pl::sub(pl::mul(odd, 2.0), 1.0)};
}

Tables load_half(const Tensor& cos, const Tensor& sin, int64_t token, int64_t rows) {
  const Tile c = pl::load(cos, {token, 0}, {rows, kHalf});
  const Tile s = pl::load(sin, {token, 0}, {rows, kHalf});
  return {as_f32(c), as_f32(s)};
}

Tables load_duplicated(const Tensor& cos, const Tensor& sin, int64_t token, int64_t rows,
                       const SwapIndex& index) {
  const Tile c = pl::gather(as_f32(pl::load(cos, {token, 0}, {rows, cos.dim(1)})), index.dup);
  const Tile s = pl::gather(as_f32(pl::load(sin, {token, 0}, {rows, sin.dim(1)})), index.dup);
  return {c, s};
}

Pairs split_lanes(const Tile& x) {
  return {pl::gather_mask(x, MaskPattern::P0101), pl::gather_mask(x, MaskPattern::P1010)};
}

Pairs rotate(const Pairs& x, const Tables& half) {
  // Named one by one: the order of a call's arguments is the compiler's choice, a recording's is
  // not.
  const Tile first_cos = pl::mul(x.first, half.cos);
  const Tile second_sin = pl::mul(x.second, half.sin);
  const Tile first = pl::sub(first_cos, second_sin);
  const Tile first_sin = pl::mul(x.first, half.sin);
  const Tile second_cos = pl::mul(x.second, half.cos);
  return {first, pl::add(first_sin, second_cos)};
}

Pairs rotate_inverse(const Pairs& x, const Tables& half) {
  const Tile first_cos = pl::mul(x.first, half.cos);
  const Tile second_sin = pl::mul(x.second, half.sin);
  const Tile first = pl::add(first_cos, second_sin);
  const Tile second_cos = pl::mul(x.second, half.cos);
  const Tile first_sin = pl::mul(x.first, half.sin);
  return {first, pl::sub(second_cos, first_sin)};
}

Tile interleave_by_scatter(const Pairs& x) {
  Tile lanes = pl::full(x.first.rows(), kLanes, DType::F32, 0.0);
  lanes = pl::scatter_mask(lanes, x.first, MaskPattern::P0101);
  return pl::scatter_mask(lanes, x.second, MaskPattern::P1010);
}

Tile interleave_by_index(const Pairs& x, const Tile& even, const Tile& odd) {
  const Tile even_lanes = pl::col_expand(x.first, even);
  const Tile odd_lanes = pl::col_expand(x.second, odd);
  Tile lanes = pl::full(x.first.rows(), kLanes, DType::F32, 0.0);
  lanes = pl::scatter(lanes, even_lanes, x.first);
  return pl::scatter(lanes, odd_lanes, x.second);
}

Tile rotate_by_swap(const Tile& x, const Tables& duplicated, const SwapIndex& index) {
  const Tile swapped = pl::gather(x, index.swap);
  const Tile along = pl::mul(x, duplicated.cos);
  return pl::add(along, pl::mul(pl::mul(swapped, index.sign), duplicated.sin));
}

Tile rotate_by_signed_swap(const Tile& x, const Tile& swap, const Tile& cos,
                           const Tile& signed_sin) {
  const Tile swapped = pl::gather(x, swap);
  const Tile along = pl::mul(x, cos);
  return pl::add(along, pl::mul(swapped, signed_sin));
}

Tile interleave_by_selector(const Pairs& x, const Tile& even_select, const Tile& odd_select) {
  return pl::matmul_acc(pl::matmul(x.first, even_select), x.second, odd_select);
}

}  // namespace kernels::rope
