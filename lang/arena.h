// Recycled host memory for tiles. A program makes tens of thousands of short-lived tiles of a few
// sizes; a free list per thread keeps allocation off the hot path.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pl {

/// 64 B aligned memory from the calling thread's free lists (size classes are powers of two).
/// Memory may be returned by another thread than the one that took it.
void* arena_allocate(size_t bytes);
void arena_release(void* memory, size_t bytes) noexcept;

/// std allocator over the arena, for std::allocate_shared.
template <class T>
struct ArenaAllocator {
  using value_type = T;
  ArenaAllocator() = default;
  template <class U>
  ArenaAllocator(const ArenaAllocator<U>&) {}
  T* allocate(size_t n) { return static_cast<T*>(arena_allocate(n * sizeof(T))); }
  void deallocate(T* p, size_t n) noexcept { arena_release(p, n * sizeof(T)); }
  template <class U>
  bool operator==(const ArenaAllocator<U>&) const {
    return true;
  }
  template <class U>
  bool operator!=(const ArenaAllocator<U>&) const {
    return false;
  }
};

}  // namespace pl
