// Tiles with guarded surroundings, seeded values and slow reference arithmetic for the isa tests.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "isa/error.h"
#include "isa/semantics.h"

namespace isa_test {

using isa::DType;
using isa::Opcode;
using isa::RoundMode;
using isa::TileView;

/// Host instruction sets this machine has.
inline std::vector<std::string> host_isas() {
  std::vector<std::string> found;
  for (const char* name : {"x86-64-v2", "x86-64-v3", "x86-64-v4"}) {
    try {
      isa::force_host_isa(name);
      found.push_back(name);
    } catch (const isa::Error&) {
    }
  }
  isa::force_host_isa("");
  return found;
}

/// Runs `body` once for every host instruction set.
template <class F>
void on_every_host(F body) {
  for (const std::string& name : host_isas()) {
    INFO("host " << name);
    isa::force_host_isa(name.c_str());
    body();
  }
  isa::force_host_isa("");
}

// --- 16-bit floats as tables of exact values ----------------------------------------------------

/// A small float format: `values[bits]` for the non-negative patterns up to infinity.
struct Format {
  std::vector<double> values;

  Format(int exponent_bits, int mantissa_bits) {
    const int infinity = ((1 << exponent_bits) - 1) << mantissa_bits;
    const int bias = (1 << (exponent_bits - 1)) - 1;
    for (int bits = 0; bits <= infinity; ++bits) {
      const int e = bits >> mantissa_bits, m = bits & ((1 << mantissa_bits) - 1);
      values.push_back(e == 0 ? std::ldexp(m, 1 - bias - mantissa_bits)
                              : std::ldexp((1 << mantissa_bits) + m, e - bias - mantissa_bits));
    }  // the pattern of infinity gets the value the next binade would have
  }
  int infinity() const { return static_cast<int>(values.size()) - 1; }

  double decode(uint16_t bits) const {
    const int magnitude = bits & 0x7fff;
    double v = std::numeric_limits<double>::quiet_NaN();
    if (magnitude < infinity()) v = values[magnitude];
    if (magnitude == infinity()) v = std::numeric_limits<double>::infinity();
    return (bits & 0x8000) != 0 ? -v : v;
  }
  /// Chooses between the two neighbours of x. Not for NaN.
  uint16_t encode(double x, RoundMode mode) const {
    const bool negative = std::signbit(x);
    const double ax = std::fabs(x);
    int bits;
    if (std::isinf(x)) {
      bits = infinity();
    } else {
      int low =
          static_cast<int>(std::upper_bound(values.begin(), values.end(), ax) - values.begin()) - 1;
      low = std::min(low, infinity() - 1);
      const double below = ax - values[low], above = values[low + 1] - ax;
      bool up = false;
      switch (mode) {
        case RoundMode::None:
        case RoundMode::Rint:
          up = below > above || (below == above && low % 2 == 1);
          break;
        case RoundMode::Round:
          up = below >= above;
          break;
        case RoundMode::Floor:
          up = negative && below > 0;
          break;
        case RoundMode::Ceil:
          up = !negative && below > 0;
          break;
        case RoundMode::Trunc:
          break;
        case RoundMode::Odd:
          up = below > 0 && low % 2 == 0;
          break;
      }
      bits = low + (up ? 1 : 0);
    }
    return static_cast<uint16_t>(bits | (negative ? 0x8000 : 0));
  }
};
inline const Format& f16() {
  static const Format format(5, 10);
  return format;
}
inline const Format& bf16() {
  static const Format format(8, 7);
  return format;
}

constexpr RoundMode kModes[] = {RoundMode::None,  RoundMode::Rint, RoundMode::Round,
                                RoundMode::Floor, RoundMode::Ceil, RoundMode::Trunc,
                                RoundMode::Odd};

// --- tiles --------------------------------------------------------------------------------------

inline bool is_float(DType t) { return t == DType::F32 || t == DType::F16 || t == DType::BF16; }

/// A tile inside a larger block of memory, so that rows are apart and everything around is guarded.
class Tile {
 public:
  Tile(DType t, int rows, int cols, int valid_rows = -1, int valid_cols = -1, int gap = 3)
      : bytes(static_cast<size_t>((rows + 2) * (cols + gap) + 8) * isa::size_of(t), 0xa5) {
    const size_t lead = static_cast<size_t>(cols + gap) * isa::size_of(t);
    view = {bytes.data() + lead,
            t,
            rows,
            cols,
            valid_rows < 0 ? rows : valid_rows,
            valid_cols < 0 ? cols : valid_cols,
            cols + gap};
  }
  Tile(const Tile& other) : bytes(other.bytes), view(other.view) {
    view.data = bytes.data() + (other.view.data - other.bytes.data());
  }
  Tile& operator=(const Tile&) = delete;

  template <class T>
  T& at(int r, int c) {
    return view.row<T>(r)[c];
  }
  template <class T>
  T at(int r, int c) const {
    return view.row<T>(r)[c];
  }

  /// The element as double, decoded here and not by the library.
  double value(int r, int c) const {
    switch (view.dtype) {
      case DType::F32:
        return static_cast<double>(at<float>(r, c));
      case DType::BF16:
        return bf16().decode(at<uint16_t>(r, c));
      case DType::F16:
        return f16().decode(at<uint16_t>(r, c));
      case DType::I8:
        return at<int8_t>(r, c);
      case DType::U8:
        return at<uint8_t>(r, c);
      case DType::I16:
        return at<int16_t>(r, c);
      case DType::U16:
        return at<uint16_t>(r, c);
      case DType::I32:
        return at<int32_t>(r, c);
      case DType::U32:
        return at<uint32_t>(r, c);
      case DType::I64:
        return static_cast<double>(at<int64_t>(r, c));
    }
    return 0;
  }
  /// Bits of the element.
  uint64_t bits(int r, int c) const {
    uint64_t b = 0;
    std::memcpy(&b,
                view.data + (r * view.stride + c) * static_cast<int64_t>(isa::size_of(view.dtype)),
                isa::size_of(view.dtype));
    return b;
  }

  std::vector<uint8_t> bytes;
  TileView view;
};

/// A contiguous [M,1] column.
inline Tile column(DType t, int rows) {
  Tile c(t, 1, rows);
  c.view.rows = c.view.valid_rows = rows;
  c.view.cols = c.view.valid_cols = 1;
  c.view.stride = 1;
  return c;
}

using Random = std::mt19937;

/// Ordinary values of both signs over some binades, or the whole range of a small integer.
inline void fill_ordinary(Tile& t, Random& random) {
  std::uniform_real_distribution<double> mantissa(1, 2);
  std::uniform_int_distribution<int> exponent(-6, 6), sign(0, 1);
  std::uniform_int_distribution<uint64_t> any;
  for (int r = 0; r < t.view.rows; ++r)
    for (int c = 0; c < t.view.cols; ++c) {
      const double x =
          std::ldexp(sign(random) ? -mantissa(random) : mantissa(random), exponent(random));
      switch (t.view.dtype) {
        case DType::F32:
          t.at<float>(r, c) = static_cast<float>(x);
          break;
        case DType::BF16:
          t.at<uint16_t>(r, c) = bf16().encode(x, RoundMode::Rint);
          break;
        case DType::F16:
          t.at<uint16_t>(r, c) = f16().encode(x, RoundMode::Rint);
          break;
        case DType::I8:
        case DType::U8:
          t.at<uint8_t>(r, c) = static_cast<uint8_t>(any(random));
          break;
        case DType::I16:
        case DType::U16:
          t.at<uint16_t>(r, c) = static_cast<uint16_t>(any(random));
          break;
        case DType::I32:
        case DType::U32:
          t.at<uint32_t>(r, c) = static_cast<uint32_t>(any(random));
          break;
        case DType::I64:
          t.at<uint64_t>(r, c) = any(random);
          break;
      }
    }
}

/// Replaces every seventh element by a special one: zeros, infinities, NaN, extremes.
inline void add_specials(Tile& t, Random& random) {
  const std::vector<uint64_t> f32 = {0,          0x80000000, 0x7f800000, 0xff800000,
                                     0x7fc00000, 0x7f7fffff, 0xff7fffff, 1,
                                     0x80000001, 0x00800000, 0x3f800000};
  const std::vector<uint64_t> half = {0,      0x8000, 0x7c00, 0xfc00, 0x7e00, 0x7bff,
                                      0xfbff, 1,      0x8001, 0x0400, 0x3c00};
  const std::vector<uint64_t> integer = {0,      1,      ~uint64_t{0}, 0x7f,      0x80,
                                         0x7fff, 0x8000, 0x7fffffff,   0x80000000};
  const auto& list = t.view.dtype == DType::F32 ? f32 : t.view.dtype == DType::F16 ? half : integer;
  std::uniform_int_distribution<size_t> pick(0, list.size() - 1), seventh(0, 6);
  for (int r = 0; r < t.view.rows; ++r)
    for (int c = 0; c < t.view.cols; ++c)
      if (seventh(random) == 0) {
        const uint64_t bits = list[pick(random)];
        std::memcpy(t.view.data +
                        (r * t.view.stride + c) * static_cast<int64_t>(isa::size_of(t.view.dtype)),
                    &bits, isa::size_of(t.view.dtype));
      }
}

/// True for a NaN pattern of the type.
inline bool is_nan(DType t, uint64_t bits) {
  switch (t) {
    case DType::F32:
      return (bits & 0x7fffffff) > 0x7f800000;
    case DType::F16:
      return (bits & 0x7fff) > 0x7c00;
    case DType::BF16:
      return (bits & 0x7fff) > 0x7f80;
    default:
      return false;
  }
}
/// Equal bits, or two NaNs.
inline bool same(DType t, uint64_t x, uint64_t y) {
  return x == y || (is_nan(t, x) && is_nan(t, y));
}

inline uint64_t float_bits(float f) {
  uint32_t b;
  std::memcpy(&b, &f, 4);
  return b;
}

/// Counts and remembers mismatches, so that millions of comparisons cost one assertion.
class Mismatches {
 public:
  template <class... Where>
  void expect(bool ok, const Where&... where) {
    if (!ok && count++ == 0) {
      std::ostringstream text;
      ((text << where << ' '), ...);
      first = text.str();
    }
  }
  int count = 0;
  std::string first;
};
#define REQUIRE_NO_MISMATCH(m)    \
  do {                            \
    INFO("first: " << (m).first); \
    REQUIRE((m).count == 0);      \
  } while (false)

/// Compares dst with `expected(r, c)` bits inside rows x cols and with `before` everywhere else.
template <class Expected>
void require_result(const Tile& dst, const Tile& before, int rows, int cols, Expected expected) {
  Mismatches m;
  Tile outside(dst);
  const size_t size = isa::size_of(dst.view.dtype);
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < cols; ++c) {
      const uint64_t want = expected(r, c), got = dst.bits(r, c);
      m.expect(same(dst.view.dtype, want, got), "element", r, c, "is", std::hex, got, "not", want);
      const int64_t at = (r * dst.view.stride + c) * static_cast<int64_t>(size);
      std::memcpy(outside.view.data + at, before.view.data + at, size);
    }
  REQUIRE_NO_MISMATCH(m);
  REQUIRE(outside.bytes == before.bytes);
}

/// Runs an instruction on tiles.
inline void run(Opcode op, const Tile& dst, const std::vector<const Tile*>& src,
                const isa::Attr& attr = {}) {
  std::vector<TileView> views;
  for (const Tile* t : src) views.push_back(t->view);
  isa::execute(op, attr, dst.view, views.data(), static_cast<int>(views.size()));
}

/// The id of the isa::Error `f` throws, "" if none.
template <class F>
std::string error_id(F f) {
  try {
    f();
  } catch (const isa::Error& e) {
    return e.id();
  }
  return "";
}

}  // namespace isa_test
