// Scalar helpers of the vocabulary. Scalars are plain C++ numbers: values are concrete while a
// program runs, so `if`, `and`, `//` and `%` are host arithmetic (kernel-language.md §4.2).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace pl {

constexpr int64_t min(int64_t a, int64_t b) { return b < a ? b : a; }
constexpr int64_t max(int64_t a, int64_t b) { return a < b ? b : a; }

/// A typed scalar constant (pl.const).
template <class T>
constexpr T constant(T value) {
  return value;
}

/// Scalar cast (pl.cast on a scalar): a float goes to an integer by truncation, as in C.
template <class T, class From>
constexpr T cast_scalar(From value) {
  return static_cast<T>(value);
}

/// pl.array.create: a small array of task ids or integers on the stack of the AICPU or the core.
template <class T, size_t N>
using Array = std::array<T, N>;

}  // namespace pl
