// The state behind pl::World.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "isa/turns.h"
#include "lang/world.h"

namespace pl {

struct WindowStore {
  int64_t bytes = 0;
  std::vector<std::shared_ptr<uint8_t>> copies;         ///< by rank
  std::vector<std::shared_ptr<const uint8_t>> initial;  ///< the copies when `run` began
};

class World::Impl {
 public:
  Impl(int n, WorldOptions options) : ranks(n), turns(n, std::move(options.while_blocked)) {}

  const int ranks;
  isa::Turns turns;
  std::vector<WindowStore> windows;  ///< by WindowId
};

/// The rank a thread works for; no world: none.
struct Seat {
  World::Impl* world = nullptr;
  int rank = 0;
};
Seat seat_of_thread();

}  // namespace pl
