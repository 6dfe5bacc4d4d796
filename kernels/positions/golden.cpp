#include "kernels/positions/golden.h"

#include <algorithm>

#include "isa/error.h"
#include "kernels/fixtures.h"
#include "kernels/model.h"
#include "kernels/text.h"

namespace kernels::positions {

using isa::DType;

std::vector<std::string> kind_names() { return {"csa", "hca", "swa"}; }

Kind parse_kind(const std::string& text) {
  const std::vector<std::string> names = kind_names();
  const auto it = std::find(names.begin(), names.end(), text);
  if (it == names.end())
    throw isa::Error("knob.value", "kind", "'" + text + "' is none of " + join(names));
  return static_cast<Kind>(it - names.begin());
}

RopeProfile profile_of(Kind kind) {
  return kind == Kind::Swa ? RopeProfile::Base : RopeProfile::Compressed;
}

std::vector<int64_t> start_positions(Kind kind) {
  switch (kind) {
    case Kind::Csa:
      return {10, 2, 3, 4, 6, 11, 126, 127, 128};
    case Kind::Hca:
      return {10, 126, 127, 128, 254, 383};
    case Kind::Swa:
      break;
  }
  return {9, 31, 62, 127};
}

void fill_decode_positions(const HostTensor& position_ids, const std::vector<int64_t>& starts) {
  const int64_t batch = position_ids.shape[0], seq = position_ids.shape[1];
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t s = 0; s < seq; ++s)
      position_ids.as<int32_t>()[b * seq + s] =
          static_cast<int32_t>(starts[static_cast<size_t>(b) % starts.size()] + s);
}

void fill_prefill_positions(const HostTensor& position_ids, int64_t start) {
  for (int64_t t = 0; t < position_ids.numel(); ++t)
    position_ids.as<int32_t>()[t] = static_cast<int32_t>(start + t);
}

std::vector<int64_t> position_list(const HostTensor& position_ids) {
  const int32_t* p = position_ids.as<int32_t>();
  return {p, p + position_ids.numel()};
}

std::vector<int64_t> request_positions(const HostTensor& position_ids, int64_t group) {
  std::vector<int64_t> first;
  for (int64_t b = 0; b < position_ids.shape[0]; ++b) {
    const int64_t p = position_ids.as<int32_t>()[b * position_ids.shape[1]];
    first.push_back(p / group * group);
  }
  return first;
}

HostTensor golden_rows(const HostTensor& table, const std::vector<int64_t>& positions) {
  HostTensor rows = make_tensor(table.name, DType::BF16,
                                {static_cast<int64_t>(positions.size()), kRope}, Role::Input);
  uint16_t* out = rows.as<uint16_t>();
  for (const int64_t p : positions) out = std::copy_n(table.as<uint16_t>() + p * kRope, kRope, out);
  return rows;
}

HostTensor golden_half_rows(const HostTensor& table, const std::vector<int64_t>& positions) {
  HostTensor rows = make_tensor(table.name, DType::F32,
                                {static_cast<int64_t>(positions.size()), kHalf}, Role::Input);
  float* out = rows.as<float>();
  for (const int64_t p : positions) {
    bf16_to_f32(table.as<uint16_t>() + p * kRope, kHalf, out);
    out += kHalf;
  }
  return rows;
}

}  // namespace kernels::positions
