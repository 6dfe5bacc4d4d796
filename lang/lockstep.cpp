#include "lang/lockstep.h"

#include <algorithm>
#include <thread>

namespace pl {

bool Lockstep::run(int64_t n, const std::function<void(int64_t)>& body,
                   const std::function<void()>& between) {
  states_.assign(static_cast<size_t>(n), State::Ready);
  errors_.assign(static_cast<size_t>(n), nullptr);
  std::vector<std::thread> threads;
  threads.reserve(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i)
    threads.emplace_back([this, i, &body] {
      const auto slot = static_cast<size_t>(i);
      {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [&] { return turn_ == i; });
      }
      try {
        if (!cancelled_) body(i);
      } catch (const Cancelled&) {
      } catch (...) {
        errors_[slot] = std::current_exception();
      }
      std::lock_guard<std::mutex> lock(mutex_);
      states_[slot] = State::Done;
      turn_ = -1;
      changed_.notify_all();
    });

  bool matched = true;
  while (true) {
    for (int64_t i = 0; i < n; ++i)
      if (states_[static_cast<size_t>(i)] != State::Done) {
        resume(i);
        if (errors_[static_cast<size_t>(i)]) cancelled_ = true;
      }
    const auto done = std::count(states_.begin(), states_.end(), State::Done);
    if (done == n) break;
    if (done > 0) {
      matched = false;
      cancelled_ = true;
    }
    if (!cancelled_) between();
  }
  for (std::thread& t : threads) t.join();
  for (const std::exception_ptr& e : errors_)
    if (e) std::rethrow_exception(e);
  return matched;
}

void Lockstep::resume(int64_t index) {
  std::unique_lock<std::mutex> lock(mutex_);
  states_[static_cast<size_t>(index)] = State::Running;
  turn_ = index;
  changed_.notify_all();
  changed_.wait(lock, [this] { return turn_ == -1; });
}

void Lockstep::barrier(int64_t index) {
  std::unique_lock<std::mutex> lock(mutex_);
  states_[static_cast<size_t>(index)] = State::AtBarrier;
  turn_ = -1;
  changed_.notify_all();
  changed_.wait(lock, [&] { return turn_ == index; });
  if (cancelled_) throw Cancelled{};
}

}  // namespace pl
