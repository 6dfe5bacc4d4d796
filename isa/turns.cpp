#include "isa/turns.h"

#include <thread>
#include <utility>

#include "isa/error.h"

namespace isa {

Turns::Turns(int fibres, WhileBlocked while_blocked)
    : while_blocked_(std::move(while_blocked)), fibres_(static_cast<size_t>(fibres)) {
  if (!while_blocked_) while_blocked_ = [](const std::function<void()>& wait) { wait(); };
}

void Turns::run(const std::function<void(int)>& body, const std::string& deadlock_id) {
  deadlock_id_ = deadlock_id;
  for (Fibre& f : fibres_) f = Fibre{};
  error_ = nullptr;
  cancelled_ = false;
  turn_ = fibres_.empty() ? kNobody : 0;
  std::vector<std::thread> threads;
  threads.reserve(fibres_.size());
  for (int i = 0; i < static_cast<int>(fibres_.size()); ++i)
    threads.emplace_back([this, i, &body] { enter(i, body); });
  while_blocked_([&] {
    for (std::thread& t : threads) t.join();
  });
  if (error_) std::rethrow_exception(error_);
}

void Turns::enter(int fibre, const std::function<void(int)>& body) {
  {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return turn_ == fibre; });
  }
  try {
    if (!cancelled_) body(fibre);
  } catch (const Cancelled&) {
  } catch (...) {
    if (!error_) error_ = std::current_exception();
    cancelled_ = true;
  }
  std::lock_guard<std::mutex> lock(mutex_);
  fibres_[static_cast<size_t>(fibre)].state = State::Done;
  pass_on(fibre);
}

void Turns::wait(int fibre, std::function<bool()> ready, std::function<std::string()> describe) {
  Fibre& f = fibres_[static_cast<size_t>(fibre)];
  {
    std::lock_guard<std::mutex> lock(mutex_);
    f.state = State::Waiting;
    f.ready = std::move(ready);
    f.describe = std::move(describe);
    pass_on(fibre);
  }
  while_blocked_([&] {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return turn_ == fibre; });
  });
  f = Fibre{};
  if (cancelled_) throw Cancelled{};
}

/// With the mutex held.
void Turns::pass_on(int from) {
  turn_ = next_after(from);
  if (turn_ == kNobody && !cancelled_) {
    const std::string who = deadlock();
    if (!who.empty()) {
      error_ = std::make_exception_ptr(Error(deadlock_id_, who));
      cancelled_ = true;
      turn_ = next_after(from);
    }
  }
  changed_.notify_all();
}

/// Fibres of a cancelled run are let go one after the other to unwind.
int Turns::next_after(int from) const {
  const int n = static_cast<int>(fibres_.size());
  for (int step = 1; step <= n; ++step) {
    const int i = (from + step) % n;
    const Fibre& f = fibres_[static_cast<size_t>(i)];
    if (f.state == State::Done) continue;
    if (cancelled_ || f.state == State::Ready || f.ready()) return i;
  }
  return kNobody;
}

/// Empty when all fibres have ended.
std::string Turns::deadlock() const {
  std::string waiting, ended;
  for (size_t i = 0; i < fibres_.size(); ++i) {
    if (fibres_[i].state == State::Waiting)
      waiting += (waiting.empty() ? "" : "; ") + fibres_[i].describe();
    else
      ended += (ended.empty() ? "" : ", ") + std::to_string(i);
  }
  if (waiting.empty()) return "";
  return "the ranks wait for each other: " + waiting +
         (ended.empty() ? "" : "; already ended: rank " + ended);
}

}  // namespace isa
