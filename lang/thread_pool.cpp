#include "lang/thread_pool.h"

#include <algorithm>
#include <utility>

namespace pl {

ThreadPool::ThreadPool(int threads)
    : threads_(threads > 0 ? threads
                           : std::max(1, static_cast<int>(std::thread::hardware_concurrency()))) {}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (std::thread& t : workers_) t.join();
}

void ThreadPool::for_each(int64_t n, const std::function<void(int64_t)>& f) {
  if (threads_ == 1 || n <= 1) {
    for (int64_t i = 0; i < n; ++i) f(i);
    return;
  }
  while (static_cast<int>(workers_.size()) < threads_ - 1)
    workers_.emplace_back([this] { work(); });
  std::unique_lock<std::mutex> lock(mutex_);
  job_ = Job{&f, n, 0, n, nullptr};
  ++generation_;
  wake_.notify_all();
  take_part(lock);
  idle_.wait(lock, [this] { return busy_ == 0; });
  job_.f = nullptr;
  if (job_.error) std::rethrow_exception(std::exchange(job_.error, nullptr));
}

void ThreadPool::work() {
  uint64_t seen = 0;
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return stop_ || generation_ != seen; });
    if (stop_) return;
    seen = generation_;
    take_part(lock);
  }
}

// Indices are handed out in ascending order, so all indices before a failing one have been started.
void ThreadPool::take_part(std::unique_lock<std::mutex>& lock) {
  while (job_.f != nullptr && job_.next < std::min(job_.n, job_.first_failure)) {
    const int64_t index = job_.next++;
    const std::function<void(int64_t)>& f = *job_.f;
    ++busy_;
    lock.unlock();
    std::exception_ptr error;
    try {
      f(index);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    if (error && index < job_.first_failure) {
      job_.first_failure = index;
      job_.error = error;
    }
    if (--busy_ == 0) idle_.notify_all();
  }
}

}  // namespace pl
