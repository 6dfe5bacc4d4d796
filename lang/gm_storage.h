// Host bytes of a GM buffer and the record of which of them have been written.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "isa/graph.h"
#include "lang/record.h"

namespace pl {

/// Calls f(first_byte, end_byte) for each run of the window (rows that touch count as one run).
template <class F>
void for_each_run(const isa::GmAccess& gm, F f) {
  const auto size = static_cast<int64_t>(isa::size_of(gm.dtype));
  if (gm.rows <= 0 || gm.cols <= 0) return;
  if (gm.row_stride == gm.cols) {
    f(gm.offset * size, (gm.offset + int64_t{gm.rows} * gm.cols) * size);
    return;
  }
  for (int32_t r = 0; r < gm.rows; ++r) {
    const int64_t first = (gm.offset + r * gm.row_stride) * size;
    f(first, first + gm.row_bytes());
  }
}

/// True when the two windows of one buffer share a byte (exact).
bool overlaps(const isa::GmAccess& a, const isa::GmAccess& b);

/// Which parts of a buffer hold data. Kept in units of 4 B for small buffers and 32 B for large
/// ones; a unit counts as written once any byte of it is. Safe to use from several threads.
class WriteMap {
 public:
  explicit WriteMap(int64_t bytes);
  void mark(const isa::GmAccess& gm);
  void mark_all();
  /// First byte of the window that nobody has written, or -1.
  int64_t first_unwritten(const isa::GmAccess& gm) const;

 private:
  using Word = uint64_t;
  static constexpr int64_t kUnitsPerWord = 64;
  /// The bits of units [first, last] that lie in word `w`.
  static Word bits(int64_t w, int64_t first, int64_t last);

  int shift_;
  int64_t words_;
  std::unique_ptr<std::atomic<Word>[]> flags_;  ///< one bit a unit
};

struct GmStorage {
  isa::GmBuffer info;
  BufferStorage storage;
  std::unique_ptr<WriteMap> written;  ///< null: defined from the start (inputs)
  bool read_only = false;

  uint8_t* data() const { return storage.data.get(); }
};

/// Zeroed (poison false) or poisoned memory, 64 B aligned.
std::shared_ptr<uint8_t> allocate_gm(int64_t bytes, isa::DType dtype, bool poison);
/// A copy of `bytes` bytes, 64 B aligned. Pages of zeros are not touched.
std::shared_ptr<uint8_t> copy_gm(const uint8_t* from, int64_t bytes);

}  // namespace pl
