#include "lang/arena.h"

#include <array>
#include <new>

namespace pl {
namespace {

constexpr size_t kAlign = 64;
constexpr int kClasses = 48;
constexpr size_t kCachedBytesMax = size_t{64} << 20;  // per thread; the rest goes back to the heap

int size_class(size_t bytes) {
  return bytes <= kAlign ? 6 : 64 - __builtin_clzll(static_cast<unsigned long long>(bytes - 1));
}

struct FreeBlock {
  FreeBlock* next;
};

/// Outlives the cache itself: tiles in static storage are released after thread-local destructors.
thread_local bool cache_destroyed = false;

struct Cache {
  std::array<FreeBlock*, kClasses> lists{};
  size_t cached_bytes = 0;

  ~Cache() {
    cache_destroyed = true;
    for (FreeBlock* list : lists)
      while (list != nullptr) {
        FreeBlock* next = list->next;
        ::operator delete(list, std::align_val_t(kAlign));
        list = next;
      }
  }
};

thread_local Cache cache;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kRecycle = false;  // let the sanitizer see every allocation
#else
constexpr bool kRecycle = true;
#endif

}  // namespace

void* arena_allocate(size_t bytes) {
  const int cls = size_class(bytes);
  if (kRecycle && !cache_destroyed) {
    FreeBlock*& list = cache.lists[static_cast<size_t>(cls)];
    if (list != nullptr) {
      FreeBlock* block = list;
      list = block->next;
      cache.cached_bytes -= size_t{1} << cls;
      return block;
    }
  }
  return ::operator new (size_t{1} << cls, std::align_val_t(kAlign));
}

void arena_release(void* memory, size_t bytes) noexcept {
  const int cls = size_class(bytes);
  const size_t size = size_t{1} << cls;
  if (!kRecycle || cache_destroyed || cache.cached_bytes + size > kCachedBytesMax) {
    ::operator delete(memory, std::align_val_t(kAlign));
    return;
  }
  auto* block = static_cast<FreeBlock*>(memory);
  FreeBlock*& list = cache.lists[static_cast<size_t>(cls)];
  block->next = list;
  list = block;
  cache.cached_bytes += size;
}

}  // namespace pl
