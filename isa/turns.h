// Programs of several ranks as fibres: one at a time, in a fixed order, each on a thread of its
// own.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace isa {

/// The turn starts with fibre 0 and passes, when its holder waits or ends, to the next fibre in
/// ring order that can run. What the fibres do is therefore the same in every run.
class Turns {
 public:
  /// Called around every blocking wait with the wait itself (the Python binding releases its
  /// interpreter lock there).
  using WhileBlocked = std::function<void(const std::function<void()>&)>;

  explicit Turns(int fibres, WhileBlocked while_blocked = {});

  /// Runs body(0) .. body(n-1) to their ends. The first failure ends the others where they wait
  /// and is rethrown. When all that have not ended wait for what cannot come: error `deadlock_id`,
  /// one line that says what each of them waits for.
  void run(const std::function<void(int)>& body, const std::string& deadlock_id);

  /// Called by the fibre whose turn it is: gives the turn away until `ready()` holds. `describe()`
  /// names the wait. Both are called by other fibres' threads.
  void wait(int fibre, std::function<bool()> ready, std::function<std::string()> describe);

 private:
  enum class State : uint8_t { Ready, Waiting, Done };
  struct Fibre {
    State state = State::Ready;
    std::function<bool()> ready;
    std::function<std::string()> describe;
  };
  struct Cancelled {};
  static constexpr int kNobody = -1;

  void enter(int fibre, const std::function<void(int)>& body);
  void pass_on(int from);
  int next_after(int from) const;
  std::string deadlock() const;

  WhileBlocked while_blocked_;
  std::string deadlock_id_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Fibre> fibres_;
  int turn_ = kNobody;
  bool cancelled_ = false;
  std::exception_ptr error_;  ///< the first
};

}  // namespace isa
