#include "lang/gm_storage.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace pl {
namespace {

constexpr int64_t kFineTrackingMax = 64 * 1024;  // bytes of buffers tracked in units of 4 B

/// Does [first, end) meet a row of `gm`? All in bytes.
bool meets(int64_t first, int64_t end, const isa::GmAccess& gm) {
  const auto size = static_cast<int64_t>(isa::size_of(gm.dtype));
  const int64_t start = gm.offset * size, length = gm.row_bytes();
  const int64_t pitch = gm.row_stride * size;
  if (gm.rows <= 0 || length <= 0) return false;
  const int64_t last_start = start + (gm.rows - 1) * pitch;
  if (end <= start || first >= last_start + length) return false;
  if (gm.rows == 1 || pitch <= 0) return true;
  // The last row that starts before `end` is the one that reaches furthest of those.
  const int64_t row = std::min<int64_t>((end - 1 - start) / pitch, gm.rows - 1);
  return start + row * pitch + length > first;
}

/// calloc leaves large buffers as untouched zero pages; the alignment is made by hand.
std::shared_ptr<uint8_t> allocate_zeroed(int64_t bytes) {
  constexpr uintptr_t kAlign = 64;
  void* base = std::calloc(static_cast<size_t>(bytes) + kAlign, 1);
  if (base == nullptr) throw std::bad_alloc();
  const uintptr_t aligned = (reinterpret_cast<uintptr_t>(base) + kAlign - 1) / kAlign * kAlign;
  return {reinterpret_cast<uint8_t*>(aligned), [base](uint8_t*) { std::free(base); }};
}

}  // namespace

bool overlaps(const isa::GmAccess& a, const isa::GmAccess& b) {
  bool hit = false;
  for_each_run(a, [&](int64_t first, int64_t end) { hit = hit || meets(first, end, b); });
  return hit;
}

WriteMap::WriteMap(int64_t bytes)
    : shift_(bytes <= kFineTrackingMax ? 2 : 5),
      words_((bytes >> shift_) / kUnitsPerWord + 1),
      flags_(std::make_unique<std::atomic<Word>[]>(static_cast<size_t>(words_))) {}

WriteMap::Word WriteMap::bits(int64_t w, int64_t first, int64_t last) {
  const int64_t low = std::max<int64_t>(first - w * kUnitsPerWord, 0);
  const int64_t high = std::min<int64_t>(last - w * kUnitsPerWord, kUnitsPerWord - 1);
  return (~Word{0} >> (kUnitsPerWord - 1 - (high - low))) << low;
}

void WriteMap::mark(const isa::GmAccess& gm) {
  for_each_run(gm, [&](int64_t begin, int64_t end) {
    const int64_t first = begin >> shift_, last = (end - 1) >> shift_;
    for (int64_t w = first / kUnitsPerWord; w <= last / kUnitsPerWord; ++w) {
      const Word mask = bits(w, first, last);
      std::atomic<Word>& word = flags_[static_cast<size_t>(w)];
      if (mask == ~Word{0})
        word.store(mask, std::memory_order_relaxed);  // bits are only ever set
      else
        word.fetch_or(mask, std::memory_order_relaxed);
    }
  });
}

void WriteMap::mark_all() {
  for (int64_t w = 0; w < words_; ++w)
    flags_[static_cast<size_t>(w)].store(~Word{0}, std::memory_order_relaxed);
}

int64_t WriteMap::first_unwritten(const isa::GmAccess& gm) const {
  int64_t found = -1;
  for_each_run(gm, [&](int64_t begin, int64_t end) {
    const int64_t first = begin >> shift_, last = (end - 1) >> shift_;
    for (int64_t w = first / kUnitsPerWord; found < 0 && w <= last / kUnitsPerWord; ++w) {
      const Word missing =
          bits(w, first, last) & ~flags_[static_cast<size_t>(w)].load(std::memory_order_relaxed);
      if (missing == 0) continue;
      const int64_t unit = w * kUnitsPerWord + __builtin_ctzll(missing);
      found = std::max(begin, unit << shift_);
    }
  });
  return found;
}

std::shared_ptr<uint8_t> allocate_gm(int64_t bytes, isa::DType dtype, bool poison) {
  if (!poison) return allocate_zeroed(bytes);
  const auto size = static_cast<size_t>((std::max<int64_t>(bytes, 1) + 63) / 64 * 64);
  auto* memory = static_cast<uint8_t*>(std::aligned_alloc(64, size));
  if (memory == nullptr) throw std::bad_alloc();
  const bool is_float =
      dtype == isa::DType::F32 || dtype == isa::DType::BF16 || dtype == isa::DType::F16;
  std::memset(memory, is_float ? 0xff : 0xab, size);
  return {memory, [](uint8_t* p) { std::free(p); }};
}

std::shared_ptr<uint8_t> copy_gm(const uint8_t* from, int64_t bytes) {
  std::shared_ptr<uint8_t> copy = allocate_zeroed(bytes);
  constexpr int64_t kOsPage = 4096;
  for (int64_t at = 0; at < bytes; at += kOsPage) {
    const auto n = static_cast<size_t>(std::min(kOsPage, bytes - at));
    const bool zero = from[at] == 0 && std::memcmp(from + at, from + at + 1, n - 1) == 0;
    if (!zero) std::memcpy(copy.get() + at, from + at, n);
  }
  return copy;
}

}  // namespace pl
