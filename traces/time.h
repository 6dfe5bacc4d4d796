// Simulated time: integer picoseconds, never a double (design.md §4).
#pragma once

#include <cstdint>

namespace traces {

struct Picoseconds {
  int64_t value = 0;

  constexpr Picoseconds() = default;
  constexpr explicit Picoseconds(int64_t ps) : value(ps) {}
  static constexpr Picoseconds from_ns(int64_t ns) { return Picoseconds(ns * 1000); }
  constexpr double us() const { return static_cast<double>(value) / 1e6; }

  constexpr Picoseconds& operator+=(Picoseconds b) {
    value += b.value;
    return *this;
  }
  constexpr Picoseconds& operator-=(Picoseconds b) {
    value -= b.value;
    return *this;
  }
  friend constexpr Picoseconds operator+(Picoseconds a, Picoseconds b) {
    return Picoseconds(a.value + b.value);
  }
  friend constexpr Picoseconds operator-(Picoseconds a, Picoseconds b) {
    return Picoseconds(a.value - b.value);
  }
  friend constexpr Picoseconds operator*(Picoseconds a, int64_t k) {
    return Picoseconds(a.value * k);
  }
  friend constexpr bool operator==(Picoseconds a, Picoseconds b) { return a.value == b.value; }
  friend constexpr bool operator!=(Picoseconds a, Picoseconds b) { return a.value != b.value; }
  friend constexpr bool operator<(Picoseconds a, Picoseconds b) { return a.value < b.value; }
  friend constexpr bool operator<=(Picoseconds a, Picoseconds b) { return a.value <= b.value; }
  friend constexpr bool operator>(Picoseconds a, Picoseconds b) { return a.value > b.value; }
  friend constexpr bool operator>=(Picoseconds a, Picoseconds b) { return a.value >= b.value; }
};

}  // namespace traces
