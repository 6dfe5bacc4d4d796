#include "isa/interpreter_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "isa/error.h"

namespace isa::interp {
namespace {

constexpr uint8_t kPoison = 0xCB;  // a large negative value in every type, and not a round one
constexpr int32_t kFractalRows = 16;

int64_t element_size(const TileOperand& o) { return static_cast<int64_t>(size_of(o.dtype)); }

/// Calls f(byte offset in the memory, window row, window column, elements) for every run of
/// elements that lie side by side both in the memory and in a row of the window. ND, NZ and ZZ
/// only.
template <class F>
void for_each_run(const TileOperand& o, int32_t rows, int32_t cols, F&& f) {
  const int64_t size = element_size(o);
  if (o.layout == Layout::ND) {
    for (int32_t r = 0; r < rows; ++r)
      f(o.addr + (static_cast<int64_t>(o.row0 + r) * o.tile_cols + o.col0) * size, r, 0, cols);
    return;
  }
  const int32_t strip = c0(o.dtype, o.space);
  for (int32_t r0 = 0; r0 < rows;) {
    int32_t r1 = rows;  // end of the band: in it one fractal row follows the other
    if (o.layout == Layout::ZZ)
      r1 = std::min(rows, r0 + kFractalRows - (o.row0 + r0) % kFractalRows);
    for (int32_t c = 0; c < cols;) {
      const int32_t n = std::min(cols - c, strip - (o.col0 + c) % strip);
      int64_t at = o.addr + element_index(o.layout, o.space, o.dtype, o.tile_rows, o.tile_cols,
                                          o.row0 + r0, o.col0 + c) *
                                size;
      for (int32_t r = r0; r < r1; ++r, at += strip * size) f(at, r, c, n);
      c += n;
    }
    r0 = r1;
  }
}

/// memcpy with the lengths that matter (32 B and 64 B fractal rows) known to the compiler.
inline void copy_run(uint8_t* to, const uint8_t* from, int64_t bytes) {
  if (bytes == 32)
    std::memcpy(to, from, 32);
  else if (bytes == 64)
    std::memcpy(to, from, 64);
  else
    std::memcpy(to, from, static_cast<size_t>(bytes));
}

template <class T>
void gather_transposed(const TileOperand& t, int32_t rows, int32_t cols, const uint8_t* memory,
                       uint8_t* dense, int64_t stride) {
  T* const out = reinterpret_cast<T*>(dense);
  for_each_run(t, rows, cols, [&](int64_t at, int32_t r, int32_t c, int32_t n) {
    const T* from = reinterpret_cast<const T*>(memory + at);
    for (int32_t i = 0; i < n; ++i) out[(c + i) * stride + r] = from[i];
  });
}

template <class T>
void scatter_transposed(const TileOperand& t, int32_t rows, int32_t cols, const uint8_t* dense,
                        int64_t stride, uint8_t* memory) {
  const T* const in = reinterpret_cast<const T*>(dense);
  for_each_run(t, rows, cols, [&](int64_t at, int32_t r, int32_t c, int32_t n) {
    T* to = reinterpret_cast<T*>(memory + at);
    for (int32_t i = 0; i < n; ++i) to[i] = in[(c + i) * stride + r];
  });
}

int64_t address_alignment(MemSpace s) {  // hardware.md §2.2
  switch (s) {
    case MemSpace::L0A:
    case MemSpace::L0B:
      return 512;
    case MemSpace::L0C:
      return 64;
    default:
      return 32;
  }
}

}  // namespace

TileOperand transposed(const TileOperand& o) {
  if (o.layout != Layout::NZ && o.layout != Layout::ZN)
    throw Error("isa.operand", describe(o) + ": a " + std::string(name(o.layout)) +
                                   " tile has no transposed view");
  TileOperand t = o;
  t.layout = o.layout == Layout::NZ ? Layout::ZN : Layout::NZ;
  std::swap(t.tile_rows, t.tile_cols);
  std::swap(t.row0, t.col0);
  std::swap(t.rows, t.cols);
  std::swap(t.valid_rows, t.valid_cols);
  return t;
}

void append_byte_ranges(const TileOperand& o, int32_t rows, int32_t cols,
                        std::vector<ByteRange>& out) {
  if (rows <= 0 || cols <= 0) return;
  if (o.layout == Layout::ZN) return append_byte_ranges(transposed(o), cols, rows, out);
  const int64_t size = element_size(o);
  const size_t first = out.size();
  for_each_run(o, rows, cols, [&](int64_t at, int32_t, int32_t, int32_t n) {
    if (out.size() > first && out.back().end == at)
      out.back().end = at + n * size;
    else
      out.push_back({at, at + n * size});
  });
}

void gather(const TileOperand& o, int32_t rows, int32_t cols, const uint8_t* memory, uint8_t* dense,
            int64_t stride) {
  const int64_t size = element_size(o);
  if (o.layout != Layout::ZN) {
    for_each_run(o, rows, cols, [&](int64_t at, int32_t r, int32_t c, int32_t n) {
      copy_run(dense + (r * stride + c) * size, memory + at, n * size);
    });
    return;
  }
  const TileOperand t = transposed(o);
  if (size == 1) return gather_transposed<uint8_t>(t, cols, rows, memory, dense, stride);
  if (size == 2) return gather_transposed<uint16_t>(t, cols, rows, memory, dense, stride);
  if (size == 4) return gather_transposed<uint32_t>(t, cols, rows, memory, dense, stride);
  gather_transposed<uint64_t>(t, cols, rows, memory, dense, stride);
}

void scatter(const TileOperand& o, int32_t rows, int32_t cols, const uint8_t* dense, int64_t stride,
             uint8_t* memory) {
  const int64_t size = element_size(o);
  if (o.layout != Layout::ZN) {
    for_each_run(o, rows, cols, [&](int64_t at, int32_t r, int32_t c, int32_t n) {
      copy_run(memory + at, dense + (r * stride + c) * size, n * size);
    });
    return;
  }
  const TileOperand t = transposed(o);
  if (size == 1) return scatter_transposed<uint8_t>(t, cols, rows, dense, stride, memory);
  if (size == 2) return scatter_transposed<uint16_t>(t, cols, rows, dense, stride, memory);
  if (size == 4) return scatter_transposed<uint32_t>(t, cols, rows, dense, stride, memory);
  scatter_transposed<uint64_t>(t, cols, rows, dense, stride, memory);
}

std::string describe(const TileOperand& o) {
  std::string text = fmt::format("{} tile [{}x{}] {} at {:#x}", name(o.space), o.tile_rows,
                                 o.tile_cols, name(o.dtype), o.addr);
  if (o.row0 != 0 || o.col0 != 0 || o.rows != o.tile_rows || o.cols != o.tile_cols)
    text += fmt::format(" window [{}x{}] at ({}, {})", o.rows, o.cols, o.row0, o.col0);
  return text;
}

void LocalMemory::reset() {
  if (bytes_.empty()) {
    bytes_.assign(static_cast<size_t>(size_), kPoison);
    written_.assign(static_cast<size_t>(size_), 0);
  }
  std::fill_n(bytes_.begin(), high_water_, kPoison);
  std::fill_n(written_.begin(), high_water_, uint8_t{0});
  high_water_ = 0;
}

void LocalMemory::check(const TileOperand& o, const char* role, bool scalar, bool fractal_start) {
  if (o.row0 + o.rows > o.tile_rows || o.col0 + o.cols > o.tile_cols || o.valid_rows > o.rows ||
      o.valid_cols > o.cols)
    throw Error("isa.out-of-bounds",
                fmt::format("{} {}: valid part [{}x{}] or window leaves its tile", role,
                            describe(o), o.valid_rows, o.valid_cols));
  const int64_t end = o.addr + tile_bytes(o.layout, o.space, o.dtype, o.tile_rows, o.tile_cols);
  if (end > size_)
    throw Error("isa.out-of-bounds", fmt::format("{} {} ends at {}, {} has {} B", role, describe(o),
                                                 end, name(space_), size_));
  high_water_ = std::max(high_water_, end);

  const int64_t size = element_size(o);
  const int64_t align = scalar ? size : address_alignment(o.space);
  int64_t start = o.addr;
  if (o.layout == Layout::ND) start += (static_cast<int64_t>(o.row0) * o.tile_cols + o.col0) * size;
  if (o.addr % align != 0 || start % align != 0)
    throw Error("isa.misaligned", fmt::format("{} {} starts at {:#x}, {} needs {} B alignment",
                                              role, describe(o), start, name(space_), align));
  if (scalar) return;
  if (o.layout == Layout::ND && o.rows > 1 && o.cols != o.tile_cols &&
      (o.tile_cols * size) % align != 0)
    throw Error("isa.misaligned", fmt::format("{} {}: row pitch {} B is not a multiple of {} B",
                                              role, describe(o), o.tile_cols * size, align));
  if (fractal_start && o.layout != Layout::ND) {
    const int32_t strip = c0(o.dtype, o.space);
    const int32_t row_step = o.layout == Layout::ZN ? strip : kFractalRows;
    const int32_t col_step = o.layout == Layout::ZN ? kFractalRows : strip;
    if (o.row0 % row_step != 0 || o.col0 % col_step != 0)
      throw Error("isa.misaligned", fmt::format("{} {} does not start on a [{}x{}] fractal", role,
                                                describe(o), row_step, col_step));
  }
}

void LocalMemory::require_written(const std::vector<ByteRange>& ranges, const TileOperand& o,
                                  const char* role) const {
  for (const ByteRange& r : ranges) {
    const void* hole =
        std::memchr(written_.data() + r.begin, 0, static_cast<size_t>(r.end - r.begin));
    if (hole == nullptr) continue;
    const int64_t at = static_cast<const uint8_t*>(hole) - written_.data();
    throw Error("isa.uninitialised",
                fmt::format("{} {}: byte {:#x} was never written", role, describe(o), at));
  }
}

void LocalMemory::mark_written(const std::vector<ByteRange>& ranges) {
  for (const ByteRange& r : ranges)
    std::memset(written_.data() + r.begin, 1, static_cast<size_t>(r.end - r.begin));
}

void LocalMemory::poison(const std::vector<ByteRange>& ranges) {
  for (const ByteRange& r : ranges) {
    std::memset(bytes_.data() + r.begin, kPoison, static_cast<size_t>(r.end - r.begin));
    std::memset(written_.data() + r.begin, 0, static_cast<size_t>(r.end - r.begin));
  }
}

TileView nd_view(const TileOperand& o, uint8_t* memory) {
  TileView v;
  v.data =
      memory + o.addr + (static_cast<int64_t>(o.row0) * o.tile_cols + o.col0) * element_size(o);
  v.dtype = o.dtype;
  v.rows = o.rows;
  v.cols = o.cols;
  v.valid_rows = o.valid_rows;
  v.valid_cols = o.valid_cols;
  v.stride = o.tile_cols;
  return v;
}

}  // namespace isa::interp
