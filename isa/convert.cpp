// TCVT: vector loops for the pairs kernels use, one element at a time for the rest.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "isa/checks.h"
#include "isa/host/kernels.h"
#include "isa/lanes.h"
#include "isa/numerics.h"

namespace isa {
namespace {

bool is_float(DType t) { return t == DType::F32 || t == DType::BF16 || t == DType::F16; }

bool nearest_even(RoundMode mode) { return mode == RoundMode::None || mode == RoundMode::Rint; }

/// Every int32 of the area is exact in fp16, so the mode does not matter.
bool exact_in_f16(const TileView& src) {
  for (int64_t r = 0; r < src.valid_rows; ++r) {
    const int32_t* p = src.row<int32_t>(r);
    uint32_t outside = 0;  // of [-2048, 2048]; an or instead of a branch vectorises
    for (int64_t c = 0; c < src.valid_cols; ++c)
      outside |= (static_cast<uint32_t>(p[c]) + 2048u) & ~4095u & (p[c] == 2048 ? 0u : ~0u);
    if (outside != 0) return false;
  }
  return true;
}

/// The vector loop for the pair and mode, or kCasts.
host::Cast vector_cast(const TileView& src, DType to, RoundMode mode) {
  const auto pair = [&](DType f, DType t) { return src.dtype == f && to == t; };
  if (pair(DType::BF16, DType::F32)) return host::kBf16ToF32;
  if (pair(DType::F16, DType::F32)) return host::kF16ToF32;
  if (pair(DType::F32, DType::BF16)) return host::kF32ToBf16;
  if (pair(DType::F32, DType::I32)) return host::kF32ToI32;
  if (pair(DType::I32, DType::F32)) return host::kI32ToF32;
  if (pair(DType::F16, DType::I8)) return host::kF16ToI8;
  if (pair(DType::F32, DType::F16) && nearest_even(mode)) return host::kF32ToF16;
  if (pair(DType::I32, DType::F16) && (nearest_even(mode) || exact_in_f16(src)))
    return host::kI32ToF16;
  return host::kCasts;
}

float read_float(const uint8_t* p, DType t) {
  if (t == DType::F32) {
    float f;
    std::memcpy(&f, p, 4);
    return f;
  }
  uint16_t h;
  std::memcpy(&h, p, 2);
  return t == DType::BF16 ? bf16_to_f32(h) : f16_to_f32(h);
}

void write_float(uint8_t* p, DType t, float f, RoundMode mode) {
  if (t == DType::F32) {
    std::memcpy(p, &f, 4);
    return;
  }
  const uint16_t h = t == DType::BF16 ? f32_to_bf16(f, mode) : f32_to_f16(f, mode);
  std::memcpy(p, &h, 2);
}

void convert_element(uint8_t* to, DType to_type, const uint8_t* from, DType from_type,
                     RoundMode mode) {
  if (is_float(from_type)) {
    const float x = read_float(from, from_type);
    if (is_float(to_type)) return write_float(to, to_type, x, mode);
    const uint64_t bits = low_bits(round_to_integral(static_cast<double>(x), mode));
    return set_integer(to, to_type, static_cast<int64_t>(bits));
  }
  const int64_t i = get_integer(from, from_type);
  if (!is_float(to_type)) return set_integer(to, to_type, i);
  // To nearest in fp32. What that rounds away lies far above the largest fp16.
  write_float(to, to_type, static_cast<float>(i), mode);
}

}  // namespace

bool cast_supported(DType from, DType to, bool a5) {
  const auto is_one_of = [to](std::initializer_list<DType> list) {
    return std::find(list.begin(), list.end(), to) != list.end();
  };
  switch (from) {
    case DType::F32:
      return is_one_of({DType::F16, DType::BF16, DType::I16, DType::I32, DType::I64});
    case DType::F16:
      return is_one_of({DType::F32, DType::I32, DType::I16, DType::I8, DType::U8});
    case DType::BF16:
      return is_one_of({DType::F32, DType::I32}) || (a5 && to == DType::F16);
    case DType::I16:
      return is_one_of({DType::F16, DType::F32});
    case DType::I32:
      return is_one_of({DType::F32, DType::I16, DType::I64}) || (!a5 && to == DType::F16);
    case DType::I64:
      return is_one_of({DType::F32, DType::I32});
    case DType::U8:
      return to == DType::F16;
    case DType::I8:
      return to == DType::F16 || (a5 && is_one_of({DType::I16, DType::I32}));
    case DType::U16:
    case DType::U32:
      return false;
  }
  return false;
}

bool cast_by_detour(DType from, DType to, bool a5) {
  return a5 && from == DType::I32 && to == DType::F16;
}

void convert(const Attr& attr, const TileView& dst, const TileView& src) {
  if (!cast_supported(src.dtype, dst.dtype, false) && !cast_supported(src.dtype, dst.dtype, true))
    throw Error("isa.dtype", fmt::format("TCVT has no conversion from {} to {}", name(src.dtype),
                                         name(dst.dtype)));
  const Area area = valid_area(src);
  require_area(Opcode::TCVT, "dst", dst, area);
  const size_t from_size = size_of(src.dtype), to_size = size_of(dst.dtype);
  if (dst.data == src.data && to_size > from_size)
    throw Error("isa.alias", "TCVT to a wider type cannot write in place");
  const host::Cast fast = vector_cast(src, dst.dtype, attr.round);
  if (fast != host::kCasts) {
    host::kernels().cast[fast]({dst.data, dst.stride}, {src.data, src.stride},
                               {area.rows, area.cols}, attr.round);
    return;
  }
  for (int64_t r = 0; r < area.rows; ++r) {
    const uint8_t* from = src.data + static_cast<size_t>(r * src.stride) * from_size;
    uint8_t* to = dst.data + static_cast<size_t>(r * dst.stride) * to_size;
    for (int64_t c = 0; c < area.cols; ++c, from += from_size, to += to_size)
      convert_element(to, dst.dtype, from, src.dtype, attr.round);
  }
}

}  // namespace isa
