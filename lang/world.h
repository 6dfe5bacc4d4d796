// Programs of several ranks: one session per rank, symmetric windows they reach into.
//
//   pl::World world(2);
//   const pl::WindowId data = world.alloc_window(64 * 4);
//   world.run([&](int rank) {
//     pl::Session session("shift");
//     pl::Tensor d = pl::window(data, isa::DType::F32, {1, 64});
//     ...                                    // lang/ranks.h: remote_store, put, notify, wait
//     programs[rank] = session.finish();
//   });
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "isa/turns.h"
#include "lang/tensor.h"

namespace pl {

using WindowId = isa::Id<struct WindowTag>;  ///< a symmetric window of a world

struct WorldOptions {
  isa::Turns::WhileBlocked while_blocked;  ///< called around everything that blocks a rank
};

/// Ranks of one program. Each runs on a thread of its own, one at a time: rank 0 first; a rank that
/// waits for a flag hands over to the next one that can run, so every run is the same. Blocks of a
/// rank run one after the other. Error "lang.world-size" (not 1..256 ranks).
class World {
 public:
  explicit World(int ranks, WorldOptions options = {});
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  int ranks() const;

  /// A window: every rank has a copy of `bytes` bytes, zero at first. Not while
  /// `run` is active. Error "lang.window-bytes" (not positive).
  WindowId alloc_window(int64_t bytes);
  /// The bytes of a rank's copy, 64 B aligned. Error "lang.no-window", "lang.peer".
  uint8_t* window_bytes(WindowId window, int rank);

  /// Runs body(rank) for all ranks. Sessions opened inside belong to that rank. Rethrows the first
  /// failure. Error "lang.rank-deadlock": every rank that has not ended waits; one line names rank,
  /// scope, source line, flag, its value and what it waits for.
  void run(const std::function<void(int)>& body);

  class Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace pl
