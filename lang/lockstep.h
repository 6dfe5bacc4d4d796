// Blocks that meet at barriers (pl::syncall) as fibres: one at a time, in index order, each on a
// thread of its own.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <vector>

namespace pl {

class Lockstep {
 public:
  /// Runs body(0) .. body(n-1); `between` runs each time all of them have reached the barrier.
  /// Rethrows the first failure. Returns false when some blocks ended while others still waited.
  bool run(int64_t n, const std::function<void(int64_t)>& body,
           const std::function<void()>& between);
  /// Called by block `index`: waits until every block has arrived.
  void barrier(int64_t index);

 private:
  enum class State : uint8_t { Ready, Running, AtBarrier, Done };
  struct Cancelled {};

  void resume(int64_t index);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<State> states_;
  std::vector<std::exception_ptr> errors_;
  int64_t turn_ = -1;  ///< block that may run; -1 = the coordinator
  bool cancelled_ = false;
};

}  // namespace pl
