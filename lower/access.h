// Byte windows of one memory and who touched them: the conflict test behind sync.cpp.
#pragma once

#include <cstdint>
#include <vector>

#include "isa/types.h"

namespace lower {

/// `runs` pieces of `width` bytes, `pitch` bytes apart, from `lo`.
struct ByteWindow {
  int64_t lo = 0, width = 0, pitch = 0;
  int32_t runs = 0;

  int64_t hi() const { return lo + (runs - 1) * pitch + width; }
  bool contiguous() const { return runs == 1; }
};

/// Normalises: pieces that touch become one.
ByteWindow make_window(int64_t lo, int64_t width, int64_t pitch, int32_t runs);

/// Exact for two windows of equal pitch and when one is contiguous; else compares hulls.
bool overlap(const ByteWindow& a, const ByteWindow& b);

/// True only when every byte of `b` is in `a` (may miss odd shapes).
bool covers(const ByteWindow& a, const ByteWindow& b);

/// The accesses of one memory that later ones can still conflict with.
class AccessHistory {
 public:
  struct Access {
    ByteWindow window;
    uint32_t index = 0;  ///< instruction + 1
    isa::Pipe pipe = isa::Pipe::S;
    bool write = false;
    bool releases_early = false;  ///< a store: its sources are free once they have been read
  };

  void clear() {
    accesses_.clear();
    compact_at_ = kCompactAt;
  }

  /// Calls conflict(earlier) for every earlier access that conflicts with `a`, then records `a`.
  template <class F>
  void visit(const Access& a, F&& conflict) {
    bool recorded = false;
    for (size_t i = 0; i < accesses_.size();) {
      Access& e = accesses_[i];
      if (e.window.lo >= a.window.hi() || a.window.lo >= e.window.hi() ||
          !overlap(e.window, a.window)) {
        ++i;
        continue;
      }
      if ((a.write || e.write) && e.index != a.index) conflict(e);
      if (a.write && covers(a.window, e.window)) {
        e = accesses_.back();  // whoever conflicts with e conflicts with a, which waits for e
        accesses_.pop_back();
        continue;
      }
      if (a.write == e.write && e.pipe == a.pipe && e.releases_early == a.releases_early &&
          covers(a.window, e.window)) {  // a later access of a pipe stands for its earlier ones
        if (recorded) {
          e = accesses_.back();
          accesses_.pop_back();
          continue;
        }
        e = a;
        recorded = true;
      }
      ++i;
    }
    if (recorded) return;
    accesses_.push_back(a);
    if (accesses_.size() > compact_at_) compact();
  }

 private:
  static constexpr size_t kCompactAt = 96;

  /// Merges touching windows of one pipe and kind; only ever adds order, never loses it.
  void compact();

  std::vector<Access> accesses_;
  size_t compact_at_ = kCompactAt;
};

}  // namespace lower
