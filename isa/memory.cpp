// Moves between GM and tiles, and single elements.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "isa/checks.h"
#include "isa/host/kernels.h"
#include "isa/numerics.h"
#include "isa/semantics.h"

namespace isa {
namespace {

template <class T>
T read_as(const uint8_t* p) {
  T v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
template <class T>
void write_as(uint8_t* p, T v) {
  std::memcpy(p, &v, sizeof v);
}

std::string describe(const GmAccess& gm) {
  return fmt::format("GM window [{}x{}] {}", gm.rows, gm.cols, name(gm.dtype));
}

const uint8_t* element(const TileView& t, int64_t row, int64_t col) {
  if (!t.present() || row < 0 || col < 0 || row >= t.rows || col >= t.cols)
    throw Error("isa.shape",
                fmt::format("element ({}, {}) is outside tile {}", row, col, describe(t)));
  return t.data + (row * t.stride + col) * static_cast<int64_t>(size_of(t.dtype));
}

uint8_t* gm_row(const GmAccess& gm, uint8_t* base, int64_t r) {
  return base + (gm.offset + r * gm.row_stride) * static_cast<int64_t>(size_of(gm.dtype));
}

/// FIXPIPE's conversion of an accumulator row to a narrower GM type.
bool narrows(DType from, DType to) {
  return (from == DType::F32 || from == DType::I32) && (to == DType::BF16 || to == DType::F16);
}
uint16_t narrow(const uint8_t* p, DType from, DType to) {
  const float f = from == DType::F32 ? read_as<float>(p) : static_cast<float>(read_as<int32_t>(p));
  return to == DType::BF16 ? f32_to_bf16(f) : f32_to_f16(f);
}

void add_bf16(uint8_t* gm, uint16_t value) {
  write_as(gm, f32_to_bf16(bf16_to_f32(read_as<uint16_t>(gm)) + bf16_to_f32(value)));
}

void add_row(uint8_t* gm, const uint8_t* src, DType t, int64_t n) {
  if (t == DType::F32)
    for (int64_t i = 0; i < n; ++i, gm += 4, src += 4)
      write_as(gm, read_as<float>(gm) + read_as<float>(src));
  else if (t == DType::I32)
    for (int64_t i = 0; i < n; ++i, gm += 4, src += 4)
      write_as(gm, read_as<uint32_t>(gm) + read_as<uint32_t>(src));
  else
    for (int64_t i = 0; i < n; ++i, gm += 2, src += 2) add_bf16(gm, read_as<uint16_t>(src));
}

void narrow_row(uint8_t* gm, DType gm_type, const uint8_t* src, DType src_type, int64_t n,
                bool atomic) {
  for (int64_t i = 0; i < n; ++i, gm += 2, src += 4) {
    const uint16_t value = narrow(src, src_type, gm_type);
    if (atomic)
      add_bf16(gm, value);
    else
      write_as(gm, value);
  }
}

void store_row(uint8_t* gm, DType gm_type, const uint8_t* src, DType src_type, int64_t n,
               bool atomic) {
  if (src_type != gm_type)
    narrow_row(gm, gm_type, src, src_type, n, atomic);
  else if (atomic)
    add_row(gm, src, gm_type, n);
  else
    std::memcpy(gm, src, static_cast<size_t>(n) * size_of(gm_type));
}

}  // namespace

void load(const TileView& dst, const GmAccess& gm, const uint8_t* gm_base) {
  if (dst.dtype != gm.dtype)
    throw Error("isa.dtype",
                fmt::format("TLOAD: tile {} and {} differ", describe(dst), describe(gm)));
  if (!dst.present() || gm.rows > dst.rows || gm.cols > dst.cols)
    throw Error("isa.shape",
                fmt::format("TLOAD: {} does not fit tile {}", describe(gm), describe(dst)));
  const size_t size = size_of(gm.dtype);
  const size_t copied = static_cast<size_t>(gm.row_bytes());
  const size_t padding = static_cast<size_t>(dst.cols - gm.cols) * size;
  for (int64_t r = 0; r < dst.rows; ++r) {
    uint8_t* to = dst.data + r * dst.stride * static_cast<int64_t>(size);
    if (r >= gm.rows) {
      std::memset(to, 0, copied + padding);
      continue;
    }
    std::memcpy(to, gm_row(gm, const_cast<uint8_t*>(gm_base), r), copied);
    std::memset(to + copied, 0, padding);
  }
}

void store(const TileView& src, const GmAccess& gm, uint8_t* gm_base, bool atomic) {
  if (!src.present()) throw Error("isa.shape", "TSTORE: source is missing");
  if (src.dtype != gm.dtype && !narrows(src.dtype, gm.dtype))
    throw Error("isa.dtype",
                fmt::format("TSTORE: tile {} cannot go to {}", describe(src), describe(gm)));
  if (atomic && gm.dtype != DType::F32 && gm.dtype != DType::I32 && gm.dtype != DType::BF16)
    throw Error("isa.dtype", fmt::format("TSTORE: no atomic add to {}", describe(gm)));
  const int64_t rows = std::min(src.valid_rows, gm.rows);
  const int64_t cols = std::min(src.valid_cols, gm.cols);
  const int64_t pitch = src.stride * static_cast<int64_t>(size_of(src.dtype));
  for (int64_t r = 0; r < rows; ++r)
    store_row(gm_row(gm, gm_base, r), gm.dtype, src.data + r * pitch, src.dtype, cols, atomic);
}

double get_scalar(const TileView& t, int64_t row, int64_t col) {
  const uint8_t* p = element(t, row, col);
  switch (t.dtype) {
    case DType::F32:
      return static_cast<double>(read_as<float>(p));
    case DType::BF16:
      return static_cast<double>(bf16_to_f32(read_as<uint16_t>(p)));
    case DType::F16:
      return static_cast<double>(f16_to_f32(read_as<uint16_t>(p)));
    default:
      return static_cast<double>(get_integer(p, t.dtype));
  }
}

void set_scalar(const TileView& t, int64_t row, int64_t col, double value) {
  uint8_t* p = const_cast<uint8_t*>(element(t, row, col));
  switch (t.dtype) {
    case DType::F32:
      return write_as(p, static_cast<float>(value));
    case DType::BF16:
      return write_as(p, f32_to_bf16(static_cast<float>(value)));
    case DType::F16:
      return write_as(p, f32_to_f16(static_cast<float>(value)));
    default:
      return set_integer(p, t.dtype, static_cast<int64_t>(low_bits(value)));
  }
}

int64_t get_integer(const uint8_t* p, DType t) {
  switch (t) {
    case DType::I8:
      return read_as<int8_t>(p);
    case DType::U8:
      return read_as<uint8_t>(p);
    case DType::I16:
      return read_as<int16_t>(p);
    case DType::U16:
      return read_as<uint16_t>(p);
    case DType::I32:
      return read_as<int32_t>(p);
    case DType::U32:
      return read_as<uint32_t>(p);
    case DType::I64:
      return read_as<int64_t>(p);
    case DType::F32:
    case DType::BF16:
    case DType::F16:
      break;
  }
  throw Error("isa.dtype", fmt::format("{} is not an integer type", name(t)));
}

void set_integer(uint8_t* p, DType t, int64_t value) {
  switch (t) {
    case DType::I8:
    case DType::U8:
      return write_as(p, static_cast<uint8_t>(value));
    case DType::I16:
    case DType::U16:
      return write_as(p, static_cast<uint16_t>(value));
    case DType::I32:
    case DType::U32:
      return write_as(p, static_cast<uint32_t>(value));
    case DType::I64:
      return write_as(p, value);
    case DType::F32:
    case DType::BF16:
    case DType::F16:
      break;
  }
  throw Error("isa.dtype", fmt::format("{} is not an integer type", name(t)));
}

}  // namespace isa
