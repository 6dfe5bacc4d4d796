#include "lang/world.h"

#include <string>
#include <utility>

#include "isa/error.h"
#include "lang/gm_storage.h"
#include "lang/world_impl.h"

namespace pl {
namespace {

constexpr int kRanksMax = 256;

thread_local Seat seat;

class SeatGuard {
 public:
  explicit SeatGuard(Seat taken) { seat = taken; }
  ~SeatGuard() { seat = Seat{}; }
  SeatGuard(const SeatGuard&) = delete;
  SeatGuard& operator=(const SeatGuard&) = delete;
};

}  // namespace

Seat seat_of_thread() { return seat; }

World::World(int ranks, WorldOptions options) {
  if (ranks < 1 || ranks > kRanksMax)
    throw isa::Error("lang.world-size", "a world of " + std::to_string(ranks) + " ranks; 1.." +
                                            std::to_string(kRanksMax) + " are possible");
  impl_ = std::make_unique<Impl>(ranks, std::move(options));
}

World::~World() = default;

int World::ranks() const { return impl_->ranks; }

WindowId World::alloc_window(int64_t bytes) {
  if (bytes <= 0)
    throw isa::Error("lang.window-bytes", "a window of " + std::to_string(bytes) + " bytes");
  WindowStore& store = impl_->windows.emplace_back();
  store.bytes = bytes;
  for (int r = 0; r < impl_->ranks; ++r)
    store.copies.push_back(allocate_gm(bytes, DType::U8, false));
  return WindowId(static_cast<uint32_t>(impl_->windows.size() - 1));
}

uint8_t* World::window_bytes(WindowId window, int rank) {
  if (window.value >= impl_->windows.size())
    throw isa::Error("lang.no-window", "the world has no such window");
  if (rank < 0 || rank >= impl_->ranks)
    throw isa::Error("lang.peer", "rank " + std::to_string(rank) + " of a world of " +
                                      std::to_string(impl_->ranks));
  return impl_->windows[window.value].copies[static_cast<size_t>(rank)].get();
}

void World::run(const std::function<void(int)>& body) {
  for (WindowStore& window : impl_->windows) {
    window.initial.clear();
    for (const auto& copy : window.copies)
      window.initial.push_back(copy_gm(copy.get(), window.bytes));
  }
  impl_->turns.run(
      [&](int rank) {
        SeatGuard guard({impl_.get(), rank});
        body(rank);
      },
      "lang.rank-deadlock");
}

}  // namespace pl
